//! Probabilities.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::quantity::{self, Unit};

/// A probability, written `1%`, `0.01%`, or `0.5` for 50 %; exact to a billionth.
///
/// A whole number without `%` is refused: where tc(8) reads `1` as 1 %, others read it as always.
///
/// ```
/// let loss: labnet::units::Probability = "0.25".parse()?;
/// assert_eq!(loss.parts_per_billion(), 250_000_000);
/// assert_eq!(loss.to_string(), "25%");
/// # Ok::<(), labnet::units::ProbabilityError>(())
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Probability(u32);

/// The text is not a probability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a probability; write a percentage from `0%` to `100%`, as in `1%` or `0.05%`, or a fraction with a point, as in `0.5`"
)]
pub struct ProbabilityError(pub String);

const BILLION: u32 = 1_000_000_000;
const PERCENT: u128 = 10_000_000;
const UNITS: [Unit; 2] = [("%", PERCENT), ("", BILLION as u128)];

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(BILLION);

    /// So many billionths; none if they are more than a billion.
    pub const fn from_parts_per_billion(parts: u32) -> Option<Self> {
        if parts <= BILLION { Some(Self(parts)) } else { None }
    }

    /// How many billionths it is, from 0 to a billion.
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }

    /// Whether it is 0.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// As a number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(BILLION)
    }
}

impl FromStr for Probability {
    type Err = ProbabilityError;

    fn from_str(text: &str) -> Result<Self, ProbabilityError> {
        let is_clear = text.ends_with('%') || text.contains('.') || text == "0";
        Some(text)
            .filter(|_| is_clear)
            .and_then(|text| quantity::parse(text, &UNITS))
            .and_then(|parts| parts.try_into().ok())
            .and_then(Self::from_parts_per_billion)
            .ok_or_else(|| ProbabilityError(text.to_owned()))
    }
}

impl TryFrom<String> for Probability {
    type Error = ProbabilityError;

    fn try_from(text: String) -> Result<Self, ProbabilityError> {
        text.parse()
    }
}

impl From<Probability> for String {
    fn from(probability: Probability) -> Self {
        probability.to_string()
    }
}

impl fmt::Display for Probability {
    /// As a percentage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", quantity::decimal(self.0.into(), PERCENT)))
    }
}
