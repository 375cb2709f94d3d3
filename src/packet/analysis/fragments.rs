//! IP datagrams put together from their fragments, as far as a list needs them: their front and their length.

use std::net::IpAddr;

use super::bounded::Bounded;
use crate::packet::decode::{Network, Packet, Protocol};

/// How many datagrams may be incomplete at a time.
pub const DATAGRAMS: u32 = 256;
/// How much of a datagram's front is kept, in bytes.
const FRONT: usize = 576;
/// Into how many separate parts a datagram may be received; with more it is given up.
const PARTS: usize = 64;

/// The datagrams that are not complete yet, and those lately completed.
#[derive(Debug)]
pub(super) struct Fragments {
    table: Bounded<Key, Datagram>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    id: u32,
}

#[derive(Debug, Default)]
struct Datagram {
    front: Vec<u8>,
    /// What was received, as separate parts in order.
    parts: Vec<(u32, u32)>,
    /// Its length, known from the last fragment.
    length: Option<u32>,
    /// It was complete: what follows is a repetition.
    done: bool,
}

/// A datagram that a fragment completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// Its first bytes.
    pub(super) front: Vec<u8>,
    /// Its length in bytes.
    pub(super) length: u32,
}

impl Fragments {
    pub(super) fn new() -> Self {
        Self { table: Bounded::new(DATAGRAMS) }
    }

    /// Takes a fragment into account, if it was recorded whole; returns the datagram that it completes.
    pub(super) fn observe(&mut self, packet: &Packet<'_>) -> Option<Whole> {
        let part = packet.fragment()?;
        let (source, destination) = packet.addresses()?;
        let protocol = match packet.network? {
            // A later fragment's next header is what the first says the packet carries.
            Network::Ipv6(ipv6) => ipv6.protocol,
            _ => packet.protocol()?,
        };
        if packet.segment.is_truncated() || packet.segment.length == 0 {
            return None;
        }
        let key = Key { source, destination, protocol, id: part.id };
        let datagram = self.table.get_or_insert(key, Datagram::default);
        datagram.add(part.offset, packet.segment.bytes, part.more);
        datagram.take()
    }
}

impl Datagram {
    fn add(&mut self, offset: u32, bytes: &[u8], more: bool) {
        // A recorded frame is far shorter than 4 GiB.
        let end = offset.saturating_add(bytes.len() as u32);
        if !more {
            self.length = Some(end);
        }
        let at = offset as usize;
        if at < FRONT {
            let kept = bytes.len().min(FRONT - at);
            if self.front.len() < at + kept {
                self.front.resize(at + kept, 0);
            }
            self.front[at..at + kept].copy_from_slice(&bytes[..kept]);
        }
        self.merge(offset, end);
    }

    /// Adds a part, joined with those it touches.
    fn merge(&mut self, mut start: u32, mut end: u32) {
        self.parts.retain(|&(from, to)| {
            let apart = to < start || from > end;
            if !apart {
                (start, end) = (start.min(from), end.max(to));
            }
            apart
        });
        if self.parts.len() < PARTS {
            let place = self.parts.partition_point(|&(from, _)| from < start);
            self.parts.insert(place, (start, end));
        }
    }

    fn take(&mut self) -> Option<Whole> {
        let length = self.length?;
        let complete = matches!(self.parts[..], [(0, end), ..] if end >= length);
        if !complete || self.done {
            return None;
        }
        self.done = true;
        let mut front = std::mem::take(&mut self.front);
        front.truncate(length as usize);
        Some(Whole { front, length })
    }
}
