//! From whom a frame is, and to whom.

use std::net::IpAddr;

use super::text;
use crate::{
    packet::decode::{Network, Packet},
    units::MacAddr,
};

/// An address of the highest layer that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// Of Ethernet, where there is no IP.
    Mac(MacAddr),
    /// Of IP.
    Ip(IpAddr),
}

impl Address {
    /// From whom a packet is, and to whom; none where not even the Ethernet header was recorded.
    pub(super) fn of(packet: &Packet<'_>) -> Option<(Self, Self)> {
        if let Some((source, destination)) = packet.addresses() {
            return Some((Self::Ip(source), Self::Ip(destination)));
        }
        if let Some(ethernet) = packet.ethernet {
            return Some((Self::Mac(ethernet.source), Self::Mac(ethernet.destination)));
        }
        let &[a, b, c, d, e, f, g, h, i, j, k, l] = packet.frame.bytes.first_chunk()?;
        Some((Self::Mac(MacAddr([g, h, i, j, k, l])), Self::Mac(MacAddr([a, b, c, d, e, f]))))
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Mac(mac) => text::mac(out, mac),
            Self::Ip(IpAddr::V4(address)) => text::ipv4(out, address),
            Self::Ip(IpAddr::V6(address)) => text::ipv6(out, address),
        }
    }
}

/// Whether a packet's network layer is IP version 6.
pub(super) fn is_ipv6(packet: &Packet<'_>) -> bool {
    matches!(packet.network, Some(Network::Ipv6(_)))
}
