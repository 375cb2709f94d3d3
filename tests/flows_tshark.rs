//! Conversations of real recordings as tshark tells them apart, counts and follows them; ignored where tshark 4.0 isn't installed.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[allow(dead_code, reason = "the list is another test's")]
#[path = "packets/tshark.rs"]
mod tshark;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use labnet::packet::{
    Flow, Flows, Follow, Frame, Reader,
    flow::{FlowProtocol, Said, Side},
};
use libtest_mimic::{Arguments, Trial};
use tshark::{Tshark, missing};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let why_not = missing();
    let tshark = (why_not.is_none() && !arguments.list).then(|| Arc::new(Tshark::new()));
    let trials = recordings().into_iter().map(|path| {
        let tshark = tshark.clone();
        let name = path.file_stem().unwrap().to_string_lossy().replace('-', "_");
        let trial = Trial::test(format!("recorded_{name}"), move || {
            let tshark = tshark.ok_or("tshark was not looked for")?;
            compare(&tshark, &path);
            Ok(())
        });
        match &why_not {
            Some(why) => trial.with_kind(why.clone()).with_ignored_flag(true),
            None => trial,
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What was recorded of real networks, in whole frames.
fn recordings() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.to_string_lossy();
        (name.ends_with(".pcap") || name.ends_with(".pcapng")) && !name.contains("60-bytes")
    });
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Passes all frames of a recording to a function.
fn each_frame(path: &Path, mut take: impl FnMut(&Frame<'_>)) {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        take(&frame);
    }
}

fn compare(tshark: &Tshark, path: &Path) {
    let mut flows = Flows::default();
    each_frame(path, |frame| flows.add(frame));
    let flows: Vec<Flow> = flows.iter().filter(|flow| flow.protocol == FlowProtocol::Tcp).collect();
    let ours: Vec<_> = flows.iter().map(|flow| Side::BOTH.map(|side| counts(flow, side))).collect();
    assert_eq!(ours, theirs(tshark, path), "{}", path.display());

    for (stream, flow) in flows.iter().enumerate() {
        let [client, server] = said(path, flow.number);
        let theirs = followed(tshark, path, stream, &flow.client.address.to_string());
        assert_eq!([client, server], theirs, "stream {stream} of {}", path.display());
    }
}

/// A sender, and how many segments it sent.
type Counts = (String, u64);

fn counts(flow: &Flow, side: Side) -> Counts {
    (flow.end(side).address.to_string(), flow.end(side).segments)
}

/// For each of tshark's streams its two ends with their segments, who spoke first in front.
fn theirs(tshark: &Tshark, path: &Path) -> Vec<[Counts; 2]> {
    let ports = ["tcp.srcport", "tcp.dstport"];
    let fields =
        ["tcp.stream", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"].into_iter().chain(ports);
    let fields: Vec<_> = fields.flat_map(|field| ["-e", field]).collect();
    let arguments = [&["-Y", "tcp and not icmp", "-T", "fields"], &fields[..]].concat();
    let text = tshark.run(path, &arguments);
    let mut streams: BTreeMap<usize, [Counts; 2]> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [stream, ip4, to_ip4, ip6, to_ip6, from, to] = fields[..] else { continue };
        let end = |ip4: &str, ip6: &str, port: &str| {
            if ip6.is_empty() { format!("{ip4}:{port}") } else { format!("[{ip6}]:{port}") }
        };
        let (from, to) = (end(ip4, ip6, from), end(to_ip4, to_ip6, to));
        let stream =
            streams.entry(stream.parse().unwrap()).or_insert_with(|| [(from.clone(), 0), (to, 0)]);
        stream.iter_mut().find(|(name, _)| *name == from).unwrap().1 += 1;
    }
    streams.into_values().collect()
}

/// What the client and the server said, in hexadecimal.
fn said(path: &Path, number: usize) -> [String; 2] {
    let mut follow = Follow::new(number);
    each_frame(path, |frame| follow.add(frame));
    follow.finish();
    let mut said = [String::new(), String::new()];
    while let Some(piece) = follow.next_piece() {
        let Said::Bytes(bytes) = piece.said else { continue };
        said[piece.from as usize].extend(bytes.iter().map(|byte| format!("{byte:02x}")));
    }
    said
}

/// What tshark follows of a stream: the client's bytes and the server's.
fn followed(tshark: &Tshark, path: &Path, stream: usize, client: &str) -> [String; 2] {
    let text = tshark.run(path, &["-q", "-z", &format!("follow,tcp,raw,{stream}")]);
    let first = text.lines().find_map(|line| line.strip_prefix("Node 0: ")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("Node 1: ")).skip(1);
    let mut said = [String::new(), String::new()];
    for line in lines.take_while(|line| !line.starts_with('=')) {
        let node = usize::from(line.starts_with('\t'));
        let side = if first == client { node } else { 1 - node };
        said[side] += line.trim();
    }
    said
}
