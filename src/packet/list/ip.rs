//! What is said of IP packets whose payload is not decoded.

use super::{
    names::ip_protocol,
    text::{hex, number, put},
};
use crate::packet::decode::{Network, Packet, Protocol};

/// A fragment of a datagram that is not complete.
pub(super) fn fragment(packet: &Packet<'_>, out: &mut Vec<u8>) {
    let Some(part) = packet.fragment() else { return };
    match packet.network {
        Some(Network::Ipv4(ipv4)) => {
            if packet.segment.length == 0 {
                return;
            }
            put(out, "Fragmented IP protocol (proto=");
            put(out, ip_protocol(ipv4.protocol));
            out.push(b' ');
            number(out, ipv4.protocol.0);
            put(out, ", off=");
            number(out, part.offset);
            put(out, ", ID=");
            hex(out, part.id, 4);
        }
        Some(Network::Ipv6(ipv6)) => {
            put(out, "IPv6 fragment (off=");
            number(out, part.offset);
            put(out, if part.more { " more=y ident=0x" } else { " more=n ident=0x" });
            hex(out, part.id, 8);
            put(out, " nxt=");
            number(out, ipv6.protocol.0);
        }
        _ => return,
    }
    out.push(b')');
}

/// A protocol without a decoder.
pub(super) fn unknown(protocol: Protocol, over_ipv6: bool, out: &mut Vec<u8>) {
    if over_ipv6 {
        put(out, "Unknown IP Protocol: ");
    }
    put(out, ip_protocol(protocol));
    put(out, " (");
    number(out, protocol.0);
    out.push(b')');
}

/// What is wrong with an IPv4 header; false if it is just short.
pub(super) fn bogus(packet: &Packet<'_>, out: &mut Vec<u8>) -> bool {
    let &[version, ..] = packet.payload.bytes else { return false };
    let header = u16::from(version & 0x0f) * 4;
    if version >> 4 != 4 {
        put(out, "Bogus IPv4 version (");
        number(out, version >> 4);
        put(out, ", must be 4)");
    } else if header < 20 {
        put(out, "Bogus IP header length (");
        number(out, header);
        put(out, ", must be at least 20)");
    } else if let &[_, _, high, low, ..] = packet.payload.bytes
        && (1..header).contains(&u16::from_be_bytes([high, low]))
    {
        put(out, "Bogus IP length (");
        number(out, u16::from_be_bytes([high, low]));
        put(out, ", less than header length ");
        number(out, header);
        out.push(b')');
    } else {
        return false;
    }
    true
}
