//! Which conversation a frame belongs to, who sent it there, and whether it is counted here.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
};

use super::{
    super::{Direction, Fate, Frame, Verdict, changed::Changed, decode::TcpFlags},
    row::ClientBy,
    unit::{FlowProtocol, Side, Unit},
};

/// How many conversations are told apart.
pub const MAX_FLOWS: usize = 65_536;

/// Assigns frames to conversations.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    latest: HashMap<Key, usize>,
    heads: Vec<Head>,
    /// What wires changed, each with the interface that sent it.
    changed: Changed<usize>,
    /// Frames of conversations beyond the bound.
    pub(super) unlisted: u64,
}

/// The two ends, the lesser first.
type Key = (FlowProtocol, SocketAddr, SocketAddr);

/// Where a direction is counted.
type Place = (usize, Option<Direction>);

/// What tells a conversation from others.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) protocol: FlowProtocol,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) client_by: ClientBy,
    /// Where each side's frames are counted.
    places: [Option<Place>; 2],
    /// The number of each side's SYN.
    syn: [Option<u32>; 2],
}

/// A frame's part in a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The place of its conversation, from 0.
    pub(super) flow: usize,
    /// Who sent it.
    pub(super) side: Side,
    /// Whether it was recorded where its sender's frames are counted.
    pub(super) sent: bool,
    /// Whether it was recorded where the receiver's own frames are counted.
    pub(super) arrived: bool,
    /// Whether a wire dropped it.
    pub(super) dropped: bool,
}

impl Tracker {
    /// Nothing if there are too many conversations before this one, or if the frame is what a wire made of another: its addresses and
    /// ports may be anybody's.
    pub(super) fn member(&mut self, frame: &Frame<'_>, unit: &Unit<'_>) -> Option<Member> {
        if self.is_changed(frame) {
            return None;
        }
        let key = (unit.protocol, unit.from.min(unit.to), unit.from.max(unit.to));
        let known = match self.latest.entry(key) {
            Entry::Occupied(known) if !self.heads[*known.get()].is_over(unit) => *known.get(),
            Entry::Occupied(over) if self.heads.len() >= MAX_FLOWS => {
                over.remove();
                self.unlisted += 1;
                return None;
            }
            Entry::Vacant(_) if self.heads.len() >= MAX_FLOWS => {
                self.unlisted += 1;
                return None;
            }
            entry => {
                self.heads.push(Head::new(unit));
                *entry.insert_entry(self.heads.len() - 1).get()
            }
        };
        Some(self.heads[known].take(known, frame, unit))
    }

    /// Whether a frame is one that a wire changed, where it arrives.
    fn is_changed(&mut self, frame: &Frame<'_>) -> bool {
        if let Some(Fate::Passed(changes)) = Fate::of(&frame.comments)
            && changes.corrupted.is_some()
        {
            self.changed.push(frame.interface, frame.length, &frame.bytes);
        }
        let elsewhere = |sent: &usize| *sent != frame.interface;
        frame.direction == Some(Direction::In)
            && self.changed.find(frame.length, &frame.bytes, elsewhere).is_some()
    }

    /// The conversation that a packet quoted in an error belongs to, and who sent that.
    pub(super) fn find(&self, unit: &Unit<'_>) -> Option<(usize, Side)> {
        let key = (unit.protocol, unit.from.min(unit.to), unit.from.max(unit.to));
        let flow = *self.latest.get(&key)?;
        Some((flow, self.heads.get(flow)?.side(unit)))
    }

    pub(super) fn heads(&self) -> &[Head] {
        &self.heads
    }
}

impl Head {
    fn new(unit: &Unit<'_>) -> Self {
        let flags = unit.tcp.map_or(TcpFlags(0), |tcp| tcp.flags);
        let answers = unit.answers() || flags.contains(TcpFlags::SYN | TcpFlags::ACK);
        let (client, server) = if answers { (unit.to, unit.from) } else { (unit.from, unit.to) };
        let client_by = match unit.protocol {
            FlowProtocol::Tcp if flags.contains(TcpFlags::SYN) => ClientBy::Syn,
            FlowProtocol::Icmp | FlowProtocol::Icmpv6 => ClientBy::Request,
            _ => ClientBy::SeenFirst,
        };
        let protocol = unit.protocol;
        Self { protocol, client, server, client_by, places: [None; 2], syn: [None; 2] }
    }

    pub(super) fn address(&self, side: Side) -> SocketAddr {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// Who sends a unit; where both ends have one address and port, the nature of the unit tells.
    fn side(&self, unit: &Unit<'_>) -> Side {
        let to_itself = self.client == self.server;
        if unit.from == self.client && !(to_itself && unit.answers()) {
            Side::Client
        } else {
            Side::Server
        }
    }

    /// Whether a unit begins another conversation between the same ends.
    fn is_over(&self, unit: &Unit<'_>) -> bool {
        let Some(tcp) = unit.tcp else { return false };
        if tcp.flags.and(TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST) != TcpFlags::SYN {
            return false;
        }
        match (self.side(unit), self.syn) {
            (Side::Client, [syn, _]) => syn != Some(tcp.sequence),
            // Both may open at once (RFC 9293 section 3.5): then the server has sent no other SYN.
            (Side::Server, [client, server]) => {
                server.map_or(client.is_none(), |syn| syn != tcp.sequence)
            }
        }
    }

    fn take(&mut self, flow: usize, frame: &Frame<'_>, unit: &Unit<'_>) -> Member {
        let side = self.side(unit);
        if let Some(tcp) = unit.tcp.filter(|tcp| tcp.flags.contains(TcpFlags::SYN)) {
            self.syn[side as usize].get_or_insert(tcp.sequence);
        }
        let here = (frame.interface, frame.direction);
        let sent = *self.places[side as usize].get_or_insert(here) == here;
        let there =
            self.places[side.other() as usize].is_some_and(|(there, _)| there == frame.interface);
        let dropped = Verdict::noted(&frame.comments).is_some_and(|noted| noted.is_dropped());
        Member { flow, side, sent, arrived: there && !dropped, dropped }
    }
}
