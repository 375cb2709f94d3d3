//! The topology file as written, and every problem found in it, with its place.

mod backend;
mod bends;
mod bends_schema;
mod build;
mod build_bends;
mod builtin;
mod changes;
mod faults;
mod interfaces;
mod load;
mod nodes;
mod problem;
mod programs;
mod range;
mod reader;
mod ready;
mod render;
mod schema;
mod source;
mod topology;
mod traces;
mod types;
mod value;

pub use backend::{Backend, BackendError};
pub(crate) use bends::{Bends, Ways};
pub use build::{Builder, NodeBuilder};
pub use builtin::{BUILTIN, builtin};
pub use load::load;
pub use problem::{Document, Problem, Problems};
pub use ready::{Ready, ReadyError};
pub use schema::schema;
pub use source::Source;
pub use types::Spec;
pub(crate) use types::{
    End, File, Interface, Link, Network, Node, Program, Route, Spanned, Sysctl,
};
