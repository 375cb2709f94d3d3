//! The spec made complete: every interface, address, route and setting explicit, in order, the same on every machine.

mod address;
mod bend;
mod cables;
mod directions;
mod draft;
mod hub;
mod mac;
mod resolve;
mod routes;
mod steps;
mod steps_text;
mod sysctls;
mod types;

pub use bend::Direction;
pub use resolve::resolve;
pub use steps::{End, Step};
pub use sysctls::HUB_SYSCTLS;
pub use types::{
    Congestion, Interface, Link, Network, Node, Plan, Port, Program, ProgramCommand, Route,
    SourceFile,
};

pub use crate::spec::{Backend, BackendError, Ready, ReadyError, Source};
