//! What a direction of a link does to frames.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Change, Loss, Pace, QueueLimit};
use crate::units::{ByteSize, Delay, Probability};

/// What a direction of a link does to frames; the default is nothing.
///
/// Display lists what is not the default, as in `delay 10ms, loss 1%`, or says `nothing`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Impairment {
    /// How long a frame is under way.
    pub delay: Delay,
    /// How much that varies: uniformly between `delay` − `jitter` and `delay` + `jitter`, or with this standard deviation; never below 0.
    pub jitter: Delay,
    /// How the delay varies.
    pub distribution: Distribution,
    /// Which frames are lost.
    pub loss: Loss,
    /// How likely a frame arrives twice.
    pub duplicate: Probability,
    /// How likely a frame skips the delay, and so overtakes those before it.
    pub reorder: Probability,
    /// Only each so manieth frame may be reordered, counted from the last that was; 0 and 1: any.
    pub gap: u32,
    /// How likely one bit of a frame is turned.
    pub corrupt: Probability,
    /// How fast frames are sent; none: at once.
    pub rate: Option<Pace>,
    /// How much may be sent at once after a pause, at a constant rate; none: one frame of the link's MTU.
    pub burst: Option<ByteSize>,
    /// What may wait to be sent; what comes then is dropped.
    pub limit: QueueLimit,
    /// Whether nothing passes at all.
    pub down: bool,
}

impl Impairment {
    /// The same with what the change says.
    ///
    /// Burst and queue limit belong to the rate: a change to no rate also undoes those it doesn't name.
    pub fn with(&self, change: &Change) -> Self {
        let unlimited = change.rate == Some(None);
        let (burst, limit) = match unlimited {
            true => (None, QueueLimit::default()),
            false => (self.burst, self.limit),
        };
        Self {
            delay: change.delay.unwrap_or(self.delay),
            jitter: change.jitter.unwrap_or(self.jitter),
            distribution: change.distribution.unwrap_or(self.distribution),
            loss: change.loss.unwrap_or(self.loss),
            duplicate: change.duplicate.unwrap_or(self.duplicate),
            reorder: change.reorder.unwrap_or(self.reorder),
            gap: change.gap.unwrap_or(self.gap),
            corrupt: change.corrupt.unwrap_or(self.corrupt),
            rate: change.rate.clone().unwrap_or_else(|| self.rate.clone()),
            burst: change.burst.unwrap_or(burst),
            limit: change.limit.unwrap_or(limit),
            down: change.down.unwrap_or(self.down),
        }
    }

    /// Whether every frame passes at once and as it is.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything is left to chance.
    pub fn is_random(&self) -> bool {
        let uncertain = |p: Probability| !matches!(p, Probability::NEVER | Probability::ALWAYS);
        !self.jitter.0.is_zero()
            || self.loss.is_random()
            || !self.corrupt.is_never()
            || [self.duplicate, self.reorder].into_iter().any(uncertain)
    }
}

/// How a delay varies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Each delay between the least and the largest is equally likely: `uniform`.
    #[default]
    Uniform,
    /// The bell curve: `normal`.
    Normal,
}

/// The text is not a distribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a distribution; write `uniform` or `normal`")]
pub struct DistributionError(pub String);

impl FromStr for Distribution {
    type Err = DistributionError;

    fn from_str(text: &str) -> Result<Self, DistributionError> {
        match text {
            "uniform" => Ok(Self::Uniform),
            "normal" => Ok(Self::Normal),
            _ => Err(DistributionError(text.to_owned())),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
        })
    }
}
