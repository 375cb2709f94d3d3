//! What happens to `exec` and `shell`, and what stays, at Ctrl-C, at Ctrl-Z and `fg`, when the terminal is closed, when the pipe
//! they write to is closed, and when they are killed: one test a cell of the table in the README.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use nix::unistd::pipe;
use place::{
    terminal::{at_terminal, until_only_the_lab_is_left, with_closed_pipe},
    until,
};

/// The shell's in a node; without root it is root's too.
const PROMPT: &str = "R2:~# ";

#[test]
fn exec_ctrl_c() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet exec R2 -- sh -c 'echo in $LABNET_NODE; exec sleep 1000'");
    screen.expect("in R2");
    screen.ctrl('C');
    screen.expect_code(130);
    drop(screen);
    until_only_the_lab_is_left(&place, "sleep");
}

#[test]
fn exec_ctrl_z_and_fg() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet exec R2 -- sh -c 'echo in $LABNET_NODE; exec cat'");
    screen.expect("in R2");
    let cat = place.process("cat", |process| process.name == "cat");
    screen.ctrl('Z');
    screen.expect("Stopped");
    // Stopped by SIGSTOP: labnet follows its program.
    screen.expect_code(147);
    assert!(cat.is_stopped() && place.client("exec").is_stopped());
    screen.line("fg");
    until("continuation", || !cat.is_stopped() && cat.in_foreground());
    screen.line("still here");
    screen.expect("still here\r\nstill here\r\n");
    screen.ctrl('D');
    screen.expect_code(0);
}

#[test]
fn exec_closed_terminal() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet exec R2 -- sh -c 'echo in $LABNET_NODE; exec sleep 1000'");
    screen.expect("in R2");
    screen.close();
    until_only_the_lab_is_left(&place, "sleep");
}

#[test]
fn exec_closed_pipe() {
    let (place, _) = at_terminal(place::TWO);
    assert_eq!(with_closed_pipe(&place, "exec R2 -- yes").code(), Some(128 + 13));
    until_only_the_lab_is_left(&place, "yes");
}

#[test]
fn exec_sigkill_of_the_client() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet exec R2 -- sh -c 'echo in $LABNET_NODE; exec sleep 1000'");
    screen.expect("in R2");
    place.client("exec").kill();
    screen.expect_code(137);
    drop(screen);
    until_only_the_lab_is_left(&place, "sleep");
}

#[test]
fn shell_ctrl_c() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    screen.line("sleep 1000; echo slept $?");
    place.process("sleep", |process| process.name == "sleep" && process.in_foreground());
    screen.ctrl('C');
    screen.expect(PROMPT);
    screen.line("exit 7");
    screen.expect_code(7);
}

#[test]
fn shell_ctrl_z_and_fg() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    screen.line("cat");
    let cat = place.process("cat", |process| process.name == "cat" && process.in_foreground());
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect(PROMPT);
    assert!(cat.is_stopped() && !place.client("shell").is_stopped());
    screen.line("fg");
    until("continuation", || !cat.is_stopped() && cat.in_foreground());
    screen.line("still here");
    screen.expect("still here\r\nstill here\r\n");
    screen.ctrl('D');
    screen.expect(PROMPT);
    screen.ctrl('D');
    screen.expect_code(0);
}

#[test]
fn shell_closed_terminal() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    screen.line("sleep 1000");
    place.process("sleep", |process| process.name == "sleep" && process.in_foreground());
    screen.close();
    until_only_the_lab_is_left(&place, "sleep");
}

#[test]
fn shell_closed_pipe() {
    let (place, _) = at_terminal(place::TWO);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (input, mut typed) =
        pipe().map(|(input, typed)| (input, std::fs::File::from(typed))).unwrap();
    std::io::Write::write_all(&mut typed, b"exec yes\n").unwrap();
    let mut command = place.labnet("shell R2");
    let status = command.stdin(input).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(128 + 13));
    until_only_the_lab_is_left(&place, "yes");
}

#[test]
fn shell_sigkill_of_the_client() {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet shell R2");
    screen.expect(PROMPT);
    place.client("shell").kill();
    screen.expect_code(137);
    drop(screen);
    until_only_the_lab_is_left(&place, "sleep");
}
