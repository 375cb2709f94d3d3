//! The client's side of a lab: the public API.

mod bend;
mod capture;
mod closure;
mod command;
mod error;
mod fault;
mod harness;
mod hosts;
mod link;
mod node;
mod output;
mod program;
mod recorded;
mod running;
mod session;
mod signal;
mod state;
mod terminal;
mod transcript;
mod undo;
mod value;

pub(crate) use bend::sender;
pub use bend::{Bend, BendBuilder};
pub(crate) use capture::Recording;
pub use capture::{CaptureBuilder, RunningCapture};
pub use closure::Task;
pub use command::Command;
pub use error::{Error, TestResult};
pub use fault::{Fault, RunningFault};
#[doc(hidden)]
pub use harness::{TestOptions, run_test};
pub(crate) use hosts::Hosts;
pub use link::Link;
pub use node::Node;
pub(crate) use output::excerpt;
pub use program::Program;
pub use recorded::Capture;
pub use running::Lab;
pub use signal::Signal;
pub use state::LinkState;
pub(crate) use state::fault_line;
pub use terminal::Terminal;
pub use transcript::Transcript;
pub use value::Value;

pub use crate::init::{
    CableKind, CableState, Carrier, DirectionState, Exit, FaultState, LabError, PlacedFault,
};
