//! Programs to run inside nodes; ordinary programs that know nothing of labs and use nothing of this crate.

pub mod echo;
mod error;
pub mod file;
pub mod nc;
mod stderr;

pub use error::Error;
