//! Recordings made by hand, in either byte order, and read to their end.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::io::Read;

use labnet::packet::{Direction, Frame, Interface, ReadError, Reader, Section, Statistics, Writer};

/// A recording that is put together block by block, right or wrong.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    big: bool,
}

/// Options: codes and values.
pub(crate) type Options<'a> = &'a [(u16, &'a [u8])];

impl Made {
    /// Nothing yet.
    pub(crate) fn new(big: bool) -> Self {
        Self { bytes: Vec::new(), big }
    }

    /// The numbers that follow have this byte order.
    pub(crate) fn order(mut self, big: bool) -> Self {
        self.big = big;
        self
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn u32(&self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn u64(&self, value: u64) -> [u8; 8] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// Numbers.
    pub(crate) fn words(mut self, words: &[u32]) -> Self {
        for word in words {
            self.bytes.extend(self.u32(*word));
        }
        self
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// A block of words, bytes and options.
    pub(crate) fn block(
        self,
        kind: u32,
        words: &[u32],
        bytes: &[u8],
        options: Options<'_>,
    ) -> Self {
        let mut body = Self::new(self.big).words(words).raw(bytes);
        body.pad();
        for (code, value) in options {
            body.bytes.extend(body.u16(*code));
            body.bytes.extend(body.u16(value.len() as u16));
            body.bytes.extend(*value);
            body.pad();
        }
        if !options.is_empty() {
            body.bytes.extend([0; 4]);
        }
        let length = body.bytes.len() as u32 + 12;
        self.words(&[kind, length]).raw(&body.bytes).words(&[length])
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// A section header block of version 1.0.
    pub(crate) fn section(self, options: Options<'_>) -> Self {
        let version = if self.big { 1 << 16 } else { 1 };
        let unknown = u32::MAX;
        self.block(0x0a0d_0d0a, &[0x1a2b_3c4d, version, unknown, unknown], &[], options)
    }

    /// An interface description block of Ethernet.
    pub(crate) fn interface(self, snap_length: u32, options: Options<'_>) -> Self {
        let kind = if self.big { 1 << 16 } else { 1 };
        self.block(1, &[kind, snap_length], &[], options)
    }

    /// An enhanced packet block of a whole frame.
    pub(crate) fn packet(self, interface: u32, ticks: u64, bytes: &[u8]) -> Self {
        self.packet_with(interface, ticks, bytes, &[])
    }

    /// An enhanced packet block with options.
    pub(crate) fn packet_with(
        self,
        interface: u32,
        ticks: u64,
        bytes: &[u8],
        options: Options<'_>,
    ) -> Self {
        let length = bytes.len() as u32;
        let words = [interface, (ticks >> 32) as u32, ticks as u32, length, length];
        self.block(6, &words, bytes, options)
    }
}

/// What a recording holds: everything that a reader gave before its end or its error.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) frames: Vec<Frame<'static>>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) statistics: Vec<Option<Statistics>>,
    pub(crate) section: Section,
    pub(crate) error: Option<ReadError>,
}

/// Reads a recording to its end or its first error.
pub(crate) fn read(input: impl Read) -> Contents {
    let mut frames = Vec::new();
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error) => {
            return Contents {
                frames,
                interfaces: Vec::new(),
                statistics: Vec::new(),
                section: Section::default(),
                error: Some(error),
            };
        }
    };
    let error = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => frames.push(owned(&frame)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(reader.next_frame(), Ok(None)), "nothing comes after the end");
    Contents {
        frames,
        interfaces: reader.interfaces().to_vec(),
        statistics: reader.statistics().to_vec(),
        section: reader.section().clone(),
        error,
    }
}

/// Reads a recording that is right from start to end.
pub(crate) fn read_all(input: impl Read) -> Contents {
    let contents = read(input);
    assert!(contents.error.is_none(), "{}", contents.error.unwrap());
    contents
}

/// A frame that may stay.
pub(crate) fn owned(frame: &Frame<'_>) -> Frame<'static> {
    Frame { bytes: frame.bytes.to_vec().into(), comments: frame.comments.clone(), ..*frame }
}

/// A whole frame with nothing said of it.
pub(crate) fn frame(interface: usize, time: u64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        interface,
        time,
        length: bytes.len() as u32,
        direction: None,
        comments: Vec::new(),
        bytes: bytes.into(),
    }
}

/// A recording with everything that the writer can record.
pub(crate) struct Rich {
    pub(crate) section: Section,
    pub(crate) interfaces: [Interface; 2],
    pub(crate) frames: Vec<Frame<'static>>,
    pub(crate) statistics: [Statistics; 2],
}

impl Rich {
    pub(crate) fn new() -> Self {
        let time = 1_764_000_000_123_456_789;
        let section = Section {
            hardware: Some("a bench".into()),
            os: Some("Linux 6.12.0".into()),
            application: Some("labnet 0.1.0".into()),
            comments: vec!["the first".into(), "the second: größer".into()],
        };
        let first = Interface {
            description: Some("towards KALI".into()),
            filter: Some("tcp port 5001".into()),
            os: Some("Linux".into()),
            ..Interface::ethernet("R2:eth0")
        };
        let second = Interface { snap_length: 96, digits: 6, ..Interface::ethernet("KALI:eth0") };
        // UDP from 10.10.10.3:5001 to 10.10.10.2:5002, then of every length there is padding for.
        let mut frames: Vec<_> =
            (0..=5).map(|more| owned(&frame(0, time, &datagram(more)))).collect();
        for (count, frame) in frames.iter_mut().enumerate() {
            frame.time += count as u64 * 1_000_000_001;
            frame.direction = [None, Some(Direction::In), Some(Direction::Out)][count % 3];
            frame.comments = vec![format!("number {count}"); count % 3];
        }
        let cut =
            Frame { interface: 1, length: 1514, time: time - time % 1000, ..frames[1].clone() };
        frames.push(cut);
        let statistics = [
            Statistics {
                time: time + 9_000_000_000,
                start: Some(time - 1),
                end: Some(time + 8_000_000_000),
                received: Some(6),
                dropped: Some(0),
                accepted: Some(5),
                os_dropped: Some(1 << 40),
                delivered: Some(4),
            },
            Statistics { time: time - time % 1000, received: Some(1), ..Statistics::default() },
        ];
        Self { section, interfaces: [first, second], frames, statistics }
    }

    /// As our writer writes it.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), &self.section).unwrap();
        for (count, interface) in self.interfaces.iter().enumerate() {
            assert_eq!(writer.add_interface(interface).unwrap(), count);
        }
        for frame in &self.frames {
            writer.write(frame).unwrap();
        }
        for (count, statistics) in self.statistics.iter().enumerate() {
            writer.statistics(count, statistics).unwrap();
        }
        writer.flush().unwrap();
        writer.into_inner()
    }
}

/// An Ethernet frame with a UDP datagram of so many bytes; without checksums.
pub(crate) fn datagram(data: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 10, 10, 10, 2, 2, 0, 10, 10, 10, 3, 8, 0];
    frame.extend([0x45, 0, 0, 28 + data, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend([10, 10, 10, 3, 10, 10, 10, 2]);
    frame.extend([0x13, 0x89, 0x13, 0x8a, 0, 8 + data, 0, 0]);
    frame.extend((0..data).map(|count| b'a' + count % 26));
    frame
}
