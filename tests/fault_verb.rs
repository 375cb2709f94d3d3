//! `labnet fault` on a running lab, as a person uses it.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::process::{Child, Stdio};

use insta::assert_snapshot;
use place::Place;

/// Two hosts that know each other's Ethernet addresses, so that no ARP is among the frames.
fn pair() -> Place {
    let place = Place::new();
    place.two();
    let mut command = place.labnet("exec KALI -- sh -c");
    command.arg("echo hi | labnet nc -u -N 10.10.10.2 7000");
    // It ends when the answer is there that nobody listens.
    command.output().unwrap();
    place
}

/// A datagram from one node to the other, which may well be lost.
fn send(place: &Place, from: &str, to: &str) {
    let mut command = place.labnet(&format!("exec {from} -- bash -c"));
    command.arg(format!("echo hi > /dev/udp/{to}/7000"));
    assert!(command.status().unwrap().success());
}

fn shown(place: &Place, lines: &[&str]) -> String {
    lines.iter().map(|line| place.show(line)).collect()
}

/// `labnet` in the background.
fn start(place: &Place, line: &str) -> Child {
    place.labnet(line).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn faults_are_added_counted_and_removed() {
    let place = pair();
    assert_snapshot!(shown(
        &place,
        &[
            "fault list",
            "fault add lan drop --match udp --first 2 --from KALI",
            "fault add lan delay 3ms --every 3",
            "fault add R2:eth0 corrupt --nth 7",
            "fault add R2--KALI duplicate --for 500ms --match arp --json",
            "fault list",
            "fault remove 2",
            "fault remove 2",
            "fault remove 3",
        ]
    ));
    send(&place, "KALI", "10.10.10.2");
    assert_snapshot!(shown(&place, &["fault wait 1", "fault wait 1 --hits 2 --timeout 10ms"]));
    let waiting = start(&place, "fault wait 1 --hits 2");
    send(&place, "KALI", "10.10.10.2");
    assert!(waiting.wait_with_output().unwrap().status.success());
    // The third passes.
    send(&place, "KALI", "10.10.10.2");
    assert!(place.run("fault list").contains("drop first 2 matching udp; 2 hits\n"));
    assert!(place.run("link show lan").contains("2 dropped (2 by faults)"));
    // With the last of them the link is as before.
    place.run("fault remove 1");
    place.run("fault remove 4");
    assert_snapshot!(place.show("link show lan"));
}

#[test]
fn what_is_held_goes_on_when_it_is_released_or_the_fault_is_removed() {
    let place = pair();
    let mut server = start(&place, "exec R2 -- labnet nc -u -l 7000");
    place.run("wait R2 udp:7000");
    place.run("fault add KALI:eth0 hold --match udp");
    send(&place, "KALI", "10.10.10.2");
    send(&place, "KALI", "10.10.10.2");
    place.run("fault wait 1 --hits 2");
    assert_snapshot!(shown(&place, &["fault list", "fault release 1", "fault release 1"]));
    send(&place, "KALI", "10.10.10.2");
    place.run("fault wait 1 --hits 3");
    assert_snapshot!(shown(&place, &["fault remove 1", "fault list"]));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn what_cant_be_is_refused_with_the_reason() {
    let place = pair();
    let mut shown = shown(
        &place,
        &[
            "fault add lna drop",
            "fault add lan",
            "fault add lan lose",
            "fault add lan delay",
            "fault add lan delay 5",
            "fault add lan drop 5s",
            "fault add lan drop --first 0",
            "fault add lan drop --first 1 --nth 2",
            "fault add lan drop --from R3",
            "fault add KALI:eth0 drop --from R2",
            "fault remove 7",
            "fault wait 7 --hits 1",
            "fault release x",
        ],
    );
    let mut command = place.labnet("fault add lan drop --match");
    command.arg("tcp prot 5000");
    shown += &place.show_run("fault add lan drop --match 'tcp prot 5000'", command);
    assert_snapshot!(shown);
}

#[test]
fn what_would_mean_nothing_or_too_much_is_refused() {
    let place = Place::new();
    for (words, why) in [
        (["--match", "", "drop"].as_slice(), "it is empty; leave --match out for all frames"),
        (&["--for", "0s", "drop"], "nothing happens in no time"),
        (&["delay", "2h"], "it is at most 1h"),
    ] {
        let output = place.labnet("fault add lan").args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{output:?}");
    }
}
