//! The Internet checksum (RFC 1071) of headers and segments.

use serde::Serialize;

use super::{Network, Packet, Protocol, Transport};

/// What a checksum is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// It is right.
    Valid,
    /// It is not; this value would be.
    Wrong(u16),
    /// It can't be told: bytes were not recorded, or are in other fragments.
    Partial,
    /// The sender made none (UDP over IPv4).
    Absent,
}

/// The checksums of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checksums {
    /// Of the IPv4 header; IPv6 has none.
    pub ipv4: Option<Checksum>,
    /// Of the TCP, UDP, ICMP or ICMPv6 segment.
    pub transport: Option<Checksum>,
}

impl Packet<'_> {
    /// Verifies the checksums of the IPv4 header and of the transport layer.
    ///
    /// At a sender whose network card makes the checksums they are wrong in recordings, though not on the wire.
    pub fn checksums(&self) -> Checksums {
        let ipv4 = match self.network {
            Some(Network::Ipv4(ipv4)) => Some(verdict(ipv4.checksum, sum(0, ipv4.header))),
            _ => None,
        };
        Checksums { ipv4, transport: self.transport_checksum() }
    }

    fn transport_checksum(&self) -> Option<Checksum> {
        let transport = self.transport?;
        let (found, offset) = match transport {
            Transport::Tcp(tcp) => (tcp.checksum, true),
            Transport::Udp(udp) => (udp.checksum, true),
            Transport::Icmp(icmp) => (icmp.checksum, false),
            Transport::Icmpv6(icmpv6) => (icmpv6.checksum, true),
        };
        let mut segment = self.segment;
        if let Transport::Udp(udp) = transport {
            if udp.checksum == 0 && matches!(self.network, Some(Network::Ipv4(_))) {
                return Some(Checksum::Absent);
            }
            if udp.length >= 8 {
                segment = segment.limit(udp.length.into());
            }
        }
        if segment.is_truncated() || self.fragment().is_some() {
            return Some(Checksum::Partial);
        }
        let start = if offset { self.pseudo_header(segment.length) } else { 0 };
        let verdict = verdict(found, sum(start, segment.bytes));
        // A UDP sum that comes to zero is sent as all ones.
        Some(match (transport, verdict) {
            (Transport::Udp(_), Checksum::Wrong(0)) => Checksum::Wrong(0xffff),
            _ => verdict,
        })
    }

    /// The sum over what RFC 9293 and RFC 8200 put before the segment.
    fn pseudo_header(&self, length: u32) -> u64 {
        let protocol = self.protocol().map_or(0, |Protocol(protocol)| u64::from(protocol));
        let addresses = match self.network {
            Some(Network::Ipv4(ipv4)) => {
                sum(sum(0, &ipv4.source.octets()), &ipv4.destination.octets())
            }
            Some(Network::Ipv6(ipv6)) => {
                sum(sum(0, &ipv6.source.octets()), &ipv6.destination.octets())
            }
            _ => 0,
        };
        addresses + protocol + u64::from(length >> 16) + u64::from(length & 0xffff)
    }
}

/// Adds 16-bit words; an odd byte counts as if a zero followed it.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let mut total = start;
    let (words, odd) = bytes.as_chunks::<2>();
    for word in words {
        total += u64::from(u16::from_be_bytes(*word));
    }
    total + odd.first().map_or(0, |byte| u64::from(*byte) << 8)
}

/// What a sum over bytes that hold the checksum `found` says of it.
fn verdict(found: u16, total: u64) -> Checksum {
    let folded = fold(total);
    if folded == 0xffff {
        return Checksum::Valid;
    }
    // What the sum is without the checksum's own word, complemented.
    let without = fold(u64::from(folded) + u64::from(!found));
    Checksum::Wrong(!without)
}

fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    // All of it was folded into 16 bits.
    total as u16
}
