//! What TCP segments say.

use super::text::{hex, number, put};
use crate::packet::{
    analysis::{Insight, Mark, TcpInsight},
    decode::{Tcp, TcpFlags, TcpOption},
};

pub(super) fn write(insight: &Insight<'_>, tcp: &Tcp<'_>, out: &mut Vec<u8>) {
    let cut = insight.packet.stopped.is_some();
    // tshark shows marks after the options, and those not where they were cut.
    if let Some(found) = &insight.tcp
        && !found.marks.is_empty()
        && !cut
    {
        marks(found, out);
    }
    number(out, tcp.source_port);
    put(out, " → ");
    number(out, tcp.destination_port);
    put(out, " [");
    flags(out, tcp.flags);
    out.push(b']');
    // In a fragment of a segment, whose conversation can't be followed, they stand as in the header.
    let (sequence, acknowledgment, window) = match &insight.tcp {
        Some(found) => (found.sequence, found.acknowledgment, found.window),
        None => (tcp.sequence, tcp.acknowledgment, tcp.window.into()),
    };
    field(out, " Seq=", sequence);
    if tcp.flags.contains(TcpFlags::ACK) {
        field(out, " Ack=", acknowledgment);
    }
    field(out, " Win=", window);
    if tcp.flags.contains(TcpFlags::URG) {
        field(out, " Urg=", tcp.urgent.into());
    }
    if insight.tcp.is_some() {
        field(out, " Len=", insight.packet.payload.length);
    }
    let base = insight.tcp.map_or(0, |found| found.sack_base);
    for option in tcp.options {
        write_option(option, base, out);
    }
    if cut {
        put(out, "[Packet size limited during capture]");
    }
}

/// The marks of a segment, in brackets.
fn marks(found: &TcpInsight, out: &mut Vec<u8>) {
    for mark in found.marks.iter() {
        out.push(b'[');
        put(out, mark.name());
        if mark == Mark::DuplicateAck {
            let (frame, times) = found.duplicate;
            out.push(b' ');
            number(out, frame);
            out.push(b'#');
            number(out, times);
        }
        put(out, "] ");
    }
}

/// The flags that are set, joined by commas.
pub(super) fn flags(out: &mut Vec<u8>, flags: TcpFlags) {
    match flags {
        TcpFlags(0x010) => return put(out, "ACK"),
        TcpFlags(0x018) => return put(out, "PSH, ACK"),
        TcpFlags(0) => return put(out, "<None>"),
        _ => {}
    }
    for (at, name) in flags.names().enumerate() {
        put(out, if at > 0 { ", " } else { "" });
        put(out, name);
    }
}

fn write_option(option: TcpOption<'_>, base: u32, out: &mut Vec<u8>) {
    match option {
        TcpOption::MaximumSegmentSize(size) => field(out, " MSS=", size.into()),
        TcpOption::WindowScale(shift) => field(out, " WS=", 1 << shift.min(14)),
        TcpOption::SackPermitted => put(out, " SACK_PERM"),
        TcpOption::Sack(blocks) => {
            for (left, right) in blocks {
                field(out, " SLE=", left.wrapping_sub(base));
                field(out, " SRE=", right.wrapping_sub(base));
            }
        }
        TcpOption::Timestamps { value, echo } => {
            field(out, " TSval=", value);
            field(out, " TSecr=", echo);
        }
        TcpOption::Md5(_) => put(out, " MD5"),
        TcpOption::FastOpen(cookie) => fast_open(out, cookie),
        // An experiment's number (RFC 6994); 0xf989 was Fast Open's.
        TcpOption::Other { kind: 253 | 254, data: &[0xf9, 0x89, ref cookie @ ..] } => {
            fast_open(out, cookie);
        }
        TcpOption::Other { kind: 253 | 254, data: &[high, low, ..] } => {
            put(out, " ExID=");
            hex(out, u16::from_be_bytes([high, low]).into(), 1);
        }
        TcpOption::Other { kind: 28, data: &[high, low] } => {
            field(out, " USER_TO=", u32::from(u16::from_be_bytes([high & 0x7f, low])));
        }
        TcpOption::Other { kind: 29, .. } => put(out, "TCP AO"),
        _ => {}
    }
}

fn fast_open(out: &mut Vec<u8>, cookie: &[u8]) {
    put(out, if cookie.is_empty() { " TFO=R" } else { " TFO=C" });
}

fn field(out: &mut Vec<u8>, name: &str, value: u32) {
    put(out, name);
    number(out, value);
}
