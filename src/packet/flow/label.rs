//! What stands on an arrow.

use super::{
    super::{
        Network, Packet, Transport,
        decode::{Arp, IcmpMessage, Icmpv6Message, Protocol, TcpFlags},
    },
    half::Half,
    unit::Unit,
};

/// The relative numbers of a segment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    seq: Option<i64>,
    ack: Option<i64>,
    /// Whether it repeats what was sent before.
    pub(super) again: bool,
}

impl Numbers {
    pub(super) fn new(unit: &Unit<'_>, own: &mut Half, other: &mut Half) -> Self {
        let Some(tcp) = unit.tcp else { return Self::default() };
        let ack = other.acknowledge(&tcp).map(|position| position + 1);
        let known = own.sequence.position(tcp.sequence).is_some();
        let taken = own.take(&tcp, unit.payload.length);
        let syn = i64::from(tcp.flags.contains(TcpFlags::SYN));
        let seq = (known || !tcp.flags.contains(TcpFlags::RST)).then_some(taken.start + 1 - syn);
        Self { seq, ack, again: taken.again }
    }
}

/// A frame in a few words; `ports` says whether these are among them.
pub(super) fn label(packet: &Packet<'_>, numbers: &Numbers, ports: bool) -> String {
    let ports = match packet.ports().filter(|_| ports) {
        Some((from, to)) => format!("{from}→{to} "),
        None => String::new(),
    };
    let length = packet.payload.length;
    match (packet.network, packet.transport) {
        (Some(Network::Arp(arp)), _) => match arp.operation {
            Arp::REQUEST => format!("ARP who has {}?", arp.target),
            Arp::REPLY => format!("ARP {} is at {}", arp.sender, arp.sender_mac),
            operation => format!("ARP operation {operation}"),
        },
        (_, Some(Transport::Tcp(tcp))) => {
            let mut text = format!("{ports}{}", tcp.flags);
            for (name, number) in [("seq", numbers.seq), ("ack", numbers.ack)] {
                if let Some(number) = number {
                    text += &format!(" {name}={number}");
                }
            }
            if length > 0 {
                text += &format!(" len={length}");
            }
            if numbers.again { format!("again: {text}") } else { text }
        }
        (_, Some(Transport::Udp(_))) => format!("{ports}UDP len={length}"),
        (_, Some(Transport::Icmp(icmp))) => match icmp.message {
            IcmpMessage::EchoRequest { sequence, .. } => format!("echo request seq={sequence}"),
            IcmpMessage::EchoReply { sequence, .. } => format!("echo reply seq={sequence}"),
            _ => format!("ICMP type {} code {}", icmp.kind, icmp.code),
        },
        (_, Some(Transport::Icmpv6(icmpv6))) => match icmpv6.message {
            Icmpv6Message::EchoRequest { sequence, .. } => format!("echo request seq={sequence}"),
            Icmpv6Message::EchoReply { sequence, .. } => format!("echo reply seq={sequence}"),
            Icmpv6Message::NeighborSolicitation { target, .. } => format!("who has {target}?"),
            Icmpv6Message::NeighborAdvertisement { target, .. } => format!("{target} is here"),
            _ => format!("ICMPv6 type {} code {}", icmpv6.kind, icmpv6.code),
        },
        _ => match (packet.fragment(), packet.protocol()) {
            (Some(part), _) if part.offset > 0 => format!("fragment at {}", part.offset),
            (_, Some(Protocol(protocol))) => format!("IP protocol {protocol}"),
            _ => "unknown".to_owned(),
        },
    }
}
