//! `labnet shell`: a shell in a node is a shell as anywhere, with job control, and leaves the terminal as it was.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    io::Write,
    process::{Output, Stdio},
};

use place::{Place, screen::Screen, until};

/// A shell in a node is root's, without root too.
const PROMPT: &str = "R2:~# ";

fn at_terminal() -> (Place, Screen) {
    let place = Place::new();
    place.two();
    let screen = Screen::open(&place);
    (place, screen)
}

fn in_shell() -> (Place, Screen) {
    let (place, mut screen) = at_terminal();
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    (place, screen)
}

#[test]
fn the_prompt_names_the_node_and_the_folder_is_its_home() {
    let (_place, mut screen) = in_shell();
    screen.line("hostname; pwd; echo $HOME $LABNET_NODE $LABNET_LAB");
    screen.expect("R2\r\n");
    screen.expect("/two/fs/nodes/R2/home\r\n");
    screen.expect("/two/fs/nodes/R2/home R2 two\r\n");
    screen.line("exit 7");
    screen.expect_code(7);
    for (shell, prompt) in [("/bin/sh", "R2$ "), ("/bin/dash", "R2$ "), ("/bin/bash", PROMPT)] {
        screen.line(&format!("SHELL={shell} labnet shell R2"));
        screen.expect(prompt);
        screen.line("exit");
        screen.expect_code(0);
    }
}

#[test]
fn jobs_are_controlled_inside() {
    let (place, mut screen) = in_shell();
    screen.line("sleep 1000");
    let sleep =
        place.process("sleep", |process| process.name == "sleep" && process.in_foreground());
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect(PROMPT);
    assert!(sleep.is_stopped());
    screen.line("bg; jobs");
    screen.expect("Running");
    assert!(!sleep.is_stopped());
    screen.line("fg");
    screen.expect("fg\r\nsleep 1000\r\n");
    until("foreground", || sleep.in_foreground());
    screen.ctrl('C');
    screen.expect(PROMPT);
    until("end of sleep", || sleep.has_ended());
    screen.line("exit");
    // Bash's own, of the command before: SIGINT.
    screen.expect_code(130);
}

#[test]
fn the_terminal_is_as_it_was_whatever_the_shell_did() {
    let (_place, mut screen) = in_shell();
    screen.line("stty -echo -icanon -isig; kill -9 $$");
    screen.expect_code(137);
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    screen.line("stty raw; exec true");
    screen.expect_code(0);
}

#[test]
fn the_shell_ends_with_the_lab() {
    let (place, mut screen) = in_shell();
    screen.line("sleep 1000");
    place.process("sleep", |process| process.name == "sleep");
    place.run("down");
    screen.expect_code(137);
}

#[test]
fn a_shell_that_stops_itself_goes_on_with_fg() {
    let (place, mut screen) = in_shell();
    screen.line("echo pid $$; kill -STOP $$");
    screen.expect("Stopped");
    screen.expect("outer> ");
    screen.expect_sane();
    assert!(place.client("shell").is_stopped());
    screen.line("fg");
    screen.expect("labnet shell R2\r\n");
    screen.line("hostname; exit 5");
    screen.expect("R2\r\n");
    screen.expect_code(5);
}

#[test]
fn a_shell_in_the_background_waits_for_its_turn() {
    let (place, mut screen) = at_terminal();
    screen.line("labnet shell R2 &");
    let client = place.client("shell");
    until("stop of the client", || client.is_stopped());
    screen.expect_sane();
    screen.line("fg");
    screen.expect(PROMPT);
    screen.line("exit 4");
    screen.expect_code(4);
}

#[test]
fn what_is_not_typed_is_a_script() {
    let place = Place::new();
    place.two();
    let mut shell = place
        .labnet("shell R2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(b"hostname\ntty\nexit 7\n").unwrap();
    let Output { status, stdout, stderr } = shell.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(7));
    assert_eq!((&*stdout, &*stderr), (b"R2\nnot a tty\n".as_slice(), b"".as_slice()));
}

#[test]
fn a_script_at_a_terminal_is_interrupted() {
    let (place, mut screen) = at_terminal();
    screen.line("echo 'echo in $LABNET_NODE; sleep 1000' | labnet shell R2");
    screen.expect("\r\nin R2");
    let sleep = place.process("sleep", |process| process.name == "sleep");
    screen.ctrl('C');
    screen.expect_code(130);
    until("end of sleep", || sleep.has_ended());
}
