//! Lengths of time.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::quantity::{self, Unit};

/// A length of time, written `20ms`, `1.5s`, `250us`, `2m` or `0`; exact to the nanosecond.
///
/// ```
/// let delay: labnet::units::Delay = "1.5s".parse()?;
/// assert_eq!(delay.0, std::time::Duration::from_millis(1500));
/// assert_eq!(delay.to_string(), "1.5s");
/// # Ok::<(), labnet::units::DelayError>(())
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Delay(pub Duration);

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a length of time; write a number and a unit (ns, us, ms, s, m or h), as in `20ms`"
)]
pub struct DelayError(pub String);

const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const UNITS: [Unit; 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
];

impl FromStr for Delay {
    type Err = DelayError;

    fn from_str(text: &str) -> Result<Self, DelayError> {
        let error = || DelayError(text.to_owned());
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let nanos = quantity::parse(text, &UNITS).ok_or_else(error)?;
        let seconds = u64::try_from(nanos / SECOND).map_err(|_| error())?;
        let rest = u32::try_from(nanos % SECOND).map_err(|_| error())?;
        Ok(Self(Duration::new(seconds, rest)))
    }
}

impl TryFrom<String> for Delay {
    type Error = DelayError;

    fn try_from(text: String) -> Result<Self, DelayError> {
        text.parse()
    }
}

impl From<Delay> for String {
    fn from(delay: Delay) -> Self {
        delay.to_string()
    }
}

impl From<Duration> for Delay {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Delay {
    /// Whole hours and minutes as such, everything else as a decimal of the largest unit not above it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, scale) = match nanos {
            0 => return f.pad("0s"),
            n if n.is_multiple_of(HOUR) => ("h", HOUR),
            n if n.is_multiple_of(MINUTE) => ("m", MINUTE),
            SECOND.. => ("s", SECOND),
            1_000_000.. => ("ms", 1_000_000),
            1_000.. => ("us", 1_000),
            _ => ("ns", 1),
        };
        f.pad(&format!("{}{unit}", quantity::decimal(nanos, scale)))
    }
}
