//! A packet's layers, put together.

use std::net::IpAddr;

use super::{Arp, EtherType, Ethernet, Icmp, Icmpv6, Ipv4, Ipv6, Layer, Payload, Stop, Tcp, Udp};

/// A frame decoded as far as its bytes go.
///
/// ```
/// use labnet::packet::{Packet, Stop, Layer};
///
/// let packet = Packet::decode(&[0; 60], 60);
/// assert_eq!(packet.stopped, Some(Stop::Unknown(Layer::Ethernet, 0)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The link layer; none in a packet that an ICMP error quotes.
    pub ethernet: Option<Ethernet>,
    /// The layer above it.
    pub network: Option<Network<'a>>,
    /// The layer above that; a fragment has it only if it is the first.
    pub transport: Option<Transport<'a>>,
    /// What the topmost decoded layer carries: a TCP segment's data, a UDP datagram, a fragment's part.
    pub payload: Payload<'a>,
    /// What the network layer carries, with the transport header, as long as the IP header says; empty without IP.
    pub segment: Payload<'a>,
    /// What ended the decoding, if not the payload. A TCP header whose options were cut is there nevertheless.
    pub stopped: Option<Stop>,
    /// The whole frame.
    pub frame: Payload<'a>,
}

/// The layer above Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the protocol of its name")]
pub enum Network<'a> {
    Arp(Arp),
    Ipv4(Ipv4<'a>),
    Ipv6(Ipv6<'a>),
}

/// The layer above IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the protocol of its name")]
pub enum Transport<'a> {
    Icmp(Icmp<'a>),
    Icmpv6(Icmpv6<'a>),
    Udp(Udp),
    Tcp(Tcp<'a>),
}

/// What IP carries (IANA, Protocol Numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protocol(pub u8);

/// Which part of an IP packet a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Names the packet, with the addresses and the protocol.
    pub id: u32,
    /// Where the part begins in the packet's payload, in bytes.
    pub offset: u32,
    /// Whether more parts follow it.
    pub more: bool,
}

impl Protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 routing header.
    pub const ROUTING: Self = Self(43);
    /// IPv6 fragment header.
    pub const FRAGMENT: Self = Self(44);
    /// Authentication header.
    pub const AUTHENTICATION: Self = Self(51);
    /// ICMPv6.
    pub const ICMPV6: Self = Self(58);
    /// IPv6: nothing follows.
    pub const NONE: Self = Self(59);
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: Self = Self(60);

    /// Whether it is an extension header of IPv6 that is walked over.
    pub fn is_extension(self) -> bool {
        matches!(
            self,
            Self::HOP_BY_HOP
                | Self::ROUTING
                | Self::FRAGMENT
                | Self::AUTHENTICATION
                | Self::DESTINATION_OPTIONS
        )
    }
}

impl<'a> Packet<'a> {
    /// Decodes an Ethernet frame that had `length` bytes on the wire; never fails.
    pub fn decode(bytes: &'a [u8], length: u32) -> Self {
        let frame = Payload::new(bytes, length);
        let mut packet = Self::empty(frame);
        packet.stopped = packet.link(frame).err();
        packet
    }

    /// Decodes a packet that begins with its IP header, as those that ICMP errors quote; never fails.
    pub fn decode_ip(bytes: &'a [u8], length: u32) -> Self {
        let whole = Payload::new(bytes, length);
        let mut packet = Self::empty(whole);
        let kind = match bytes.first().map(|first| first >> 4) {
            Some(6) => EtherType::IPV6,
            _ => EtherType::IPV4,
        };
        packet.stopped = packet.network(kind, whole).err();
        packet
    }

    /// Decodes what IP carries, as put together from fragments: the addresses and the protocol are those of `self`.
    pub(in crate::packet) fn with_segment(self, bytes: &'a [u8], length: u32) -> Self {
        let segment = Payload::new(bytes, length);
        let mut packet = Self { transport: None, payload: segment, segment, ..self };
        packet.stopped = match packet.protocol() {
            Some(protocol) => packet.transport(protocol, segment).err(),
            None => None,
        };
        packet
    }

    fn empty(frame: Payload<'a>) -> Self {
        Self {
            ethernet: None,
            network: None,
            transport: None,
            payload: frame,
            segment: Payload::default(),
            stopped: None,
            frame,
        }
    }

    fn link(&mut self, frame: Payload<'a>) -> Result<(), Stop> {
        let (ethernet, rest) = Ethernet::decode(frame)?;
        self.ethernet = Some(ethernet);
        self.payload = rest;
        self.network(ethernet.kind, rest)
    }

    fn network(&mut self, kind: EtherType, rest: Payload<'a>) -> Result<(), Stop> {
        match kind {
            EtherType::ARP => {
                self.network = Some(Network::Arp(Arp::decode(rest)?));
                self.payload = Payload::default();
                Ok(())
            }
            EtherType::IPV4 => {
                let (ipv4, segment) = Ipv4::decode(rest)?;
                self.network = Some(Network::Ipv4(ipv4));
                (self.payload, self.segment) = (segment, segment);
                if ipv4.fragment_offset > 0 {
                    return Err(Stop::Fragment(Layer::Ipv4));
                }
                self.transport(ipv4.protocol, segment)
            }
            EtherType::IPV6 => {
                let (ipv6, segment, stop) = Ipv6::decode(rest)?;
                self.network = Some(Network::Ipv6(ipv6));
                (self.payload, self.segment) = (segment, segment);
                if ipv6.fragment.is_some_and(|fragment| fragment.offset > 0) {
                    return Err(Stop::Fragment(Layer::Ipv6));
                }
                match stop {
                    Some(stop) => Err(stop),
                    None => self.transport(ipv6.protocol, segment),
                }
            }
            EtherType(other) => Err(Stop::Unknown(Layer::Ethernet, other)),
        }
    }

    fn transport(&mut self, protocol: Protocol, segment: Payload<'a>) -> Result<(), Stop> {
        let ipv6 = matches!(self.network, Some(Network::Ipv6(_)));
        let (transport, payload) = match protocol {
            Protocol::TCP => {
                let (tcp, payload, stop) = Tcp::decode(segment)?;
                self.transport = Some(Transport::Tcp(tcp));
                self.payload = payload;
                return stop.map_or(Ok(()), Err);
            }
            Protocol::UDP => {
                let (udp, payload) = Udp::decode(segment)?;
                (Transport::Udp(udp), payload)
            }
            Protocol::ICMP if !ipv6 => {
                let (icmp, payload) = Icmp::decode(segment)?;
                (Transport::Icmp(icmp), payload)
            }
            Protocol::ICMPV6 if ipv6 => {
                let (icmpv6, payload) = Icmpv6::decode(segment)?;
                (Transport::Icmpv6(icmpv6), payload)
            }
            Protocol::NONE if ipv6 => return Ok(()),
            Protocol(other) => {
                let layer = if ipv6 { Layer::Ipv6 } else { Layer::Ipv4 };
                return Err(Stop::Unknown(layer, other.into()));
            }
        };
        self.transport = Some(transport);
        self.payload = payload;
        Ok(())
    }

    /// From which IP address, and to which.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self.network? {
            Network::Arp(_) => None,
            Network::Ipv4(ipv4) => Some((ipv4.source.into(), ipv4.destination.into())),
            Network::Ipv6(ipv6) => Some((ipv6.source.into(), ipv6.destination.into())),
        }
    }

    /// From which port of TCP or UDP, and to which.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.transport? {
            Transport::Tcp(tcp) => Some((tcp.source_port, tcp.destination_port)),
            Transport::Udp(udp) => Some((udp.source_port, udp.destination_port)),
            Transport::Icmp(_) | Transport::Icmpv6(_) => None,
        }
    }

    /// What IP carries, behind IPv6's extension headers.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.network? {
            Network::Arp(_) => None,
            Network::Ipv4(ipv4) => Some(ipv4.protocol),
            Network::Ipv6(ipv6) => Some(ipv6.protocol),
        }
    }

    /// Which part of an IP packet it is, if it is not whole.
    pub fn fragment(&self) -> Option<Fragment> {
        match self.network? {
            Network::Arp(_) => None,
            Network::Ipv4(ipv4) => ipv4.fragment(),
            Network::Ipv6(ipv6) => ipv6.fragment.filter(|part| part.more || part.offset > 0),
        }
    }

    /// The TCP header.
    pub fn tcp(&self) -> Option<&Tcp<'a>> {
        match &self.transport {
            Some(Transport::Tcp(tcp)) => Some(tcp),
            _ => None,
        }
    }

    /// The UDP header.
    pub fn udp(&self) -> Option<&Udp> {
        match &self.transport {
            Some(Transport::Udp(udp)) => Some(udp),
            _ => None,
        }
    }
}
