//! Recordings read and written, beside plain copies of the same bytes: `cargo bench --bench recording`.
//!
//! The files are on a tmpfs, so what is measured is memory and processor. A reader's plain copy reads the file, a writer's
//! writes it, both in pieces of 256 KiB; all take turns. Nothing is done with the frames but counting their bytes.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use labnet::packet::{Direction, Frame, Interface, Reader, Section, Writer};
use support::{Samples, Verdict, heading, row, selection, time};
use tempfile::TempDir;

const SIZE: u64 = 1 << 30;
const ROUNDS: usize = 7;
const PIECE: usize = 256 << 10;

fn main() {
    if selection().is_none() {
        return;
    }
    let folder = TempDir::new_in("/dev/shm").unwrap();
    for (bytes, what) in [(1514, "full frames of 1514 bytes"), (60, "least frames of 60 bytes")] {
        compare(folder.path(), bytes, what);
    }
}

fn compare(folder: &Path, bytes: usize, what: &str) {
    let recording = Recording::new(folder, bytes);
    let [mut read, mut write, mut plain_read, mut plain_write] = [const { Samples::new() }; 4];
    for _ in 0..ROUNDS {
        plain_read.push(recording.rate(|file| recording.plain_read(file)));
        read.push(recording.rate(|file| recording.read(file)));
        plain_write.push(recording.rate(|file| recording.plain_write(file)));
        write.push(recording.rate(|file| recording.write(file)));
    }
    let frames = |samples: &Samples| samples.median() * recording.frames as f64 / SIZE as f64 * 1e3;
    heading(&format!("a recording of 1 GiB, {what}"), "GB/s");
    row("read, no frames", &plain_read);
    row("frames read", &read);
    row("written, no frames", &plain_write);
    row("frames written", &write);
    row("frames read / read, of medians", format!("{:.2}", read.median() / plain_read.median()));
    row(
        "frames written / written, of medians",
        format!("{:.2}", write.median() / plain_write.median()),
    );
    row("millions of frames read a second", Verdict::at_least(10.0, frames(&read)));
    row("millions of frames written a second", format!("{:.2}", frames(&write)));
}

/// A recording in a file, and what it was made of.
struct Recording {
    path: PathBuf,
    frames: u64,
    frame: Frame<'static>,
}

impl Recording {
    fn new(folder: &Path, bytes: usize) -> Self {
        let frame = Frame {
            interface: 0,
            time: 1_764_000_000_000_000_000,
            length: bytes as u32,
            direction: Some(Direction::Out),
            comments: Vec::new(),
            bytes: (0..bytes).map(|count| count as u8).collect(),
        };
        // A block of pcapng: 32 bytes around the frame, its padding, its flags and the end of options.
        let frames = SIZE / (32 + bytes.next_multiple_of(4) as u64 + 12);
        let recording = Self { path: folder.join("recording"), frames, frame };
        let mut file = File::create(&recording.path).unwrap();
        recording.write(&mut file);
        recording
    }

    /// The rate in GB/s at which `pass` goes through the file.
    fn rate(&self, pass: impl FnOnce(&mut File)) -> f64 {
        let mut file = File::options().read(true).write(true).open(&self.path).unwrap();
        gigabytes(time(|| pass(&mut file)))
    }

    fn read(&self, file: &mut File) {
        let mut reader = Reader::new(file).unwrap();
        let (mut frames, mut bytes) = (0, 0);
        while let Some(frame) = reader.next_frame().unwrap() {
            frames += 1;
            bytes += frame.bytes.len();
        }
        assert_eq!((frames, bytes), (self.frames, self.frames as usize * self.frame.bytes.len()));
    }

    fn plain_read(&self, file: &mut File) {
        let mut piece = vec![0; PIECE];
        while file.read(&mut piece).unwrap() > 0 {}
    }

    fn write(&self, file: &mut File) {
        let out = BufWriter::with_capacity(PIECE, file);
        let mut writer = Writer::new(out, &Section::default()).unwrap();
        writer.add_interface(&Interface::ethernet("R2:eth0")).unwrap();
        let mut frame = self.frame.clone();
        for _ in 0..self.frames {
            frame.time += 1;
            writer.write(&frame).unwrap();
        }
        writer.flush().unwrap();
    }

    fn plain_write(&self, file: &mut File) {
        let piece = vec![1; PIECE];
        let mut left = file.metadata().unwrap().len() as usize;
        while left > 0 {
            let now = left.min(PIECE);
            file.write_all(&piece[..now]).unwrap();
            left -= now;
        }
    }
}

fn gigabytes(time: Duration) -> f64 {
    SIZE as f64 / 1e9 / time.as_secs_f64()
}
