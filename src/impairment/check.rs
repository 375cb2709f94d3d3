//! What an impairment can't be.

use std::time::Duration;

use super::{Impairment, Pace, QueueLimit};
use crate::units::{ByteSize, Delay};

/// The longest delay and the largest jitter.
pub const LONGEST_DELAY: Delay = Delay(Duration::from_secs(3600));

/// An Ethernet header (IEEE 802.3, clause 3.1.1).
const HEADER: u64 = 14;

/// Why an impairment has no meaning; each variant knows the key that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// A delay or jitter above [`LONGEST_DELAY`].
    #[error("`{key}` is {value}; it is at most {LONGEST_DELAY}")]
    TooLong {
        /// `delay` or `jitter`.
        key: &'static str,
        /// What it was to be.
        value: Delay,
    },
    /// Nothing to overtake.
    #[error(
        "`reorder` without `delay`: a frame is reordered by skipping the delay, and there is none"
    )]
    ReorderWithoutDelay,
    /// Nothing is reordered.
    #[error("`gap` without `reorder`: it says which frames may be reordered")]
    GapWithoutReorder,
    /// Nothing waits to be sent.
    #[error("`{key}` without `rate`: frames wait to be sent only where a rate is set")]
    WithoutRate {
        /// `burst` or `limit`.
        key: &'static str,
    },
    /// A trace has its own bursts.
    #[error("`burst` with a trace: a trace says itself when how much is sent")]
    BurstWithTrace,
    /// Frames of the link's MTU would never pass.
    #[error("`{key}` of {} bytes is less than one frame, {frame} bytes with its header", value.0)]
    BelowFrame {
        /// `burst` or `limit`.
        key: &'static str,
        /// What it was to be.
        value: ByteSize,
        /// The largest frame in bytes.
        frame: u64,
    },
    /// Nothing would ever be queued, and so nothing sent.
    #[error("`limit` of 0 frames lets nothing pass; to stop a link, set `down`")]
    NoQueue,
}

impl Contradiction {
    /// The key at fault, as in the topology file.
    pub fn key(&self) -> &'static str {
        match self {
            Self::TooLong { key, .. }
            | Self::WithoutRate { key }
            | Self::BelowFrame { key, .. } => key,
            Self::ReorderWithoutDelay => "reorder",
            Self::GapWithoutReorder => "gap",
            Self::BurstWithTrace => "burst",
            Self::NoQueue => "limit",
        }
    }
}

impl Impairment {
    /// Whether it has a meaning on a link of this MTU.
    ///
    /// # Errors
    ///
    /// The first of its [contradictions](Self::contradictions).
    pub fn check(&self, mtu: u32) -> Result<(), Contradiction> {
        self.contradictions(mtu).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything in it that has no meaning on a link of this MTU.
    ///
    /// Jitter without delay, or above it, is allowed: no delay is below 0, as in tc-netem(8).
    pub fn contradictions(&self, mtu: u32) -> Vec<Contradiction> {
        let mut found = Vec::new();
        for (key, value) in [("delay", self.delay), ("jitter", self.jitter)] {
            if value > LONGEST_DELAY {
                found.push(Contradiction::TooLong { key, value });
            }
        }
        if !self.reorder.is_never() && self.delay.0.is_zero() {
            found.push(Contradiction::ReorderWithoutDelay);
        }
        if self.gap > 1 && self.reorder.is_never() {
            found.push(Contradiction::GapWithoutReorder);
        }
        let frame = HEADER + u64::from(mtu);
        found.extend(self.burst.and_then(|burst| self.wrong_burst(burst, frame)));
        found.extend(self.wrong_limit(frame));
        found
    }

    fn wrong_burst(&self, burst: ByteSize, frame: u64) -> Option<Contradiction> {
        let key = "burst";
        match self.rate {
            None => Some(Contradiction::WithoutRate { key }),
            Some(Pace::Trace(_)) => Some(Contradiction::BurstWithTrace),
            Some(Pace::Constant(_)) => below(key, burst, frame),
        }
    }

    fn wrong_limit(&self, frame: u64) -> Option<Contradiction> {
        let key = "limit";
        match self.limit {
            limit if limit == QueueLimit::default() => None,
            _ if self.rate.is_none() => Some(Contradiction::WithoutRate { key }),
            QueueLimit::Frames(0) => Some(Contradiction::NoQueue),
            QueueLimit::Frames(_) => None,
            QueueLimit::Bytes(bytes) => below(key, bytes, frame),
        }
    }
}

fn below(key: &'static str, value: ByteSize, frame: u64) -> Option<Contradiction> {
    (value.0 < frame).then_some(Contradiction::BelowFrame { key, value, frame })
}
