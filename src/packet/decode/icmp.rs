//! ICMP (RFC 792).

use std::net::Ipv4Addr;

use super::{Layer, Packet, Payload, Stop};

/// An ICMP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Its type.
    pub kind: u8,
    /// Its code; what it means depends on the type.
    pub code: u8,
    /// The checksum.
    pub checksum: u16,
    /// What it says.
    pub message: IcmpMessage<'a>,
}

/// What an ICMP message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpMessage<'a> {
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
    /// A packet could not be delivered.
    DestinationUnreachable {
        /// The MTU of the next hop, for code 4 (RFC 1191).
        mtu: u16,
        /// The packet, from its IP header on, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// A better gateway.
    Redirect {
        /// The gateway.
        gateway: Ipv4Addr,
        /// The packet that should have gone there.
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
        pointer: u8,
        /// The packet, as far as it is quoted.
        quoted: Payload<'a>,
    },
    /// Another type.
    Other {
        /// The last four bytes of the header.
        rest: [u8; 4],
    },
}

impl<'a> Icmp<'a> {
    pub(super) fn decode(segment: Payload<'a>) -> Result<(Self, Payload<'a>), Stop> {
        let [kind, code, c0, c1, rest @ ..] = *segment.header::<8>(Layer::Icmp)?;
        let body = segment.skip(8);
        let [a, b, c, d] = rest;
        let (id, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let message = match kind {
            0 => IcmpMessage::EchoReply { id, sequence },
            8 => IcmpMessage::EchoRequest { id, sequence },
            3 => IcmpMessage::DestinationUnreachable { mtu: sequence, quoted: body },
            5 => IcmpMessage::Redirect { gateway: Ipv4Addr::from(rest), quoted: body },
            11 => IcmpMessage::TimeExceeded { quoted: body },
            12 => IcmpMessage::ParameterProblem { pointer: a, quoted: body },
            _ => IcmpMessage::Other { rest },
        };
        Ok((Self { kind, code, checksum: u16::from_be_bytes([c0, c1]), message }, body))
    }

    /// The packet that an error is about, decoded as far as it is quoted.
    pub fn quoted(&self) -> Option<Packet<'a>> {
        let (IcmpMessage::DestinationUnreachable { quoted, .. }
        | IcmpMessage::Redirect { quoted, .. }
        | IcmpMessage::TimeExceeded { quoted }
        | IcmpMessage::ParameterProblem { quoted, .. }) = self.message
        else {
            return None;
        };
        Some(Packet::decode_ip(quoted.bytes, quoted.length))
    }
}
