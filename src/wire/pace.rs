//! When frames that wait may be sent: a rate.

use crate::impairment::{Pace, Trace};

/// The bucket where none is given: one frame of an MTU of 1500 bytes, without its FCS.
const BURST: u64 = 1514;
/// How much larger an Ethernet frame is than what mahimahi counts, an IP packet and 4 bytes of a TUN header.
const TRACE_LESS: u64 = 14 - 4;
/// Nanobits in a byte.
const BYTE: i128 = 8_000_000_000;

/// What limits the rate of a line.
#[derive(Debug)]
pub(super) enum Pacer {
    Free,
    Bucket(Bucket),
    Trace(Chances),
}

impl Pacer {
    /// What a pace asks for from `now` on.
    fn new(now: u64, pace: Option<&Pace>, burst: Option<u64>) -> Self {
        match pace {
            None => Self::Free,
            Some(Pace::Constant(rate)) => {
                Self::Bucket(Bucket::new(now, rate.bits_per_second(), burst))
            }
            Some(Pace::Trace(trace)) => Self::Trace(Chances::new(now, trace.clone())),
        }
    }

    /// Changes over to another pace at `now`; a bucket keeps what is in it, as far as there is room.
    pub(super) fn change(&mut self, now: u64, pace: Option<&Pace>, burst: Option<u64>) {
        let mut next = Self::new(now, pace, burst);
        if let (Self::Bucket(old), Self::Bucket(new)) = (&mut *self, &mut next) {
            old.settle(now);
            new.level = new.size.min(old.level);
        }
        next.idle(now);
        *self = next;
    }

    /// Tells that nothing waited until `now`.
    pub(super) fn idle(&mut self, now: u64) {
        if let Self::Trace(trace) = self {
            trace.idle(now);
        }
    }

    /// The first time, perhaps one that has passed, at which a frame that is the next to be sent may be.
    pub(super) fn ready(&self, length: u64) -> u64 {
        match self {
            Self::Free => 0,
            Self::Bucket(bucket) => bucket.ready(length),
            Self::Trace(trace) => trace.ready(length),
        }
    }

    /// Sends a frame at a time at which it may be.
    pub(super) fn spend(&mut self, at: u64, length: u64) {
        match self {
            Self::Free => {}
            Self::Bucket(bucket) => bucket.spend(at, length),
            Self::Trace(trace) => trace.spend(length),
        }
    }
}

/// A token bucket (tc-tbf(8)), counted in billionths of a bit, so that nothing is rounded away.
///
/// A frame goes when the bucket holds as much as it has, or is full: a frame that is larger than the bucket overdraws it, and what
/// follows waits the longer.
#[derive(Debug)]
pub(super) struct Bucket {
    /// In bits/s.
    rate: u64,
    size: i128,
    /// What is in it at the time `at`.
    level: i128,
    at: u64,
}

impl Bucket {
    fn new(now: u64, rate: u64, burst: Option<u64>) -> Self {
        let size = i128::from(burst.unwrap_or(BURST)) * BYTE;
        Self { rate, size, level: size, at: now }
    }

    /// What would be in it at a later time if it could not overflow.
    fn level(&self, now: u64) -> i128 {
        let gained = u128::from(now.saturating_sub(self.at)) * u128::from(self.rate);
        self.level.saturating_add(i128::try_from(gained).unwrap_or(i128::MAX))
    }

    fn settle(&mut self, now: u64) {
        self.level = self.level(now).min(self.size);
        self.at = self.at.max(now);
    }

    /// How much there must be for a frame.
    fn need(&self, length: u64) -> i128 {
        (i128::from(length) * BYTE).min(self.size)
    }

    fn ready(&self, length: u64) -> u64 {
        let missing = self.need(length).saturating_sub(self.level);
        let Ok(missing @ 1..) = u128::try_from(missing) else { return self.at };
        let wait = missing.div_ceil(u128::from(self.rate).max(1));
        self.at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    fn spend(&mut self, at: u64, length: u64) {
        let level = self.level(at);
        // Sent in the first nanosecond in which it may be: what came in the rest of that is not lost, though the bucket is full.
        let first = level.saturating_sub(self.need(length)) < i128::from(self.rate);
        let level = if first { level } else { level.min(self.size) };
        self.level = level.saturating_sub(i128::from(length) * BYTE);
        self.at = self.at.max(at);
    }
}

/// The chances of a trace, as mahimahi's `mm-link` uses them (link_queue.cc): each carries 1504 bytes of what waits then, of several
/// frames or a part of one, which leaves with its last byte. What comes at the very time of a chance misses it. A frame counts as
/// in mahimahi, by its IP packet and 4 bytes, so that one of an MTU of 1500 fits.
#[derive(Debug)]
pub(super) struct Chances {
    trace: Trace,
    start: u64,
    /// How many have gone by.
    gone: u64,
    /// How many bytes the last of these can still carry.
    left: u64,
    /// When that was.
    at: u64,
}

impl Chances {
    const fn new(now: u64, trace: Trace) -> Self {
        Self { trace, start: now, gone: 0, left: 0, at: now }
    }

    /// When a chance is, by its number from 0.
    fn time(&self, number: u64) -> u64 {
        self.start.saturating_add(self.trace.chance(number).saturating_mul(1_000_000))
    }

    /// Lets all that are until `now` go by.
    fn idle(&mut self, now: u64) {
        let millis = now.saturating_sub(self.start) / 1_000_000;
        let (chances, length) = (self.trace.chances(), u64::from(self.trace.length()).max(1));
        let within = chances.partition_point(|at| u64::from(*at) <= millis % length) as u64;
        let before = (millis / length).saturating_mul(chances.len() as u64);
        self.gone = self.gone.max(before.saturating_add(within));
        self.left = 0;
    }

    /// How many more chances a frame takes, and how many bytes the last one can carry after it.
    fn share(&self, length: u64) -> (u64, u64) {
        let bytes = length.saturating_sub(TRACE_LESS);
        let more = bytes.saturating_sub(self.left).div_ceil(Trace::BYTES.into());
        let room = more.saturating_mul(Trace::BYTES.into()).saturating_add(self.left);
        (more, room.saturating_sub(bytes))
    }

    fn ready(&self, length: u64) -> u64 {
        match self.share(length).0 {
            0 => self.at,
            more => self.time(self.gone.saturating_add(more - 1)),
        }
    }

    fn spend(&mut self, length: u64) {
        let (more, left) = self.share(length);
        if more > 0 {
            self.gone = self.gone.saturating_add(more);
            self.at = self.time(self.gone - 1);
        }
        self.left = left;
    }
}
