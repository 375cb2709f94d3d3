//! Whether the kernel does exactly what is asked.

use super::{Features, tbf};
use crate::{
    impairment::{Distribution, Impairment, Loss, Pace, QueueLimit},
    units::{ByteSize, Delay, Probability, Rate},
};

/// Why the kernel can't do what is asked of a link, or not exactly so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("this kernel has no netem (sch_netem)")]
    NoNetem,
    #[error("this kernel has no tbf (sch_tbf)")]
    NoTbf,
    #[error("netem takes no seed before Linux 6.7, and chance would not repeat")]
    NoSeed,
    #[error("with `offload` frames come in bursts, each of which would share one chance")]
    Offload,
    #[error("netem turns a bit that no seed chooses, and seldom one of the data")]
    Corrupt,
    #[error("netem may keep the copy of a frame that is lost")]
    DuplicateAndLoss,
    #[error("netem delays frames before their rate, which takes `{0}` out again")]
    RateAndDisorder(&'static str),
    #[error("netem has no rate that follows a trace")]
    Trace,
    #[error("netem has no jitter above {longest}, and this is {0}", longest = Delay(LONGEST_JITTER))]
    Jitter(Delay),
    #[error("tbf counts bytes, and {0} is too slow to be whole bytes a second")]
    Rate(Rate),
    #[error("tbf has no room for a burst of {0}")]
    Burst(ByteSize),
    #[error("the kernel has no queue of {0}")]
    Limit(ByteSize),
}

impl Reason {
    /// Whether the kernel does all that is asked, only not just so: enough for who asks for the kernel, not for who leaves it open.
    pub(crate) fn is_near(&self) -> bool {
        matches!(self, Self::NoSeed | Self::Offload | Self::Corrupt | Self::DuplicateAndLoss)
    }
}

/// netem holds it in an `int`, of nanoseconds.
const LONGEST_JITTER: std::time::Duration = std::time::Duration::from_nanos(i32::MAX as u64);
/// How far from what was asked a rate may be: one part in so many.
const EXACT: u64 = 10_000;

/// Whether a kernel with these features does exactly this, for frames of which some are bursts to be cut later if `offload`.
///
/// Chance must come from the seed, and the frames that arrive, and when, must be as said of an [`Impairment`]. Three things are
/// as good as exact: rates are whole bytes a second; a burst is longer by what the rate sends in a millisecond, as timers
/// are late; and a normally distributed delay differs by at most four standard deviations.
///
/// # Errors
///
/// The first thing it can't do, and only if there is none what it does [not just so](Reason::is_near).
pub(crate) fn can(
    impairment: &Impairment,
    offload: bool,
    features: Features,
) -> Result<(), Reason> {
    rate(impairment, features)?;
    let unrated =
        Impairment { rate: None, burst: None, limit: QueueLimit::default(), ..impairment.clone() };
    // The distribution says nothing without jitter, and so it is for the gap without reordering.
    let plain = Impairment { distribution: Distribution::default(), gap: 0, ..unrated };
    if plain.is_nothing() {
        return Ok(());
    }
    if !features.netem {
        return Err(Reason::NoNetem);
    }
    if plain.jitter.0 > LONGEST_JITTER {
        return Err(Reason::Jitter(plain.jitter));
    }
    let loses = !matches!(plain.loss, Loss::None | Loss::Independent(Probability::NEVER));
    match plain {
        Impairment { corrupt, .. } if !corrupt.is_never() => Err(Reason::Corrupt),
        Impairment { duplicate, .. } if loses && !duplicate.is_never() => {
            Err(Reason::DuplicateAndLoss)
        }
        _ if !plain.is_random() => Ok(()),
        _ if offload => Err(Reason::Offload),
        _ if !features.seed => Err(Reason::NoSeed),
        _ => Ok(()),
    }
}

fn rate(impairment: &Impairment, features: Features) -> Result<(), Reason> {
    let rate = match &impairment.rate {
        None => return Ok(()),
        Some(Pace::Trace(_)) => return Err(Reason::Trace),
        Some(Pace::Constant(rate)) => *rate,
    };
    let bytes = tbf::bytes_per_second(impairment).unwrap_or(0);
    let error = bytes.saturating_mul(8).abs_diff(rate.bits_per_second());
    if !features.tbf {
        Err(Reason::NoTbf)
    } else if error.saturating_mul(EXACT) > rate.bits_per_second() {
        Err(Reason::Rate(rate))
    } else if !tbf::fits(impairment) {
        Err(Reason::Burst(impairment.burst.unwrap_or(ByteSize(0))))
    } else if let QueueLimit::Bytes(limit) = impairment.limit
        && u32::try_from(limit.0).is_err()
    {
        Err(Reason::Limit(limit))
    } else if !impairment.jitter.0.is_zero() {
        Err(Reason::RateAndDisorder("jitter"))
    } else if !impairment.reorder.is_never() {
        Err(Reason::RateAndDisorder("reorder"))
    } else {
        Ok(())
    }
}
