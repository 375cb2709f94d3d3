//! Programs to run inside nodes; ordinary programs that know nothing of labs and use nothing of this crate.

mod data;
pub mod echo;
mod error;
pub mod file;
pub mod nc;
pub mod probe;
mod stderr;

pub use error::Error;
