//! Which running lab a verb is about.

use std::path::PathBuf;

use super::{
    exit::{BROKE, FAILED, Failure, NOT_POSSIBLE, USAGE},
    runtime::block_on,
};
use crate::{
    init::{Registered, registered, sweep},
    lab::{Lab, LabError},
};

/// The lab that a verb takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Choice {
    /// The lab; need not be said if exactly one is up
    #[arg(short = 'L', long, value_name = "LAB", env = "LABNET_LAB")]
    lab: Option<String>,
}

impl Choice {
    /// A lab that is named, or none.
    pub(crate) fn named(lab: Option<String>) -> Self {
        Self { lab }
    }

    /// Finds the lab, and sweeps up what dead ones have left.
    ///
    /// # Errors
    ///
    /// If none is up, or not that one, or several are and none is named.
    pub(crate) fn find(&self) -> Result<(PathBuf, Registered), Failure> {
        sweep();
        let mut labs = registered();
        let names = || {
            let names: Vec<&str> = labs.iter().map(|(_, state)| state.lab.name.as_str()).collect();
            names.join(", ")
        };
        let lab = self.lab.as_deref().filter(|name| !name.is_empty());
        let place = match lab {
            Some(name) => labs.iter().position(|(_, state)| state.lab.name.as_str() == name),
            None if labs.len() == 1 => Some(0),
            None => None,
        };
        match (place, lab, labs.len()) {
            (Some(place), ..) => Ok(labs.swap_remove(place)),
            (None, Some(name), 0) => Err(usage(format!("lab `{name}` is not up; no lab is"))),
            (None, Some(name), _) => {
                Err(usage(format!("lab `{name}` is not up; these are: {}", names())))
            }
            (None, None, 0) => Err(usage("no lab is up; `labnet up` starts one")),
            (None, None, _) => Err(usage(format!(
                "several labs are up: {}; -L LAB, LABNET_LAB or `labnet down LAB` says which",
                names()
            ))),
        }
    }

    /// Runs a conversation with the lab.
    pub(crate) fn with<T>(
        &self,
        talk: impl AsyncFnOnce(Lab) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (directory, _) = self.find()?;
        block_on(async { talk(Lab::connect(&directory).await.map_err(failure)?).await })?
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(USAGE, message.into())
}

/// A lab's error with the exit code that stands for its kind.
pub(crate) fn failure(error: LabError) -> Failure {
    let code = match &error {
        error if error.is_denied() => NOT_POSSIBLE,
        LabError::NoNode { .. }
        | LabError::NoProgram { .. }
        | LabError::NoInterface { .. }
        | LabError::NoLink { .. }
        | LabError::NoRecording { .. }
        | LabError::Contradiction { .. }
        | LabError::NotASender { .. }
        | LabError::NoFault { .. }
        | LabError::OnBothSides { .. }
        | LabError::NotJoined { .. }
        | LabError::NotParted { .. }
        | LabError::AlreadyUp { .. } => USAGE,
        LabError::Spawn { code, .. } => *code,
        LabError::NotByKernel { .. } => NOT_POSSIBLE,
        LabError::NotStarted { .. }
        | LabError::Ended { .. }
        | LabError::NotReady { .. }
        | LabError::NotHit { .. } => FAILED,
        _ => BROKE,
    };
    Failure::new(code, error)
}
