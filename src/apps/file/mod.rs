//! Sends and receives files over TCP.
//!
//! # Raw mode
//! The wire carries the bytes of the file and nothing else: the sender connects, sends them, ends its direction
//! with FIN and waits until the receiver closes; the receiver stores what came before the FIN. Both sides of
//! this implementation arrange for a reset instead of a FIN whenever they end early, even by SIGKILL, so that a
//! broken transfer is an error at both ends and the receiver keeps the file it had. Senders that end
//! differently (a killed Python program, whose kernel sends FIN) can't be told from senders of a short file:
//! that is what the verified mode is for.
//!
//! # Verified mode
//! Numbers are big-endian. Every frame is a header of 12 bytes and a body:
//!
//! | offset | bytes | field | value |
//! |---|---|---|---|
//! | 0 | 8 | magic | `89 4C 41 42 4E 45 54 0A` (`\x89LABNET\n`) |
//! | 8 | 1 | version | 1 |
//! | 9 | 1 | kind | 1 to 4 |
//! | 10 | 2 | length of the body | 0 to 1024 |
//!
//! | kind | from | body |
//! |---|---|---|
//! | 1 offer | sender | length of the file (8 bytes), BLAKE3 of its content (32), its base name (UTF-8, the rest) |
//! | 2 resume | receiver | offset (8): the receiver holds the bytes before it |
//! | 3 stored | receiver | BLAKE3 of what is now durable under its name (32) |
//! | 4 refused | receiver | why (UTF-8) |
//!
//! ```text
//! sender                                  receiver
//!   offer ------------------------------>
//!         <------------------------------ resume (or refused)
//!   bytes offset..length, then FIN ------>
//!         <------------------------------ stored (or refused, at any time)
//! ```
//!
//! The bytes between resume and stored are not framed. When the connection breaks, the receiver keeps what has
//! come in the hidden file `.NAME.HASH.partial`, HASH being the first 16 hexadecimal digits of the content's
//! BLAKE3; an offer of the same content under the same name goes on from there, and the hash is checked over
//! the whole.

mod connection;
mod error;
pub mod frame;
mod hash;
mod partial;
mod progress;
mod receive;
mod sender;
mod server;
mod store;

pub use error::Error;
pub(crate) use error::shown;
pub use sender::{SendOptions, send};
pub use server::{Event, ServeOptions, serve};
pub use store::check_name;

/// Name that raw streams are stored under if no other is given.
pub const DEFAULT_NAME: &str = "received_file.txt";

/// Bytes read at once where the content must be seen.
const BUFFER: usize = 256 << 10;
