//! Pings and their answers.

use std::net::IpAddr;

use super::{bounded::Bounded, endpoints::Endpoints};
use crate::packet::decode::{IcmpMessage, Icmpv6Message, Packet, Transport};

/// How many unanswered pings are remembered.
pub const ECHOES: u32 = 4_096;

/// The pings that await their answers.
#[derive(Debug)]
pub(super) struct Echoes {
    table: Bounded<Echo, u64>,
}

/// What a request and its reply have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Echo {
    ends: Endpoints,
    id: u16,
    sequence: u16,
    /// The request's checksum, which stands for its data: a reply's differs by the type alone.
    checksum: u16,
}

impl Echoes {
    pub(super) fn new() -> Self {
        Self { table: Bounded::new(ECHOES) }
    }

    /// Takes a packet into account; for a reply, the frame of the request that it answers first.
    pub(super) fn observe(&mut self, packet: &Packet<'_>, number: u64) -> Option<u64> {
        let (source, destination) = packet.addresses()?;
        let (id, sequence, checksum, request) = match packet.transport? {
            Transport::Icmp(icmp) => match icmp.message {
                IcmpMessage::EchoRequest { id, sequence } => (id, sequence, icmp.checksum, true),
                IcmpMessage::EchoReply { id, sequence } => {
                    (id, sequence, with_added(icmp.checksum, TO_REQUEST_V4), false)
                }
                _ => return None,
            },
            Transport::Icmpv6(icmpv6) => match icmpv6.message {
                Icmpv6Message::EchoRequest { id, sequence } => {
                    (id, sequence, icmpv6.checksum, true)
                }
                Icmpv6Message::EchoReply { id, sequence } => {
                    (id, sequence, with_added(icmpv6.checksum, TO_REQUEST_V6), false)
                }
                _ => return None,
            },
            _ => return None,
        };
        let ends = ends(source, destination);
        let echo = Echo { ends, id, sequence, checksum };
        if request {
            *self.table.get_or_insert(echo, || number) = number;
            return None;
        }
        self.table.remove(&echo)
    }
}

fn ends(source: IpAddr, destination: IpAddr) -> Endpoints {
    Endpoints::of((source, 0), (destination, 0)).0
}

/// What makes a reply's checksum the request's: type 8 instead of 0, and type 128 instead of 129.
const TO_REQUEST_V4: u16 = 0x0800;
const TO_REQUEST_V6: u16 = !0x0100;

/// A checksum after a word was added to what it covers, in one's complement (RFC 1624).
fn with_added(checksum: u16, word: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(word);
    !((sum & 0xffff) + (sum >> 16)) as u16
}
