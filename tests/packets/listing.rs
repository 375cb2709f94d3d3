//! Recordings made of frames, and their lists.

#![allow(dead_code)] // each test program uses some of it

use std::borrow::Cow;

use labnet::packet::{
    Frame, Interface, Reader, Section, Writer,
    list::{Columns, List},
};

/// A recording of one interface: frames with their times in ns, of which `kept` bytes were recorded.
pub(crate) fn recording(frames: &[(u64, Vec<u8>)], digits: u8, kept: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    let interface = Interface { digits, ..Interface::ethernet("R2:eth0") };
    writer.add_interface(&interface).unwrap();
    for (time, bytes) in frames {
        let frame = Frame {
            interface: 0,
            time: 1_700_000_000_000_000_000 + time,
            length: bytes.len() as u32,
            direction: None,
            comments: Vec::new(),
            bytes: Cow::Borrowed(&bytes[..kept.min(bytes.len())]),
        };
        writer.write(&frame).unwrap();
    }
    writer.into_inner()
}

/// The list of a recording, a line a frame.
pub(crate) fn list(recording: &[u8], columns: &Columns) -> String {
    let mut reader = Reader::new(recording).unwrap();
    let mut list = List::new();
    let mut text = Vec::new();
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        list.row(&frame, interface).write(columns, &mut text);
        text.push(b'\n');
    }
    String::from_utf8(text).unwrap()
}

/// Frames that are 1 ms apart.
pub(crate) fn in_turn(frames: Vec<Vec<u8>>) -> Vec<(u64, Vec<u8>)> {
    (0..).step_by(1_000_000).zip(frames).collect()
}
