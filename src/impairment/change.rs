//! What is asked to be different.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Distribution, Impairment, Loss, Pace, QueueLimit};
use crate::units::{ByteSize, Delay, Probability};

/// What to change of an [`Impairment`]; what is none stays as it is.
///
/// The fields are those of [`Impairment`]. Its text is a list of them, as in `delay 10ms, rate unlimited, up`; of the keys in a
/// topology file only `down` is written differently.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "each is the field of Impairment of the same name")]
pub struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Delay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Probability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Probability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Probability>,
    /// `Some(None)` takes the limit of the rate away, and with it its burst and queue limit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub rate: Option<Option<Pace>>,
    /// `Some(None)` is one frame of the link's MTU again.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub burst: Option<Option<ByteSize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<QueueLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<bool>,
}

/// What is there, null included: what is not there is left to the default.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Change {
    /// Both changes at once: where they differ this one holds, not `under`.
    ///
    /// For each impairment `i`, `i.with(&self.over(&under))` is `i.with(&under).with(&self)`.
    pub fn over(self, under: &Self) -> Self {
        // No rate undoes burst and limit, which a rate that comes after must not bring back.
        let (burst, limit) = match (&self.rate, &under.rate) {
            (Some(None), _) => (None, None),
            (Some(Some(_)), Some(None)) => {
                (under.burst.or(Some(None)), under.limit.or(Some(QueueLimit::default())))
            }
            _ => (under.burst, under.limit),
        };
        Self {
            delay: self.delay.or(under.delay),
            jitter: self.jitter.or(under.jitter),
            distribution: self.distribution.or(under.distribution),
            loss: self.loss.or(under.loss),
            duplicate: self.duplicate.or(under.duplicate),
            reorder: self.reorder.or(under.reorder),
            gap: self.gap.or(under.gap),
            corrupt: self.corrupt.or(under.corrupt),
            rate: self.rate.or_else(|| under.rate.clone()),
            burst: self.burst.or(burst),
            limit: self.limit.or(limit),
            down: self.down.or(under.down),
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Impairment> for Change {
    /// Everything to what this impairment says.
    fn from(impairment: Impairment) -> Self {
        Self {
            delay: Some(impairment.delay),
            jitter: Some(impairment.jitter),
            distribution: Some(impairment.distribution),
            loss: Some(impairment.loss),
            duplicate: Some(impairment.duplicate),
            reorder: Some(impairment.reorder),
            gap: Some(impairment.gap),
            corrupt: Some(impairment.corrupt),
            rate: Some(impairment.rate),
            burst: Some(impairment.burst),
            limit: Some(impairment.limit),
            down: Some(impairment.down),
        }
    }
}
