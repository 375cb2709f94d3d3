//! Faults on chosen frames of a line: which, what is done to them, how often, and when held ones go on.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod wire_support;

use labnet::{
    impairment::{Action, Rule, Which},
    packet::{Cause, Changes, Fate, Origin},
    wire::{FaultState, Line},
};
use wire_support::{MS, S, drain, frame, impairment, line, number, pass};

/// A rule, as in `first 2`, `drop` and a filter; none where that is empty.
fn rule(which: &str, action: &str, filter: &str) -> Rule {
    let matching = (!filter.is_empty()).then(|| filter.parse().unwrap());
    Rule { matching, which: which.parse().unwrap(), action: action.parse().unwrap() }
}

fn with(text: &str, rules: &[Rule]) -> Line<Vec<u8>> {
    let mut line = line(text);
    for (number, rule) in (1..).zip(rules) {
        line.add_fault(number, rule.clone());
    }
    line
}

fn hits(line: &Line<Vec<u8>>) -> Vec<u64> {
    line.faults().map(|fault| fault.hits).collect()
}

/// The numbers of the frames, of 10, that a rule drops.
fn dropped(rule: Rule) -> Vec<u64> {
    let mut line = with("", &[rule]);
    let (fates, arrived) = pass(&mut line, 10, MS);
    let dropped: Vec<u64> =
        (0..10).filter(|index| fates[*index as usize] == Fate::Dropped(Cause::Fault(1))).collect();
    assert!(arrived.iter().all(|(_, index)| !dropped.contains(index)));
    assert_eq!(hits(&line), [dropped.len() as u64]);
    assert_eq!(line.counters().fault_drops, dropped.len() as u64);
    dropped
}

#[test]
fn frames_are_chosen_by_their_ordinal() {
    for (which, expected) in [
        ("all", vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("first 2", vec![0, 1]),
        ("nth 3", vec![2]),
        ("every 3", vec![2, 5, 8]),
        ("every 1", vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("for 3ms", vec![0, 1, 2]),
    ] {
        assert_eq!(dropped(rule(which, "drop", "")), expected, "{which}");
    }
}

#[test]
fn ordinals_are_those_of_frames_that_match() {
    // The frames' first byte is their number.
    for (which, filter, expected) in [
        ("all", "ether[0] & 1 = 1", vec![1, 3, 5, 7, 9]),
        ("first 2", "ether[0] >= 4", vec![4, 5]),
        ("nth 2", "ether[0] & 1 = 1", vec![3]),
        ("every 2", "ether[0] & 1 = 1", vec![3, 7]),
        ("for 2ms", "ether[0] >= 4", vec![4, 5]), // from the first match on
        ("all", "greater 65", vec![]),
        ("all", "tcp", vec![]),
    ] {
        assert_eq!(dropped(rule(which, "drop", filter)), expected, "{which} of {filter}");
    }
}

#[test]
fn no_ordinal_is_out_of_bounds() {
    for which in [Which::First(0), Which::Nth(0), Which::Every(0), Which::Nth(u64::MAX)] {
        let rule = Rule { matching: None, which, action: Action::Drop };
        assert_eq!(dropped(rule), [0; 0], "{which:?}");
    }
    let rule = Rule { matching: None, which: Which::First(u64::MAX), action: Action::Drop };
    assert_eq!(dropped(rule).len(), 10);
}

#[test]
fn a_delay_comes_on_top_and_holds_nobody_up() {
    let mut line = with("delay 10ms", &[rule("nth 2", "delay 2500us", "")]);
    let (fates, arrived) = pass(&mut line, 4, MS);
    assert_eq!(fates[1], Fate::Passed(Changes { delayed: Some(1), ..Changes::default() }));
    let expected = [(10_000, 0), (12_000, 2), (13_000, 3), (13_500, 1)];
    assert_eq!(arrived, expected.map(|(us, index)| (us * 1000, index)));
}

#[test]
fn copies_and_turned_bits_are_told_by_whose_they_are() {
    let rules = [rule("nth 1", "duplicate", ""), rule("nth 2", "corrupt", "")];
    let mut line = with("", &rules);
    let (fates, arrived) = pass(&mut line, 3, MS);
    let none = Changes::default();
    let origin = Some(Origin::Fault(1));
    assert_eq!(fates[0], Fate::Passed(Changes { duplicated: origin, ..none }));
    let origin = Some(Origin::Fault(2));
    assert_eq!(fates[1], Fate::Passed(Changes { corrupted: origin, ..none }));
    assert_eq!(fates[2], Fate::PASSED);
    assert_eq!(arrived.len(), 4);
    let counters = line.counters();
    assert_eq!((counters.duplicated, counters.corrupted, counters.delivered), (1, 1, 4));

    let mut line = with("", &[rule("all", "corrupt", "")]);
    line.accept(0, vec![0; 64]);
    let ones: u32 = line.take(0).unwrap().iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(ones, 1);
}

#[test]
fn chance_and_fault_turn_one_bit_and_make_one_copy() {
    let rules = [rule("all", "corrupt", ""), rule("all", "duplicate", "")];
    let mut line = with("corrupt 100%, duplicate 100%", &rules);
    let fate = line.accept(0, vec![0; 64]);
    assert_eq!(fate.to_string(), "corrupted (fault 1), duplicated (fault 2)");
    let arrived = drain(&mut line);
    assert_eq!(arrived.len(), 2);
    for (_, frame) in arrived {
        assert_eq!(frame.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }
}

#[test]
fn faults_act_in_their_order_until_one_takes_the_frame() {
    let rules = [
        rule("all", "delay 1ms", ""),
        rule("first 1", "drop", ""),
        rule("first 1", "drop", ""),
        rule("every 2", "delay 2ms", ""),
    ];
    let mut line = with("", &rules);
    let (fates, arrived) = pass(&mut line, 4, 10 * MS);
    // The second drop never saw the first frame, so the second frame is its first.
    let text: Vec<String> = fates.iter().map(ToString::to_string).collect();
    let expected =
        ["dropped (fault 2)", "dropped (fault 3)", "delayed (fault 1)", "delayed (fault 1)"];
    assert_eq!(text, expected);
    assert_eq!(arrived, [(21 * MS, 2), (33 * MS, 3)]);
    assert_eq!(hits(&line), [4, 1, 1, 1]);
}

#[test]
fn faults_come_before_everything_else() {
    let mut line = with("down", &[rule("first 1", "drop", "")]);
    assert_eq!(line.accept(0, frame(0, 64)), Fate::Dropped(Cause::Fault(1)));
    assert_eq!(line.accept(0, frame(1, 64)), Fate::Dropped(Cause::Down));
    let mut line = with("loss 100%", &[rule("first 1", "drop", "")]);
    assert_eq!(line.accept(0, frame(0, 64)), Fate::Dropped(Cause::Fault(1)));
    assert_eq!(line.accept(0, frame(1, 64)), Fate::Dropped(Cause::Loss));
}

#[test]
fn held_frames_wait_for_their_release() {
    let mut line =
        with("delay 10ms", &[rule("every 2", "hold", ""), rule("all", "drop", "ether[0] = 9")]);
    let (fates, arrived) = pass(&mut line, 6, MS);
    assert_eq!(fates[1].to_string(), "held (fault 1)");
    assert_eq!(arrived, [(10 * MS, 0), (12 * MS, 2), (14 * MS, 4)]);
    assert_eq!(line.next(), None);
    assert_eq!(line.faults().next(), Some(FaultState { number: 1, hits: 3, held: 3 }));
    let counters = line.counters();
    assert_eq!((counters.held, counters.queued, counters.queued_bytes), (3, 3, 192));

    // Another fault's release is not theirs.
    assert_eq!([line.release(S, 2), line.release(S, 3)], [0, 0]);
    assert_eq!(line.release(S, 1), 3);
    let arrived: Vec<_> = drain(&mut line).iter().map(|(at, frame)| (*at, number(frame))).collect();
    assert_eq!(arrived, [1, 3, 5].map(|index| (S + 10 * MS, index)));
    assert_eq!(line.faults().next(), Some(FaultState { number: 1, hits: 3, held: 0 }));
    assert_eq!(
        (line.counters().held, line.counters().queued, line.counters().delivered),
        (0, 0, 6)
    );
    assert_eq!(line.release(S, 1), 0);
}

#[test]
fn a_fault_that_ends_releases_what_it_holds() {
    let mut line = with("", &[rule("all", "hold", ""), rule("all", "hold", "")]);
    line.accept(0, frame(0, 64));
    assert_eq!(line.remove_fault(MS, 1), 1);
    line.accept(2 * MS, frame(1, 64));
    assert_eq!(line.faults().collect::<Vec<_>>(), [FaultState { number: 2, hits: 1, held: 1 }]);
    assert_eq!(line.remove_fault(3 * MS, 2), 1);
    assert_eq!(line.remove_fault(3 * MS, 2), 0);
    assert_eq!(line.accept(4 * MS, frame(2, 64)), Fate::PASSED);
    let arrived: Vec<_> = drain(&mut line).iter().map(|(at, frame)| (*at, number(frame))).collect();
    assert_eq!(arrived, [(MS, 0), (3 * MS, 1), (4 * MS, 2)]);
}

#[test]
fn a_held_frame_is_not_lost_by_chance_but_by_a_link_that_is_down_or_full() {
    let mut line = with("loss 100%", &[rule("all", "hold", "")]);
    assert_eq!(line.accept(0, frame(0, 64)).to_string(), "held (fault 1)");
    line.release(0, 1);
    assert!(line.take(0).is_some());

    line.accept(0, frame(0, 64));
    line.set(0, impairment("down"));
    assert_eq!((line.release(0, 1), line.counters().down), (1, 1));
    line.set(0, impairment("rate 8kbit, limit 1"));
    for index in 0..4 {
        line.accept(0, frame(index, 1000));
    }
    assert_eq!((line.release(0, 1), line.counters().queue_full), (4, 2));
    assert_eq!(line.counters().queued, 2);
}

#[test]
fn a_held_frame_keeps_what_was_done_to_it() {
    let rules = [
        rule("all", "duplicate", ""),
        rule("all", "corrupt", ""),
        rule("all", "delay 5ms", ""),
        rule("all", "hold", ""),
    ];
    let mut line = with("delay 1ms", &rules);
    let fate = line.accept(0, vec![0; 64]);
    let text = "delayed (fault 3), held (fault 4), corrupted (fault 2), duplicated (fault 1)";
    assert_eq!(fate.to_string(), text);
    assert_eq!(line.counters().held, 2);
    assert_eq!(line.release(S, 4), 2);
    let arrived = drain(&mut line);
    assert!(arrived.iter().all(|(time, _)| *time == S + 6 * MS));
    assert!(arrived.iter().all(|(_, frame)| frame.iter().any(|byte| *byte != 0)));
}
