//! Why a step is not as it should be.

use super::Difference;
use crate::lab::{Error, LabError};

/// Why a step did not come out as it should.
pub(super) enum Stop {
    Failed {
        why: String,
        output: String,
        difference: Vec<Difference>,
    },
    /// The lab, not the tested program.
    Broke(LabError),
}

impl From<LabError> for Stop {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Gone => Self::Broke(error),
            other => Self::failed(other.to_string(), String::new()),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Lab(error) => error.into(),
            other => Self::failed(other.to_string(), String::new()),
        }
    }
}

impl Stop {
    pub(super) fn failed(why: impl Into<String>, output: String) -> Self {
        Self::Failed { why: why.into(), output, difference: Vec::new() }
    }
}
