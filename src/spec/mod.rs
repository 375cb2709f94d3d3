//! The topology file as written, and every problem found in it, with its place.

mod backend;
mod build;
mod builtin;
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
mod types;
mod value;

pub use backend::{Backend, BackendError};
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
