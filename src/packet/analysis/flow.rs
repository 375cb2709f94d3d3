//! One direction of a TCP conversation, and what its state says of a segment.

use super::{
    marks::{Mark, Marks},
    tcp::Scale,
};
use crate::packet::decode::{Tcp, TcpFlags};

/// Without a measured round trip, a segment that fills a gap within this time is out of order rather than sent again.
const OUT_OF_ORDER_NS: u64 = 3_000_000;
/// A retransmission this soon after the last duplicate acknowledgment is a fast one.
const FAST_NS: u64 = 20_000_000;

/// Counts as many duplicates: whoever sends again then was told of a gap.
const SAID: u32 = u32::MAX;

/// One direction of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    pub(super) base: u32,
    pub(super) base_known: bool,
    /// A SYN was sent and no acknowledgment since: the window to compare with is not scaled.
    before_first_ack: bool,
    pub(super) scale: Scale,
    /// The highest number seen plus one, where it was seen, and the highest that has no gap below it.
    pub(super) next: u32,
    next_time: u64,
    pub(super) highest_to_ack: u32,
    pub(super) last_ack: u32,
    last_ack_time: u64,
    pub(super) last_new_ack: u64,
    /// How often the acknowledgment was repeated; [`SAID`] once "ACKed unseen" was said for the same gap.
    pub(super) duplicates: u32,
    pub(super) window: u32,
    last_marks: Marks,
}

/// A segment with what its judgement needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) length: u32,
    pub(super) flags: TcpFlags,
    pub(super) window: u32,
}

pub(super) const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
const SYN_FIN: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::FIN.0);
const SYN_FIN_RST: TcpFlags = TcpFlags(SYN_FIN.0 | TcpFlags::RST.0);

/// The first numbers of both directions, guessed where no SYN was seen.
pub(super) fn learn_bases(segment: &Segment, flow: &mut Flow, other: &mut Flow) {
    if !flow.base_known {
        let before = u32::from(!segment.flags.contains(TcpFlags::SYN));
        flow.base = segment.seq.wrapping_sub(before);
        flow.base_known = true;
    }
    if !other.base_known && segment.flags.contains(TcpFlags::ACK) {
        other.base = segment.ack.wrapping_sub(1);
        other.base_known = true;
    }
}

/// Windows, keep-alives and duplicates: what a segment says beside its data. Returns what a duplicate repeats.
pub(super) fn judge_forward(
    segment: &Segment,
    flow: &mut Flow,
    other: &Flow,
    marks: &mut Marks,
) -> (u64, u32) {
    let &Segment { seq, ack, length, window, flags, .. } = segment;
    if length == 1 && seq == flow.next && other.window == 0 {
        marks.insert(Mark::ZeroWindowProbe);
        return (0, 0);
    }
    let plain = !flags.intersects(SYN_FIN_RST);
    if window == 0 && plain {
        marks.insert(Mark::ZeroWindow);
    }
    if flow.next != 0 && after(seq, flow.next) && !flags.contains(TcpFlags::RST) {
        marks.insert(Mark::PreviousNotCaptured);
    }
    if length <= 1 && seq == flow.next.wrapping_sub(1) && plain {
        marks.insert(Mark::KeepAlive);
    }
    if length > 0 && plain && other.window_end() == Some(seq.wrapping_add(length)) {
        marks.insert(Mark::WindowFull);
    }
    let repeats = length == 0 && plain && seq == flow.next && ack == flow.last_ack;
    if !repeats {
        return (0, 0);
    }
    if window != flow.window {
        if window != 0 {
            marks.insert(Mark::WindowUpdate);
        }
        return (0, 0);
    }
    if window == 0 {
        if other.last_marks.contains(Mark::ZeroWindowProbe) {
            marks.insert(Mark::ZeroWindowProbeAck);
        }
        return (0, 0);
    }
    if other.last_marks.contains(Mark::KeepAlive) {
        marks.insert(Mark::KeepAliveAck);
        return (0, 0);
    }
    flow.duplicates = if flow.duplicates == SAID { 1 } else { flow.duplicates.saturating_add(1) };
    marks.insert(Mark::DuplicateAck);
    (flow.last_new_ack, flow.duplicates)
}

/// Whether it acknowledges what the other direction was not seen to send.
pub(super) fn judge_acknowledged(segment: &Segment, other: &mut Flow, marks: &mut Marks) {
    let beyond = other.highest_to_ack != 0 && after(segment.ack, other.highest_to_ack);
    if !beyond || !segment.flags.contains(TcpFlags::ACK) {
        return;
    }
    // Say it once for a gap: up to what was seen beyond it, or until the other acknowledges something new.
    if after(other.next, other.highest_to_ack) {
        other.highest_to_ack = other.next;
        marks.insert(Mark::AckedUnseen);
        return;
    }
    if other.duplicates == 0 {
        marks.insert(Mark::AckedUnseen);
    }
    other.duplicates = SAID;
}

/// Whether data, SYN or FIN were there before, and then why.
pub(super) fn judge_repetition(
    segment: &Segment,
    flow: &Flow,
    other: &Flow,
    round_trip: u64,
    marks: &mut Marks,
) {
    let &Segment { seq, length, flags, time, .. } = segment;
    let takes_numbers = length > 0 || flags.intersects(SYN_FIN);
    if !takes_numbers || marks.contains(Mark::KeepAlive) {
        return;
    }
    let end = seq.wrapping_add(length);
    if length > 0 && other.last_ack != 0 && !after(end, other.last_ack) {
        marks.insert(Mark::SpuriousRetransmission);
        return;
    }
    // One byte of overlap may be a probe of the window.
    let probed = length > 1 && flow.next.wrapping_sub(1) == seq;
    if flow.next == 0 || !after(flow.next, seq) || probed {
        return;
    }
    let asked_for = other.duplicates >= 2 && other.last_ack == seq;
    let patience = if round_trip == 0 { OUT_OF_ORDER_NS } else { round_trip };
    let end = end.wrapping_add(u32::from(flags.intersects(SYN_FIN)));
    marks.insert(if asked_for && time.wrapping_sub(other.last_ack_time) < FAST_NS {
        Mark::FastRetransmission
    } else if time.wrapping_sub(flow.next_time) < patience && flow.next != end {
        Mark::OutOfOrder
    } else {
        Mark::Retransmission
    });
}

/// The scales of both directions, from what SYNs say.
pub(super) fn learn_scales(segment: &Segment, tcp: &Tcp<'_>, flow: &mut Flow, other: &mut Flow) {
    let opening = segment.flags.and(SYN_ACK);
    if opening == TcpFlags::ACK {
        flow.before_first_ack = false;
    }
    if let Some(shift) = tcp.options.window_scale() {
        flow.scale = Scale::Shift(shift);
    }
    if !segment.flags.contains(TcpFlags::SYN) {
        return;
    }
    flow.before_first_ack = true;
    if flow.scale == Scale::Unknown {
        (flow.scale, other.scale) = (Scale::Unused, Scale::Unused);
    } else if opening == SYN_ACK && other.scale == Scale::Unused {
        flow.scale = Scale::Unused;
    }
}

impl Flow {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            base_known: false,
            before_first_ack: false,
            scale: Scale::Unknown,
            next: 0,
            next_time: 0,
            highest_to_ack: 0,
            last_ack: 0,
            last_ack_time: 0,
            last_new_ack: 0,
            duplicates: 0,
            window: u32::MAX,
            last_marks: Marks::NONE,
        }
    }

    /// The first number that the window does not allow, as this direction last said; none while the scale is unknown.
    fn window_end(&self) -> Option<u32> {
        let shift = match self.scale {
            Scale::Unknown => return None,
            Scale::Shift(shift) if !self.before_first_ack => shift,
            _ => 0,
        };
        Some(self.last_ack.wrapping_add(self.window << shift))
    }

    pub(super) fn remember(&mut self, segment: &Segment, marks: Marks) {
        let takes_one = u32::from(segment.flags.intersects(SYN_FIN));
        let end = segment.seq.wrapping_add(segment.length).wrapping_add(takes_one);
        // A probe is not expected to be taken.
        if !marks.contains(Mark::ZeroWindowProbe) {
            if after(end, self.next) || self.next == 0 {
                (self.next, self.next_time) = (end, segment.time);
            }
            if segment.seq == self.highest_to_ack || self.highest_to_ack == 0 {
                self.highest_to_ack = self.next;
            }
        }
        self.window = segment.window;
        self.last_ack = segment.ack;
        self.last_ack_time = segment.time;
        self.last_marks = marks;
    }
}

/// Whether a sequence number lies after another (RFC 1982).
fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
