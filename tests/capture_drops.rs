//! Frames that a capture has no room for are counted and told, never hidden.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    ops::RangeInclusive,
    process::Stdio,
};

use labnet::packet::Reader;
use nix::sys::signal::Signal;
use place::Place;

/// R2 takes files.
const FILES: &str = r#"
name = "files"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.R2.programs.file]
run = "labnet file serve 10.10.10.2:5002 --into ."
ready = "tcp:5002"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
"#;

/// More than the capture's memory, the pipes behind it and the worker's buffer hold.
const LENGTH: usize = 24 << 20;

/// How many frames have passed KALI's interface, both ways, by the interface's own count.
fn passed(place: &Place) -> u64 {
    let counts = place.run("exec KALI -- cat /proc/net/dev");
    let line = counts.lines().find_map(|line| line.trim_start().strip_prefix("eth0:")).unwrap();
    let fields: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    // Behind the bytes received and sent (`dev_seq_printf_stats` in net/core/net-procfs.c).
    fields[1] + fields[9]
}

#[test]
fn frames_that_a_slow_reader_costs_are_counted() {
    let place = Place::new();
    place.write("files.toml", FILES);
    place.run("up files.toml");
    fs::write(place.path().join("big"), vec![7; LENGTH]).unwrap();
    let before = passed(&place);
    let mut capture = place.labnet("capture KALI:eth0 -w -");
    let mut capture = capture.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(capture.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert_eq!(line, "labnet: capturing on KALI:eth0\n");

    // Nobody reads while all of it passes.
    let sent = place.path().join("big");
    place.run(&format!("exec KALI -- labnet file send R2:5002 {}", sent.display()));
    let least = passed(&place) - before;
    place.client("capture").signal(Signal::SIGINT);
    let mut recording = Vec::new();
    capture.stdout.take().unwrap().read_to_end(&mut recording).unwrap();
    let mut said = String::new();
    errors.read_to_string(&mut said).unwrap();
    assert!(capture.wait().unwrap().success());
    let frames = least..=passed(&place) - before;

    let dropped = counts_add_up(&recording, frames);
    let recorded = count(&recording);
    let expected = format!("{recorded} frames captured, {dropped} dropped by the kernel\n");
    assert_eq!(said, expected);
    fs::write(place.path().join("x.pcapng"), &recording).unwrap();
    let packets = place.labnet("packets x.pcapng").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&packets.stdout).lines().count() as u64, recorded);
    assert_eq!(
        String::from_utf8_lossy(&packets.stderr),
        format!(
            "labnet: KALI:eth0: {dropped} frames are missing, for which the kernel had no room\n"
        )
    );
}

/// How many frames a recording holds.
fn count(recording: &[u8]) -> u64 {
    let mut reader = Reader::new(recording).unwrap();
    std::iter::from_fn(|| reader.next_frame().unwrap().map(drop)).count() as u64
}

/// Checks what a recording says of all that passed, and returns how many frames it says are missing.
fn counts_add_up(recording: &[u8], passed: RangeInclusive<u64>) -> u64 {
    let mut reader = Reader::new(recording).unwrap();
    while reader.next_frame().unwrap().is_some() {}
    let [Some(statistics)] = reader.statistics() else { panic!("one interface's statistics") };
    let counts = [statistics.accepted, statistics.dropped, statistics.delivered];
    let [accepted, dropped, delivered] = counts.map(Option::unwrap);
    assert!(dropped > 0, "there was room for all of {passed:?}");
    assert!(passed.contains(&accepted), "{accepted} of {passed:?} frames");
    assert_eq!(delivered, accepted - dropped);
    assert_eq!(delivered, count(recording));
    dropped
}
