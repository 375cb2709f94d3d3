//! The list equals tshark's, character by character; ignored where tshark 4.0 isn't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

#[path = "packets/catalogue.rs"]
mod catalogue;
#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/dice.rs"]
mod dice;
#[path = "packets/listing.rs"]
mod listing;
#[path = "packets/tshark.rs"]
mod tshark;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use labnet::packet::{
    Reader,
    detail::{Detail, Hex},
    list::{Columns, List},
};
use libtest_mimic::{Arguments, Trial};
use listing::{in_turn, list, recording};
use tshark::{Tshark, missing};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let why_not = missing();
    let tshark = (why_not.is_none() && !arguments.list).then(|| Arc::new(Tshark::new()));
    let trial = |name: String, bytes: Box<dyn Fn() -> Vec<u8> + Send>| {
        let tshark = tshark.clone();
        let trial = Trial::test(name, move || {
            let tshark = tshark.ok_or("tshark was not looked for")?;
            compare(&tshark, &bytes());
            Ok(())
        });
        match &why_not {
            Some(why) => trial.with_kind(why.clone()).with_ignored_flag(true),
            None => trial,
        }
    };
    let mut trials = Vec::new();
    for seed in 0..12 {
        let frames = move || recording(&dice::segments(seed, 1500), 6, usize::MAX);
        trials.push(trial(format!("conversations_from_seed_{seed}"), Box::new(frames)));
    }
    let all = || recording(&in_turn(catalogue::frames()), 9, usize::MAX);
    trials.push(trial("every_kind_of_frame".into(), Box::new(all)));
    for kept in [68, 96] {
        let cut = move || recording(&in_turn(ordinary()), 9, kept);
        trials.push(trial(format!("frames_of_which_{kept}_bytes_were_kept"), Box::new(cut)));
    }
    for digits in [0, 3, 6, 9] {
        let timed = move || recording(&dice::segments(99, 50), digits, usize::MAX);
        trials.push(trial(format!("times_with_{digits}_digits"), Box::new(timed)));
    }
    for path in recordings() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (file, tshark) = (path.clone(), tshark.clone());
        let run = move || {
            let tshark = tshark.ok_or("tshark was not looked for")?;
            compare_details(&tshark, &file);
            Ok(())
        };
        let details = Trial::test(format!("details_of_{name}"), run);
        trials.push(match &why_not {
            Some(why) => details.with_kind(why.clone()).with_ignored_flag(true),
            None => details,
        });
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        trials.push(trial(format!("recorded_{name}"), Box::new(move || fs::read(&path).unwrap())));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// TCP over both versions of IP, at the lengths that recordings are cut to in practice.
fn ordinary() -> Vec<Vec<u8>> {
    dice::segments(7, 200).into_iter().map(|(_, frame)| frame).collect()
}

/// What was recorded of real networks.
fn recordings() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"));
    paths.sort();
    paths
}

fn compare(tshark: &Tshark, recording: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), recording).unwrap();
    let theirs = tshark.list(file.path());
    let ours = list(recording, &Columns::default());
    let lines = theirs.lines().zip(ours.lines());
    let different: Vec<_> = lines.filter(|(theirs, ours)| theirs != ours).take(10).collect();
    assert!(different.is_empty(), "tshark, and the list:\n{different:#?}");
    assert_eq!(theirs.lines().count(), ours.lines().count(), "lines");
    assert!(!ours.is_empty());
}

/// The headings of layers and the bytes.
fn compare_details(tshark: &Tshark, recording: &Path) {
    let theirs = tshark.run(recording, &["-V", "-x"]);
    let wanted = |line: &&str| {
        let headings = ["Ethernet II,", "Internet ", "Transmission ", "User Datagram Protocol,"];
        let bytes = line.get(4..6) == Some("  ") && line.as_bytes()[0].is_ascii_hexdigit();
        headings.iter().any(|heading| line.starts_with(heading)) || bytes
    };
    let bytes = fs::read(recording).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut list = List::new();
    let mut ours = String::new();
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        let mut row = list.row(&frame, interface);
        if row.insight.fragment {
            // tshark looks into a datagram only when it is complete.
            row.insight.packet.transport = None;
        }
        ours += &Detail::new(&row, &frame, interface).to_string();
        ours += &Hex(&frame.bytes).to_string();
    }
    let ours: Vec<_> = ours.lines().filter(wanted).collect();
    // Of a datagram put together tshark shows the bytes twice.
    let whole = theirs.lines().scan(false, |skip, line| {
        *skip = line.starts_with("Reassembled ") || *skip && !line.starts_with("Frame ");
        Some((!*skip).then_some(line))
    });
    let theirs: Vec<_> = whole.flatten().filter(wanted).collect();
    assert_eq!(theirs, ours);
}
