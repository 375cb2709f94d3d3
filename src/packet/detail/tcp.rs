//! TCP, with what its analysis says.

use super::{
    Entry,
    ip::{bytes, checksum},
};
use crate::packet::{
    analysis::{Scale, TcpInsight},
    decode::{Checksum, Tcp, TcpFlags, TcpOption},
};

pub(super) fn tcp(
    tcp: &Tcp<'_>,
    insight: Option<&TcpInsight>,
    payload: u32,
    sum: Option<Checksum>,
) -> Entry {
    let (from, to) = (tcp.source_port, tcp.destination_port);
    let (sequence, acknowledgment) = match insight {
        Some(found) => (found.sequence, found.acknowledgment),
        None => (tcp.sequence, tcp.acknowledgment),
    };
    let acknowledges = tcp.flags.contains(TcpFlags::ACK);
    let ack = if acknowledges { format!(", Ack: {acknowledgment}") } else { String::new() };
    let mut entry = Entry::heading(format!(
        "Transmission Control Protocol, Src Port: {from}, Dst Port: {to}, Seq: {sequence}{ack}, Len: {payload}"
    ));
    entry = entry.with([Entry::field("Source Port", from), Entry::field("Destination Port", to)]);
    if let Some(found) = insight {
        entry = entry.with([Entry::field("[Stream index", format!("{}]", found.stream))]);
    }
    let next = sequence.wrapping_add(tcp.sequence_length(payload));
    let words = u32::from(tcp.header_length) / 4;
    entry = entry.with([
        Entry::field("[TCP Segment Len", format!("{payload}]")),
        Entry::field("Sequence Number", format!("{sequence}    (relative sequence number)")),
        Entry::field("Sequence Number (raw)", tcp.sequence),
        Entry::field("[Next Sequence Number", format!("{next}    (relative sequence number)]")),
        Entry::field("Acknowledgment Number", acknowledgment),
        Entry::field("Acknowledgment number (raw)", tcp.acknowledgment),
        Entry::bits("Header Length", format!("{} bytes ({words})", words * 4), words << 4, 0xf0, 8),
        flags(tcp.flags),
        Entry::field("Window", tcp.window),
    ]);
    if let Some(found) = insight {
        entry = entry.with([Entry::field("[Calculated window size", format!("{}]", found.window))]);
        if !tcp.flags.contains(TcpFlags::SYN) {
            let scale = match found.scale {
                Scale::Unknown => "-1 (unknown)]".to_owned(),
                Scale::Unused => "-2 (no window scaling used)]".to_owned(),
                Scale::Shift(shift) => format!("{}]", 1_u32 << shift.min(14)),
            };
            entry = entry.with([Entry::field("[Window size scaling factor", scale)]);
        }
    }
    entry = entry.with([
        checksum("Checksum", tcp.checksum, sum),
        Entry::field("Urgent Pointer", tcp.urgent),
    ]);
    if !tcp.options.is_empty() {
        let length = tcp.options.bytes().len();
        let options = tcp.options.map(option);
        entry = entry.with([Entry::heading(format!("Options: ({length} bytes)")).with(options)]);
    }
    entry.with(insight.and_then(analysis))
}

fn flags(flags: TcpFlags) -> Entry {
    let number = u32::from(flags.0);
    let one = |name, flag: TcpFlags| Entry::flag(name, number, flag.0.into(), 12);
    Entry::field("Flags", format!("0x{:03x} ({flags})", flags.0)).with([
        one("Reserved", TcpFlags(0xe00)),
        one("Accurate ECN", TcpFlags::AE),
        one("Congestion Window Reduced", TcpFlags::CWR),
        one("ECN-Echo", TcpFlags::ECE),
        one("Urgent", TcpFlags::URG),
        one("Acknowledgment", TcpFlags::ACK),
        one("Push", TcpFlags::PSH),
        one("Reset", TcpFlags::RST),
        one("Syn", TcpFlags::SYN),
        one("Fin", TcpFlags::FIN),
    ])
}

fn option(option: TcpOption<'_>) -> Entry {
    let entry = |name: &str, value: String| Entry::field(format!("TCP Option - {name}"), value);
    match option {
        TcpOption::End => Entry::heading("TCP Option - End of Option List (EOL)"),
        TcpOption::NoOperation => Entry::heading("TCP Option - No-Operation (NOP)"),
        TcpOption::MaximumSegmentSize(size) => {
            entry("Maximum segment size", format!("{size} bytes"))
        }
        TcpOption::WindowScale(shift) => {
            entry("Window scale", format!("{shift} (multiply by {})", 1 << shift.min(14)))
        }
        TcpOption::SackPermitted => Entry::heading("TCP Option - SACK permitted"),
        TcpOption::Sack(blocks) => {
            let edges = blocks.map(|(left, right)| format!("{left}-{right}"));
            entry("SACK", edges.collect::<Vec<_>>().join(" "))
        }
        TcpOption::Timestamps { value, echo } => {
            entry("Timestamps", format!("TSval {value}, TSecr {echo}"))
        }
        TcpOption::Md5(digest) => entry("TCP MD5 signature", bytes(digest)),
        TcpOption::FastOpen([]) => Entry::heading("TCP Option - TCP Fast Open Cookie Request"),
        TcpOption::FastOpen(cookie) => entry("TCP Fast Open", bytes(cookie)),
        TcpOption::Multipath(data) => entry("Multipath TCP", bytes(data)),
        TcpOption::Other { kind, data } => entry(&format!("Kind {kind}"), bytes(data)),
        TcpOption::Malformed { kind, data } => {
            entry(&format!("Kind {kind} [length is invalid]"), bytes(data))
        }
    }
}

/// What the segments before it make of it.
fn analysis(found: &TcpInsight) -> Option<Entry> {
    let mut fields = Vec::new();
    if let Some(ns) = found.initial_round_trip {
        let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
        fields.push(Entry::field("[iRTT", format!("{seconds}.{rest:09} seconds]")));
    }
    for mark in found.marks.iter() {
        fields.push(Entry::heading(format!("[{mark}]")));
    }
    if found.duplicate.1 > 0 {
        let (frame, times) = found.duplicate;
        fields.push(Entry::field("[Duplicate ACK #", format!("{times}]")));
        fields.push(Entry::field("[Duplicate to the ACK in frame", format!("{frame}]")));
    }
    (!fields.is_empty()).then(|| Entry::heading("[SEQ/ACK analysis]").with(fields))
}
