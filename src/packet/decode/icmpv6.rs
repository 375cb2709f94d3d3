//! ICMPv6 (RFC 4443), with neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810).

use std::net::Ipv6Addr;

use super::{Layer, MldRecords, NdpOptions, Packet, Payload, Stop};

/// An ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmpv6<'a> {
    /// Its type.
    pub kind: u8,
    /// Its code; what it means depends on the type.
    pub code: u8,
    /// The checksum.
    pub checksum: u16,
    /// What it says.
    pub message: Icmpv6Message<'a>,
}

/// What an ICMPv6 message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icmpv6Message<'a> {
    /// A packet could not be delivered.
    DestinationUnreachable {
        /// The packet, from its IPv6 header on, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// A packet was larger than the next hop takes.
    PacketTooBig {
        /// What it takes, in bytes.
        mtu: u32,
        /// The packet, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// A packet lived too long: on its way (code 0), or in reassembly (code 1).
    TimeExceeded {
        /// The packet, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// A header was wrong.
    ParameterProblem {
        /// At which byte.
        pointer: u32,
        /// The packet, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// Answer this, please.
    EchoRequest {
        /// Which program asks.
        id: u16,
        /// Which of its requests.
        sequence: u16,
    },
    /// The answer, with the request's numbers and data.
    EchoReply {
        /// Which program asked.
        id: u16,
        /// Which of its requests.
        sequence: u16,
    },
    /// Who listens? (RFC 2710; RFC 3810 if there is more than the group.)
    ListenerQuery {
        /// How soon to answer, in ms, as coded on the wire.
        maximum_delay: u16,
        /// The group asked for; `::` for all.
        group: Ipv6Addr,
        /// Whether it is of version 2: at least 28 bytes long.
        version_2: bool,
    },
    /// I listen to this group (RFC 2710).
    ListenerReport {
        /// The group.
        group: Ipv6Addr,
    },
    /// I listen to it no more (RFC 2710).
    ListenerDone {
        /// The group.
        group: Ipv6Addr,
    },
    /// What I listen to (RFC 3810).
    ListenerReportV2 {
        /// How many records are said to follow.
        count: u16,
        /// The records.
        records: MldRecords<'a>,
    },
    /// Are there routers?
    RouterSolicitation {
        /// As the sender's address.
        options: NdpOptions<'a>,
    },
    /// Here is a router.
    RouterAdvertisement {
        /// The hop limit to use; 0 says nothing.
        hop_limit: u8,
        /// Managed, other, home agent, preference.
        flags: u8,
        /// For how many seconds it is a default router.
        lifetime: u16,
        /// For how many ms a neighbour counts as reachable; 0 says nothing.
        reachable: u32,
        /// How many ms lie between solicitations; 0 says nothing.
        retransmit: u32,
        /// Prefixes, MTU, addresses.
        options: NdpOptions<'a>,
    },
    /// Who has this address?
    NeighborSolicitation {
        /// The address.
        target: Ipv6Addr,
        /// As the sender's address.
        options: NdpOptions<'a>,
    },
    /// I have this address.
    NeighborAdvertisement {
        /// Whether the sender is a router.
        router: bool,
        /// Whether it answers.
        solicited: bool,
        /// Whether it replaces what is known.
        overriding: bool,
        /// The address.
        target: Ipv6Addr,
        /// As the sender's address.
        options: NdpOptions<'a>,
    },
    /// A better first hop.
    Redirect {
        /// The better one.
        target: Ipv6Addr,
        /// On the way to whom.
        destination: Ipv6Addr,
        /// As the target's address.
        options: NdpOptions<'a>,
    },
    /// Another type.
    Other {
        /// The last four bytes of the header.
        rest: [u8; 4],
    },
}

impl<'a> Icmpv6<'a> {
    pub(super) fn decode(segment: Payload<'a>) -> Result<(Self, Payload<'a>), Stop> {
        let [kind, code, c0, c1, rest @ ..] = *segment.header::<8>(Layer::Icmpv6)?;
        let body = segment.skip(8);
        let (message, payload) = Icmpv6Message::decode(kind, rest, body)?;
        Ok((Self { kind, code, checksum: u16::from_be_bytes([c0, c1]), message }, payload))
    }

    /// The packet that an error is about, decoded as far as it is quoted.
    pub fn quoted(&self) -> Option<Packet<'a>> {
        let (Icmpv6Message::DestinationUnreachable { quoted }
        | Icmpv6Message::PacketTooBig { quoted, .. }
        | Icmpv6Message::TimeExceeded { quoted }
        | Icmpv6Message::ParameterProblem { quoted, .. }) = self.message
        else {
            return None;
        };
        Some(Packet::decode_ip(quoted.bytes, quoted.length))
    }
}

impl<'a> Icmpv6Message<'a> {
    /// What a message of a type says, and what payload it has beside that.
    fn decode(kind: u8, rest: [u8; 4], body: Payload<'a>) -> Result<(Self, Payload<'a>), Stop> {
        let [a, b, c, d] = rest;
        let (id, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let word = u32::from_be_bytes(rest);
        let none = Payload::default();
        let address = |at| body.skip(at).header::<16>(Layer::Icmpv6).map(|a| Ipv6Addr::from(*a));
        let options = |at| NdpOptions::new(body.skip(at).bytes);
        let message = match kind {
            1 => return Ok((Self::DestinationUnreachable { quoted: body }, body)),
            2 => return Ok((Self::PacketTooBig { mtu: word, quoted: body }, body)),
            3 => return Ok((Self::TimeExceeded { quoted: body }, body)),
            4 => return Ok((Self::ParameterProblem { pointer: word, quoted: body }, body)),
            128 => return Ok((Self::EchoRequest { id, sequence }, body)),
            129 => return Ok((Self::EchoReply { id, sequence }, body)),
            130 => {
                let version_2 = body.length >= 20;
                Self::ListenerQuery { maximum_delay: id, group: address(0)?, version_2 }
            }
            131 => Self::ListenerReport { group: address(0)? },
            132 => Self::ListenerDone { group: address(0)? },
            133 => Self::RouterSolicitation { options: options(0) },
            134 => {
                let [e, f, g, h, i, j, k, l] = *body.header::<8>(Layer::Icmpv6)?;
                Self::RouterAdvertisement {
                    hop_limit: a,
                    flags: b,
                    lifetime: sequence,
                    reachable: u32::from_be_bytes([e, f, g, h]),
                    retransmit: u32::from_be_bytes([i, j, k, l]),
                    options: options(8),
                }
            }
            135 => Self::NeighborSolicitation { target: address(0)?, options: options(16) },
            136 => Self::NeighborAdvertisement {
                router: a & 0x80 != 0,
                solicited: a & 0x40 != 0,
                overriding: a & 0x20 != 0,
                target: address(0)?,
                options: options(16),
            },
            137 => Self::Redirect {
                target: address(0)?,
                destination: address(16)?,
                options: options(32),
            },
            143 => {
                let records = MldRecords::new(body.bytes, sequence);
                Self::ListenerReportV2 { count: sequence, records }
            }
            _ => return Ok((Self::Other { rest }, body)),
        };
        Ok((message, none))
    }
}
