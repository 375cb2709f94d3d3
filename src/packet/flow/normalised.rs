//! A recording without what differs from run to run.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use super::{
    super::{Frame, Packet, Transport},
    flows::{FlowOptions, Flows},
    neighbours::Neighbours,
    roles::Roles,
    row::Flow,
    story::Story,
    unit::FlowProtocol,
};
use crate::units::MacAddr;

/// How many conversations are told; what frames of later ones say is not.
pub const MAX_STORIES: usize = 4_096;

/// A recording reduced to what is stable by construction: the same programs in the same lab give the same text, however loaded
/// the machine is. Its Display is that text, for snapshots.
///
/// # What is told
/// - Who asked whom for an Ethernet address by broadcast or multicast, and who answered, each pair once.
/// - Of each conversation its ends, with the Ethernet addresses and TTLs used, and for TCP the flags seen; ports that the kernel picks become
///   `client:1`, `server:1` and so on, other ports stay.
/// - The segments that open a connection, in their order, with the options of the SYNs; of timestamps and window scales only that they are
///   there.
/// - *Turns*: what one side says until the other does, with its place in the stream, its length, the flags of its segments and a BLAKE3 hash. Of
///   UDP each datagram is a turn, of ICMP each echo (without a hash, as pings carry the time); errors that ICMP reports are turns too.
/// - Who sent FIN or RST, in their order; and which side sent something again that the other had not got.
///
/// # What is not told, for it depends on time
/// Times, timestamps, IP ids and checksums. Where TCP cuts a stream into segments, and what it sends twice without need (the other says so:
/// D-SACK, RFC 2883). Acknowledgments without data: how many, and where; windows. Whether FIN travels with the last data. How the FIN of one
/// side lies in relation to the other side's data. Repeated questions for Ethernet addresses, router and multicast
/// messages, later fragments. The order of conversations: they are sorted by their ends and what was said. By how much windows are
/// scaled: that also depends on how much memory the machine lets any socket have (`rmem_max`, `tcp_select_initial_window` in
/// net/ipv4/tcp_output.c).
///
/// # Where it ends
/// Turns are stable where programs take turns, each waiting for what the other says. Where both talk at the same time,
/// which of them comes first is chance: then [`Normalised::flows`] tells what is stable, each direction by itself.
///
/// Frames must have been recorded whole: what a snap length cuts off depends on how TCP cut the stream.
///
/// The first [`MAX_STORIES`] conversations are told, with at most 16,384 turns each.
#[derive(Debug)]
pub struct Normalised {
    pub(super) flows: Flows,
    pub(super) names: BTreeMap<MacAddr, String>,
    stories: Vec<Story>,
    pub(super) neighbours: Neighbours,
    /// Where errors about a conversation are counted.
    error_places: HashMap<usize, usize>,
    /// Frames of conversations beyond the bound.
    pub(super) untold: u64,
}

impl Normalised {
    /// Nothing yet. `names` are those of nodes by their Ethernet addresses; others are called `mac:1` and so on.
    pub fn new(options: FlowOptions, names: BTreeMap<MacAddr, String>) -> Self {
        Self {
            flows: Flows::new(options),
            names,
            stories: Vec::new(),
            neighbours: Neighbours::default(),
            error_places: HashMap::new(),
            untold: 0,
        }
    }

    /// Takes note of a frame.
    pub fn add(&mut self, frame: &Frame<'_>) {
        let packet = Packet::decode(&frame.bytes, frame.length);
        self.neighbours.note(&packet);
        let Some((member, unit)) = self.flows.note_packet(frame, &packet) else {
            return self.error(frame, &packet);
        };
        if member.flow >= MAX_STORIES {
            self.untold += 1;
            return;
        }
        if self.stories.len() <= member.flow {
            self.stories.push(Story::default());
        }
        if let Some(story) = self.stories.get_mut(member.flow).filter(|_| member.sent) {
            story.tell(member, &unit, &packet);
        }
    }

    /// Takes note of an ICMP error about a conversation, where the first of them was recorded.
    fn error(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        let (kind, code, quoted) = match packet.transport {
            Some(Transport::Icmp(icmp)) => (icmp.kind, icmp.code, icmp.quoted()),
            Some(Transport::Icmpv6(icmpv6)) => (icmpv6.kind, icmpv6.code, icmpv6.quoted()),
            _ => return,
        };
        let Some((flow, side)) = quoted.and_then(|quoted| self.flows.find(&quoted)) else { return };
        let (Some(story), Some((from, _))) = (self.stories.get_mut(flow), packet.addresses())
        else {
            return;
        };
        if *self.error_places.entry(flow).or_insert(frame.interface) == frame.interface {
            story.fail(side, kind, code, from);
        }
    }

    pub(super) fn story(&self, flow: usize) -> Option<&Story> {
        self.stories.get(flow)
    }

    /// Says that there are no more frames: data that waits for what was not recorded takes its turn.
    pub fn finish(&mut self) {
        self.stories.iter_mut().for_each(Story::finish);
    }

    /// The coarser form.
    pub fn flows(&self) -> NormalisedFlows<'_> {
        NormalisedFlows { normalised: self }
    }

    /// The conversations in the order they are told in, and what their ports are called.
    pub(super) fn told(
        &self,
        text: impl Fn(&Flow, &Story) -> String,
    ) -> (Vec<(Flow, String)>, Roles) {
        let mut told: Vec<_> = self
            .flows
            .iter()
            .zip(&self.stories)
            .map(|(flow, story)| {
                let text = text(&flow, story);
                (flow, text)
            })
            .collect();
        let fixed = |address: SocketAddr, ephemeral: bool| {
            (address.ip(), (!ephemeral).then_some(address.port()))
        };
        told.sort_by_cached_key(|(flow, text)| {
            let id = matches!(flow.protocol, FlowProtocol::Icmp | FlowProtocol::Icmpv6);
            let server = fixed(flow.server.address, flow.server.ephemeral || id);
            let client = fixed(flow.client.address, flow.client.ephemeral || id);
            (flow.protocol, server, client, text.clone())
        });
        let roles = Roles::new(told.iter().map(|(flow, _)| flow));
        (told, roles)
    }
}

/// A recording reduced further: each direction of each conversation by itself. Its Display is text for snapshots.
///
/// Of each conversation it tells the ends, the handshake, each side's bytes with their BLAKE3 hash (first six bytes; of echoes only
/// how many), the order of FINs and RSTs, and who sent something again that the other had not got. This is stable whatever the
/// programs do, except for the order of FINs where neither side waits for the other's.
#[derive(Debug, Clone, Copy)]
pub struct NormalisedFlows<'a> {
    pub(super) normalised: &'a Normalised,
}
