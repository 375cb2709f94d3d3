//! How much may wait to be sent.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::units::ByteSize;

/// How much may wait to be sent at the rate, written `100` (frames) or `64kB`; the default is 1000 frames.
///
/// Amounts of data always have a unit here: 100 bytes are `100B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum QueueLimit {
    /// So many frames.
    Frames(u32),
    /// Frames of together so many bytes.
    Bytes(ByteSize),
}

/// The text is not a queue limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a queue limit; write a number of frames, as in `100`, or bytes with a unit, as in `64kB` or `1500B`"
)]
pub struct QueueLimitError(pub String);

impl Default for QueueLimit {
    fn default() -> Self {
        Self::Frames(1000)
    }
}

impl FromStr for QueueLimit {
    type Err = QueueLimitError;

    fn from_str(text: &str) -> Result<Self, QueueLimitError> {
        let error = |_| QueueLimitError(text.to_owned());
        match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse().map(Self::Frames).map_err(|_| error(())),
            false => text.parse().map(Self::Bytes).map_err(|_| error(())),
        }
    }
}

impl TryFrom<String> for QueueLimit {
    type Error = QueueLimitError;

    fn try_from(text: String) -> Result<Self, QueueLimitError> {
        text.parse()
    }
}

impl From<QueueLimit> for String {
    fn from(limit: QueueLimit) -> Self {
        limit.to_string()
    }
}

impl fmt::Display for QueueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frames(frames) => f.pad(&frames.to_string()),
            Self::Bytes(size) => {
                let text = size.to_string();
                let unit = if text.ends_with('B') { "" } else { "B" };
                f.pad(&(text + unit))
            }
        }
    }
}
