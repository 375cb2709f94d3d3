//! The echo server and client of the sockets lab: a text goes there, what the server thinks of it comes back.
//!
//! TCP without framing, as in the original lab: the client sends a text without a newline and keeps its side open; the
//! server decides by itself where the text ends ([`message::may_go_on`]), answers ([`message::reply`]) and closes first.

pub mod client;
pub mod digits;
pub mod message;
pub mod server;
mod stream;
mod trace;

pub use trace::Trace;
