//! Filters: what they select, what is refused and how, and that no text is too much for them.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod filter_support;

use std::fmt::Write;

use filter_support::{
    Frame, SYN, frames,
    random::{filters, words},
    tcp_frame, udp_frame,
};
use labnet::packet::{
    Filter,
    filter::{Instruction, run},
};
use proptest::prelude::*;

fn filter(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// What the frames are that a filter selects among all kinds of whole frames.
fn selected(text: &str) -> Vec<String> {
    let filter = filter(text);
    let is_whole = |frame: &Frame| frame.bytes.len() == frame.length as usize;
    let matches = |frame: &Frame| is_whole(frame) && filter.matches(&frame.bytes, frame.length);
    frames().into_iter().filter(matches).map(|frame| frame.what).collect()
}

#[test]
fn each_kind_of_condition_selects_what_it_says() {
    for (text, expected) in [
        ("rarp", &["rarp"][..]),
        ("arp src host 192.168.1.1", &["arp elsewhere"]),
        ("net 192.168", &["arp elsewhere"]),
        ("arp[7] = 2", &["arp reply", "arp elsewhere"]),
        ("ether proto 0x8100 and len > 60", &[]),
        ("ether proto 0x8100", &["type 0x8100", "vlan"]),
        ("udp dst port 21", &["udp to 21"]),
        ("tcp src and dst port 443", &["tcp 443 to itself"]),
        ("udp portrange 443-5000 and dst 10.10.10.3 and src port 443", &["udp from 443"]),
        ("icmp[icmptype] = icmp-timxceed", &["icmp 11"]),
        ("icmp6[icmp6type] = icmp6-neighborsolicit", &["icmp6 135"]),
        ("tcp[tcpflags] = tcp-syn|tcp-fin|tcp-urg", &["flags 0x23"]),
        ("tcp[tcpflags] & 0xfc == 0xe0 and tcp[13] & 1 = 1", &["flags 0xe1", "flags 0xe3"]),
        ("ip multicast", &["multicast", "to [239, 1, 2, 3]", "ip broadcast"]),
        ("ip6 multicast", &["ip6 multicast"]),
        ("ip[0] & 0xf = 15 and ip[2:2] > 80 and udp", &[]),
        ("udp and ip[0] & 0xf > 14", &["udp after 10 words"]),
        ("ip proto gre", &["ip proto 47"]),
        ("ip6 proto 44 and ip6 proto 17", &["udp after fragment"]),
        ("dst net fd00:0:0:1::/64 or src net fd00:0:0:1::/64", &["another net"]),
        ("greater 1400", &["length 1460"]),
        ("ip[6:2] & 0x1fff != 0 and udp", &["middle of 17", "last of 17"]),
        ("udp port 80 and ip[6:2] & 0x2000 != 0", &["first of 17"]),
        ("ether dst 1:0:5e:0:0:1", &["multicast"]),
        ("broadcast and not arp", &["ip broadcast"]),
    ] {
        let mut expected = expected.to_vec();
        let mut found = selected(text);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn an_empty_filter_matches_everything() {
    for text in ["", " ", "\t\n"] {
        assert!(filter(text).matches(&[], 0));
        assert_eq!(filter(text).program()[0], Instruction { code: 6, jt: 0, jf: 0, k: 262_144 });
    }
}

#[test]
fn and_and_or_are_read_from_left_to_right() {
    let udp = udp_frame(1, 2);
    let matches = |text: &str| filter(text).matches(&udp, udp.len() as u32);
    assert!(!matches("udp or arp and tcp"));
    assert!(matches("udp or (arp and tcp)"));
    assert!(matches("arp and tcp or udp"));
    assert!(matches("not arp and udp"));
    assert!(!matches("not (arp or udp)"));
}

#[test]
fn a_frame_that_ends_before_what_is_looked_at_does_not_match() {
    let frame = tcp_frame(80, 81, SYN, b"abc");
    for (text, needed) in
        [("arp or ip", 14), ("tcp", 24), ("not tcp[13] = 0", 48), ("port 81", 38), ("len = 57", 0)]
    {
        let filter = filter(text);
        let matches = |kept: usize| filter.matches(&frame[..kept], frame.len() as u32);
        let first = (0..=frame.len()).find(|kept| matches(*kept));
        assert_eq!(first, Some(needed), "{text}");
        assert!((needed..=frame.len()).all(matches), "{text}");
    }
}

#[test]
fn jumps_of_any_length_arrive() {
    let alternatives = |count: u16| {
        let mut text = "tcp[0:2] = 9".to_owned();
        for port in 0..count {
            write!(text, " or tcp[2:2] = {port}").unwrap();
        }
        text
    };
    for count in [10, 30, 31, 32, 33, 34, 60, 64, 70, 200] {
        let text = alternatives(count);
        let [either, neither] =
            [filter(&text), filter(&format!("tcp and not ({text}) and greater 3"))];
        for port in [0, 1, count / 2, count - 1, count, count + 1] {
            let frame = tcp_frame(7, port, SYN, b"");
            let matches = |filter: &Filter| filter.matches(&frame, frame.len() as u32);
            assert_eq!(matches(&either), port < count, "{count} {port}");
            assert_eq!(matches(&neither), port >= count, "{count} {port}");
        }
        let udp = udp_frame(9, 0);
        assert!(!either.matches(&udp, 60) && !neither.matches(&udp, 60));
    }
    let error = Filter::parse(&alternatives(1000)).unwrap_err();
    assert!(error.to_string().contains("more than 4096 instructions"), "{error}");
}

#[test]
fn the_program_keeps_as_much_as_it_is_told() {
    let filter = filter("port 80");
    let frame = tcp_frame(80, 81, SYN, b"");
    assert_eq!(run(filter.program(), &frame, 60), 262_144);
    assert_eq!(run(&filter.program_keeping(96), &frame, 60), 96);
    assert_eq!(run(&filter.program_keeping(96), &[0; 60], 60), 0);
}

#[test]
fn programs_travel() {
    let program = filter("tcp port 80 or host fd00::2").program().to_vec();
    let text = serde_json::to_string(&program).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Instruction>>(&text).unwrap(), program);
}

/// Each text is outside the language, and the message says so.
#[test]
fn what_is_refused_is_refused_in_words() {
    let mut shown = String::new();
    for text in include_str!("../fixtures/filter/refused.txt").lines() {
        let error = Filter::parse(text).expect_err(text);
        write!(shown, "{error}\n\n").unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn errors_show_the_place_in_long_and_odd_texts() {
    let long = format!("{} and port eighty and {}", "arp".repeat(40), "tcp and ".repeat(40));
    for (text, column) in [
        (long.as_str(), 1),
        ("host ü", 6),
        ("tcp\tand\nport 日本 and x", 14),
        ("tcp and \u{1b}[31m", 9),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!(error.column(), column, "{error}");
        assert!(error.to_string().lines().all(|line| line.chars().count() < 140), "{error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for (open, close) in
        [("(", ")"), ("not ", ""), ("port (", ")"), ("ether[", "] = 1"), ("-", "1 = 1")]
    {
        let text = format!("{}tcp{}", open.repeat(50_000 / open.len()), close.repeat(1000));
        assert!(Filter::parse(&text).is_err());
    }
    let error = Filter::parse(&"tcp or ".repeat(100_000)).unwrap_err();
    assert!(error.to_string().contains("at most 65536 bytes"), "{error}");
    let sum = format!("ip[0] = {}1", "1 + ".repeat(10_000));
    assert!(Filter::parse(&sum).unwrap_err().to_string().contains("too deep"));
    assert_eq!(selected(&format!("{}rarp{}", "(".repeat(60), ")".repeat(60))), ["rarp"]);
}

#[test]
fn the_machine_does_as_the_kernel_does() {
    let instruction = |code: u16, jt: u8, jf: u8, k: u32| Instruction { code, jt, jf, k };
    let accepts = instruction(0x06, 0, 0, 1);
    let returns_a = instruction(0x16, 0, 0, 0);
    let run = |program: &[Instruction]| run(program, &[1, 2, 3, 4, 5], 99);
    // Loads: a word, a half word and a byte, each at the end and past it.
    for (code, last, value) in [(0x20, 1, 0x0203_0405), (0x28, 3, 0x0405), (0x30, 4, 5)] {
        assert_eq!(run(&[instruction(code, 0, 0, last), returns_a]), value);
        assert_eq!(run(&[instruction(code, 0, 0, last + 1), accepts]), 0);
        assert_eq!(run(&[instruction(code, 0, 0, u32::MAX), accepts]), 0);
    }
    // The length, a constant by way of X, memory, 4 * (byte & 15) by way of X.
    assert_eq!(run(&[instruction(0x80, 0, 0, 0), returns_a]), 99);
    assert_eq!(run(&[instruction(0x01, 0, 0, 7), instruction(0x87, 0, 0, 0), returns_a]), 7);
    let store =
        [instruction(0x00, 0, 0, 8), instruction(0x02, 0, 0, 15), instruction(0x61, 0, 0, 15)];
    assert_eq!(run(&[&store[..], &[instruction(0x87, 0, 0, 0), returns_a]].concat()), 8);
    assert_eq!(run(&[instruction(0x02, 0, 0, 16), accepts]), 0);
    assert_eq!(run(&[instruction(0xb1, 0, 0, 3), instruction(0x87, 0, 0, 0), returns_a]), 16);
    // An offset that wraps around, a division by zero, an unknown code, jumps out of the program, no end.
    let wraps = [instruction(0x01, 0, 0, 4), instruction(0x50, 0, 0, u32::MAX), returns_a];
    assert_eq!(run(&wraps), 4);
    for code in [0x3c, 0x9c, 0x34, 0x94] {
        assert_eq!(run(&[instruction(code, 0, 0, 0), accepts]), 0);
    }
    assert_eq!(run(&[instruction(0xff, 0, 0, 0), accepts]), 0);
    assert_eq!(run(&[instruction(0x05, 0, 0, u32::MAX), accepts]), 0);
    assert_eq!(run(&[instruction(0x15, 255, 255, 0), accepts]), 0);
    assert_eq!(run(&[instruction(0x05, 0, 0, 1), instruction(0x06, 0, 0, 0), accepts]), 1);
    assert_eq!(run(&[]), 0);
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "\\PC{0,80}") {
        check(&text);
    }

    #[test]
    fn no_words_are_too_much(
        words in words(0..24)
    ) {
        check(&words.join(" "));
        check(&words.concat());
    }

    #[test]
    fn filters_are_shown_as_they_were_written(text in filters()) {
        let filter = filter(&text);
        prop_assert_eq!(filter.to_string(), text.clone());
        prop_assert_eq!(filter.as_str(), text);
        prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
    }
}

/// Whatever a text is, it is a program that stays within itself or an error within the text.
fn check(text: &str) {
    match Filter::parse(text) {
        Ok(filter) => {
            let program = filter.program();
            for (at, Instruction { code, jt, jf, k }) in program.iter().enumerate() {
                let skipped = if *code == 5 { *k as usize } else { usize::from(*jt.max(jf)) };
                assert!(at + skipped < program.len(), "{text}");
            }
            assert!(
                program.ends_with(&[Instruction { code: 6, jt: 0, jf: 0, k: 0 }])
                    || text.trim().is_empty()
            );
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column()), "{error}"),
    }
}
