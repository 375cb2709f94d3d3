//! How links are shown to people.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use insta::assert_snapshot;
use labnet::{
    CableKind, CableState, Carrier, DirectionState, FaultState, LinkState,
    impairment::{Action, Rule, Which},
    wire::Counters,
};

fn direction(from: &str, to: &str, impairment: &str) -> DirectionState {
    let place = |text: &str| (text != "switch").then(|| text.parse().unwrap());
    DirectionState {
        from: place(from),
        to: place(to),
        impairment: impairment.parse().unwrap(),
        counters: None,
        missed: 0,
        refused: 0,
        faults: Vec::new(),
    }
}

fn link(
    name: &str,
    carrier: Option<Carrier>,
    why: &str,
    directions: [DirectionState; 2],
) -> CableState {
    CableState { name: name.into(), kind: CableKind::Link, carrier, why: why.into(), directions }
}

fn show(cables: Vec<CableState>) -> String {
    let mut state = LinkState::default();
    state.cables = cables;
    state.to_string()
}

#[test]
fn a_link_that_nothing_is_asked_of_is_short() {
    let directions = [
        direction("R2:eth0", "KALI:eth0", "nothing"),
        direction("KALI:eth0", "R2:eth0", "nothing"),
    ];
    assert_snapshot!(show(vec![link("lan", None, "nothing is asked of it", directions)]));
}

#[test]
fn what_no_frame_met_is_left_out_and_faults_are_told() {
    let mut there = direction("R2:eth0", "KALI:eth0", "delay 10ms, loss 1%");
    there.counters = Some(Counters { sent: 7, delivered: 7, ..Counters::default() });
    let mut back = direction("KALI:eth0", "R2:eth0", "down");
    back.counters = Some(Counters {
        sent: 100,
        delivered: 60,
        lost: 1,
        down: 20,
        queue_full: 3,
        fault_drops: 16,
        duplicated: 4,
        corrupted: 2,
        reordered: 1,
        held: 1,
        queued: 4,
        queued_bytes: 6056,
    });
    (back.missed, back.refused) = (5, 6);
    let matching = Some(
        "tcp[tcpflags] & tcp-syn != 0 and src host 10.10.10.3 and dst host 10.10.10.2"
            .parse()
            .unwrap(),
    );
    let rule = Rule { matching, which: Which::First(2), action: Action::Drop };
    back.faults = vec![FaultState { number: 1, rule, hits: 1, held: 0 }];
    assert_snapshot!(show(vec![link(
        "lan",
        Some(Carrier::Userspace),
        "this kernel has no netem",
        [there, back]
    )]));
}

#[test]
fn long_lines_are_broken_between_things() {
    let all = "delay 10ms, jitter 1ms, distribution normal, loss gemodel 1% 20% 90% 0.1%, duplicate 1%, reorder 25%, gap 5, \
               corrupt 0.1%, rate 10Mbit, burst 3kB, limit 64kB";
    let node = "a-node-with-quite-a-long-name-in-a-data-centre";
    let far = direction(&format!("{node}:eth0"), "R2:eth0", all);
    let port = direction("h1:eth0", "switch", all);
    let directions = [port, direction("switch", "h1:eth0", all)];
    let text = show(vec![
        link("lan", Some(Carrier::Kernel), "", [far, direction("R2:eth0", "KALI:eth0", all)]),
        link("dc", Some(Carrier::Kernel), "", directions),
    ]);
    assert_snapshot!(text);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
