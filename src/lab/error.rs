//! What can go wrong with a lab in a test.

use std::{fmt, time::Duration};

use super::{LabError, Transcript};
use crate::{
    name::NodeName,
    packet::FilterError,
    spec::{Problems, ReadyError},
};

/// What a test on a lab returns: any error fails it with its text.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Why something in a lab did not go as asked.
///
/// Its Debug is its Display: that is how tests show the errors they return.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The topology has problems; the text shows all of them.
    #[error("{0}")]
    Topology(#[from] Problems),
    /// The lab, or something in it, could not be had.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A command that should have succeeded did not.
    #[error("the command failed:\n{0}")]
    Failed(Box<Transcript>),
    /// A command did not end in time, and was killed.
    #[error("the command did not end within {timeout:?} and was killed:\n{transcript}")]
    TimedOut {
        /// How long it had.
        timeout: Duration,
        /// What it had done until then.
        transcript: Box<Transcript>,
    },
    /// A filter was not understood.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A condition to wait for was not understood.
    #[error(transparent)]
    Condition(#[from] ReadyError),
    /// A value of a change or a fault was not understood, or can't be.
    #[error("{name}: {why}")]
    Value {
        /// Which: `delay`, `from`, …
        name: &'static str,
        /// Why not, and what to write.
        why: String,
    },
    /// Text that was waited for did not come.
    #[error("{node}: {why} while waiting for {wanted:?}; so far it printed:\n{output}")]
    NotSeen {
        /// Where.
        node: NodeName,
        /// What was waited for.
        wanted: String,
        /// Whether time ran out or the program ended.
        why: String,
        /// What was printed instead.
        output: String,
    },
    /// A closure can't run in a node, or the lab ended before it did.
    #[error("{node}: {why}")]
    Closure {
        /// Where.
        node: NodeName,
        /// Why not, and what would help.
        why: String,
    },
    /// The operating system refused something on the client's side.
    #[error("cannot {doing}: {error}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// What this machine lacks, if that is why: lines to follow the error, or nothing.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Lab(error) => error.advice(),
            _ => String::new(),
        }
    }

    pub(super) fn io(doing: impl Into<String>, error: impl Into<std::io::Error>) -> Self {
        Self::Io { doing: doing.into(), error: error.into() }
    }
}
