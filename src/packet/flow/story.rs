//! A conversation reduced to what happens again when it is held again.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use super::{
    super::decode::{Network, Packet, Tcp, TcpFlags, TcpOption},
    half::Half,
    reassembly::{Next, Reassembly},
    tracker::Member,
    unit::{Side, Unit},
};
use crate::units::MacAddr;

/// How many turns of one conversation are told.
const MAX_TURNS: usize = 16_384;
/// How many addresses and TTLs of a side are told apart.
const MAX_LINKS: usize = 16;

/// The flags that data carries; those that begin and end a conversation have their own places.
const DATA_FLAGS: TcpFlags = TcpFlags(!(TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0));

/// What is told of a conversation beside its row.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) sides: [Teller; 2],
    pub(super) opening: Vec<Opening>,
    pub(super) turns: Vec<(Side, Turn)>,
    /// Turns beyond the bound.
    pub(super) omitted: u64,
    /// The digest of the last turn, if it may go on.
    digest: Option<blake3::Hasher>,
}

/// One side's part.
#[derive(Debug, Default)]
pub(super) struct Teller {
    half: Half,
    reassembly: Reassembly,
    /// Where its FIN stands.
    end: Option<i64>,
    /// Flags of data whose turn has not come.
    flags: TcpFlags,
    pub(super) bytes: u64,
    pub(super) missing: u64,
    pub(super) messages: u64,
    /// Those among them that a wire dropped.
    pub(super) dropped: u64,
    digest: blake3::Hasher,
    pub(super) seen: TcpFlags,
    pub(super) ttls: BTreeSet<u8>,
    /// From which Ethernet address to which.
    pub(super) links: BTreeSet<(MacAddr, MacAddr)>,
    /// How often the other side said that it had got something twice.
    needless: u64,
}

/// A segment that opens a connection.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) from: Side,
    pub(super) flags: TcpFlags,
    pub(super) ack: Option<i64>,
    pub(super) options: String,
}

/// What one side says until the other does, or one message.
#[derive(Debug)]
pub(super) enum Turn {
    Data { start: u64, length: u64, missing: u64, flags: TcpFlags, digest: Digest },
    Datagram { length: u32, digest: Digest, dropped: bool },
    Echo { reply: bool, sequence: u16, length: u32, dropped: bool },
    Error { kind: u8, code: u8, from: IpAddr },
}

/// The first six bytes of a BLAKE3 hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest([u8; 6]);

impl Digest {
    fn of(hasher: &blake3::Hasher) -> Self {
        let mut digest = [0; 6];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..6]);
        Self(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Teller {
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.digest)
    }

    /// Whether something was sent again that the other side had not got; what it had got it says (D-SACK, RFC 2883).
    pub(super) fn repeats(&self, retransmissions: u64) -> bool {
        retransmissions > self.needless
    }
}

impl Story {
    /// Takes note of a frame where it was sent.
    pub(super) fn tell(&mut self, member: Member, unit: &Unit<'_>, packet: &Packet<'_>) {
        let Member { side, dropped, .. } = member;
        let teller = &mut self.sides[side as usize];
        teller.messages += 1;
        teller.dropped += u64::from(dropped);
        let link = packet.ethernet.map(|ethernet| (ethernet.source, ethernet.destination));
        let ttl = match packet.network {
            Some(Network::Ipv4(ipv4)) => Some(ipv4.ttl),
            Some(Network::Ipv6(ipv6)) => Some(ipv6.hop_limit),
            _ => None,
        };
        if teller.links.len() < MAX_LINKS {
            teller.links.extend(link);
        }
        teller.ttls.extend(ttl);
        match (&unit.tcp, unit.echo) {
            (Some(tcp), _) => self.segment(member, tcp, unit),
            (None, Some((reply, sequence))) => {
                teller.bytes += u64::from(unit.payload.length);
                let length = unit.payload.length;
                self.say(side, Turn::Echo { reply, sequence, length, dropped });
            }
            (None, None) => {
                teller.bytes += u64::from(unit.payload.length);
                teller.digest.update(unit.payload.bytes);
                let mut digest = blake3::Hasher::new();
                let digest = Digest::of(digest.update(unit.payload.bytes));
                let length = unit.payload.length;
                self.say(side, Turn::Datagram { length, digest, dropped });
            }
        }
    }

    /// Takes note of an ICMP error about what a side sent.
    pub(super) fn fail(&mut self, side: Side, kind: u8, code: u8, from: IpAddr) {
        self.say(side.other(), Turn::Error { kind, code, from });
    }

    /// Says that there are no more frames.
    pub(super) fn finish(&mut self) {
        for side in Side::BOTH {
            let teller = &mut self.sides[side as usize];
            let mut ready = Vec::new();
            let mut reassembly = std::mem::take(&mut teller.reassembly);
            reassembly.finish(teller.end, &mut |next| ready.push(next));
            ready.into_iter().for_each(|next| self.hear(side, next));
        }
    }

    fn segment(&mut self, member: Member, tcp: &Tcp<'_>, unit: &Unit<'_>) {
        let side = member.side;
        self.open(side, tcp, unit.payload.length);
        let mut ready = Vec::new();
        let other = &mut self.sides[side.other() as usize];
        if let Some(up_to) = other.half.acknowledge(tcp) {
            let mut blocks = tcp.options.sack().map(|(left, _)| other.half.sequence.position(left));
            // Below what is acknowledged there is nothing to select: it came twice.
            let twice = blocks.next().flatten().is_some_and(|left| left < up_to);
            other.needless += u64::from(twice);
            other.reassembly.acknowledged(up_to, &mut |next| ready.push(next));
        }
        ready.drain(..).for_each(|next| self.hear(side.other(), next));

        let teller = &mut self.sides[side as usize];
        teller.seen = teller.seen | tcp.flags;
        let taken = teller.half.take(tcp, unit.payload.length);
        if taken.probe || tcp.flags.contains(TcpFlags::RST) {
            return;
        }
        if taken.new > 0 {
            teller.flags = teller.flags | tcp.flags.and(DATA_FLAGS);
        }
        // What was dropped is said where it is sent again.
        if member.dropped {
            return;
        }
        let (bytes, length) = (unit.payload.bytes, unit.payload.length);
        if tcp.flags.contains(TcpFlags::FIN) {
            teller.end.get_or_insert(taken.start.saturating_add(length.into()));
        }
        teller.reassembly.take(taken.start, bytes, length, &mut |next| ready.push(next));
        ready.into_iter().for_each(|next| self.hear(side, next));
    }

    /// Notes the segments that open a connection, each once.
    fn open(&mut self, side: Side, tcp: &Tcp<'_>, length: u32) {
        let syn = tcp.flags.contains(TcpFlags::SYN);
        let known = self
            .opening
            .iter()
            .any(|step| step.from == side && step.flags.contains(TcpFlags::SYN) == syn);
        // The last of the three, or what comes in its place.
        let confirms =
            side == Side::Client && !self.opening.is_empty() && !tcp.flags.contains(TcpFlags::RST);
        if known || !(syn || confirms) {
            return;
        }
        let acknowledges = tcp.flags.contains(TcpFlags::ACK);
        let sequence = &self.sides[side.other() as usize].half.sequence;
        let ack = sequence.position(tcp.acknowledgment).filter(|_| acknowledges);
        // Data may come along with the last of the three, or alone behind it.
        let flags =
            if length > 0 { tcp.flags.and(TcpFlags::SYN | TcpFlags::ACK) } else { tcp.flags };
        self.opening.push(Opening { from: side, flags, ack, options: options(tcp) });
    }

    /// Adds what is next in a side's stream to its turn.
    fn hear(&mut self, side: Side, next: Next) {
        let teller = &mut self.sides[side as usize];
        let flags = std::mem::take(&mut teller.flags);
        let start = teller.bytes + teller.missing;
        let goes_on = matches!(self.turns.last(), Some((last, Turn::Data { .. })) if *last == side);
        if !goes_on {
            let digest = Digest([0; 6]);
            self.digest = Some(blake3::Hasher::new());
            self.say(side, Turn::Data { start, length: 0, missing: 0, flags, digest });
        }
        let teller = &mut self.sides[side as usize];
        let (said, gap) = match &next {
            Next::Bytes(bytes) => (bytes.as_slice(), 0),
            Next::Gap(gap) => (&[][..], *gap),
        };
        teller.bytes += said.len() as u64;
        teller.missing += gap;
        teller.digest.update(said);
        if let (Some((last, Turn::Data { length, missing, flags: all, digest, .. })), Some(hasher)) =
            (self.turns.last_mut(), self.digest.as_mut())
            && *last == side
        {
            *length += said.len() as u64;
            *missing += gap;
            *all = *all | flags;
            *digest = Digest::of(hasher.update(said));
        }
    }

    fn say(&mut self, side: Side, turn: Turn) {
        if self.turns.len() < MAX_TURNS {
            self.turns.push((side, turn));
        } else {
            self.omitted += 1;
        }
    }
}

/// The options of a SYN in wire order; of others nothing, for what they carry depends on time.
fn options(tcp: &Tcp<'_>) -> String {
    if !tcp.flags.contains(TcpFlags::SYN) {
        return String::new();
    }
    let words = tcp.options.filter_map(|option| match option {
        TcpOption::End | TcpOption::NoOperation => None,
        TcpOption::MaximumSegmentSize(size) => Some(format!(" MSS={size}")),
        TcpOption::WindowScale(_) => Some(" WS".to_owned()),
        TcpOption::SackPermitted => Some(" SACK_PERM".to_owned()),
        TcpOption::Timestamps { .. } => Some(" TS".to_owned()),
        other => Some(format!(" option {}", other.kind())),
    });
    words.collect()
}
