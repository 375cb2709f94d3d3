//! Exit codes and the failure that carries one.

use std::{fmt, io::Write};

/// How a verb ends when it ends well: its exit code.
pub(crate) type Outcome = Result<u8, Failure>;

/// All went well.
pub(crate) const DONE: u8 = 0;
/// The thing tested failed, or a lab program reported an error.
pub(crate) const FAILED: u8 = 1;
/// The command line asks for something that can't be.
pub(crate) const USAGE: u8 = 2;
/// The topology is bad.
pub(crate) const BAD_TOPOLOGY: u8 = 3;
/// A privilege or a kernel feature is missing.
pub(crate) const NOT_POSSIBLE: u8 = 4;
/// The lab broke.
pub(crate) const BROKE: u8 = 5;

/// `exec`: the program's time is over, as timeout(1) has it.
pub(crate) const TIMED_OUT: u8 = 124;
/// `exec`: labnet itself failed, as docker has it.
pub(crate) const LABNET_FAILED: u8 = 125;

/// Why a verb stops: a text for people and the exit code for programs.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// Complete lines without the leading `labnet: `; may be styled.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }
}

/// Writes a line to standard error in one piece. Where it can't be written, that changes nothing.
pub(crate) fn tell(line: impl fmt::Display) {
    let _ = anstream::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes to standard output, at once.
///
/// # Errors
///
/// If it can't be written to, as on a full disk; a reader who has gone ends the program.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = write!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| {
        Failure::new(FAILED, format_args!("cannot write to standard output: {error}"))
    })
}
