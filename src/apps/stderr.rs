//! Lines for people on standard error.

use std::{
    fmt,
    io::{self, Write},
};

/// Writes one line to standard error in one piece. Where nobody reads it any more, that is no reason to stop.
pub(super) fn say(line: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
