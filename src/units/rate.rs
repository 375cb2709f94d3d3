//! Rates of data.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Serialize};

use super::quantity::{self, Unit};

/// A rate of data in bits per second, at least 1, written `10Mbit`, `1.5Gbit`, `800kbit` or `56bit` (1000 each, as tc(8) has it).
///
/// ```
/// let rate: labnet::units::Rate = "1.5Mbit".parse()?;
/// assert_eq!(rate.bits_per_second(), 1_500_000);
/// assert_eq!(rate.to_string(), "1.5Mbit");
/// # Ok::<(), labnet::units::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(NonZeroU64);

/// The text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a rate; write bits per second with a unit (bit, kbit, Mbit, Gbit or Tbit, 1000 each), at least `1bit`, as in `10Mbit`"
)]
pub struct RateError(pub String);

/// The largest first: the order in which Display tries them.
const UNITS: [Unit; 5] = [
    ("Tbit", 1_000_000_000_000),
    ("Gbit", 1_000_000_000),
    ("Mbit", 1_000_000),
    ("kbit", 1_000),
    ("bit", 1),
];
/// tc(8) takes units in any case.
const SPELLINGS: [(&str, &str); 5] =
    [("tbit", "Tbit"), ("gbit", "Gbit"), ("mbit", "Mbit"), ("kbit", "kbit"), ("bit", "bit")];

impl Rate {
    /// A rate of so many bits per second; none if it is 0, at which nothing would ever be sent.
    pub fn new(bits_per_second: u64) -> Option<Self> {
        NonZeroU64::new(bits_per_second).map(Self)
    }

    /// How many bits a second.
    pub fn bits_per_second(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
        let known = |(any, _): &&(&str, &str)| unit.eq_ignore_ascii_case(any);
        let number = &text[..text.len() - unit.len()];
        let spelt = SPELLINGS.iter().find(known).map(|(_, unit)| format!("{number}{unit}"));
        spelt
            .and_then(|text| quantity::parse(&text, &UNITS))
            .and_then(|bits| bits.try_into().ok())
            .and_then(Self::new)
            .ok_or_else(|| RateError(text.to_owned()))
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    /// As a decimal of the largest unit not above it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from(self.0.get());
        let (unit, scale) = UNITS.into_iter().find(|unit| bits >= unit.1).unwrap_or(("bit", 1));
        f.pad(&format!("{}{unit}", quantity::decimal(bits, scale)))
    }
}
