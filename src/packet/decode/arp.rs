//! ARP (RFC 826) between Ethernet and IPv4.

use std::net::Ipv4Addr;

use super::{Layer, Payload, Stop};
use crate::units::MacAddr;

/// An ARP message about IPv4 addresses on Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// What it is: [`Arp::REQUEST`], [`Arp::REPLY`] or another number.
    pub operation: u16,
    /// The sender's Ethernet address.
    pub sender_mac: MacAddr,
    /// The sender's IPv4 address; 0.0.0.0 in a probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// The target's Ethernet address; zeros in a request.
    pub target_mac: MacAddr,
    /// The IPv4 address asked for, or answered to.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Asks who has an address.
    pub const REQUEST: u16 = 1;
    /// Says who has it.
    pub const REPLY: u16 = 2;

    pub(super) fn decode(packet: Payload<'_>) -> Result<Self, Stop> {
        let header: &[u8; 8] = packet.header(Layer::Arp)?;
        let [hardware @ .., _, _, _, _, _, _] = *header;
        let [_, _, protocol @ .., _, _, _, _] = *header;
        let [_, _, _, _, hardware_length, protocol_length, operation @ ..] = *header;
        if (hardware, protocol, hardware_length, protocol_length) != ([0, 1], [8, 0], 6, 4) {
            return Err(Stop::Malformed(Layer::Arp, "it is not about IPv4 on Ethernet"));
        }
        let body: &[u8; 20] = packet.skip(8).header(Layer::Arp)?;
        let [a, b, c, d, e, f, sender @ .., _, _, _, _, _, _, _, _, _, _] = *body;
        let [_, _, _, _, _, _, _, _, _, _, g, h, i, j, k, l, target @ ..] = *body;
        Ok(Self {
            operation: u16::from_be_bytes(operation),
            sender_mac: MacAddr([a, b, c, d, e, f]),
            sender: Ipv4Addr::from(sender),
            target_mac: MacAddr([g, h, i, j, k, l]),
            target: Ipv4Addr::from(target),
        })
    }

    /// Whether somebody announces an address of his own, or asks for it (RFC 5227 section 3).
    pub fn is_gratuitous(&self) -> bool {
        self.sender == self.target
    }
}
