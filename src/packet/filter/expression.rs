//! What a filter says, every qualifier resolved.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words::Protocol;

/// A condition on frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Primitive(Primitive),
    Not(Box<Self>),
    /// Conditions joined from left to right; `and` and `or` bind equally.
    Chain(Box<Self>, Vec<(Joint, Self)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

/// Which of two fields a condition is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    Either,
    Both,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Primitive {
    /// IPv4 addresses, in IPv4, ARP or RARP; in all three without a protocol.
    Ip {
        protocol: Option<Protocol>,
        direction: Direction,
        address: Ipv4Addr,
        mask: Ipv4Addr,
    },
    /// IPv6 addresses.
    Ip6 {
        direction: Direction,
        address: Ipv6Addr,
        mask: Ipv6Addr,
    },
    /// Ethernet addresses.
    Ether {
        direction: Direction,
        address: [u8; 6],
    },
    /// Ports of one protocol, or of TCP, UDP and SCTP.
    Ports {
        protocol: Option<Protocol>,
        direction: Direction,
        low: u16,
        high: u16,
    },
    /// A protocol by its name alone.
    Protocol(Protocol),
    /// What IPv4, IPv6 or, without a protocol, either of them carries.
    Carries {
        protocol: Option<Protocol>,
        number: u8,
    },
    EtherType(u16),
    /// Ethernet's broadcast address.
    Broadcast,
    /// A multicast address of Ethernet, IPv4 or IPv6.
    Multicast(Protocol),
    /// Two numbers compared.
    Relation {
        left: Arithmetic,
        comparison: Comparison,
        right: Arithmetic,
    },
}

/// A comparison of numbers without sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A number that is computed from a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arithmetic {
    pub(super) value: Value,
    /// What must hold of a frame before the value is computed.
    pub(super) checks: Vec<Check>,
    /// The number that tcpdump computes first, by which it judges divisors and shifts.
    pub(super) first: Option<u32>,
    /// How many of its 16 registers tcpdump needs for it.
    pub(super) registers: usize,
    /// How deep the value is.
    pub(super) depth: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(u32),
    /// The frame's length.
    Length,
    /// `size` bytes at an index in a protocol's header.
    Load {
        protocol: Protocol,
        index: Box<Self>,
        size: u8,
    },
    Negative(Box<Self>),
    /// An operation of BPF's ALU.
    Binary(u16, Box<Self>, Box<Self>),
}

/// What an accessor presupposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    EtherType(u16),
    /// IPv4's protocol.
    IpCarries(u8),
    /// IPv6's next header.
    Ip6Carries(u8),
    /// IPv4's fragment offset is 0.
    FirstFragment,
}
