//! What this machine can do for labs, found by trying.
//!
//! A [`Diagnosis`] lists the features of [`features`](super::features), always all of them, by stable names in stable order.
//! Everything is tried in a process of its own (this program again, in the role of [`Role::Doctor`]), each feature in a
//! child with its own namespaces, which end with it: nothing is left and no setting of the machine is changed.

use std::{fmt, os::fd::AsFd, process, time::Duration};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    error::LabError,
    features::{FEATURES, Known},
    launch::Role,
    protocol::{decode, encode},
};
use crate::kernel::{Attempt, Channel, KernelError, RecvError, fork, wait_readable};

/// How long a feature may take to be tried; all but the trial lab take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it stands with a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is there.
    Ok,
    /// Labs run without it, or with limits.
    Note,
    /// Labs can't run without it.
    Missing,
    /// It can't be tried without a feature that is missing.
    Untried,
}

/// A feature of the machine that labs use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) state: State,
    /// What was seen, or which step failed and what the kernel said, or which feature is to blame.
    pub(crate) found: String,
    pub(crate) needed_for: String,
    /// What to do, as a command where there is one; none if all is well, or another feature is to blame.
    pub(crate) remedy: Option<String>,
}

/// All features, in stable order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Diagnosis {
    pub(crate) features: Vec<Feature>,
}

impl Diagnosis {
    /// The features that keep labs from running.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &Feature> {
        self.features.iter().filter(|feature| feature.state == State::Missing)
    }
}

/// A missing feature and its remedy, on one line each.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.found)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n    remedy: {remedy}"),
            None => Ok(()),
        }
    }
}

/// What trying a feature has shown.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finding {
    state: State,
    text: String,
}

impl Finding {
    /// It is there.
    pub(super) fn ok(text: impl Into<String>) -> Self {
        Self { state: State::Ok, text: text.into() }
    }

    /// It is there with limits, or not there and not needed.
    pub(super) fn note(text: impl Into<String>) -> Self {
        Self { state: State::Note, text: text.into() }
    }
}

/// Tries every feature.
///
/// # Errors
///
/// If this program can't be started again, or the process that tries ends before its time.
pub(crate) fn diagnose() -> Result<Diagnosis, LabError> {
    let (channel, mut doctor) = Role::Doctor.start()?;
    let answer = receive(&channel, "hear from the process that tries the features");
    doctor.wait().attempt(|| "wait for the process that tries the features")?;
    Ok(answer?)
}

impl LabError {
    /// What is missing on this machine, if that is why the lab can't be had: lines to follow the error, or nothing.
    pub(crate) fn advice(&self) -> String {
        if !self.is_denied() {
            return String::new();
        }
        match diagnose() {
            Ok(diagnosis) => diagnosis.missing().map(|feature| format!("\n{feature}")).collect(),
            Err(error) => format!("\n{error}"),
        }
    }
}

/// The whole life of the process that tries the features.
pub(super) fn main() -> ! {
    let Ok(client) = Role::Doctor.take_over() else { process::exit(1) };
    let mut diagnosis = Diagnosis { features: Vec::new() };
    for known in &FEATURES {
        let feature = examine(known, &diagnosis.features);
        diagnosis.features.push(feature);
    }
    if let Ok(bytes) = encode(&diagnosis) {
        // If the client is gone, nobody needs to know.
        let _ = client.send(&bytes, &[]);
    }
    process::exit(0)
}

fn examine(known: &Known, before: &[Feature]) -> Feature {
    let feature = |state, found, remedy| Feature {
        name: known.name.to_owned(),
        state,
        found,
        needed_for: known.needed_for.to_owned(),
        remedy,
    };
    let lacking = before.iter().find(|other| {
        known.needs.contains(&other.name.as_str())
            && matches!(other.state, State::Missing | State::Untried)
    });
    if let Some(lacking) = lacking {
        return feature(State::Untried, format!("it needs {}", lacking.name), None);
    }
    let (state, found) = match apart(known.attempt) {
        Ok(Finding { state, text }) => (state, text),
        Err(error) => (known.without, error.to_string()),
    };
    let remedy = (state != State::Ok).then(known.remedy);
    feature(state, found, remedy)
}

/// Runs `f` in a child process, with which the namespaces end that it makes.
pub(super) fn apart<T: Serialize + DeserializeOwned>(
    f: impl FnOnce() -> Result<T, KernelError>,
) -> Result<T, KernelError> {
    let (ours, theirs) = Channel::pair().attempt(|| "make a pair of sockets")?;
    let Some(pid) = fork()? else {
        drop(ours);
        if let Ok(bytes) = encode(&f()) {
            // The parent hears of the failure by the conversation's end.
            let _ = theirs.send(&bytes, &[]);
        }
        process::exit(0)
    };
    drop(theirs);
    let answer = receive(&ours, "hear from a process that tries something");
    let pid = Pid::from_raw(pid);
    // It has ended, or must now; neither can fail for a child that is not reaped yet.
    let _ = kill(pid, Signal::SIGKILL);
    let _ = waitpid(pid, None);
    answer?
}

fn receive<T: DeserializeOwned>(channel: &Channel, step: &str) -> Result<T, KernelError> {
    let odd = |said: &str| KernelError::odd(step, said);
    if !wait_readable(&[channel.as_fd()], Some(PATIENCE)).attempt(|| step)?[0] {
        return Err(odd("it did not answer in time"));
    }
    let (bytes, _) = channel.recv().map_err(|error| match error {
        RecvError::Failed(errno) => KernelError::new(step, errno),
        _ => odd("it has ended"),
    })?;
    decode(&bytes).map_err(|error| odd(&error.to_string()))
}
