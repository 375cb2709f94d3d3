//! labnet turns a topology file into a network of real Linux hosts on one machine.
//!
//! A [`Lab`] is up in milliseconds, and when its value is dropped nothing of it is left. It needs root, or no privilege at all
//! where user namespaces are allowed; tests with the same addresses run side by side.
//!
//! ```test_harness
//! #[labnet::test("topology/sockets-lab.toml")]
//! async fn the_secret_is_found(lab: labnet::Lab) -> labnet::TestResult {
//!     // A program of the lab's own, awaited until it listens.
//!     let mut r2 = lab.node("R2").command("labnet nc -l 5000").spawn().await?;
//!     r2.ready("tcp:5000").await?;
//!
//!     // A command and all it printed.
//!     let sent = lab.node("KALI").command("labnet nc -N 10.10.10.2 5000").stdin("a SECRET of 42\n");
//!     sent.run().await?.success()?;
//!     r2.expect("42\n").await?;
//!     Ok(())
//! }
//! ```
//!
//! - [`test`](macro@test) gives a test its runtime, lab and time-out, and keeps evidence of its failure.
//! - [`Lab::up`] takes a topology file, [`Lab::builder`] describes one in code.
//! - [`Node::command`] runs programs: to their end ([`Command::run`]), beside the test ([`Command::spawn`]), or on a terminal to
//!   type at ([`Command::terminal`]). A [`Transcript`] is what they printed, stable text for snapshots.
//! - [`Node::capture`] and [`Link::capture`] record frames; a [`Capture`] is a packet list, stable text for snapshots if you like.
//! - [`Link::bend`], [`Link::down`] and [`Lab::partition`] change what links do to frames, and [`Link::fault`] what happens to chosen
//!   ones, as long as the value returned lives; [`Link::state`] tells what is in force.
//! - [`Node::tcp_listen`] and its like make sockets in a node to be used here; [`Node::spawn`] moves a closure there.
//!
//! The crate is one pipeline in one direction; each module may use only those listed above it
//! (a test enforces this), and [`apps`] uses nothing of the crate:
//!
//! | module | what lives there |
//! |---|---|
//! | [`units`], [`name`] | quantities with units, names with rules |
//! | [`packet`] | frames as bytes: recorded, read, written, filtered, decoded, listed |
//! | [`impairment`] | what a link does to the frames that pass it, and when |
//! | [`spec`] | the topology file as written, every problem found with its place |
//! | [`plan`] | the spec made complete, explicit and ordered |
//! | `kernel` | thin verbs on kernel objects; the one place with `unsafe` |
//! | [`wire`] | links that bend: what a line does to frames |
//! | `init` | the processes of a lab and their protocol |
//! | `lab` | the public API: [`Lab`], [`Node`], [`Program`], [`Transcript`] |
//! | [`mod@manual`] | executable lab manuals |
//! | [`report`] | drawings and lists for people |
//! | [`cli`] | one file a verb |
//! | [`apps`] | programs to run inside nodes: `nc`, `echo`, `file`, `probe` |

pub mod apps;
pub mod cli;
pub mod impairment;
mod init;
mod kernel;
mod lab;
pub mod manual;
pub mod name;
pub mod packet;
pub mod plan;
pub mod report;
pub mod spec;
pub mod units;
pub mod wire;

/// Put it on an async function that takes a [`Lab`] and returns nothing or a result. The topology is a file relative to the
/// package, or `@sockets`. The test fails if it panics, returns an error, or takes longer than `timeout` seconds (60) with its
/// lab's bring-up; what its programs printed is then kept under `target/labnet/`, and the message says where. As with all
/// async code, what blocks the thread can't be interrupted.
///
/// The function runs on a tokio runtime of one thread, within a `LocalSet`. Other attributes, as `#[ignore]` or
/// `#[should_panic]`, work as on any test.
///
/// ```test_harness
/// #[labnet::test("topology/sockets-lab.toml", timeout = 30)]
/// async fn echoes(lab: labnet::Lab) -> labnet::TestResult {
///     let sent = lab.node("KALI").command("labnet echo send 10.10.10.2:5001 hi").run().await?.success()?;
///     assert!(sent.stdout().ends_with("Received: Secret code not found.\n"));
///     Ok(())
/// }
/// ```
pub use labnet_macros::test;

pub use crate::{
    kernel::KernelError,
    lab::{
        Bend, BendBuilder, CableKind, CableState, Capture, CaptureBuilder, Carrier, Command,
        DirectionState, Error, Exit, Fault, FaultState, Lab, LabError, Link, LinkState, Node,
        PlacedFault, Program, RunningCapture, RunningFault, Signal, Task, Terminal, TestResult,
        Transcript, Value,
    },
    manual::{ManualFailure, manual},
};
#[doc(hidden)]
pub use crate::{
    kernel::{EgressCounters, EgressTrial, enter_user_namespace},
    lab::{TestOptions, run_test},
};
