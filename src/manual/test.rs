//! A manual as a test.

use std::path::Path;

use tokio::{runtime, task::LocalSet};

use super::{Executed, Options, Run, execute, load};
use crate::spec::Problems;

/// Why a manual is no good.
#[derive(Debug, thiserror::Error)]
pub enum ManualFailure {
    /// It, or its topology, can't be read; the text shows everything that is wrong.
    #[error("{0}")]
    Problems(Box<Problems>),
    /// Something did not come out as it says, or the lab broke; the text shows it.
    #[error("{}", anstream::adapter::strip_str(&.0.to_string()))]
    Failed(Box<Run>),
    /// There is no runtime to run it on.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Runs a manual to its end in a lab of its own, from a test; as `labnet run` does.
///
/// The path starts from the current folder: in tests, the package's.
///
/// ```
/// labnet::manual("tests/labs/echo.md")?;
/// # Ok::<(), labnet::ManualFailure>(())
/// ```
///
/// # Errors
///
/// If it does not pass, with what `labnet run` would show.
pub fn manual(path: impl AsRef<Path>) -> Result<(), ManualFailure> {
    let (manual, plan) =
        load(path.as_ref()).map_err(|problems| ManualFailure::Problems(Box::new(problems)))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let Executed { run, lab, .. } = LocalSet::new()
        .block_on(&runtime, async { execute(&manual, &plan, &Options::default(), |_| {}).await });
    drop(lab);
    if run.passed() { Ok(()) } else { Err(ManualFailure::Failed(Box::new(run))) }
}
