//! What an impairment can't be.

use std::time::Duration;

use super::{Impairment, Pace, QueueLimit};
use crate::units::{ByteSize, Delay, Probability};

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
    #[error("`{key}` of {value} is less than one frame, {frame} bytes with its header")]
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
    /// Jitter without delay, or above it, is allowed: no delay is below 0, as in tc-netem(8).
    ///
    /// # Errors
    ///
    /// The first contradiction in it.
    pub fn check(&self, mtu: u32) -> Result<(), Contradiction> {
        for (key, value) in [("delay", self.delay), ("jitter", self.jitter)] {
            if value > LONGEST_DELAY {
                return Err(Contradiction::TooLong { key, value });
            }
        }
        let reorders = self.reorder != Probability::NEVER;
        if reorders && self.delay.0.is_zero() {
            return Err(Contradiction::ReorderWithoutDelay);
        }
        if self.gap > 1 && !reorders {
            return Err(Contradiction::GapWithoutReorder);
        }
        self.check_rate(HEADER + u64::from(mtu))
    }

    fn check_rate(&self, frame: u64) -> Result<(), Contradiction> {
        let whole = |key, value: ByteSize| match value.0 < frame {
            true => Err(Contradiction::BelowFrame { key, value, frame }),
            false => Ok(()),
        };
        let limit = self.limit != QueueLimit::default();
        match (&self.rate, self.burst) {
            (None, Some(_)) => Err(Contradiction::WithoutRate { key: "burst" }),
            (None, None) if limit => Err(Contradiction::WithoutRate { key: "limit" }),
            (Some(Pace::Trace(_)), Some(_)) => Err(Contradiction::BurstWithTrace),
            (_, Some(burst)) => whole("burst", burst),
            (_, None) => Ok(()),
        }?;
        match self.limit {
            QueueLimit::Frames(0) => Err(Contradiction::NoQueue),
            QueueLimit::Frames(_) => Ok(()),
            QueueLimit::Bytes(bytes) => whole("limit", bytes),
        }
    }
}
