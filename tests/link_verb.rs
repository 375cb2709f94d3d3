//! `labnet link`, `partition` and `heal` on a running lab, as a person uses them.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::{
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
};

use insta::assert_snapshot;
use place::{Place, screen::Screen};
use serde_json::Value;

/// A link and a switch, bent in the same way on any kernel.
const BENT: &str = r#"
name = "bent"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[nodes."h{1..3}"]
interfaces.eth0 = "dc"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
backend = "userspace"
[networks.dc]
subnet = "10.0.0.0/24"
backend = "userspace"
"#;

/// A place with that lab.
fn bent() -> Place {
    let place = Place::new();
    place.write("bent.toml", BENT);
    place.run("up bent.toml");
    place
}

/// All that can be seen of several commands.
fn shown(place: &Place, lines: &[&str]) -> String {
    lines.iter().map(|line| place.show(line)).collect()
}

/// What is in force and counted in the direction that begins at this interface.
fn from(place: &Place, link: &str, from: &str) -> Value {
    let cables: Value =
        serde_json::from_str(&place.run(&format!("link show {link} --json"))).unwrap();
    let mut directions =
        cables.as_array().unwrap().iter().flat_map(|cable| cable["directions"].as_array().unwrap());
    directions.find(|direction| direction["from"] == from).unwrap().clone()
}

/// A datagram from one node to another, which may well be lost.
fn send(place: &Place, from: &str, to: &str) {
    let mut command = place.labnet(&format!("exec {from} -- bash -c"));
    command.arg(format!("echo hi > /dev/udp/{to}/7000"));
    assert!(command.status().unwrap().success());
}

/// A message comes to the other node.
fn reaches(place: &Place, from: &str, to: &str) -> bool {
    connects(place, from, to, "30s")
}

/// No message comes there, for a while. Hosts that don't know each other's Ethernet addresses would ask for them
/// meanwhile, and give up soon after, whatever happens then.
fn is_cut_off(place: &Place, from: &str, to: &str) -> bool {
    !connects(place, from, to, "2s")
}

fn connects(place: &Place, from: &str, to: &str, patience: &str) -> bool {
    static PORT: AtomicU16 = AtomicU16::new(7001);
    // A port of its own each time: an old server may not have ended yet.
    let port = PORT.fetch_add(1, Ordering::Relaxed);
    let mut server = place.labnet(&format!("exec {to} -- labnet nc -l {port}"));
    let mut server = server.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    place.run(&format!("wait {to} tcp:{port}"));
    let mut command = place.labnet(&format!("exec {from} --timeout {patience} -- sh -c"));
    command.arg(format!("echo hi | labnet nc -N {to} {port}"));
    let reached = command.output().unwrap().status.success();
    server.kill().unwrap();
    server.wait().unwrap();
    reached
}

#[test]
fn changes_merge_or_replace_until_they_are_reset() {
    let place = bent();
    assert_snapshot!(shown(
        &place,
        &[
            "link show",
            "link set lan --delay 10ms --loss 1%",
            "link set R2--KALI --from KALI --loss 5% --jitter 1ms --distribution normal",
            "link set R2:eth0 --rate 10Mbit --burst 3kB --limit 64kB --duplicate 1% --corrupt 0.1%",
            "link set R2:eth0 --rate unlimited --reorder 25% --gap 5",
            "link show KALI:eth0",
            "link set lan --replace --loss 1%",
            "link reset lan",
            "link set h2:eth0 --delay 3ms",
            "link set dc --from h1 --delay 2ms",
            "link set dc --replace",
        ]
    ));
}

#[test]
fn what_cant_be_is_refused_with_the_reason_and_changes_nothing() {
    let place = bent();
    place.run("link set lan --delay 10ms");
    let before = place.run("link show");
    assert_snapshot!(shown(
        &place,
        &[
            "link show lna",
            "link show R2",
            "link show R3:eth0",
            "link show R2:eth1",
            "link set lan",
            "link set lan --delay 5",
            "link set lan --loss 1",
            "link set lan --loss 101%",
            "link set lan --rate 10",
            "link set lan --rate 10MB --limit x",
            "link set lan --limit 10",
            "link set lan --gap 3",
            "link set lan --from h1 --delay 1ms",
            "link set R2:eth0 --from KALI --delay 1ms",
            "link set lan --trace no.trace",
            "link down wan",
            "partition R2 R2",
            "partition R2 h1",
            "partition R2 R9",
            "heal R2",
            "heal R2 KALI",
        ]
    ));
    assert_eq!(place.run("link show"), before);
}

#[test]
fn a_link_that_is_down_drops_all_and_up_again_drops_nothing() {
    let place = bent();
    assert!(reaches(&place, "KALI", "R2"));
    place.run("link down lan");
    send(&place, "KALI", "10.10.10.2");
    let down = from(&place, "lan", "KALI:eth0");
    assert_eq!(down["impairment"]["down"], true);
    let counters = &down["counters"];
    assert!(counters["down"].as_u64().unwrap() > 0, "{down}");
    assert_eq!((&counters["delivered"], &counters["sent"]), (&0.into(), &counters["down"]));
    assert!(is_cut_off(&place, "KALI", "R2"));
    place.run("link up lan");
    assert!(reaches(&place, "KALI", "R2"));
}

#[test]
fn a_switch_port_is_bent_in_one_direction() {
    let place = bent();
    assert!(reaches(&place, "h1", "h2"));
    place.run("link set h1:eth0 --loss 100%");
    send(&place, "h1", "10.0.0.2");
    assert!(from(&place, "dc", "h1:eth0")["counters"]["lost"].as_u64().unwrap() > 0);
    assert!(reaches(&place, "h3", "h2"));
    place.run("link reset dc");
    assert!(reaches(&place, "h1", "h2"));
}

#[test]
fn a_partition_parts_its_groups_alone_until_it_is_healed() {
    let place = bent();
    for (from, to) in [("h1", "h2"), ("h2", "h1"), ("R2", "KALI")] {
        assert!(reaches(&place, from, to));
    }
    place.run("partition h1 h2");
    assert!(is_cut_off(&place, "h1", "h2"));
    assert!(reaches(&place, "h1", "h3"));
    place.run("partition KALI R2");
    assert!(is_cut_off(&place, "R2", "KALI"));
    // What is down for two reasons is so until both are gone.
    let mut up = place.labnet("link up lan");
    let told = String::from_utf8(up.output().unwrap().stderr).unwrap();
    assert!(told.contains("lan is still down, by a partition (`labnet heal` ends it)"), "{told}");
    // The order of the groups is of no importance.
    place.run("heal R2 KALI");
    assert!(reaches(&place, "R2", "KALI"));
    assert!(is_cut_off(&place, "h2", "h1"));
    place.run("heal");
    assert!(reaches(&place, "h2", "h1"));
}

#[test]
fn a_trace_is_read_here_and_named_there() {
    let place = bent();
    place.write("cell.trace", "1\n2\n10\n");
    assert!(
        place.run("link set lan --trace cell.trace --from R2").contains("rate trace cell.trace")
    );
    place.write("bad.trace", "1\nx\n");
    assert_snapshot!(place.show("link set lan --trace bad.trace"), @r"
    $ labnet link set lan --trace bad.trace
    labnet: --trace bad.trace: line 2: `x` is not a time in whole milliseconds
    (exit status: 2)
    ");
}

#[test]
fn colours_are_for_a_terminal_alone() {
    let place = bent();
    let shown = place.run("link set lan --delay 10ms");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let mut screen = Screen::open(&place);
    screen.line("TERM=xterm labnet link show lan; echo \"that's it\"");
    screen.expect("\u{1b}[");
    screen.expect("delay 10ms");
    screen.expect("\nthat's it");
}

#[test]
fn negative_values_are_refused_as_values() {
    let place = Place::new();
    for words in [["--delay", "-1ms"], ["--loss", "-1%"], ["--rate", "-5Mbit"], ["--limit", "-3"]] {
        let output = place.labnet("link set lan").args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let told = format!("invalid value '{}' for '{} ", words[1], words[0]);
        assert!(String::from_utf8_lossy(&output.stderr).contains(&told), "{output:?}");
    }
}
