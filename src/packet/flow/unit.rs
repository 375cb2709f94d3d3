//! A frame as part of a conversation.

use std::{fmt, net::SocketAddr};

use serde::Serialize;

use super::super::{
    Packet, Transport,
    decode::{IcmpMessage, Icmpv6Message, Payload, Tcp},
};

/// What a conversation is held over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Echo requests and replies of ICMP; their id stands for the ports.
    Icmp,
    /// Echo requests and replies of ICMPv6.
    Icmpv6,
}

impl fmt::Display for FlowProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPv6",
        })
    }
}

/// One of the two in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who began it.
    Client,
    /// Who was spoken to.
    Server,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The one across.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// A frame that belongs to a conversation, as far as one frame tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) protocol: FlowProtocol,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) tcp: Option<Tcp<'a>>,
    pub(super) payload: Payload<'a>,
    /// Of an echo whether it is a reply, and which in its sequence.
    pub(super) echo: Option<(bool, u16)>,
}

impl<'a> Unit<'a> {
    /// Whether it answers by its nature.
    pub(super) fn answers(&self) -> bool {
        self.echo.is_some_and(|(reply, _)| reply)
    }

    /// Nothing if the packet belongs to no conversation, as ARP, ICMP errors and later fragments do.
    pub(super) fn of(packet: &Packet<'a>) -> Option<Self> {
        let mut payload = packet.payload;
        let (mut tcp, mut echo) = (None, None);
        let (protocol, ports) = match packet.transport? {
            Transport::Tcp(header) => {
                tcp = Some(header);
                (FlowProtocol::Tcp, (header.source_port, header.destination_port))
            }
            Transport::Udp(udp) => {
                // Of a datagram in fragments the first tells the length of all.
                if udp.length >= 8 {
                    payload.length = payload.length.max(u32::from(udp.length) - 8);
                }
                (FlowProtocol::Udp, (udp.source_port, udp.destination_port))
            }
            Transport::Icmp(icmp) => {
                let (id, which) = match icmp.message {
                    IcmpMessage::EchoRequest { id, sequence } => (id, (false, sequence)),
                    IcmpMessage::EchoReply { id, sequence } => (id, (true, sequence)),
                    _ => return None,
                };
                echo = Some(which);
                (FlowProtocol::Icmp, (id, id))
            }
            Transport::Icmpv6(icmpv6) => {
                let (id, which) = match icmpv6.message {
                    Icmpv6Message::EchoRequest { id, sequence } => (id, (false, sequence)),
                    Icmpv6Message::EchoReply { id, sequence } => (id, (true, sequence)),
                    _ => return None,
                };
                echo = Some(which);
                (FlowProtocol::Icmpv6, (id, id))
            }
        };
        let (source, destination) = packet.addresses()?;
        let (from, to) = (SocketAddr::new(source, ports.0), SocketAddr::new(destination, ports.1));
        Some(Self { protocol, from, to, tcp, payload, echo })
    }
}
