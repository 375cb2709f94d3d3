//! Samples, and what they come to.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::time::Short;

/// How many samples are kept.
const KEPT: usize = 65_536;

/// Lengths of time that were measured, in ns.
///
/// The first 65,536 are all kept; of more, every second one, then every fourth, and so on: least, greatest and count stay exact.
/// Its Display is as `3 samples: 20.1us to 41.2ms, median 25.0us`, and `no samples`. Serialized it is `{count, least_ns, median_ns,
/// greatest_ns}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    count: u64,
    least: u64,
    greatest: u64,
    kept: Vec<u64>,
    /// One sample of two to the power of this is kept.
    thinned: u32,
}

impl Distribution {
    pub(super) fn add(&mut self, sample: u64) {
        self.least = if self.count == 0 { sample } else { self.least.min(sample) };
        self.greatest = self.greatest.max(sample);
        if self.count.trailing_zeros() >= self.thinned {
            if self.kept.len() == KEPT {
                self.thinned += 1;
                let mut place = 0;
                self.kept.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
            }
            if self.count.trailing_zeros() >= self.thinned {
                self.kept.push(sample);
            }
        }
        self.count += 1;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least.
    pub fn least(&self) -> Option<u64> {
        (self.count > 0).then_some(self.least)
    }

    /// The greatest.
    pub fn greatest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.greatest)
    }

    /// The one in the middle; of an even number, the greater of two.
    pub fn median(&self) -> Option<u64> {
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// How many are at least this long; an estimate if not all were kept.
    pub(super) fn at_least(&self, limit: u64) -> u64 {
        (self.kept.iter().filter(|sample| **sample >= limit).count() as u64) << self.thinned
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.median(), self.count) {
            (None, _) => f.write_str("no samples"),
            (Some(only), 1) => write!(f, "1 sample: {}", Short(only)),
            (Some(median), count) => write!(
                f,
                "{count} samples: {} to {}, median {}",
                Short(self.least),
                Short(self.greatest),
                Short(median)
            ),
        }
    }
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Distribution", 4)?;
        fields.serialize_field("count", &self.count)?;
        fields.serialize_field("least_ns", &self.least())?;
        fields.serialize_field("median_ns", &self.median())?;
        fields.serialize_field("greatest_ns", &self.greatest())?;
        fields.end()
    }
}
