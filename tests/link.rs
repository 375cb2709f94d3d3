//! Frames that were recorded at both ends of a link are paired, however they fared.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

use labnet::packet::{
    Arrival, Crossings,
    Direction::{self, In, Out},
    Frame, Transit, Verdict,
};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn frame(interface: usize, time: u64, direction: Option<Direction>, bytes: &[u8]) -> Frame<'_> {
    let (length, bytes) = (bytes.len() as u32, bytes.into());
    Frame { interface, time, length, direction, comments: Vec::new(), bytes }
}

/// The crossings of a link between 0 and 1 in the order in which they are decided: ends, numbers, and what became of them.
fn crossings(frames: &[(usize, u64, Direction, &str)]) -> Vec<String> {
    let frames = frames.iter().map(|&(interface, time, direction, bytes)| {
        frame(interface, time, Some(direction), bytes.as_bytes())
    });
    told(Crossings::new([[0, 1]]), frames)
}

/// The same of frames with comments.
fn noted(frames: &[(usize, u64, Direction, &str, &str)]) -> Vec<String> {
    let frames = frames.iter().map(|&(interface, time, direction, bytes, comment)| {
        let comments = if comment.is_empty() { vec![] } else { vec![comment.to_owned()] };
        Frame { comments, ..frame(interface, time, Some(direction), bytes.as_bytes()) }
    });
    told(Crossings::new([[0, 1]]), frames)
}

fn told<'a>(mut crossings: Crossings, frames: impl Iterator<Item = Frame<'a>>) -> Vec<String> {
    let mut decided = Vec::new();
    for (number, frame) in (1..).zip(frames) {
        decided.extend(crossings.push(number, &frame));
    }
    decided.extend(crossings.finish());
    let number = |sighting: Option<labnet::packet::Sighting>| {
        sighting.map_or("-".to_owned(), |sighting| sighting.number.to_string())
    };
    let line = |crossing: &labnet::packet::Crossing| {
        let (sent, received) = (number(crossing.sent), number(crossing.received));
        let transit = crossing.verdict.transit().map(Transit);
        let transit = transit.map_or(String::new(), |transit| format!(" after {transit}"));
        format!("{}>{} {sent} {received} {}{transit}", crossing.from, crossing.to, crossing.verdict)
    };
    decided.iter().map(line).collect()
}

#[test]
fn a_frame_that_arrives_is_told_at_once_with_its_delay() {
    let found = crossings(&[
        (0, 1000, Out, "a"),
        (1, 13_000, In, "a"),
        (1, 14_000, Out, "b"),
        (0, 14_850, In, "b"),
    ]);
    assert_eq!(found, ["0>1 1 2 delivered after 12 µs", "1>0 3 4 delivered after 850 ns"]);
}

#[test]
fn equal_frames_arrive_in_the_order_in_which_they_were_sent() {
    let found = crossings(&[
        (0, 10, Out, "a"),
        (0, 20, Out, "a"),
        (1, 30, In, "a"),
        (0, 40, Out, "a"),
        (1, 50, In, "a"),
        (1, 60, In, "a"),
    ]);
    assert_eq!(
        found,
        [
            "0>1 1 3 delivered after 20 ns",
            "0>1 2 5 delivered after 30 ns",
            "0>1 4 6 delivered after 20 ns"
        ]
    );
}

#[test]
fn equal_frames_of_both_directions_are_told_apart() {
    let found =
        crossings(&[(0, 10, Out, "a"), (1, 20, Out, "a"), (0, 30, In, "a"), (1, 40, In, "a")]);
    assert_eq!(found, ["1>0 2 3 delivered after 10 ns", "0>1 1 4 delivered after 30 ns"]);
}

#[test]
fn frames_may_overtake_each_other() {
    let found =
        crossings(&[(0, 10, Out, "a"), (0, 20, Out, "b"), (1, 30, In, "b"), (1, 40, In, "a")]);
    assert_eq!(found, ["0>1 2 3 delivered after 10 ns", "0>1 1 4 delivered after 30 ns"]);
}

#[test]
fn lost_frames_are_told_at_the_end_or_after_a_minute() {
    let found =
        crossings(&[(0, 0, Out, "a"), (0, 1, Out, "b"), (1, 5, In, "b"), (0, 10, Out, "c")]);
    assert_eq!(
        found,
        ["0>1 2 3 delivered after 4 ns", "0>1 1 - not delivered", "0>1 4 - under way at the end"]
    );
    let minute = Crossings::MAX_AGE;
    let late =
        [(0, SECOND, Out, "a"), (0, SECOND + minute, Out, "b"), (0, SECOND + minute + 1, Out, "c")];
    let mut pairs = Crossings::new([[0, 1]]);
    let mut decided = |number: usize| {
        let (interface, time, direction, bytes) = late[number];
        let frame = frame(interface, time, Some(direction), bytes.as_bytes());
        pairs.push(number as u64, &frame).map(|crossing| crossing.verdict).collect::<Vec<_>>()
    };
    assert_eq!(decided(0), []);
    assert_eq!(decided(1), []);
    assert_eq!(decided(2), [Verdict::seen(Arrival::Missing)]);
}

#[test]
fn what_arrives_without_having_been_sent_is_from_nowhere() {
    // Sent before the recording; then changed on its way; then doubled.
    let found = crossings(&[
        (1, 5, In, "x"),
        (0, 10, Out, "a"),
        (1, 20, In, "A"),
        (0, 30, Out, "b"),
        (1, 40, In, "b"),
        (1, 41, In, "b"),
    ]);
    assert_eq!(
        found,
        [
            "0>1 - 1 from nowhere",
            "0>1 - 3 from nowhere",
            "0>1 4 5 delivered after 10 ns",
            "0>1 - 6 from nowhere",
            "0>1 2 - not delivered",
        ]
    );
}

#[test]
fn an_arrival_may_be_recorded_before_its_sending_at_the_same_time() {
    let found = crossings(&[(1, 5, In, "a"), (0, 5, Out, "a"), (1, 5, In, "b"), (0, 6, Out, "b")]);
    assert_eq!(
        found,
        ["0>1 2 1 delivered after 0 ns", "0>1 - 3 from nowhere", "0>1 4 - under way at the end"]
    );
}

#[test]
fn nothing_is_said_of_other_interfaces_and_without_directions() {
    let frames = [
        frame(0, 1, None, b"a"),
        frame(1, 2, None, b"a"),
        frame(2, 3, Some(Out), b"a"),
        frame(3, 4, Some(In), b"a"),
    ];
    assert_eq!(told(Crossings::new([[0, 1]]), frames.into_iter()), [""; 0]);
    // Where only one end was recorded there is no link to tell of.
    let frames = [frame(0, 1, Some(Out), b"a"), frame(0, 2, Some(In), b"b")];
    assert_eq!(told(Crossings::new([]), frames.into_iter()), [""; 0]);
}

#[test]
fn several_links_are_followed_at_once() {
    let frames = [
        frame(0, 1, Some(Out), b"a"),
        frame(2, 2, Some(Out), b"a"),
        frame(3, 3, Some(In), b"a"),
        frame(1, 9, Some(In), b"a"),
    ];
    let found = told(Crossings::new([[0, 1], [3, 2]]), frames.into_iter());
    assert_eq!(found, ["2>3 2 3 delivered after 1 ns", "0>1 1 4 delivered after 8 ns"]);
}

#[test]
fn frames_cut_short_are_the_same_by_what_was_kept_and_their_length() {
    let short = |interface, time, direction, length| {
        let frame = frame(interface, time, Some(direction), b"kept");
        Frame { length, ..frame }
    };
    let frames = [short(0, 1, Out, 60), short(0, 2, Out, 90), short(1, 3, In, 90)];
    let found = told(Crossings::new([[0, 1]]), frames.into_iter());
    assert_eq!(found, ["0>1 2 3 delivered after 1 ns", "0>1 1 - not delivered"]);
}

#[test]
fn memory_is_bounded_and_what_is_given_up_is_lost() {
    let mut pairs = Crossings::new([[0, 1]]);
    let most = Crossings::MAX_FRAMES as u64;
    let mut lost = Vec::new();
    for number in 0..most + 10 {
        lost.extend(pairs.push(number, &frame(0, 7, Some(Out), &number.to_be_bytes())));
    }
    let numbers: Vec<u64> = lost.iter().map(|crossing| crossing.sent.unwrap().number).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    assert!(lost.iter().all(|crossing| crossing.verdict == Verdict::seen(Arrival::Missing)));
    assert_eq!(pairs.finish().count() as u64, most);
}

#[test]
fn a_dropped_frame_does_not_arrive_though_an_equal_one_does() {
    let found = noted(&[
        (0, 10, Out, "a", "labnet: dropped (fault 1)"),
        (0, 20, Out, "a", ""),
        (1, 30, In, "a", ""),
        (0, 40, Out, "b", "labnet: dropped (queue full)"),
    ]);
    assert_eq!(
        found,
        [
            "0>1 1 - dropped (fault 1)",
            "0>1 2 3 delivered after 10 ns",
            "0>1 4 - dropped (queue full)"
        ]
    );
}

#[test]
fn a_duplicated_frame_arrives_twice() {
    let found = noted(&[
        (0, 10, Out, "a", "labnet: duplicated"),
        (0, 11, Out, "a", ""),
        (1, 20, In, "a", ""),
        (1, 25, In, "a", ""),
        (1, 26, In, "a", ""),
        (0, 30, Out, "b", "labnet: duplicated (fault 2)"),
        (1, 31, In, "b", ""),
        (0, 50, Out, "c", "labnet: duplicated"),
        (1, 90, Out, "d", ""),
    ]);
    assert_eq!(
        found,
        [
            "0>1 1 3 duplicated, delivered after 10 ns",
            "0>1 1 4 duplicated, delivered again after 15 ns",
            "0>1 2 5 delivered after 15 ns",
            "0>1 6 7 duplicated (fault 2), delivered after 1 ns",
            "0>1 8 - duplicated, not delivered",
            "1>0 9 - under way at the end",
        ]
    );
}

#[test]
fn a_corrupted_frame_arrives_with_one_byte_changed() {
    let found = noted(&[
        (0, 10, Out, "abc", "labnet: corrupted"),
        (0, 11, Out, "xyz", ""),
        (0, 12, Out, "pqr", "labnet: corrupted (fault 3), duplicated"),
        (1, 20, In, "axc", ""),
        (1, 21, In, "xyy", ""),
        (1, 22, In, "pqR", ""),
        (1, 23, In, "pqR", ""),
        (0, 24, Out, "mno", "labnet: corrupted"),
        (1, 25, In, "MNo", ""),
        (1, 26, In, "Mno!", ""),
    ]);
    assert_eq!(
        found,
        [
            "0>1 1 4 corrupted, delivered after 10 ns",
            "0>1 - 5 from nowhere",
            "0>1 3 6 corrupted (fault 3), duplicated, delivered after 10 ns",
            "0>1 3 7 corrupted (fault 3), duplicated, delivered again after 11 ns",
            "0>1 - 9 from nowhere",
            "0>1 - 10 from nowhere",
            "0>1 2 - not delivered",
            "0>1 8 - corrupted, under way at the end",
        ]
    );
}

#[test]
fn frames_that_are_kept_are_not_lost_at_the_end() {
    let found = noted(&[
        (0, 10, Out, "a", "labnet: held (fault 2)"),
        (0, 20, Out, "b", "labnet: held (fault 2)"),
        (0, 30, Out, "c", "labnet: delayed (fault 4)"),
        (0, 40, Out, "d", ""),
        (1, 45, In, "d", ""),
        (1, 3_100_000_010, In, "a", ""),
        (0, 3_100_000_020, Out, "e", ""),
        (1, 3_100_000_100, Out, "f", ""),
    ]);
    assert_eq!(
        found,
        [
            "0>1 4 5 delivered after 5 ns",
            "0>1 1 6 held (fault 2), delivered after 3.1 s",
            "0>1 2 - held (fault 2), under way at the end",
            "0>1 3 - delayed (fault 4), under way at the end",
            // A frame that was held says nothing of how long others take.
            "0>1 7 - not delivered",
            "1>0 8 - under way at the end",
        ]
    );
}

#[test]
fn frames_cut_before_the_byte_that_was_changed_are_the_same() {
    let short = |interface, time, direction, comment: &str| Frame {
        length: 600,
        comments: vec![comment.to_owned()],
        ..frame(interface, time, Some(direction), b"kept")
    };
    let frames = [short(0, 1, Out, "labnet: corrupted"), short(1, 3, In, "not the wire's")];
    let found = told(Crossings::new([[0, 1]]), frames.into_iter());
    assert_eq!(found, ["0>1 1 2 corrupted, delivered after 2 ns"]);
}

#[test]
fn many_changed_frames_are_more_than_can_be_known_again() {
    let mut pairs = Crossings::new([[0, 1]]);
    let comments = vec!["labnet: corrupted, duplicated".to_owned()];
    for number in 0..3_000_u32 {
        let bytes = (number << 8).to_be_bytes();
        let frame = Frame { comments: comments.clone(), ..frame(0, 7, Some(Out), &bytes) };
        assert_eq!(pairs.push(number.into(), &frame).count(), 0);
    }
    let mut arrives = |number: u32| {
        let bytes = (number << 8 | 1).to_be_bytes();
        pairs.push(0, &frame(1, 9, Some(In), &bytes)).count()
    };
    assert_eq!((arrives(0), arrives(2_999), arrives(2_999)), (0, 1, 1));
}

#[test]
fn times_are_shown_with_two_decimals() {
    for (delay, shown) in [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (1_234, "1.23 µs"),
        (9_996, "10 µs"),
        (12_340, "12.34 µs"),
        (999_994, "999.99 µs"),
        (999_995, "1 ms"),
        (10_020_000, "10.02 ms"),
        (123_456_789, "123.46 ms"),
        (999_994_999, "999.99 ms"),
        (999_995_000, "1 s"),
        (2_500_000_000, "2.5 s"),
        (u64::MAX, "18446744073.71 s"),
    ] {
        assert_eq!(Transit(delay).to_string(), shown);
    }
}

proptest! {
    /// Every frame is told of once, and those that arrive are paired with an equal one that was sent before.
    #[test]
    fn every_frame_is_in_one_crossing(
        events in proptest::collection::vec((0..2_usize, any::<bool>(), 0..4_u8, 0..3_u64), 0..200)
    ) {
        let mut pairs = Crossings::new([[0, 1]]);
        let mut time = 0;
        let mut decided = Vec::new();
        let mut frames = Vec::new();
        for (number, (interface, out, byte, later)) in (0..).zip(&events) {
            time += later;
            let bytes = [*byte];
            let frame = frame(*interface, time, Some(if *out { Out } else { In }), &bytes);
            decided.extend(pairs.push(number, &frame));
            frames.push((*interface, *out, *byte, time));
        }
        decided.extend(pairs.finish());
        let mut told: Vec<u64> = decided
            .iter()
            .flat_map(|crossing| [crossing.sent, crossing.received])
            .flatten()
            .map(|sighting| sighting.number)
            .collect();
        told.sort_unstable();
        prop_assert_eq!(told, (0..events.len() as u64).collect::<Vec<_>>());
        for crossing in decided {
            let seen = [crossing.sent, crossing.received].map(|sighting| sighting.map(|s| frames[s.number as usize]));
            if let [Some(sent), Some(received)] = seen {
                prop_assert!(sent.1 && !received.1 && sent.2 == received.2 && sent.3 <= received.3);
                prop_assert_eq!((sent.0, received.0), (crossing.from, crossing.to));
                prop_assert_eq!(crossing.verdict, Verdict::seen(Arrival::Delivered(received.3 - sent.3)));
            }
        }
    }
}
