//! How fast frames are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Trace;
use crate::units::Rate;

/// How fast frames are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// Always at the same rate; of a frame its packet and 14 bytes of Ethernet header count.
    Constant(Rate),
    /// As a recording of a real link says.
    Trace(Trace),
}

impl From<Rate> for Pace {
    fn from(rate: Rate) -> Self {
        Self::Constant(rate)
    }
}

impl From<Trace> for Pace {
    fn from(trace: Trace) -> Self {
        Self::Trace(trace)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(rate) => rate.fmt(f),
            Self::Trace(trace) => f.pad(&trace.to_string()),
        }
    }
}
