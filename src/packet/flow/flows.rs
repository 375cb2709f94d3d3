//! Conversations, counted.

use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::{
    super::{
        Frame,
        decode::{Tcp, TcpFlags},
    },
    row::{Close, Closing, Flow, FlowEnd, Handshake},
    sequence::Sequence,
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
    sequence: Sequence,
    bytes: u64,
    segments: u64,
    retransmissions: u64,
    syns: u32,
    fin: Option<i64>,
    /// Up to where the other side acknowledged it.
    acknowledged: i64,
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
        let Some(unit) = Unit::of(frame) else { return };
        let Some(member) = self.tracker.member(frame, &unit) else { return };
        if self.counts.len() <= member.flow {
            self.counts.push(Counts::new(frame.time));
        }
        if let (true, Some(counts)) = (member.sent, self.counts.get_mut(member.flow)) {
            counts.count(frame.time, member, &unit);
        }
    }

    /// The conversations in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Flow> {
        let rows = self.tracker.heads().iter().zip(&self.counts).enumerate();
        rows.map(|(index, (head, counts))| self.row(index + 1, head, counts))
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
        match &unit.tcp {
            Some(tcp) => self.segment(time, member.side, tcp, unit.payload.length),
            None => side.bytes += u64::from(unit.payload.length),
        }
    }

    fn segment(&mut self, time: u64, side: Side, tcp: &Tcp<'_>, length: u32) {
        let [syn, fin, rst, ack] = [TcpFlags::SYN, TcpFlags::FIN, TcpFlags::RST, TcpFlags::ACK]
            .map(|f| tcp.flags.contains(f));
        let other = &mut self.sides[side.other() as usize];
        if let (true, Some(up_to)) = (ack, other.sequence.position(tcp.acknowledgment)) {
            other.acknowledged = other.acknowledged.max(up_to);
        }
        self.handshake.step(time, side, tcp, &self.sides);
        if rst {
            return self.closing.note(side, Close::Rst);
        }
        let own = &mut self.sides[side as usize];
        if own.take(tcp, length) {
            own.retransmissions += 1;
        }
        own.syns += u32::from(syn);
        if fin {
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
        let once = self.sides.iter().all(|side| side.syns == 1);
        let Steps { syn: Some(syn), confirmed: Some(confirmed), .. } = self.handshake else {
            return None;
        };
        once.then(|| confirmed.saturating_sub(syn))
    }
}

impl SideCounts {
    /// Takes note of a segment that is not a RST; tells whether it repeats anything.
    fn take(&mut self, tcp: &Tcp<'_>, length: u32) -> bool {
        let syn = tcp.flags.contains(TcpFlags::SYN);
        self.sequence.begin(tcp.sequence.wrapping_add(u32::from(syn)));
        let first = tcp.sequence.wrapping_add(u32::from(syn));
        let Some(start) = self.sequence.position(first) else { return false };
        // A probe of an idle connection repeats its last byte on purpose (RFC 9293 section 3.8.4).
        let high = self.sequence.high();
        if length == 1 && start == high - 1 && self.acknowledged >= high {
            return false;
        }
        let brought = self.sequence.pass(start, length);
        self.bytes += brought.new;
        let mut again = brought.again > 0 || (syn && self.syns > 0);
        if tcp.flags.contains(TcpFlags::FIN) {
            let place = start.saturating_add(length.into());
            again |= self.fin.replace(place).is_some();
        }
        again
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
                    server.sequence.position(tcp.acknowledgment).is_some_and(|at| at >= 0);
                self.confirmed = confirms.then_some(time);
            }
            _ => {}
        }
    }
}
