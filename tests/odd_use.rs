//! The program in surroundings that nobody thinks of: closed streams, full disks, strict masks, folders that are gone.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::ffi::OsStrExt,
    process::{Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getuid},
};
use place::{Place, until};

fn with_sockets() -> Place {
    let place = Place::new();
    place.run("up @sockets");
    place
}

/// A script for sh, in which `$0` is labnet.
fn sh(place: &Place, script: &str) -> Command {
    let mut command = place.command("sh");
    command.args(["-c", script]).arg(place::program());
    command
}

fn in_r2(place: &Place, script: &str) -> String {
    let output = place.labnet("exec R2 -- sh -c").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn clients_that_are_killed_leave_nothing_in_the_lab() {
    let place = with_sockets();
    let sockets = || -> usize {
        let links = in_r2(&place, "readlink /proc/1/fd/*; true");
        links.lines().filter(|link| link.starts_with("socket:")).count()
    };
    let before = sockets();
    for _ in 0..5 {
        let mut logs = place.labnet("logs -f R2 echo").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(logs.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "labnet echo: listening on 10.10.10.2:5001\n");
        logs.kill().unwrap();
        logs.wait().unwrap();
    }
    until("the clients' sockets are gone", || sockets() <= before);
}

#[test]
fn a_strict_mask_is_for_programs_and_not_for_the_lab() {
    let place = Place::new();
    let up = sh(&place, "umask 027; exec \"$0\" up @sockets").output().unwrap();
    assert!(up.status.success(), "{}", text(&up));
    assert_eq!(in_r2(&place, "stat -c %a ~ /etc/hosts /etc/hostname"), "755\n644\n644\n");
    assert_eq!(in_r2(&place, "grep Umask /proc/2/status"), "Umask:\t0027\n");
    if getuid().is_root() {
        let mut other = place.labnet("exec --user 65534 R2 -- sh -c");
        let output = other.arg("cd && cat /etc/hosts").output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
}

#[test]
fn closed_streams_are_nobodys_sockets() {
    let place = Place::new();
    let run = "sh -c 'exec labnet echo serve 127.0.0.1:7 <&- >&- 2>&-'";
    let program = format!("[nodes.R2.programs.echo]\nrun = \"{run}\"\nready = \"tcp:7\"\n");
    place.write("lab.toml", &format!("name = \"closed\"\n{program}"));
    place.run("up lab.toml");
    let streams = in_r2(&place, "readlink /proc/2/fd/0 /proc/2/fd/1 /proc/2/fd/2");
    assert_eq!(streams, "/dev/null\n/dev/null\n/dev/null\n");
}

#[test]
fn a_lab_within_a_node_takes_no_names_of_the_hosts() {
    let place = with_sockets();
    let script = "labnet up @sockets -L inner --json && labnet exec -L inner R2 -- hostname && labnet down inner";
    let output = in_r2(&place, script);
    assert_eq!(output.matches("\"netns\": null").count(), 2, "{output}");
    assert!(output.contains("\nR2\n"), "{output}");
}

#[test]
fn a_node_is_no_way_into_another_lab() {
    let place = with_sockets();
    place.two();
    let output = place.labnet("exec -L sockets-lab R2 -- labnet exec -L two R2 -- true").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(125));
    let why = "labnet: from inside a node, only nodes of its own lab can be entered\n";
    assert_eq!(text(&output), why);
}

#[test]
fn a_stray_variable_makes_no_supervisor() {
    let place = with_sockets();
    for role in ["lab", "doctor"] {
        let output = place.labnet("exec R2 -- hostname").env("LABNET_ROLE", role).output().unwrap();
        assert_eq!((output.status.code(), &*text(&output)), (Some(0), "R2\n"));
    }
}

#[test]
fn a_full_disk_is_a_failure_in_words() {
    let place = with_sockets();
    for line in [
        "completions bash",
        "man",
        "man exec",
        "schema",
        "check @sockets",
        "plan @sockets",
        "graph @sockets",
        "status",
        "logs R2 echo",
        "doctor",
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.labnet(line).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {}", text(&output));
        assert!(text(&output).contains("No space left on device"), "{line}: {}", text(&output));
    }
}

#[test]
fn a_full_disk_under_standard_error_changes_no_exit_code() {
    let place = with_sockets();
    for (line, code) in [
        ("check nothing.toml", 3),
        ("check", 0),
        ("cp R2:nothing here", 1),
        ("exec R2 -- nothing", 127),
        ("exec --timeout 1ms R2 -- sleep 1000", 124),
        ("file send 127.0.0.1:1 nothing", 1),
        ("run nothing", 2),
        ("down nothing", 2),
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = place.labnet(line).stderr(full).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{line}");
    }
}

#[test]
fn words_that_are_no_text_are_refused_in_words() {
    let place = Place::new();
    for (verb, expected) in [("run", 2), ("exec", 2), ("up", 3), ("check", 3)] {
        let output = place.labnet(verb).arg(OsStr::from_bytes(b"\xff")).output().unwrap();
        assert_eq!(output.status.code(), Some(expected), "{verb}: {}", text(&output));
    }
}

#[test]
fn the_built_in_lab_comes_up_in_a_folder_that_is_gone() {
    let place = Place::new();
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" up @sockets";
    let up = sh(&place, script).output().unwrap();
    assert!(up.status.success(), "{}", text(&up));
    assert_eq!(in_r2(&place, "cat /etc/hostname"), "R2\n");
}

#[test]
fn a_time_beyond_the_clocks_is_no_limit() {
    with_sockets().run("exec --timeout 18446744073709551615s R2 -- true");
}

#[test]
fn a_lab_that_does_not_answer_hides_no_other() {
    let place = with_sockets();
    let init = Pid::from_raw(place.init().pid);
    place.run("up @sockets -L other");
    kill(init, Signal::SIGSTOP).unwrap();
    let output = place.labnet("status").output().unwrap();
    let status = text(&output);
    assert_eq!(output.status.code(), Some(0), "{status}");
    assert!(status.contains("other (from @sockets)"), "{status}");
    assert!(status.contains("sockets-lab does not answer"), "{status}");
    kill(init, Signal::SIGCONT).unwrap();
}
