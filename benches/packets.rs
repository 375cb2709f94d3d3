//! Decoding and listing beside tshark: `cargo bench --bench packets`.
//!
//! A recording of 1 GiB, bulk transfers between few hosts among small segments of many conversations, is listed by
//! `labnet::packet` and by `tshark -r`, both into nothing, in turn. `cargo bench --bench packets -- 64` takes 64 MiB.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    borrow::Cow,
    env,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use labnet::packet::{
    Frame, Interface, Packet, Reader, Section, Writer,
    list::{Columns, List},
};
use support::{Samples, Verdict, heading, role, row, selection};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const ROUNDS: usize = 5;
/// The limit of the list's peak resident memory.
const MEMORY_MIB: f64 = 64.0;
/// How many conversations there are, and how many of them carry bulk.
const CONVERSATIONS: u64 = 20_000;
const BULK: u64 = 8;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list", path] => list(Path::new(path)),
        _ if role::play(&words) => {}
        _ => {
            if let Some(words) = selection() {
                let mib = words.first().map_or(1024, |word| word.parse().unwrap());
                compare(mib * MIB);
            }
        }
    }
}

fn compare(size: u64) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("recording.pcapng");
    record(&path, size);
    let this = env::current_exe().unwrap();
    let (this, path) = (this.to_str().unwrap(), path.to_str().unwrap());
    let [mut ours, mut theirs, mut memory, mut rate] = [const { Samples::new() }; 4];
    for round in 0..ROUNDS {
        ours.push(seconds(this, &["list", path]));
        memory.push(peak(this, &["list", path]));
        rate.push(decode(Path::new(path)));
        // One run of tshark takes a minute or two.
        if round == 0 {
            theirs.push(seconds("tshark", &["-r", path]));
        }
    }
    heading(&format!("{} MiB of packets", size / MIB), "s");
    row("the list", &ours);
    row("`tshark -r`", &theirs);
    row("tshark / the list, of medians", Verdict::at_least(20.0, theirs.median() / ours.median()));
    row("peak memory of the list, MiB", Verdict::at_most(MEMORY_MIB, memory.max()));
    row("frames decoded, million/s", Verdict::at_least(2.0, rate.median()));
}

fn seconds(program: &str, words: &[&str]) -> f64 {
    let start = Instant::now();
    let run =
        Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(run.unwrap().success(), "{program} {words:?}");
    start.elapsed().as_secs_f64()
}

/// The peak resident memory of a program in MiB, measured by a process that has no other child.
fn peak(program: &str, words: &[&str]) -> f64 {
    let mut measure = Command::new(env::current_exe().unwrap());
    let output = measure.args(["measure", program]).args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap() / 1024.0
}

/// Prints a recording's list.
fn list(path: &Path) {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    let (mut list, columns, mut text) = (List::new(), Columns::default(), Vec::new());
    let mut out = io::stdout().lock();
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        list.row(&frame, interface).write(&columns, &mut text);
        text.push(b'\n');
        if text.len() > 64 << 10 {
            out.write_all(&text).unwrap();
            text.clear();
        }
    }
    out.write_all(&text).unwrap();
}

/// Decodes the first frames of a recording again and again: millions a second.
fn decode(path: &Path) -> f64 {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while frames.len() < 1000 {
        let Some(frame) = reader.next_frame().unwrap() else { break };
        frames.push((frame.length, frame.bytes.into_owned()));
    }
    let (start, mut decoded, mut bytes) = (Instant::now(), 0_u64, 0);
    while start.elapsed().as_millis() < 500 {
        for (length, frame) in &frames {
            let packet = Packet::decode(std::hint::black_box(frame), *length);
            bytes += u64::from(std::hint::black_box(packet).payload.length);
        }
        decoded += frames.len() as u64;
    }
    assert!(bytes > 0);
    decoded as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// Writes a recording of about `size` bytes.
fn record(path: &Path, size: u64) {
    let out = BufWriter::new(File::create(path).unwrap());
    let mut writer = Writer::new(out, &Section::default()).unwrap();
    writer.add_interface(&Interface::ethernet("R2:eth0")).unwrap();
    let mut numbers = vec![[1_000_u32, 5_000]; CONVERSATIONS as usize];
    let (mut state, mut time, mut written) = (1_u64, 1_700_000_000_000_000_000, 0);
    while written < size {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = state >> 33;
        let bulk = dice % 3 == 0;
        let which = dice / 3 % if bulk { BULK } else { CONVERSATIONS };
        let (burst, length) = if bulk { (2, 1448) } else { (1, dice % 100) };
        for segment in 0..=burst {
            let from = usize::from(segment == burst);
            let data = if from == 0 { length as usize } else { 0 };
            let bytes = segment_of(which, numbers[which as usize], from, data, state);
            let number = &mut numbers[which as usize][from];
            *number = number.wrapping_add(data as u32);
            time += 10_000 + dice % 10_000;
            written += bytes.len() as u64 + 32;
            let (length, bytes) = (bytes.len() as u32, Cow::Owned(bytes));
            let frame =
                Frame { interface: 0, time, length, direction: None, comments: vec![], bytes };
            writer.write(&frame).unwrap();
        }
    }
    writer.flush().unwrap();
}

/// A segment with timestamps, its data without a pattern that a dissector could take for a protocol.
fn segment_of(which: u64, numbers: [u32; 2], from: usize, data: usize, seed: u64) -> Vec<u8> {
    let [a, b] = (which as u16).to_be_bytes();
    let ends = [([10, 0, a, b], 40_000_u16), ([10, 1, 0, 1], 50_000)];
    let (source, destination) = (ends[from], ends[1 - from]);
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    frame.extend((52 + data as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(source.0);
    frame.extend(destination.0);
    frame.extend(source.1.to_be_bytes());
    frame.extend(destination.1.to_be_bytes());
    frame.extend(numbers[from].to_be_bytes());
    frame.extend(numbers[1 - from].to_be_bytes());
    frame.extend([0x80, 0x10, 0x01, 0xf5, 0, 0, 0, 0, 1, 1, 8, 10]);
    frame.extend((seed >> 20).to_be_bytes());
    let mut noise = seed;
    for _ in 0..data {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        frame.push((noise >> 56) as u8);
    }
    frame
}
