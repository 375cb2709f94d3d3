//! Frames in full: every layer and field, checksums judged, bytes shown.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/listing.rs"]
mod listing;

use std::fs;

use craft::{Eth, hex};
use labnet::packet::{
    Reader,
    detail::{Detail, Hex},
    list::List,
};
use listing::{in_turn, recording};

/// The details of a recording's frames.
fn details(recording: &[u8]) -> Vec<Detail> {
    let mut reader = Reader::new(recording).unwrap();
    let mut list = List::new();
    let mut details = Vec::new();
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        let row = list.row(&frame, interface);
        details.push(Detail::new(&row, &frame, interface));
    }
    details
}

fn recorded(name: &str) -> Vec<Detail> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    details(&fs::read(format!("{folder}/{name}.pcap")).unwrap())
}

fn frame(frame: Vec<u8>, kept: usize) -> String {
    details(&recording(&in_turn(vec![frame]), 9, kept))[0].to_string()
}

#[test]
fn a_handshake_and_a_duplicate_acknowledgment() {
    let frames = recorded("loss");
    let syn = frames.iter().position(|frame| frame.to_string().contains("(SYN)")).unwrap();
    insta::assert_snapshot!("syn", frames[syn]);
    let duplicate = frames.iter().find(|frame| frame.to_string().contains("[TCP Dup ACK"));
    insta::assert_snapshot!("duplicate", duplicate.unwrap());
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&frames[syn]).unwrap());
}

#[test]
fn errors_show_what_they_quote_and_neighbours_their_options() {
    let frames: Vec<_> = recorded("refused").iter().map(ToString::to_string).collect();
    let of = |text: &str| frames.iter().find(|frame| frame.contains(text)).unwrap();
    insta::assert_snapshot!("error", of("Type: 3 (Destination unreachable)"));
    insta::assert_snapshot!("neighbour", of("Type: 136 (Neighbor Advertisement)"));
    insta::assert_snapshot!("arp", of("Address Resolution Protocol (reply)"));
}

#[test]
fn checksums_are_judged() {
    let right = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2, b"hello");
    let sum = u16::from_be_bytes([right[40], right[41]]);
    let text = frame(right.clone(), usize::MAX);
    assert_eq!(text.matches("[correct]").count(), 2, "{text}");

    let mut wrong = right.clone();
    wrong[44] ^= 1;
    let text = frame(wrong, usize::MAX);
    assert!(text.contains(&format!("0x{sum:04x} [incorrect, should be 0x")), "{text}");

    let text = frame(right, 45);
    assert!(text.contains("[unverified]"), "{text}");
}

#[test]
fn tags_and_extension_headers_have_their_places() {
    let body = hex("2c00 0502 0000 0100  1100 0019 0000 002a  0001 0002 000b 0000 616263");
    let plain = Eth::default().ipv6("fe80::1", "ff02::1").carry(0, &body);
    let tagged = [&plain[..12], &hex("8100 6005"), &plain[12..]].concat();
    insta::assert_snapshot!(frame(tagged, usize::MAX));
}

#[test]
fn bytes_are_shown_sixteen_a_line() {
    let bytes: Vec<u8> = (b'a'..b'{').chain([0, 0xff]).collect();
    insta::assert_snapshot!(Hex(&bytes), @r"
    0000  61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70   abcdefghijklmnop
    0010  71 72 73 74 75 76 77 78 79 7a 00 ff               qrstuvwxyz..
    ");
}
