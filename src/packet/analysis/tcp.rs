//! TCP conversations: relative numbers, scaled windows, and what each segment is in the light of those before it.
//!
//! The judgements are tshark 4.0's, as its user's guide describes them ("TCP Analysis"), also where they are rules of thumb.
//! A number 0 stands for "not seen yet", as there.

use super::{
    bounded::Bounded,
    endpoints::Endpoints,
    flow::{
        Flow, SYN_ACK, Segment, judge_acknowledged, judge_forward, judge_repetition, learn_bases,
        learn_scales,
    },
    marks::{Mark, Marks},
};
use crate::packet::decode::{Packet, Tcp, TcpFlags};

/// How many TCP conversations are remembered.
pub const CONVERSATIONS: u32 = 65_536;

/// A segment in the light of its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInsight {
    /// Which conversation of the recording it belongs to, from 0; a connection that uses ports again is a new one.
    pub stream: u32,
    /// The sequence number from the connection's first on; 1 for the first segment seen if its SYN was not.
    pub sequence: u32,
    /// The acknowledgment number, likewise from the other end's first on.
    pub acknowledgment: u32,
    /// What to subtract from a SACK edge to make it relative.
    pub sack_base: u32,
    /// The window in bytes: scaled where the scale is known and the segment is no SYN.
    pub window: u32,
    /// By how many bits the sender's windows are shifted.
    pub scale: Scale,
    /// What it is.
    pub marks: Marks,
    /// For a duplicate acknowledgment the frame that it repeats, and the how many-th repetition it is.
    pub duplicate: (u64, u32),
    /// The time from the SYN to the acknowledgment that completed the handshake, in ns, once both were seen.
    pub initial_round_trip: Option<u64>,
}

/// What is known of a sender's window scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Nothing: its SYN was not seen.
    #[default]
    Unknown,
    /// That it is not used.
    Unused,
    /// By how many bits its windows are shifted.
    Shift(u8),
}

#[derive(Debug)]
pub(super) struct Conversations {
    table: Bounded<Endpoints, Conversation>,
    streams: u32,
}

#[derive(Debug)]
struct Conversation {
    stream: u32,
    /// When the newest SYN without ACK was seen; 0 if none was.
    syn_time: u64,
    initial_round_trip: u64,
    flows: [Flow; 2],
}

impl Conversations {
    pub(super) fn new() -> Self {
        Self { table: Bounded::new(CONVERSATIONS), streams: 0 }
    }

    /// Takes a segment of known length into account.
    pub(super) fn observe(
        &mut self,
        packet: &Packet<'_>,
        tcp: &Tcp<'_>,
        number: u64,
        time: u64,
    ) -> Option<TcpInsight> {
        let (source, destination) = packet.addresses()?;
        let (ends, from) =
            Endpoints::of((source, tcp.source_port), (destination, tcp.destination_port));
        let segment = Segment {
            number,
            time,
            seq: tcp.sequence,
            ack: tcp.acknowledgment,
            length: packet.payload.length,
            flags: tcp.flags,
            window: tcp.window.into(),
        };
        let streams = &mut self.streams;
        let mut new = || {
            *streams += 1;
            Conversation::new(*streams - 1)
        };
        let conversation = self.table.get_or_insert(ends, &mut new);
        let mut marks = Marks::NONE;
        if conversation.opens_again(&segment, from, &mut marks) {
            *conversation = new();
        }
        Some(conversation.observe(&segment, tcp, from, marks))
    }
}

impl Conversation {
    fn new(stream: u32) -> Self {
        Self { stream, syn_time: 0, initial_round_trip: 0, flows: [Flow::new(), Flow::new()] }
    }

    /// Whether a SYN begins a new conversation in the place of this one; marks SYNs that don't begin the first.
    fn opens_again(&mut self, segment: &Segment, from: usize, marks: &mut Marks) -> bool {
        let flow = &mut self.flows[from];
        if !segment.flags.contains(TcpFlags::SYN) || !flow.base_known {
            return false;
        }
        let same = segment.seq == flow.base;
        if segment.flags.contains(TcpFlags::ACK) {
            if !same {
                flow.base = segment.seq;
                marks.insert(Mark::PortsReused);
            }
            return false;
        }
        if !same {
            marks.insert(Mark::PortsReused);
        } else {
            // A reset with the acknowledged number may have moved it (RFC 9293 section 3.5.2).
            flow.next = flow.highest_to_ack;
        }
        !same
    }

    fn observe(
        &mut self,
        segment: &Segment,
        tcp: &Tcp<'_>,
        from: usize,
        mut marks: Marks,
    ) -> TcpInsight {
        let round_trip = self.initial_round_trip;
        let [high, low] = &mut self.flows;
        let (flow, other) = if from == 0 { (high, low) } else { (low, high) };
        learn_bases(segment, flow, other);
        let duplicate = judge_forward(segment, flow, other, &mut marks);
        if segment.ack != flow.last_ack {
            flow.last_new_ack = segment.number;
            flow.duplicates = 0;
        }
        judge_acknowledged(segment, other, &mut marks);
        judge_repetition(segment, flow, other, round_trip, &mut marks);
        flow.remember(segment, marks);

        let syn = segment.flags.contains(TcpFlags::SYN);
        let shift = match flow.scale {
            Scale::Shift(shift) if !syn => shift,
            _ => 0,
        };
        let acked = segment.flags.contains(TcpFlags::ACK);
        let mut insight = TcpInsight {
            stream: self.stream,
            sequence: segment.seq.wrapping_sub(flow.base),
            acknowledgment: if acked { segment.ack.wrapping_sub(other.base) } else { segment.ack },
            sack_base: other.base,
            window: segment.window << shift,
            scale: flow.scale,
            marks,
            duplicate,
            initial_round_trip: None,
        };
        learn_scales(segment, tcp, flow, other);
        self.learn_round_trip(segment);
        insight.initial_round_trip =
            (self.initial_round_trip > 0).then_some(self.initial_round_trip);
        insight
    }

    /// Measures from the newest SYN to the first segment that is no SYN and acknowledges.
    fn learn_round_trip(&mut self, segment: &Segment) {
        let opening = segment.flags.and(SYN_ACK);
        if opening == TcpFlags::SYN {
            self.syn_time = segment.time;
        } else if opening == TcpFlags::ACK && self.syn_time != 0 && self.initial_round_trip == 0 {
            self.initial_round_trip = segment.time.saturating_sub(self.syn_time);
        }
    }
}
