//! Why a step is not as it should be.

use super::{Difference, Status};
use crate::lab::{Error, Exit, LabError};

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
    /// A reason of several lines is one line, and the others are shown with what was printed.
    pub(super) fn failed(why: impl Into<String>, output: String) -> Self {
        let why: String = why.into();
        match why.split_once('\n') {
            None => Self::Failed { why, output, difference: Vec::new() },
            Some((why, more)) => {
                let more: String =
                    more.lines().map(|line| format!("{}\n", line.trim_start())).collect();
                Self::Failed { why: why.to_owned(), output: more + &output, difference: Vec::new() }
            }
        }
    }
}

/// Whether a program ended as wanted; if not, how it did.
pub(super) fn check(wanted: Status, exit: Exit) -> Result<(), String> {
    let (right, wanted) = match wanted {
        Status::Success => (exit == Exit::Code(0), "success".to_owned()),
        Status::Failed => (exit != Exit::Code(0), "failure".to_owned()),
        Status::Code(code) => (exit == Exit::Code(code), format!("exit code {code}")),
        // A shell reports a signal as 128 and its number.
        Status::Interrupted => (
            matches!(exit, Exit::Signal(libc::SIGINT)) || exit == Exit::Code(128 + libc::SIGINT),
            "interrupted".to_owned(),
        ),
    };
    if right { Ok(()) } else { Err(format!("it ended with {exit}, not with {wanted}")) }
}
