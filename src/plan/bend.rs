//! What cables do to frames.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::impairment::{Impairment, Rule, Schedule};

/// What one direction of a cable does to the frames that are sent that way; the default is nothing, ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Direction {
    /// From the start.
    pub impairment: Impairment,
    /// Changes of it in time.
    pub schedule: Schedule,
    /// To chosen frames, in the order of the file.
    pub faults: Vec<Rule>,
}

impl Direction {
    /// Whether every frame passes at once and as it is, for good.
    pub fn is_nothing(&self) -> bool {
        self.impairment.is_nothing() && self.schedule.is_empty() && self.faults.is_empty()
    }
}

impl fmt::Display for Direction {
    /// As in `delay 10ms, loss 1%; at 5s for 1s: down; fault: drop first 1 matching tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.impairment)?;
        self.schedule.entries().iter().try_for_each(|entry| write!(f, "; {entry}"))?;
        self.faults.iter().try_for_each(|fault| write!(f, "; fault: {fault}"))
    }
}
