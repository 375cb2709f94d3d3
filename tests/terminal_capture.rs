//! What happens to `labnet capture`, and what stays: the cells of its row of the table in the README.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::{fs::File, os::unix::process::ExitStatusExt};

use labnet::packet::Reader;
use nix::sys::signal::Signal;
use place::{
    Place,
    screen::Screen,
    terminal::{at_terminal, until_only_the_lab_is_left, with_closed_pipe},
};

/// Two hosts, one of which sends a datagram now and then, and waits for no answer: R2's kernel tells only so often that nobody
/// listens.
const SENDING: &str = r#"
name = "sending"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[nodes.KALI.programs.clock]
run = "sh -c 'while :; do echo | labnet nc -u -q 0 --prefix tick 10.10.10.2 7000; sleep 0.01; done'"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
"#;

/// What a frame of the clock's looks like.
const FRAME: &str = "→ 7000 Len=5\r\n";

fn capturing(words: &str) -> (Place, Screen) {
    let (place, mut screen) = at_terminal(SENDING);
    screen.line(&format!("labnet capture lan {words}"));
    screen.expect("capturing on lan\r\n");
    (place, screen)
}

#[test]
fn capture_ctrl_c() {
    let (place, mut screen) = capturing("");
    screen.expect(FRAME);
    screen.ctrl('C');
    screen.expect("0 dropped by the kernel\r\n");
    screen.expect_code(0);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn capture_ctrl_z_and_fg() {
    let (_place, mut screen) = capturing("");
    screen.expect(FRAME);
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(148);
    screen.line("fg");
    screen.expect(FRAME);
    screen.ctrl('C');
    screen.expect_code(0);
}

#[test]
fn capture_closed_terminal() {
    let (place, mut screen) = capturing("");
    screen.expect(FRAME);
    screen.close();
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn capture_closed_pipe() {
    let (place, screen) = at_terminal(SENDING);
    drop(screen);
    let signal = with_closed_pipe(&place, "capture lan").signal();
    assert_eq!(signal, Some(Signal::SIGPIPE as i32));
    until_only_the_lab_is_left(&place, "none");
}

#[test]
fn capture_sigkill_of_the_client() {
    let (place, mut screen) = capturing("-w seen.pcapng");
    place.client("capture").kill();
    screen.expect_code(137);
    drop(screen);
    until_only_the_lab_is_left(&place, "none");
    // What was recorded is whole, and so is the file: its last words are the kernel's counts.
    place::until("end of the recording", || {
        let mut reader =
            Reader::new(File::open(place.path().join("seen.pcapng")).unwrap()).unwrap();
        while reader.next_frame().unwrap().is_some() {}
        reader.statistics().iter().all(Option::is_some)
    });
}
