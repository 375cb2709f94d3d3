//! Recordings of how fast a real link was, in the format of mahimahi.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// When a link had the chance to send, in the format of [mahimahi](http://mahimahi.mit.edu)'s `mm-link`: on each line a time in whole
/// milliseconds, none before the one above it; each is a chance to send 1504 bytes. After the last it begins again.
///
/// Display gives its name: `trace cell.trace`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Trace {
    name: String,
    chances: Arc<[u32]>,
}

/// The text is not a trace; or it is one that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct TraceError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: TraceFault,
}

/// What is wrong with a line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceFault {
    /// Not a number of milliseconds below 2^32.
    #[error("`{0}` is not a time in whole milliseconds")]
    NotATime(String),
    /// Earlier than the line above.
    #[error("{0} comes after {1}; times must not go back")]
    Backwards(u32, u32),
    /// No line at all.
    #[error(
        "there is no time in it; each line is a time in milliseconds at which 1504 bytes may be sent"
    )]
    Empty,
    /// All at 0.
    #[error("the last time is 0; it says when the trace begins again")]
    NoLength,
    /// Longer than is kept.
    #[error("a trace has at most {} lines", Trace::MOST)]
    TooLong,
}

/// As it travels.
#[derive(Serialize, Deserialize)]
struct Raw {
    name: String,
    chances: Vec<u32>,
}

impl Trace {
    /// How many bytes may be sent at each chance.
    pub const BYTES: u32 = 1504;
    /// The most lines of a trace.
    pub const MOST: usize = 1 << 20;

    /// Reads a trace; `name` is what people know it by.
    ///
    /// # Errors
    ///
    /// The first line that isn't a time, or goes back; no line; no length; more than 1,048,576 lines.
    pub fn parse(name: &str, text: &str) -> Result<Self, TraceError> {
        let mut chances = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let error = |fault| TraceError { line: index + 1, fault };
            if chances.len() == Self::MOST {
                return Err(error(TraceFault::TooLong));
            }
            let digits = !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
            let time = line.parse().ok().filter(|_| digits);
            let shown = || line.chars().take(40).collect();
            chances.push(time.ok_or_else(|| error(TraceFault::NotATime(shown())))?);
        }
        Self::new(name, chances)
    }

    /// A trace of these times in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`Trace::parse`]; the line is the time's place, from 1.
    pub fn new(name: &str, chances: Vec<u32>) -> Result<Self, TraceError> {
        let error = |line, fault| Err(TraceError { line, fault });
        let back = chances.windows(2).position(|pair| pair[1] < pair[0]);
        match (back, chances.last()) {
            _ if chances.len() > Self::MOST => error(Self::MOST + 1, TraceFault::TooLong),
            (Some(at), _) => error(at + 2, TraceFault::Backwards(chances[at + 1], chances[at])),
            (None, None) => error(1, TraceFault::Empty),
            (None, Some(0)) => error(chances.len(), TraceFault::NoLength),
            (None, Some(_)) => Ok(Self { name: name.to_owned(), chances: chances.into() }),
        }
    }

    /// What people know it by: the file's name as the topology gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The times of the chances in milliseconds, at least one, none before the one before it, and the last above 0.
    pub fn chances(&self) -> &[u32] {
        &self.chances
    }

    /// After how many milliseconds it begins again, at least 1.
    pub fn length(&self) -> u32 {
        self.chances.last().copied().unwrap_or(1)
    }

    /// When there is the chance of this index, from 0 on, in milliseconds since the trace began for the first time.
    ///
    /// After the last chance it begins again at the time of the last: a chance at 0 of the next round is at the same time.
    pub fn chance(&self, index: u64) -> u64 {
        let count = self.chances.len().max(1) as u64;
        let (round, within) = (index / count, index % count);
        let time = usize::try_from(within).ok().and_then(|within| self.chances.get(within));
        round.saturating_mul(self.length().into()).saturating_add(time.copied().unwrap_or(0).into())
    }
}

impl TryFrom<Raw> for Trace {
    type Error = TraceError;

    fn try_from(raw: Raw) -> Result<Self, TraceError> {
        Self::new(&raw.name, raw.chances)
    }
}

impl From<Trace> for Raw {
    fn from(trace: Trace) -> Self {
        Self { name: trace.name, chances: trace.chances.to_vec() }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace {}", self.name)
    }
}
