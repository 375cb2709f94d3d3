//! What went wrong between labnet and the kernel.

use std::{fmt, io};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// A step the kernel refused: what was tried, on which object, and what the kernel said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelError {
    /// What was tried and on what, to follow "cannot": `create the network namespace of R2`.
    pub step: String,
    /// The error number; 0 if there is none.
    pub errno: i32,
    /// The kernel's own words (extended acknowledgement, NLMSGERR_ATTR_MSG), or what is odd about its answer.
    pub said: Option<String>,
}

impl KernelError {
    pub(crate) fn new(step: impl Into<String>, errno: Errno) -> Self {
        Self { step: step.into(), errno: errno as i32, said: None }
    }

    /// An answer that is wrong without an error number.
    pub(crate) fn odd(step: impl Into<String>, said: impl Into<String>) -> Self {
        Self { step: step.into(), errno: 0, said: Some(said.into()) }
    }

    /// Whether the kernel or its policy denies the step, rather than the step being wrong.
    pub fn is_denied(&self) -> bool {
        matches!(
            Errno::from_raw(self.errno),
            Errno::EPERM
                | Errno::EACCES
                | Errno::ENOSPC
                | Errno::EUSERS
                | Errno::EMFILE
                | Errno::ENFILE
                | Errno::EOPNOTSUPP
                | Errno::ENOSYS
                | Errno::ENODEV
                | Errno::EROFS
        )
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.step)?;
        if self.errno != 0 {
            write!(f, ": {}", words(Errno::from_raw(self.errno)))?;
        }
        match &self.said {
            Some(said) if self.errno != 0 => write!(f, "; the kernel says: {said}"),
            Some(said) => write!(f, ": {said}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for KernelError {}

/// An error number as people and programs know it: `Operation not permitted (EPERM)`.
pub(crate) fn words(errno: Errno) -> String {
    format!("{} ({errno:?})", errno.desc())
}

/// Says what was being tried when a call failed.
pub(crate) trait Attempt<T> {
    /// Adds the step, to follow "cannot".
    fn attempt<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, KernelError>;
}

impl<T> Attempt<T> for nix::Result<T> {
    fn attempt<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, KernelError> {
        self.map_err(|errno| KernelError::new(step(), errno))
    }
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, KernelError> {
        self.map_err(|error| match error.raw_os_error() {
            Some(code) => KernelError::new(step(), Errno::from_raw(code)),
            None => KernelError::odd(step(), error.to_string()),
        })
    }
}
