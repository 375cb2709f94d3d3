//! What happens to the other verbs, and what stays, at Ctrl-C, at Ctrl-Z and `fg`, when the terminal is closed, when the pipe
//! they write to is closed, and when they are killed: one test a cell of the table in the README.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{os::unix::process::ExitStatusExt, path::PathBuf};

use nix::sys::signal::Signal;
use place::{
    Place,
    processes::Process,
    screen::Screen,
    terminal::{at_terminal, until_only_the_lab_is_left, with_closed_pipe},
    until,
};

/// A lab whose program prints now and then, and one that is up when a file is there.
const TALKING: &str = r#"
name = "talking"
[nodes.R2.programs.clock]
run = "sh -c 'while :; do echo tick; sleep 0.01; done'"
"#;

const SIGPIPE: Option<i32> = Some(Signal::SIGPIPE as i32);

fn slow(place: &Place) -> String {
    let go = place.path().join("go").display().to_string();
    let script = format!("until [ -e {go} ]; do sleep 0.01; done; touch ready; exec sleep 1000");
    format!(
        "name = \"slow\"\n[nodes.R2.programs.slow]\nrun = \"sh -c '{script}'\"\nready = \"file:ready\"\n"
    )
}

/// At a terminal where a lab is half up.
fn half_up() -> (Place, Screen) {
    let (place, mut screen) = at_terminal("");
    place.write("slow.toml", &slow(&place));
    screen.line("labnet up slow.toml");
    place.process("the lab's program", |process| process.words.concat().contains("touch ready"));
    (place, screen)
}

#[test]
fn up_ctrl_c() {
    let (place, mut screen) = half_up();
    screen.ctrl('C');
    screen.expect_code(130);
    // Even if the first is still ending.
    place.write("go", "");
    screen.line("labnet up slow.toml");
    screen.expect("slow is up");
    screen.expect_code(0);
    screen.line("labnet down");
    screen.expect_code(0);
    drop(screen);
    place.until_gone();
}

#[test]
fn up_waits_for_one_that_was_interrupted() {
    let (place, mut screen) = half_up();
    let supervisor = place.supervisor();
    let lab = [place.init(), supervisor];
    // They can't notice yet that their client is gone.
    lab.iter().for_each(|process| process.signal(Signal::SIGSTOP));
    screen.ctrl('C');
    screen.expect_code(130);
    place.write("go", "");
    screen.line("labnet up slow.toml");
    let second = place.client("up");
    let is_socket = |file: &PathBuf| file.to_string_lossy().starts_with("socket:");
    until("its question", || second.open_files().iter().any(is_socket));
    lab.iter().for_each(|process| process.signal(Signal::SIGCONT));
    screen.expect("slow is up");
    screen.expect_code(0);
}

#[test]
fn up_ctrl_z_and_fg() {
    let (place, mut screen) = half_up();
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(148);
    place.write("go", "");
    screen.line("fg");
    screen.expect("slow is up");
    screen.expect_code(0);
    place.run("exec R2 -- true");
}

#[test]
fn up_closed_terminal() {
    let (place, mut screen) = half_up();
    screen.close();
    drop(screen);
    place.until_gone();
}

#[test]
fn up_closed_pipe() {
    let (place, screen) = at_terminal("");
    drop(screen);
    place.write("two.toml", place::TWO);
    assert_eq!(with_closed_pipe(&place, "up two.toml").signal(), SIGPIPE);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn up_sigkill_of_the_client() {
    let (place, mut screen) = half_up();
    place.client("up").kill();
    screen.expect_code(137);
    drop(screen);
    place.until_gone();
}

#[test]
fn logs_f_ctrl_c() {
    let (place, mut screen) = at_terminal(TALKING);
    screen.line("labnet logs -f R2 clock");
    screen.expect("tick\r\ntick\r\n");
    screen.ctrl('C');
    screen.expect_code(130);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn logs_f_ctrl_z_and_fg() {
    let (_place, mut screen) = at_terminal(TALKING);
    screen.line("labnet logs -f R2 clock");
    screen.expect("tick\r\ntick\r\n");
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(148);
    screen.line("fg");
    screen.expect("tick\r\ntick\r\n");
    screen.ctrl('C');
    screen.expect_code(130);
}

#[test]
fn logs_f_closed_terminal() {
    let (place, mut screen) = at_terminal(TALKING);
    screen.line("labnet logs -f R2 clock");
    screen.expect("tick\r\ntick\r\n");
    screen.close();
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn logs_f_closed_pipe() {
    let (place, screen) = at_terminal(TALKING);
    drop(screen);
    assert_eq!(with_closed_pipe(&place, "logs -f R2 clock").signal(), SIGPIPE);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn logs_f_sigkill_of_the_client() {
    let (place, mut screen) = at_terminal(TALKING);
    screen.line("labnet logs -f R2 clock");
    screen.expect("tick\r\ntick\r\n");
    place.client("logs").kill();
    screen.expect_code(137);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

/// At a terminal where a client waits.
fn waiting() -> (Place, Screen) {
    let (place, mut screen) = at_terminal(place::TWO);
    screen.line("labnet wait R2 file:it");
    place.client("wait");
    (place, screen)
}

#[test]
fn wait_ctrl_c() {
    let (place, mut screen) = waiting();
    screen.ctrl('C');
    screen.expect_code(130);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn wait_ctrl_z_and_fg() {
    let (place, mut screen) = waiting();
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(148);
    place.run("cp lab.toml R2:it");
    screen.line("fg");
    screen.expect("labnet wait");
    screen.expect_code(0);
}

#[test]
fn wait_closed_terminal() {
    let (place, mut screen) = waiting();
    screen.close();
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn wait_closed_pipe() {
    let (place, screen) = at_terminal(place::TWO);
    drop(screen);
    assert_eq!(with_closed_pipe(&place, "wait R2 file:/etc/hosts").code(), Some(0));
}

#[test]
fn wait_sigkill_of_the_client() {
    let (place, mut screen) = waiting();
    place.client("wait").kill();
    screen.expect_code(137);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

/// At a terminal where a client waits for a lab to end that can't answer for now.
fn going_down() -> (Place, Screen, Process) {
    let (place, mut screen) = at_terminal(place::TWO);
    let init = place.init();
    init.signal(Signal::SIGSTOP);
    screen.line("labnet down");
    place.client("down");
    (place, screen, init)
}

#[test]
fn down_ctrl_c() {
    let (place, mut screen, init) = going_down();
    screen.ctrl('C');
    screen.expect_code(130);
    init.signal(Signal::SIGCONT);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn down_ctrl_z_and_fg() {
    let (place, mut screen, init) = going_down();
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(148);
    init.signal(Signal::SIGCONT);
    screen.line("fg");
    screen.expect("two is down");
    screen.expect_code(0);
    drop(screen);
    place.until_gone();
}

#[test]
fn down_closed_terminal() {
    let (place, mut screen, init) = going_down();
    let client = place.client("down");
    screen.close();
    until("end of the client", || client.has_ended());
    init.signal(Signal::SIGCONT);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn down_closed_pipe() {
    let (place, screen) = at_terminal(place::TWO);
    drop(screen);
    assert_eq!(with_closed_pipe(&place, "down").signal(), SIGPIPE);
    place.until_gone();
}

#[test]
fn down_sigkill_of_the_client() {
    let (place, mut screen, init) = going_down();
    place.client("down").kill();
    screen.expect_code(137);
    init.signal(Signal::SIGCONT);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}
