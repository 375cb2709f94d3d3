//! Faults: what is done to chosen frames.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Action, ActionError};
use crate::{
    packet::{Filter, FilterError},
    units::Delay,
};

/// A fault: what is done to which frames of a direction. Which direction is said beside it.
///
/// Display is as in `drop first 2 matching tcp[tcpflags] & tcp-syn != 0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which frames count; none: all. (A filter knows its text.)
    pub matching: Option<Filter>,
    /// Which of those it is done to.
    pub which: Which,
    /// What is done.
    pub action: Action,
}

/// Which of the frames that match something is done to; they are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Which {
    /// Every one: `all`.
    #[default]
    All,
    /// So many, then none: `first 2`.
    First(u64),
    /// One only: `nth 3`.
    Nth(u64),
    /// The third, the sixth, …: `every 3`.
    Every(u64),
    /// All from the first on for so long: `for 500ms`.
    For(Delay),
}

/// The text doesn't choose among frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` chooses no frames; write `all`, `first 2`, `nth 3`, `every 3` (numbers from 1) or `for 500ms`"
)]
pub struct WhichError(pub String);

impl Which {
    /// Whether it is the matching frame of this `ordinal`, from 1, that comes `since` the first that matched.
    pub fn includes(&self, ordinal: u64, since: Duration) -> bool {
        match *self {
            Self::All => true,
            Self::First(count) => ordinal <= count,
            Self::Nth(nth) => ordinal == nth,
            Self::Every(every) => ordinal.is_multiple_of(every),
            Self::For(lasting) => since < lasting.0,
        }
    }
}

impl FromStr for Which {
    type Err = WhichError;

    fn from_str(text: &str) -> Result<Self, WhichError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let number = |word: &str| {
            let digits = word.bytes().all(|b| b.is_ascii_digit());
            word.parse().ok().filter(|number| digits && *number > 0)
        };
        let which = match words[..] {
            ["all"] => Some(Self::All),
            ["first", count] => number(count).map(Self::First),
            ["nth", nth] => number(nth).map(Self::Nth),
            ["every", every] => number(every).map(Self::Every),
            ["for", time] => time.parse().ok().map(Self::For),
            _ => None,
        };
        which.ok_or_else(|| WhichError(text.to_owned()))
    }
}

impl TryFrom<String> for Which {
    type Error = WhichError;

    fn try_from(text: String) -> Result<Self, WhichError> {
        text.parse()
    }
}

impl From<Which> for String {
    fn from(which: Which) -> Self {
        which.to_string()
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.pad("all"),
            Self::First(count) => f.pad(&format!("first {count}")),
            Self::Nth(nth) => f.pad(&format!("nth {nth}")),
            Self::Every(every) => f.pad(&format!("every {every}")),
            Self::For(lasting) => f.pad(&format!("for {lasting}")),
        }
    }
}

/// The text is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Nothing is done, or nothing that can be done.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// It doesn't choose among frames.
    #[error(transparent)]
    Which(#[from] WhichError),
    /// What follows `matching` is not a filter.
    #[error("the filter, {0}")]
    Filter(#[from] FilterError),
}

impl FromStr for Rule {
    type Err = RuleError;

    /// As in `drop`, `delay 50ms first 2`, `hold nth 3 matching udp`.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (text, filter) = match text.split_once(" matching ") {
            Some((text, filter)) => (text, Some(filter)),
            None => (text, None),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let length = if words.first() == Some(&"delay") { 2 } else { 1 };
        let (action, which) = words.split_at(length.min(words.len()));
        let which = match which.is_empty() {
            true => Which::All,
            false => which.join(" ").parse()?,
        };
        Ok(Self {
            matching: filter.map(str::parse).transpose()?,
            which,
            action: action.join(" ").parse()?,
        })
    }
}

impl TryFrom<&str> for Rule {
    type Error = RuleError;

    fn try_from(text: &str) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.which)?;
        match &self.matching {
            Some(filter) => write!(f, " matching {filter}"),
            None => Ok(()),
        }
    }
}
