//! The processes of a lab: a supervisor outside, the lab's init inside, and the protocol they speak with clients.
//!
//! ```text
//! client ─ supervisor ─ init (PID 1 of the lab's PID namespace) ─ programs, worker
//! ```
//!
//! A client starts its own program again in a [`launch::Role`]; [`on_load`] catches that before any thread exists. (`labnet up`,
//! which has no threads, forks instead.) The
//! supervisor owns what lives on the host (directory, socket, links in `/run/netns`) and removes it when init has ended;
//! init owns everything else, and when it ends, for whatever reason, the kernel removes that.

mod about;
mod bend;
mod build;
mod cable;
mod cables;
mod captures;
mod carriers;
mod choice;
mod connection;
mod doctor;
mod error;
mod fates;
mod features;
mod files;
mod hub;
mod indices;
mod lab;
mod launch;
mod log;
mod neighbours;
mod node;
mod output;
mod partition;
mod probe;
mod probe_links;
mod program;
mod protocol;
mod readback;
mod ready;
mod recorder;
mod requests;
mod rings;
mod runtime;
mod serve;
mod splice;
mod supervisor;
mod ways;
mod wires;
mod worker;
mod workers;

use launch::Role;

pub use bend::{CableKind, CableState, Carrier, DirectionState, FaultState, PlacedFault};

pub(crate) use bend::{BendReply, BendRequest, Target};
pub(crate) use doctor::{Diagnosis, State, diagnose};
pub use error::LabError;
pub(crate) use launch::{Launched, Supervisor, connect, launch, launch_by_fork};
pub(crate) use program::add_to_path;
pub use protocol::Exit;
pub(crate) use protocol::{
    CaptureEnd, CaptureFilter, CaptureRequest, Description, EndReason, Joined, LogRange, Message,
    NodeDescription, OpenMode, PublicLab, Reply, Request, SpawnRequest, Start, WaitFor, decode,
    encode,
};
pub(crate) use runtime::{Registered, registered, sweep};

/// Set in the environment of programs in a node; a program called as `labnet` there is the `labnet` program.
pub(crate) const NODE_VARIABLE: &str = "LABNET_NODE";
/// The lab's name, in the environment of programs in a node.
pub(crate) const LAB_VARIABLE: &str = "LABNET_LAB";

crate::kernel::at_own_load!(on_load);

/// Takes over before `main` if this program was started again in a role.
pub(crate) fn on_load() {
    match Role::of_this_process() {
        Some(Role::Supervisor) => supervisor::main(),
        Some(Role::Worker) => worker::main(),
        Some(Role::Doctor) => doctor::main(),
        None => {}
    }
}
