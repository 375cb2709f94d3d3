//! The protocol and the info of a row: which layer speaks for a frame.

use super::{
    address::is_ipv6,
    arp, icmp, icmpv6, ip,
    names::ether_type,
    tcp,
    text::{hex, number, put},
};
use crate::packet::{
    analysis::Insight,
    decode::{EtherType, Layer, Network, Packet, Protocol, Stop, Transport, Udp},
};

/// What stands in the protocol column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Known(&'static str),
    /// An EtherType without a decoder.
    Number(u16),
}

impl Name {
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Known(name) => put(out, name),
            Self::Number(number) => {
                put(out, "0x");
                hex(out, number.into(), 4);
            }
        }
    }
}

/// The protocol that a row is shown under.
pub(super) fn protocol(insight: &Insight<'_>) -> Name {
    let packet = &insight.packet;
    let ip = if is_ipv6(packet) { "IPv6" } else { "IPv4" };
    if insight.fragment {
        return Name::Known(ip);
    }
    if let Some(transport) = packet.transport {
        return Name::Known(match transport {
            Transport::Tcp(_) => "TCP",
            Transport::Udp(_) => "UDP",
            Transport::Icmp(_) => "ICMP",
            Transport::Icmpv6(_) => "ICMPv6",
        });
    }
    match (packet.stopped, packet.network) {
        (Some(Stop::Truncated(layer) | Stop::Malformed(layer, _)), _) => Name::Known(match layer {
            Layer::Ethernet if packet.ethernet.is_none() => "Ethernet",
            Layer::Ethernet => "VLAN",
            Layer::Arp => "ARP",
            Layer::Ipv4 => "IPv4",
            Layer::Ipv6 => "IPv6",
            Layer::Icmp if packet.segment.length == 0 => ip,
            Layer::Icmp => "ICMP",
            Layer::Icmpv6 => "ICMPv6",
            Layer::Tcp | Layer::Udp if packet.segment.bytes.len() < 4 => ip,
            Layer::Tcp => "TCP",
            Layer::Udp => "UDP",
        }),
        (_, Some(Network::Arp(found))) => Name::Known(arp::protocol(found.operation)),
        (_, Some(_)) => Name::Known(ip),
        (Some(Stop::Unknown(_, kind)), None) if kind == 0 || kind >= 0x600 => Name::Number(kind),
        (_, None) if packet.ethernet.is_some_and(|ethernet| ethernet.tag.is_some()) => {
            Name::Known("VLAN")
        }
        (_, None) => Name::Known("Ethernet"),
    }
}

/// What a row says about its frame.
pub(super) fn write_info(insight: &Insight<'_>, out: &mut Vec<u8>) {
    let packet = &insight.packet;
    if insight.fragment {
        return ip::fragment(packet, out);
    }
    match packet.transport {
        Some(Transport::Tcp(header)) => tcp::write(insight, &header, out),
        Some(Transport::Udp(udp)) => write_udp(packet, &udp, out),
        Some(Transport::Icmp(message)) => icmp::write(insight, &message, out),
        Some(Transport::Icmpv6(message)) => icmpv6::write(insight, &message, out),
        None => write_lower(packet, out),
    }
}

fn write_lower(packet: &Packet<'_>, out: &mut Vec<u8>) {
    match (packet.network, packet.stopped) {
        (_, Some(stop @ (Stop::Truncated(layer) | Stop::Malformed(layer, _)))) => {
            write_stopped(packet, layer, stop, out);
        }
        (Some(Network::Arp(found)), _) => arp::write(&found, out),
        (Some(Network::Ipv4(_)), Some(Stop::Unknown(_, protocol))) => {
            ip::unknown(Protocol(protocol as u8), false, out);
        }
        (Some(Network::Ipv6(_)), Some(Stop::Unknown(_, protocol))) => {
            ip::unknown(Protocol(protocol as u8), true, out);
        }
        (Some(Network::Ipv6(_)), None) => put(out, "IPv6 no next header"),
        (_, Some(Stop::Unknown(_, kind))) => write_ethernet(packet, EtherType(kind), out),
        _ => {}
    }
}

/// What can be said of a header that was not recorded whole, or contradicts itself.
fn write_stopped(packet: &Packet<'_>, layer: Layer, stop: Stop, out: &mut Vec<u8>) {
    if packet.segment.length == 0 && matches!(layer, Layer::Tcp | Layer::Udp | Layer::Icmp) {
        return;
    }
    match (layer, packet.segment.bytes) {
        (Layer::Tcp | Layer::Udp, &[a, b, c, d, ..]) => {
            number(out, u16::from_be_bytes([a, b]));
            put(out, " → ");
            number(out, u16::from_be_bytes([c, d]));
        }
        (Layer::Icmp, &[kind, _, _, _, _, _, ..]) => icmp::name(kind, out),
        (Layer::Icmpv6, &[kind, ..]) => icmpv6::name(kind, out),
        (Layer::Ipv4, _) if ip::bogus(packet, out) => return,
        _ => {}
    }
    put(
        out,
        match stop {
            Stop::Truncated(_) => "[Packet size limited during capture]",
            _ => "[Malformed Packet]",
        },
    );
}

fn write_ethernet(packet: &Packet<'_>, kind: EtherType, out: &mut Vec<u8>) {
    let Some(ethernet) = packet.ethernet else { return };
    if let Some(tag) = ethernet.inner_tag.or(ethernet.tag) {
        put(out, "PRI: ");
        number(out, tag.priority);
        put(out, "  DEI: ");
        number(out, u8::from(tag.drop_eligible));
        put(out, "  ID: ");
        number(out, tag.id);
        return;
    }
    put(
        out,
        match kind {
            EtherType(1..=0x5ff) => "IEEE 802.3 Ethernet ",
            _ => ether_type(kind),
        },
    );
}

fn write_udp(packet: &Packet<'_>, udp: &Udp, out: &mut Vec<u8>) {
    number(out, udp.source_port);
    put(out, " → ");
    number(out, udp.destination_port);
    if udp.length < 8 {
        put(out, " [BAD UDP LENGTH ");
        number(out, udp.length);
        return put(out, " < 8]");
    }
    if u32::from(udp.length) > packet.segment.length {
        put(out, " [BAD UDP LENGTH ");
        number(out, udp.length);
        put(out, " > IP PAYLOAD LENGTH]");
    }
    put(out, " Len=");
    number(out, udp.length - 8);
    if udp.checksum == 0 && is_ipv6(packet) {
        put(out, " [ILLEGAL CHECKSUM (0)]");
    }
}
