//! A large recording takes no more memory than a small one. A test of its own process, whose memory is measured.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod recording_support;

use std::{
    fs,
    io::{self, Cursor, Read},
};

use labnet::packet::{Interface, Reader, Section, Writer};
use recording_support::frame;

/// Frames of 1514 bytes in a recording of 1 GiB.
const FRAMES: u64 = (1 << 30) / (32 + 1516);

/// A recording that is written while it is read.
struct Growing {
    writer: Writer<Vec<u8>>,
    written: u64,
    piece: Cursor<Vec<u8>>,
}

impl Growing {
    fn new() -> Self {
        let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
        writer.add_interface(&Interface::ethernet("R2:eth0")).unwrap();
        Self { writer, written: 0, piece: Cursor::default() }
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.position() == self.piece.get_ref().len() as u64 {
            let bytes = [self.written as u8; 1514];
            for _ in 0..100.min(FRAMES - self.written) {
                self.writer.write(&frame(0, self.written, &bytes)).unwrap();
                self.written += 1;
            }
            let piece = self.writer.get_mut();
            self.piece = Cursor::new(piece.clone());
            piece.clear();
        }
        self.piece.read(buffer)
    }
}

/// The most resident memory that this process has had, in KiB (proc_pid_status(5)).
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_gibibyte_takes_no_more_memory_than_a_mebibyte() {
    let mut reader = Reader::new(Growing::new()).unwrap();
    let (mut count, mut bytes, mut early) = (0, 0, 0);
    while let Some(frame) = reader.next_frame().unwrap() {
        assert_eq!(frame.time, count);
        count += 1;
        bytes += frame.bytes.len() as u64;
        if count == 1000 {
            early = peak();
        }
    }
    assert_eq!((count, bytes), (FRAMES, FRAMES * 1514));
    let grown = peak() - early;
    // Pages of this program's file that are read meanwhile count as well.
    assert!(grown < 4096, "{grown} KiB more after 1 GiB than after 1.5 MiB");
}
