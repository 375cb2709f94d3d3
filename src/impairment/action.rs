//! What is done to a chosen frame.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::units::Delay;

/// What is done to a chosen frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Action {
    /// It is gone: `drop`.
    Drop,
    /// It arrives so much later than it would: `delay 50ms`.
    Delay(Delay),
    /// It arrives twice: `duplicate`.
    Duplicate,
    /// One bit of it is turned: `corrupt`.
    Corrupt,
    /// It is kept until it is released: `hold`.
    Hold,
}

/// The text is not something to do to a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is nothing to do to a frame; there are `drop`, `duplicate`, `corrupt`, `hold` and `delay` with a time, as in `delay 50ms`"
)]
pub struct ActionError(pub String);

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, ActionError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let delay = match words[..] {
            ["drop"] => return Ok(Self::Drop),
            ["duplicate"] => return Ok(Self::Duplicate),
            ["corrupt"] => return Ok(Self::Corrupt),
            ["hold"] => return Ok(Self::Hold),
            ["delay", delay] => delay.parse().ok(),
            _ => None,
        };
        delay.map(Self::Delay).ok_or_else(|| ActionError(text.to_owned()))
    }
}

impl TryFrom<String> for Action {
    type Error = ActionError;

    fn try_from(text: String) -> Result<Self, ActionError> {
        text.parse()
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.to_string()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.pad("drop"),
            Self::Delay(delay) => f.pad(&format!("delay {delay}")),
            Self::Duplicate => f.pad("duplicate"),
            Self::Corrupt => f.pad("corrupt"),
            Self::Hold => f.pad("hold"),
        }
    }
}
