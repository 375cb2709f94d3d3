//! Frames decoded: bytes in, meaning by value out, one file a protocol.
//!
//! [`Packet::decode`] never fails: it goes as far as the bytes carry it, and says in [`Packet::stopped`] what ended it. It allocates
//! nothing; lists of unknown length, as options, are iterators over the frame's own bytes.

mod arp;
mod checksum;
mod ethernet;
mod icmp;
mod icmpv6;
mod ipv4;
mod ipv6;
mod mld;
mod ndp;
mod payload;
mod stack;
mod tcp;
mod tcp_options;
mod udp;

pub use arp::Arp;
pub use checksum::{Checksum, Checksums};
pub use ethernet::{EtherType, Ethernet, Tag};
pub use icmp::{Icmp, IcmpMessage};
pub use icmpv6::{Icmpv6, Icmpv6Message};
pub use ipv4::{Ipv4, Ipv4Option, Ipv4Options};
pub use ipv6::{Extension, Extensions, Ipv6};
pub use mld::{MldRecord, MldRecords};
pub use ndp::{NdpOption, NdpOptions, PrefixInformation};
pub use payload::{Layer, Payload, Stop};
pub use stack::{Fragment, Network, Packet, Protocol, Transport};
pub use tcp::{Tcp, TcpFlags};
pub use tcp_options::{SackBlocks, TcpOption, TcpOptions};
pub use udp::Udp;
