//! Recordings as others may write them: both byte orders, every clock, several sections, old blocks, classic pcap.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod recording_support;

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read},
};

use labnet::packet::{Direction, Reader, Statistics};
use recording_support::{Made, Rich, datagram, frame, owned, read_all};

/// Both byte orders.
const ORDERS: [bool; 2] = [false, true];

/// ns of a time that µs tell exactly.
const TIME: u64 = 1_764_000_000_123_456_000;

#[test]
fn either_byte_order_says_the_same() {
    for big in ORDERS {
        let number = |value: u64| Made::new(big).u64(value);
        let time = |ticks: u64| number(ticks.rotate_left(if big { 0 } else { 32 }));
        let made = Made::new(big)
            .section(&[
                (1, b"noted"),
                (2, b"a bench"),
                (3, b"Linux\0"),
                (4, b"somebody"),
                (99, b"?"),
            ])
            .interface(
                96,
                &[
                    (2, b"eth0"),
                    (3, b"towards R2"),
                    (9, &[9]),
                    (11, b"\0tcp"),
                    (12, b"Linux \xff"),
                    (13, &[4]),
                    (8, &number(1_000_000_000)),
                ],
            )
            .packet_with(
                0,
                TIME + 1,
                &datagram(1),
                &[(1, b"seen"), (2, &Made::new(big).u32(0b1110)), (1, b"twice"), (4, &number(0))],
            )
            .block(
                5,
                &[0, (TIME >> 32) as u32, TIME as u32],
                &[],
                &[
                    (2, &time(TIME)),
                    (3, &time(TIME + 5)),
                    (4, &number(10)),
                    (5, &number(1 << 33)),
                    (6, &number(8)),
                    (7, &number(2)),
                    (8, &number(6)),
                ],
            );
        let read = read_all(&made.bytes[..]);
        assert_eq!(read.section.comments, ["noted"]);
        assert_eq!(read.section.hardware.as_deref(), Some("a bench"));
        assert_eq!(read.section.os.as_deref(), Some("Linux"), "without zeros at the end");
        assert_eq!(read.section.application.as_deref(), Some("somebody"));
        let [interface] = &read.interfaces[..] else { panic!("one interface") };
        assert_eq!(interface.name.as_deref(), Some("eth0"));
        assert_eq!(interface.description.as_deref(), Some("towards R2"));
        assert_eq!(interface.filter.as_deref(), Some("tcp"));
        assert_eq!(interface.os.as_deref(), Some("Linux \u{fffd}"));
        assert_eq!((interface.link_type, interface.snap_length, interface.digits), (1, 96, 9));
        let mut expected = owned(&frame(0, TIME + 1, &datagram(1)));
        expected.comments = vec!["seen".into(), "twice".into()];
        expected.direction = Some(Direction::Out);
        assert_eq!(read.frames, [expected]);
        let statistics = Statistics {
            time: TIME,
            start: Some(TIME),
            end: Some(TIME + 5),
            received: Some(10),
            dropped: Some(1 << 33),
            accepted: Some(8),
            os_dropped: Some(2),
            delivered: Some(6),
        };
        assert_eq!(read.statistics, [Some(statistics)]);
    }
}

#[test]
fn every_clock_is_told_in_ns() {
    // What `if_tsresol` is, ticks, the ns, and the digits.
    let cases: [(&[u8], u64, u64, u8); 15] = [
        (&[], 1_999_999, 1_999_999_000, 6),
        (&[0], 7, 7_000_000_000, 0),
        (&[3], 1_999, 1_999_000_000, 3),
        (&[6], u64::MAX / 1000, u64::MAX / 1000 * 1000, 6),
        (&[9], u64::MAX, u64::MAX, 9),
        (&[10], 19, 1, 9),
        (&[12], 1_999_999, 1_999, 9),
        (&[28], u64::MAX, 1, 9),
        (&[29], u64::MAX, 0, 9),
        (&[127], u64::MAX, 0, 9),
        (&[0x80], 7, 7_000_000_000, 0),
        (&[0x81], 3, 1_500_000_000, 0),
        (&[0x8a], 1023, 999_023_437, 3),
        (&[0xa0], (1 << 32) | (1 << 31), 1_500_000_000, 9),
        (&[0xff], u64::MAX, 0, 9),
    ];
    for (resolution, ticks, time, digits) in cases {
        let option = [(9, resolution)];
        let options = if resolution.is_empty() { &[][..] } else { &option };
        let made = Made::new(false).section(&[]).interface(0, options).packet(0, ticks, b"..");
        let read = read_all(&made.bytes[..]);
        assert_eq!((read.frames[0].time, read.interfaces[0].digits), (time, digits), "{option:?}");
    }
}

#[test]
fn a_clock_may_start_elsewhere() {
    for big in ORDERS {
        for (resolution, offset, ticks, time) in [
            (6_u8, 1_764_000_000_i64, 5, 1_764_000_000_000_005_000),
            (9, -2, 2_000_000_007, 7),
            (0x80, -1, 1, 0),
            (9, 18_446_744_073, 709_551_615, u64::MAX),
        ] {
            let offset = Made::new(big).u64(offset.cast_unsigned());
            let made = Made::new(big)
                .section(&[])
                .interface(0, &[(9, &[resolution]), (14, &offset)])
                .packet(0, ticks, b"..");
            assert_eq!(read_all(&made.bytes[..]).frames[0].time, time);
        }
    }
}

#[test]
fn sections_follow_each_other_and_interfaces_are_counted_on() {
    let made = Made::new(false)
        .section(&[(4, b"the first")])
        .interface(0, &[(2, b"a")])
        .packet(0, 1, b"1")
        .interface(0, &[(2, b"b"), (9, &[9])])
        .packet(1, 2000, b"22")
        .order(true)
        .section(&[(3, b"the second")])
        .interface(0, &[(2, b"c"), (9, &[3])])
        .packet(0, 3, b"333")
        .block(5, &[0, 0, 8], &[], &[])
        .order(false)
        .section(&[])
        .section(&[])
        .interface(0, &[(2, b"d")])
        .packet(0, 4, b"4444");
    let mut reader = Reader::new(&made.bytes[..]).unwrap();
    assert_eq!(reader.section().application.as_deref(), Some("the first"));
    let mut seen = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        let (interface, time, bytes) = (frame.interface, frame.time, frame.bytes.len());
        let name = reader.interfaces()[interface].name.clone().unwrap();
        seen.push((interface, name, time, bytes, reader.section().os.is_some()));
    }
    let expected = [
        (0, "a", 1000, 1, false),
        (1, "b", 2000, 2, false),
        (2, "c", 3_000_000, 3, true),
        (3, "d", 4000, 4, false),
    ];
    assert_eq!(
        seen,
        expected.map(|(at, name, time, bytes, os)| (at, name.into(), time, bytes, os))
    );
    let counted = Statistics { time: 8_000_000, ..Statistics::default() };
    assert_eq!(reader.statistics(), [None, None, Some(counted), None]);
}

#[test]
fn simple_and_obsolete_packets_are_frames() {
    for big in ORDERS {
        let interface = |number: u32| if big { number << 16 | 7 } else { number | 7 << 16 };
        let flags = Made::new(big).u32(1);
        let made = Made::new(big)
            .section(&[])
            .interface(5, &[])
            .interface(0, &[(9, &[9])])
            .block(3, &[3], b"abc", &[])
            .block(3, &[60], b"abcde", &[])
            .block(2, &[interface(1), 0, 77, 2, 60], b"fg", &[(1, b"old"), (2, &flags)])
            .block(2, &[interface(0), 0, 78, 0, 0], b"", &[]);
        let frames = read_all(&made.bytes[..]).frames;
        let seen: Vec<_> = frames
            .iter()
            .map(|frame| (frame.interface, frame.time, frame.length, &frame.bytes[..]))
            .collect();
        let expected: [(_, _, _, &[u8]); 4] =
            [(0, 0, 3, b"abc"), (0, 0, 60, b"abcde"), (1, 77, 60, b"fg"), (0, 78_000, 0, b"")];
        assert_eq!(seen, expected);
        assert_eq!(
            (frames[2].direction, &frames[2].comments[..]),
            (Some(Direction::In), &["old".to_owned()][..])
        );
    }
}

#[test]
fn what_holds_no_frame_is_passed_over() {
    let made = Made::new(false)
        .section(&[])
        .block(4, &[0], &[], &[])
        .block(0x0bad, &[32473], b"anything", &[])
        .block(0x4000_0bad, &[32473], &[0; 5000], &[])
        .interface(0, &[(11, b"\x01not text"), (11, b"")])
        .block(10, &[0x544c_534b, 3], b"key", &[])
        .packet(0, 0, b"frame")
        .block(0x8000_0001, &[], &[], &[]);
    let read = read_all(&made.bytes[..]);
    assert_eq!((&read.frames[0].bytes[..], read.frames.len()), (&b"frame"[..], 1));
    assert_eq!(read.interfaces[0].filter, None, "a program is no text");
}

#[test]
fn a_frame_is_never_longer_than_it_was() {
    let made =
        Made::new(false).section(&[]).interface(0, &[]).block(6, &[0, 0, 0, 4, 0], b"abcd", &[]);
    assert_eq!(read_all(&made.bytes[..]).frames[0].length, 4);
}

#[test]
fn classic_pcap_of_any_kind() {
    for big in ORDERS {
        for (magic, unit, digits) in [(0xa1b2_c3d4, 1000, 6), (0xa1b2_3c4d, 1, 9)] {
            let version = if big { 2 << 16 | 4 } else { 2 | 4 << 16 };
            // With a frame check sequence of four bytes, said in the highest bits.
            let made = Made::new(big)
                .words(&[magic, version, 0, 0, 96, 0x4400_0001])
                .words(&[1_764_000_000, 999_999, 3, 1514])
                .raw(b"abc")
                .words(&[u32::MAX, 5, 4, 2])
                .raw(b"defg");
            let read = read_all(&made.bytes[..]);
            let [interface] = &read.interfaces[..] else { panic!("one interface") };
            assert_eq!(
                (interface.link_type, interface.snap_length, interface.digits),
                (1, 96, digits)
            );
            let mut cut = owned(&frame(0, 1_764_000_000_000_000_000 + 999_999 * unit, b"abc"));
            cut.length = 1514;
            let late = owned(&frame(0, u64::from(u32::MAX) * 1_000_000_000 + 5 * unit, b"defg"));
            assert_eq!(read.frames, [cut, late]);
        }
    }
}

/// A stream that has some bytes now, and fails the test if it is asked for more.
struct Waiting<'a> {
    bytes: &'a [u8],
    /// How many bytes have come.
    come: &'a Cell<usize>,
    read: usize,
    /// How many come at once.
    most: usize,
}

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.read < self.come.get(), "it waits for what it doesn't need");
        let end = self.come.get().min(self.read + self.most.min(buffer.len()));
        let count = end - self.read;
        buffer[..count].copy_from_slice(&self.bytes[self.read..end]);
        self.read = end;
        Ok(count)
    }
}

#[test]
fn a_frame_is_there_as_soon_as_its_last_byte_is() {
    let start = Made::new(false).section(&[]).interface(0, &[(9, &[9])]).bytes.len();
    let head = Made::new(true).words(&[0xa1b2_c3d4, 2 << 16 | 4, 0, 0, 0, 1]);
    let pcapng = |count: u32| {
        let made = Made::new(false).section(&[]).interface(0, &[(9, &[9])]);
        (0..count).fold(made, |made, count| made.packet(0, count.into(), b"frame"))
    };
    let classic = |count: u32| {
        (0..count).fold(head.clone(), |made, _| made.words(&[0, 0, 5, 5]).raw(b"frame"))
    };
    let sizes = [(pcapng(5).bytes, start, 40), (classic(5).bytes, 24, 21)];
    for (bytes, start, each) in sizes {
        for most in [1, 7, usize::MAX] {
            let come = Cell::new(start);
            let mut reader =
                Reader::new(Waiting { bytes: &bytes, come: &come, read: 0, most }).unwrap();
            for count in 1..=5 {
                come.set(start + count * each);
                assert_eq!(&reader.next_frame().unwrap().unwrap().bytes[..], b"frame");
            }
            assert_eq!(come.get(), bytes.len());
        }
    }
}

#[test]
fn frames_larger_than_the_buffer_are_whole() {
    let large: Vec<u8> = (0..3_000_000_u32).map(|count| (count / 7) as u8).collect();
    let made = Made::new(false)
        .section(&[])
        .interface(0, &[])
        .packet(0, 0, b"small")
        .packet(0, 1, &large)
        .packet(0, 2, &large[1..])
        .packet(0, 3, b"small");
    let frames = read_all(&made.bytes[..]).frames;
    assert_eq!(frames[1].bytes[..], large[..]);
    assert_eq!(frames[2].bytes[..], large[1..]);
    assert_eq!(&frames[3].bytes[..], b"small");
}

#[test]
fn interrupted_reads_are_tried_again() {
    /// Every second read is interrupted by a signal.
    struct Interrupted<R>(R, bool);
    impl<R: Read> Read for Interrupted<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(buffer) }
        }
    }
    let rich = Rich::new();
    assert_eq!(read_all(Interrupted(&rich.written()[..], false)).frames, rich.frames);
}

/// What dumpcap said when it ended: 18 frames received on the first interface and 2 on the second, none dropped. (Version 4.0
/// tells its times in µs whatever the interface's clock is, so they are too early here.)
#[test]
fn dumpcaps_statistics_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/dumpcap.pcapng");
    let read = read_all(File::open(path).unwrap());
    let [first, last] =
        [0, 1].map(|place: usize| read.frames[place * (read.frames.len() - 1)].time);
    for (statistics, received) in read.statistics.iter().zip([18, 2]) {
        let Some(Statistics {
            time,
            start: Some(start),
            end: Some(end),
            received: count,
            dropped,
            ..
        }) = *statistics
        else {
            panic!("{statistics:?}")
        };
        assert!(start * 1000 <= first && last <= end * 1000 && end <= time, "{statistics:?}");
        assert_eq!((count, dropped), (Some(received), Some(0)));
    }
    assert_eq!(read.frames.iter().filter(|frame| frame.interface == 0).count(), 18);
}
