//! Recordings that are cut off, damaged or made to do harm: what is good is read, and what is wrong is named with its place.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod recording_support;

use std::{
    fmt::Write as _,
    io::{self, Read},
};

use labnet::packet::ReadFault;
use proptest::prelude::*;
use recording_support::{Made, Rich, datagram, read};

/// pcapng of both byte orders, with every kind of block, and where its blocks end.
fn pcapng() -> (Vec<u8>, Vec<usize>) {
    let mut made = Made::new(false);
    let mut ends = Vec::new();
    let steps: [&dyn Fn(Made) -> Made; 9] = [
        &|made| made.section(&[(1, b"noted")]),
        &|made| made.interface(0, &[(2, b"eth0"), (9, &[9])]),
        &|made| made.packet_with(0, 1, &datagram(1), &[(1, b"seen"), (2, &[1, 0, 0, 0])]),
        &|made| made.block(3, &[5], b"small", &[]),
        &|made| made.block(2, &[0, 0, 9, 3, 3], b"old", &[]),
        &|made| made.block(5, &[0, 0, 0], &[], &[(4, &[1; 8])]),
        &|made| made.order(true).section(&[]).interface(96, &[]),
        &|made| made.packet(0, 2, &datagram(2)),
        &|made| made.packet(0, 3, &datagram(3)),
    ];
    for step in steps {
        made = step(made);
        ends.push(made.bytes.len());
    }
    // One of the steps makes two blocks.
    ends.insert(6, ends[5] + 28);
    (made.bytes, ends)
}

/// Classic pcap, and where its records end.
fn pcap() -> (Vec<u8>, Vec<usize>) {
    let mut made = Made::new(true).words(&[0xa1b2_c3d4, 2 << 16 | 4, 0, 0, 0, 1]);
    let mut ends = vec![made.bytes.len()];
    for length in 0..4 {
        made = made.words(&[1, 2, length, 60]).raw(&vec![7; length as usize]);
        ends.push(made.bytes.len());
    }
    (made.bytes, ends)
}

#[test]
fn cut_anywhere_what_was_whole_is_kept() {
    for (bytes, ends) in [pcapng(), pcap(), (Rich::new().written(), Vec::new())] {
        let whole = read(&bytes[..]);
        assert!(whole.error.is_none(), "{:?}", whole.error);
        for length in 0..bytes.len() {
            let cut = read(&bytes[..length]);
            assert_eq!(cut.frames, whole.frames[..cut.frames.len()], "cut at {length}");
            assert!(cut.interfaces == whole.interfaces[..cut.interfaces.len()]);
            if ends.is_empty() {
                continue;
            }
            if ends.contains(&length) {
                assert!(cut.error.is_none(), "cut at {length}: {:?}", cut.error);
                continue;
            }
            let error = cut.error.expect("what is cut in the middle is no recording");
            let start = ends.iter().rev().find(|end| **end < length).copied().unwrap_or(0);
            assert_eq!(error.offset, start as u64, "cut at {length}: {error}");
            match error.fault {
                ReadFault::Empty => assert_eq!(length, 0),
                ReadFault::Truncated { found, needed, .. } => {
                    assert_eq!(found, (length - start) as u64);
                    assert!(needed > found);
                }
                other => panic!("cut at {length}: {other}"),
            }
        }
        let frames = |length| read(&bytes[..length]).frames.len();
        let kept: Vec<_> = ends.iter().map(|end| frames(*end)).collect();
        assert!(kept.is_sorted() && kept.last().is_none_or(|last| *last == whole.frames.len()));
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let start = || Made::new(false).section(&[]).interface(0, &[(9, &[9])]).packet(0, 7, b"good");
    let many: Vec<(u16, &[u8])> = vec![(1, b""); 5000];
    let mut damaged_end = start().packet(0, 8, b"bad!").bytes;
    let last = damaged_end.len() - 4;
    damaged_end[last] = 99;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("two bytes", vec![0x0a, 0x0d]),
        ("text", b"GET / HTTP/1.1\r\n".to_vec()),
        ("gzip", vec![0x1f, 0x8b, 8, 0]),
        ("zstd", vec![0x28, 0xb5, 0x2f, 0xfd]),
        ("xz", b"\xfd7zXZ\0".to_vec()),
        (
            "byte order",
            Made::new(false).block(0x0a0d_0d0a, &[0x1a2b_3c4e, 1, 0, 0], &[], &[]).bytes,
        ),
        (
            "version",
            Made::new(true).block(0x0a0d_0d0a, &[0x1a2b_3c4d, 2 << 16 | 1, 0, 0], &[], &[]).bytes,
        ),
        ("header cut", Made::new(false).words(&[0x0a0d_0d0a, 24, 0x1a2b_3c4d, 1, 0, 24]).bytes),
        ("pcap version", Made::new(false).words(&[0xa1b2_c3d4, 2 | 3 << 16, 0, 0, 0, 1]).bytes),
        (
            "pcap length",
            Made::new(false).words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 0, 1, 0, 0, 1 << 31, 0]).bytes,
        ),
        ("block of 8", start().words(&[6, 8, 8]).bytes),
        ("block of 33", start().words(&[6, 33, 33]).raw(&[0; 40]).bytes),
        ("block of 4 GiB", start().words(&[6, u32::MAX - 3, 0]).bytes),
        ("lengths differ", damaged_end),
        ("cut", start().words(&[6, 64, 0]).bytes),
        ("short packet", start().block(6, &[0, 0], &[], &[]).bytes),
        ("short interface", start().block(1, &[1], &[], &[]).bytes),
        ("frame longer than its block", start().block(6, &[0, 0, 8, 900, 900], b"bad!", &[]).bytes),
        ("frame of 4 GiB", start().block(6, &[0, 0, 8, u32::MAX, 0], b"bad!", &[]).bytes),
        ("simple frame longer than its block", start().block(3, &[900], b"bad!", &[]).bytes),
        ("interface", start().packet(1, 8, b"bad!").bytes),
        ("interface of another section", start().section(&[]).packet(0, 8, b"bad!").bytes),
        ("simple frame of no interface", start().section(&[]).block(3, &[4], b"bad!", &[]).bytes),
        ("statistics of no interface", start().block(5, &[1, 0, 0], &[], &[]).bytes),
        (
            "option longer than its block",
            start().block(6, &[0, 0, 8, 4, 4], b"bad!\x01\0\0\x40", &[]).bytes,
        ),
        ("option of 3 bytes", start().packet_with(0, 8, b"bad!", &[(1, b"!"), (2, b"bad")]).bytes),
        ("time of 3 bytes", start().block(5, &[0, 0, 0], &[], &[(2, b"bad")]).bytes),
        ("5000 options", start().packet_with(0, 8, b"bad!", &many).bytes),
        ("far future", start().interface(0, &[]).packet(1, u64::MAX / 268, b"bad!").bytes),
        (
            "before 1970",
            start().interface(0, &[(14, &(-9_i64).to_le_bytes())]).packet(1, 0, b"bad!").bytes,
        ),
    ];
    let mut listed = String::new();
    for (what, bytes) in cases {
        let contents = read(&bytes[..]);
        let error = contents.error.expect(what);
        writeln!(listed, "{what}:\n  {error}").unwrap();
        let begun = contents.interfaces.iter().any(|interface| interface.digits == 9);
        assert_eq!(contents.frames.len(), usize::from(begun), "{what}: what was good is kept");
        assert!(error.offset <= bytes.len() as u64, "{what}");
    }
    insta::assert_snapshot!(listed);
}

#[test]
fn a_stream_that_fails_is_said_to() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let (bytes, _) = pcapng();
    for length in [0, 3, 60, 200, bytes.len()] {
        let error = read(bytes[..length].chain(Fails)).error.unwrap();
        assert_eq!(error.offset, length as u64);
        assert!(error.to_string().ends_with("it can't be read: the disk is gone"), "{error}");
    }
}

#[test]
fn a_damaged_length_costs_no_memory() {
    /// Remembers the most room that it was offered.
    struct Offered<'a>(&'a [u8], &'a mut usize);
    impl Read for Offered<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            *self.1 = buffer.len().max(*self.1);
            self.0.read(buffer)
        }
    }
    let length = 16 << 20;
    for bytes in [
        Made::new(false).section(&[]).words(&[6, length, 0]).raw(&[0; 1000]).bytes,
        Made::new(false).words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 0, 1, 0, 0, length, 0]).bytes,
    ] {
        let mut most = 0;
        let error = read(Offered(&bytes, &mut most)).error.unwrap();
        assert!(matches!(error.fault, ReadFault::Truncated { .. }), "{error}");
        assert!(most <= 1 << 20, "{most} bytes for a recording of {}", bytes.len());
    }
}

/// Writes blocks without end, as a stream, so that nobody has to hold them.
struct Endless {
    block: Vec<u8>,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.block.len() - self.at);
        buffer[..count].copy_from_slice(&self.block[self.at..self.at + count]);
        self.at = (self.at + count) % self.block.len();
        Ok(count)
    }
}

#[test]
fn interfaces_without_end_are_refused() {
    let begin = Made::new(false).section(&[]).bytes;
    let name = [b'x'; 60_000];
    for options in [&[][..], &[(2, &name[..])], &[(2, &name[..]), (3, &name[..])]] {
        let block = Made::new(false).interface(0, options).bytes;
        let contents = read(begin.chain(Endless { block, at: 0 }));
        let error = contents.error.unwrap();
        assert!(matches!(error.fault, ReadFault::TooManyInterfaces), "{error}");
        assert!(contents.interfaces.len() <= 1 << 16);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Some bytes are replaced, removed or repeated: whatever is read before that is as it was.
    #[test]
    fn damage_does_not_reach_what_is_before_it(
        which in 0..3_usize,
        place in any::<prop::sample::Index>(),
        removed in 0..20_usize,
        put in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let bytes = [pcapng().0, pcap().0, Rich::new().written()][which].clone();
        let whole = read(&bytes[..]);
        let place = place.index(bytes.len());
        let mut damaged = bytes[..place].to_vec();
        damaged.extend(put);
        damaged.extend(&bytes[(place + removed).min(bytes.len())..]);
        let before = read(&bytes[..place]);
        let contents = read(&damaged[..]);
        // Before the damage nothing changes; after it anything may be read that is a recording.
        prop_assert!(contents.frames.starts_with(&before.frames));
        prop_assert_eq!(&before.frames[..], &whole.frames[..before.frames.len()]);
        for frame in &contents.frames {
            prop_assert!(frame.interface < contents.interfaces.len());
            prop_assert!(frame.bytes.len() <= frame.length as usize);
        }
        if let Some(error) = contents.error {
            prop_assert!(error.offset <= damaged.len() as u64);
        }
    }

    /// Bytes that begin as a recording.
    #[test]
    fn any_bytes_are_read_to_an_end(
        kind in 0..4_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let begin = [
            Made::new(false).section(&[]).interface(0, &[]),
            Made::new(true).section(&[]).interface(0, &[]),
            Made::new(false).words(&[0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 0, 1]),
            Made::new(false),
        ][kind].clone().bytes;
        let contents = read(begin.chain(&bytes[..]));
        let taken: usize = contents.frames.iter().map(|frame| frame.bytes.len()).sum();
        prop_assert!(taken <= bytes.len());
    }
}
