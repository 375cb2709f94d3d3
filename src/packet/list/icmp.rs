//! What ICMP messages say.

use super::text::{align, hex, number, put};
use crate::packet::{
    analysis::Insight,
    decode::{Icmp, Network, Packet, Stop},
};

pub(super) fn write(insight: &Insight<'_>, icmp: &Icmp<'_>, out: &mut Vec<u8>) {
    name(icmp.kind, out);
    if matches!(icmp.kind, 0 | 8 | 13..=18) {
        return numbers(insight, out);
    }
    let codes: &[&str] = match icmp.kind {
        3 => &UNREACHABLE,
        5 => &REDIRECT,
        6 => &["Alternate address for host"],
        9 if icmp.code == 16 => return put(out, " (Does not route common traffic)"),
        9 => &["Normal router advertisement"],
        11 => &["Time to live exceeded in transit", "Fragment reassembly time exceeded"],
        12 => &["Pointer indicates the error", "Required option missing", "Bad length"],
        40 => &PHOTURIS,
        42 => &["No error"],
        43 => &EXTENDED_REPLY,
        _ => return,
    };
    put(out, " (");
    match codes.get(usize::from(icmp.code)) {
        Some(code) => put(out, code),
        None => {
            put(out, "Unknown code: ");
            number(out, icmp.code);
        }
    }
    out.push(b')');
    cut(icmp.quoted(), out);
}

/// Says so if the recording ends within the headers that an error quotes.
pub(super) fn cut(quoted: Option<Packet<'_>>, out: &mut Vec<u8>) {
    if let Some(Packet { stopped: Some(Stop::Truncated(_)), .. }) = quoted {
        put(out, "[Packet size limited during capture]");
    }
}

/// The type's name, at least 20 characters wide.
pub(super) fn name(kind: u8, out: &mut Vec<u8>) {
    let start = out.len();
    put(out, title(kind));
    align(out, start, 20, false);
}

/// The type's name.
pub(in crate::packet) fn title(kind: u8) -> &'static str {
    TYPES.get(usize::from(kind)).copied().filter(|name| !name.is_empty()).unwrap_or(OTHER)
}

/// Identifier and sequence number, which is shown in both byte orders, since systems differ in it.
fn numbers(insight: &Insight<'_>, out: &mut Vec<u8>) {
    let &[_, _, _, _, a, b, c, d, ..] = insight.packet.segment.bytes else { return };
    put(out, " id=0x");
    hex(out, u16::from_be_bytes([a, b]).into(), 4);
    put(out, ", seq=");
    number(out, u16::from_be_bytes([c, d]));
    out.push(b'/');
    number(out, u16::from_le_bytes([c, d]));
    put(out, ", ttl=");
    if let Some(Network::Ipv4(ipv4)) = insight.packet.network {
        number(out, ipv4.ttl);
    }
    request(insight, out);
}

/// For a reply the frame of its request.
pub(super) fn request(insight: &Insight<'_>, out: &mut Vec<u8>) {
    if let Some(frame) = insight.request {
        put(out, " (request in ");
        number(out, frame);
        out.push(b')');
    }
}

const OTHER: &str = "Unknown ICMP (obsolete or malformed?)";

/// By type (IANA, ICMP Type Numbers).
const TYPES: [&str; 44] = [
    "Echo (ping) reply",
    "Reserved",
    "Reserved",
    "Destination unreachable",
    "Source quench (flow control)",
    "Redirect",
    "Alternate host address",
    "",
    "Echo (ping) request",
    "Router advertisement",
    "Router solicitation",
    "Time-to-live exceeded",
    "Parameter problem",
    "Timestamp request",
    "Timestamp reply",
    "Information request",
    "Information reply",
    "Address mask request",
    "Address mask reply",
    "Reserved (for security)",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "Traceroute",
    "Datagram Conversion Error",
    "Mobile Host Redirect",
    "IPv6 Where-Are-You",
    "IPv6 I-Am-Here",
    "Mobile Registration Request",
    "Mobile Registration Reply",
    "Domain Name Request",
    "Domain Name Reply",
    "SKIP",
    "Photuris",
    "Experimental mobility protocols",
    "Extended Echo request",
    "Extended Echo reply",
];

/// By code, of type 3.
const UNREACHABLE: [&str; 16] = [
    "Network unreachable",
    "Host unreachable",
    "Protocol unreachable",
    "Port unreachable",
    "Fragmentation needed",
    "Source route failed",
    "Destination network unknown",
    "Destination host unknown",
    "Source host isolated",
    "Network administratively prohibited",
    "Host administratively prohibited",
    "Network unreachable for TOS",
    "Host unreachable for TOS",
    "Communication administratively filtered",
    "Host precedence violation",
    "Precedence cutoff in effect",
];

/// By code, of type 5.
const REDIRECT: [&str; 4] = [
    "Redirect for network",
    "Redirect for host",
    "Redirect for TOS and network",
    "Redirect for TOS and host",
];

/// By code, of type 40 (RFC 2521).
const PHOTURIS: [&str; 6] = [
    "Bad SPI",
    "Authentication Failed",
    "Decompression Failed",
    "Decryption Failed",
    "Need Authentication",
    "Need Authorization",
];

/// By code, of type 43 (RFC 8335).
const EXTENDED_REPLY: [&str; 5] = [
    "No error",
    "Malformed Query",
    "No Such Interface",
    "No Such Table Entry",
    "Multiple Interfaces Satisfy Query",
];
