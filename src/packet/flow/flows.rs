//! Conversations, counted.

use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::{
    super::{
        Frame, Packet,
        decode::{Tcp, TcpFlags},
    },
    half::Half,
    row::{Close, Closing, Flow, FlowEnd, Handshake},
    tracker::{Head, Member, Tracker},
    unit::{FlowProtocol, Side, Unit},
};

/// What is known about the hosts beside their frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowOptions {
    /// The ports that the kernel picks from, `net.ipv4.ip_local_port_range`.
    pub ephemeral: RangeInclusive<u16>,
}

impl Default for FlowOptions {
    /// Linux's own range, 32768 to 60999.
    fn default() -> Self {
        Self { ephemeral: 32768..=60999 }
    }
}

/// The conversations of a recording.
///
/// Fed with frames in the order of time, it keeps a few hundred bytes a conversation. Its Display is an aligned table, a row a conversation;
/// serialized it is a list of [`Flow`].
///
/// ```no_run
/// use labnet::packet::{Flows, Reader};
///
/// let mut reader = Reader::new(std::fs::File::open("seen.pcapng")?)?;
/// let mut flows = Flows::default();
/// while let Some(frame) = reader.next_frame()? {
///     flows.add(&frame);
/// }
/// print!("{flows}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Flows {
    options: FlowOptions,
    tracker: Tracker,
    counts: Vec<Counts>,
}

/// What is counted of a conversation.
#[derive(Debug)]
struct Counts {
    sides: [SideCounts; 2],
    closing: Closing,
    handshake: Steps,
    start: u64,
    end: u64,
}

/// What is counted of a direction.
#[derive(Debug, Default)]
struct SideCounts {
    half: Half,
    bytes: u64,
    segments: u64,
    retransmissions: u64,
    dropped: u64,
}

/// The handshake as far as it went.
#[derive(Debug, Default)]
struct Steps {
    syn: Option<u64>,
    answered: bool,
    refused: bool,
    confirmed: Option<u64>,
}

impl Flows {
    /// None yet.
    pub fn new(options: FlowOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes note of a frame; those of no conversation (ARP, ICMP errors, later fragments) are passed over.
    pub fn add(&mut self, frame: &Frame<'_>) {
        self.note(frame);
    }

    /// Takes note of a frame, and tells its part in a conversation.
    pub(super) fn note<'a>(&mut self, frame: &'a Frame<'_>) -> Option<(Member, Unit<'a>)> {
        self.note_packet(frame, &Packet::decode(&frame.bytes, frame.length))
    }

    /// The same, of a frame that was decoded before.
    pub(super) fn note_packet<'a>(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'a>,
    ) -> Option<(Member, Unit<'a>)> {
        let unit = Unit::of(packet)?;
        let member = self.tracker.member(frame, &unit)?;
        if self.counts.len() <= member.flow {
            self.counts.push(Counts::new(frame.time));
        }
        if let (true, Some(counts)) = (member.sent, self.counts.get_mut(member.flow)) {
            counts.count(frame.time, member, &unit);
        }
        Some((member, unit))
    }

    /// The conversations in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Flow> {
        (0..self.counts.len()).filter_map(|index| self.row_at(index))
    }

    /// The conversation that a packet quoted in an error belongs to, and who sent that.
    pub(super) fn find(&self, quoted: &Packet<'_>) -> Option<(usize, Side)> {
        self.tracker.find(&Unit::of(quoted)?)
    }

    /// The conversation at a place, from 0.
    pub(super) fn row_at(&self, index: usize) -> Option<Flow> {
        let (head, counts) = (self.tracker.heads().get(index)?, self.counts.get(index)?);
        Some(self.row(index + 1, head, counts))
    }

    /// How many frames belong to conversations beyond the first [`MAX_FLOWS`](super::MAX_FLOWS), which are not told apart.
    pub fn unlisted(&self) -> u64 {
        self.tracker.unlisted
    }

    pub(super) fn options(&self) -> &FlowOptions {
        &self.options
    }

    fn row(&self, number: usize, head: &Head, counts: &Counts) -> Flow {
        let ports = matches!(head.protocol, FlowProtocol::Tcp | FlowProtocol::Udp);
        let end = |side: Side| {
            let (address, sent) = (head.address(side), &counts.sides[side as usize]);
            FlowEnd {
                address,
                ephemeral: ports && self.options.ephemeral.contains(&address.port()),
                bytes: sent.bytes,
                segments: sent.segments,
                retransmissions: sent.retransmissions,
                dropped: sent.dropped,
            }
        };
        let tcp = head.protocol == FlowProtocol::Tcp;
        Flow {
            number,
            protocol: head.protocol,
            client: end(Side::Client),
            server: end(Side::Server),
            client_by: head.client_by,
            handshake: tcp.then(|| counts.handshake()),
            handshake_rtt: counts.handshake_rtt(),
            closing: counts.closing.clone(),
            start: counts.start,
            duration: counts.end.saturating_sub(counts.start),
        }
    }
}

impl Serialize for Flows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Counts {
    fn new(time: u64) -> Self {
        Self {
            sides: Default::default(),
            closing: Closing::default(),
            handshake: Steps::default(),
            start: time,
            end: time,
        }
    }

    fn count(&mut self, time: u64, member: Member, unit: &Unit<'_>) {
        self.end = self.end.max(time);
        let side = &mut self.sides[member.side as usize];
        side.segments += 1;
        side.dropped += u64::from(member.dropped);
        match &unit.tcp {
            Some(tcp) => self.segment(time, member.side, tcp, unit.payload.length),
            None => side.bytes += u64::from(unit.payload.length),
        }
    }

    fn segment(&mut self, time: u64, side: Side, tcp: &Tcp<'_>, length: u32) {
        self.sides[side.other() as usize].half.acknowledge(tcp);
        self.handshake.step(time, side, tcp, &self.sides);
        let own = &mut self.sides[side as usize];
        let taken = own.half.take(tcp, length);
        own.bytes += taken.new;
        own.retransmissions += u64::from(taken.again);
        if tcp.flags.contains(TcpFlags::RST) {
            self.closing.note(side, Close::Rst);
        } else if tcp.flags.contains(TcpFlags::FIN) {
            self.closing.note(side, Close::Fin);
        }
    }

    fn handshake(&self) -> Handshake {
        match self.handshake {
            Steps { confirmed: Some(_), .. } => Handshake::Complete,
            Steps { answered: true, .. } => Handshake::Unconfirmed,
            Steps { refused: true, .. } => Handshake::Refused,
            Steps { syn: Some(_), .. } => Handshake::Unanswered,
            _ => Handshake::Unseen,
        }
    }

    fn handshake_rtt(&self) -> Option<u64> {
        let once = self.sides.iter().all(|side| side.half.syns == 1);
        let Steps { syn: Some(syn), confirmed: Some(confirmed), .. } = self.handshake else {
            return None;
        };
        once.then(|| confirmed.saturating_sub(syn))
    }
}

impl Steps {
    fn step(&mut self, time: u64, side: Side, tcp: &Tcp<'_>, sides: &[SideCounts; 2]) {
        let [syn, ack, rst] =
            [TcpFlags::SYN, TcpFlags::ACK, TcpFlags::RST].map(|f| tcp.flags.contains(f));
        let [_, server] = sides;
        match side {
            Side::Client if syn && !ack => {
                self.syn.get_or_insert(time);
            }
            Side::Server if syn && ack => self.answered = true,
            Side::Server if rst && !self.answered && self.syn.is_some() => self.refused = true,
            Side::Client if ack && !syn && !rst && self.answered && self.confirmed.is_none() => {
                let confirms =
                    server.half.sequence.position(tcp.acknowledgment).is_some_and(|at| at >= 0);
                self.confirmed = confirms.then_some(time);
            }
            _ => {}
        }
    }
}
