//! Amounts of data.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::quantity::{self, Unit};

/// An amount of data in bytes, written `512`, `64KiB` (1024 each) or `10MB` (1000 each).
///
/// ```
/// let size: labnet::units::ByteSize = "64KiB".parse()?;
/// assert_eq!(size.0, 65536);
/// assert_eq!(size.to_string(), "64KiB");
/// # Ok::<(), labnet::units::ByteSizeError>(())
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(pub u64);

/// The text is not an amount of data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an amount of data; write bytes as a number, or with a unit: \
     KiB, MiB, GiB, TiB (1024 each) or kB, MB, GB, TB (1000 each), as in `64KiB`"
)]
pub struct ByteSizeError(pub String);

/// Binary units first and the largest first: the order in which Display tries them.
const UNITS: [Unit; 11] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("", 1),
    ("B", 1),
    ("KB", 1_000),
];

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        quantity::parse(text, &UNITS)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| ByteSizeError(text.to_owned()))
    }
}

impl TryFrom<String> for ByteSize {
    type Error = ByteSizeError;

    fn try_from(text: String) -> Result<Self, ByteSizeError> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> Self {
        size.to_string()
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit of which it is a whole number, binary units preferred.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = u128::from(self.0);
        let exact = |unit: &&Unit| bytes >= unit.1 && bytes.is_multiple_of(unit.1);
        match UNITS.iter().find(exact) {
            Some((unit, scale)) => f.pad(&format!("{}{unit}", bytes / scale)),
            None => f.pad("0"),
        }
    }
}
