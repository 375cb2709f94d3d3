//! How a side of a conversation is measured, segment by segment.

use std::{collections::VecDeque, fmt};

use super::{
    super::decode::{Tcp, TcpFlags},
    detail::{AT_ONCE, DELAYED_ACK, Sent},
    distribution::Distribution,
    half::{Half, Taken},
    row::FlowEnd,
    time::Short,
    unit::Unit,
};

/// How many segments on their way are remembered.
const MAX_UNDERWAY: usize = 16_384;
/// The largest segment to a side whose SYN says nothing (RFC 9293 section 3.7.1), in bytes.
const DEFAULT_MSS: u16 = 536;

/// A segment where it was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    time: u64,
    /// Since the conversation's start.
    since: u64,
    tcp: Tcp<'a>,
    length: u32,
    /// Whether it does nothing but acknowledge.
    pure: bool,
}

/// What is known of a side while frames come.
#[derive(Debug, Default)]
pub(super) struct Measured {
    half: Half,
    sent: Sent,
    /// The largest segment it takes, if its SYN was recorded.
    takes: Option<u16>,
    /// By how many bits its windows are shifted, if its SYN said so.
    shift: Option<u8>,
    /// Its segments without an acknowledgment: where they end, and when they were sent.
    underway: VecDeque<(i64, u64)>,
    /// Up to where its data was acknowledged, as it knew itself.
    known: i64,
    /// Where its last small segment ends.
    small: Option<i64>,
    /// When an acknowledgment without data of that arrived.
    released: Option<u64>,
    /// What arrived at the other side and was not acknowledged there: where it ends, and when it came.
    arrived: VecDeque<(i64, u64)>,
    /// The delays of its acknowledgments without data.
    pure: Distribution,
}

impl<'a> Segment<'a> {
    pub(super) fn new(time: u64, since: u64, tcp: &Tcp<'a>, unit: &Unit<'_>) -> Self {
        let length = unit.payload.length;
        let more = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
        Self { time, since, tcp: *tcp, length, pure: length == 0 && !tcp.flags.intersects(more) }
    }

    fn has(&self, flag: TcpFlags) -> bool {
        self.tcp.flags.contains(flag)
    }
}

impl Measured {
    /// This side sends a segment.
    pub(super) fn send(&mut self, segment: &Segment<'_>, other: &mut Self) {
        if let Some(up_to) = other.half.acknowledge(&segment.tcp) {
            self.acknowledge(segment, up_to, other);
        }
        if segment.has(TcpFlags::SYN) {
            let options = segment.tcp.options;
            self.takes = Some(options.maximum_segment_size().unwrap_or(DEFAULT_MSS));
            self.shift = options.window_scale();
        }
        if !segment.has(TcpFlags::RST) {
            // Scaled only if both said so, and never on a SYN (RFC 7323 section 2.2).
            let shift = match (self.shift, other.shift) {
                (Some(shift), Some(_)) if !segment.has(TcpFlags::SYN) => shift,
                _ => 0,
            };
            self.sent.windows.note(segment.since, u64::from(segment.tcp.window) << shift);
        }
        let before = self.half.sequence.high();
        let taken = self.half.take(&segment.tcp, segment.length);
        if taken.again {
            self.underway.clear();
        }
        if taken.new > 0 {
            let end = taken.start.saturating_add(segment.length.into());
            if self.underway.len() < MAX_UNDERWAY {
                self.underway.push_back((end, segment.time));
            }
            if let Some(takes) = other.takes {
                self.size_up(segment, taken, before, takes);
            }
        }
    }

    /// This side acknowledges what came from the other.
    fn acknowledge(&mut self, segment: &Segment<'_>, up_to: i64, other: &mut Self) {
        let mut covered = 0;
        let mut first = None;
        while let Some(time) = take_up_to(&mut other.arrived, up_to) {
            covered += 1;
            first.get_or_insert(time);
        }
        let Some(first) = first else { return };
        let delay = segment.time.saturating_sub(first);
        self.sent.ack_delays.add(delay);
        self.sent.joint_acks += u64::from(covered > 1);
        if segment.pure {
            self.pure.add(delay);
        }
    }

    /// Tells whether Nagle's algorithm would have let a segment of data go; `before` is where the one before it ended.
    fn size_up(&mut self, segment: &Segment<'_>, taken: Taken, before: i64, takes: u16) {
        let options = segment.tcp.options.bytes().len() as u32;
        let largest = u32::from(takes).saturating_sub(options);
        self.sent.largest_segment.get_or_insert(largest);
        let released = self.released.take();
        if segment.length >= largest {
            return;
        }
        if !segment.has(TcpFlags::FIN) && !taken.again {
            self.sent.small_with_data_underway += u64::from(self.known < before);
            let small = self.small.is_some_and(|end| self.known < end);
            self.sent.small_with_small_underway += u64::from(small);
            let at_once = released.is_some_and(|at| segment.time.saturating_sub(at) <= AT_ONCE);
            self.sent.small_after_ack += u64::from(at_once);
        }
        self.small = Some(taken.start.saturating_add(segment.length.into()));
    }

    /// A segment of the other's reaches this side.
    pub(super) fn hear(&mut self, segment: &Segment<'_>, other: &mut Self) {
        if let (true, Some(up_to)) =
            (segment.has(TcpFlags::ACK), self.half.sequence.position(segment.tcp.acknowledgment))
        {
            self.learn(segment, up_to);
        }
        let start = other.half.sequence.position(segment.tcp.sequence);
        if let (Some(start), 1..) = (start, segment.length) {
            let end = start.saturating_add(segment.length.into());
            // What was acknowledged before came twice.
            if end > other.half.acknowledged && other.arrived.len() < MAX_UNDERWAY {
                other.arrived.push_back((end, segment.time));
            }
        }
    }

    /// This side learns up to where its data was acknowledged.
    fn learn(&mut self, segment: &Segment<'_>, up_to: i64) {
        if up_to <= self.known {
            return;
        }
        let small = self.small.is_some_and(|end| self.known < end && end <= up_to);
        self.released = (small && segment.pure).then_some(segment.time);
        self.known = up_to;
        let mut last = None;
        while let Some(time) = take_up_to(&mut self.underway, up_to) {
            last = Some(time);
        }
        if let Some(time) = last {
            self.sent.round_trips.add(segment.time.saturating_sub(time));
        }
    }

    pub(super) fn finish(self) -> Sent {
        let promptest = self.pure.least().unwrap_or(0);
        let delayed_acks = self.pure.at_least(promptest.saturating_add(DELAYED_ACK));
        Sent { delayed_acks, ..self.sent }
    }
}

impl Sent {
    /// What Nagle's algorithm did, in words.
    pub fn nagle(&self) -> &'static str {
        match self {
            Self { largest_segment: None, .. } => {
                "unknown without data, or without the other side's SYN"
            }
            Self { small_with_small_underway: 1.., .. } => "off",
            Self { small_after_ack: 1.., .. } => "at work",
            _ => "not put to the test",
        }
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, end: &FlowEnd) -> fmt::Result {
        writeln!(
            f,
            "  sent           {} bytes in {} segments, {} of them again",
            end.bytes, end.segments, end.retransmissions
        )?;
        writeln!(f, "  round trips    {}", self.round_trips)?;
        writeln!(f, "  ACK delays     {}", self.ack_delays)?;
        writeln!(
            f,
            "  delayed ACKs   {} ({} or more later than the promptest), {} covered several segments",
            self.delayed_acks,
            Short(DELAYED_ACK),
            self.joint_acks
        )?;
        writeln!(
            f,
            "  Nagle          {}: small segments with data underway {}, with a small one underway {}, just after its ACK {}",
            self.nagle(),
            self.small_with_data_underway,
            self.small_with_small_underway,
            self.small_after_ack
        )?;
        writeln!(f, "  windows        {}", self.windows)
    }
}

/// Takes the first segment, if it ends there or before; tells its time.
fn take_up_to(segments: &mut VecDeque<(i64, u64)>, up_to: i64) -> Option<u64> {
    let &(end, time) = segments.front()?;
    (end <= up_to).then(|| segments.pop_front())?;
    Some(time)
}
