//! The list by itself: its text, its columns, its JSON, and what it forgets.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

#[path = "packets/catalogue.rs"]
mod catalogue;
#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/dice.rs"]
mod dice;
#[path = "packets/listing.rs"]
mod listing;

use std::fs;

use craft::{Eth, Segment};
use labnet::packet::{
    Reader,
    analysis::{CONVERSATIONS, Mark},
    list::{Column, Columns, List},
};
use listing::{in_turn, list, recording};

fn recorded(name: &str) -> Vec<u8> {
    fs::read(format!("{}/fixtures/captures/{name}.pcap", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn what_was_recorded_of_real_networks() {
    for name in ["ack-loss", "keep-alive", "loss", "refused", "reorder", "syn-loss", "zero-window"]
    {
        insta::assert_snapshot!(name, list(&recorded(name), &Columns::default()));
    }
}

#[test]
fn every_kind_of_frame() {
    let frames = recording(&in_turn(catalogue::frames()), 6, usize::MAX);
    insta::assert_snapshot!(list(&frames, &"source,destination,proto,info".parse().unwrap()));
}

#[test]
fn every_mark_comes_up() {
    let mut seen = Vec::new();
    for seed in 0..8 {
        let recording = recording(&dice::segments(seed, 1500), 6, usize::MAX);
        let mut reader = Reader::new(&recording[..]).unwrap();
        let mut list = List::new();
        while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
            seen.extend(list.row(&frame, interface).insight.tcp.unwrap().marks.iter());
        }
    }
    let missing: Vec<_> = Mark::ALL.iter().filter(|mark| !seen.contains(mark)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn columns_are_chosen_by_name() {
    let columns = "no, delta,sport,dport,flags,seq,ack,win,data,stream,verdict".parse().unwrap();
    insta::assert_snapshot!(list(&recorded("syn-loss"), &columns));
    let wrong = "no,tim".parse::<Columns>().unwrap_err();
    insta::assert_snapshot!(wrong, @"there is no column `tim`; columns are no, time, delta, source, destination, proto, len, info, verdict, transit, comment, sport, dport, seq, ack, win, flags, data, stream");
    for (name, column) in Column::ALL {
        assert_eq!(name.parse::<Column>().unwrap().name(), name, "{column:?}");
    }
}

#[test]
fn a_row_is_a_json_object() {
    let recording = recorded("refused");
    let mut reader = Reader::new(&recording[..]).unwrap();
    let mut list = List::new();
    let mut lines = String::new();
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        lines += &serde_json::to_string(&list.row(&frame, interface)).unwrap();
        lines.push('\n');
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn conversations_silent_for_longest_are_forgotten() {
    let ip = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        Eth::default().ipv4([10, a, b, c], [192, 0, 2, 1])
    };
    let segment = Segment { ports: (1000, 80), seq: 100, flags: 0x10, ..Segment::default() };
    let later = Segment { seq: 500, ..segment.clone() };
    let mut frames: Vec<_> = (0..=CONVERSATIONS).map(|n| ip(n).tcp(&segment)).collect();
    // The newest but one goes on; the first of all begins anew, as if it had not been there.
    frames.push(ip(CONVERSATIONS - 1).tcp(&later));
    frames.push(ip(0).tcp(&later));
    let text = list(&recording(&in_turn(frames), 6, usize::MAX), &"stream,seq".parse().unwrap());
    let last: Vec<_> = text.lines().rev().take(2).collect();
    assert_eq!(last, ["65537 1", "65535 401"]);
}

#[test]
fn times_before_the_first_frame_are_negative() {
    let frame = || Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2, b"x");
    let frames = [(5_000_000, frame()), (3_999_000, frame()), (6_000_000, frame())];
    let columns = "time,delta".parse().unwrap();
    let text = list(&recording(&frames, 6, usize::MAX), &columns);
    assert_eq!(text, "  0.000000   0.000000\n -0.001001  -0.001001\n  0.001000   0.002001\n");
}
