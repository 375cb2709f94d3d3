//! The list of packets that users know: one row a frame, in tshark's words.
//!
//! [`List`] makes rows in one pass; a [`Row`] writes its columns as `tshark -n -r FILE` of tshark 4.0 does with application
//! protocols disabled, character by character, and serialises to one JSON object. What differs:
//!
//! - Application protocols are shown as the TCP or UDP that carries them: port numbers say nothing certain of what runs on
//!   them, and a list that guesses is wrong when it matters.
//! - Of EtherTypes and IP protocols beyond Ethernet, ARP, IP, ICMP, TCP and UDP only the names that networks show daily are
//!   known; others have their numbers. Packets in tunnels are not looked into.
//! - Headers that contradict themselves are named, but not read on as far as tshark does; they take no part in TCP's analysis.
//! - Experimental TCP options, and those of space links and WAN accelerators, are not spelled out.
//! - Conversations beyond [`CONVERSATIONS`](super::analysis::CONVERSATIONS) at a time are forgotten; tshark keeps them all.
//! - What a wire did to a frame, as it noted there, stands at the end of its line in brackets.
//! - A TCP header quoted in an ICMP error does not touch its conversation.

mod address;
mod arp;
mod column;
mod icmp;
mod icmpv6;
mod info;
mod ip;
mod json;
pub(super) mod names;
mod row;
mod tcp;
mod text;

pub(super) use icmp::title as icmp_name;
pub(super) use icmpv6::title as icmpv6_name;

pub use address::Address;
pub use column::{Column, ColumnError, Columns};
pub use row::{List, Row};
