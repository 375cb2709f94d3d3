//! Links that bend, in this program: what a [`Line`] does to frames is decided here, without a clock and without a network.
//!
//! A line is one direction of a link. It has no effects: who uses it brings the frames and the time, so it also serves to
//! simulate. Here 1,000 frames, one a millisecond, pass a line of 10 ms that loses 1 %:
//!
//! ```
//! use labnet::{impairment::Impairment, wire::{Line, direction_seed}};
//!
//! const MS: u64 = 1_000_000;
//! let impairment = Impairment::default().with(&"delay 10ms, loss 1%".parse()?);
//! let mut line = Line::new(direction_seed(1, "lan", "KALI"), impairment);
//! let mut arrived = 0;
//! for tick in 0..1_010 {
//!     let now = tick * MS;
//!     while let Some(frame) = line.take(now) {
//!         assert_eq!(u64::from_be_bytes(frame) + 10, tick);
//!         arrived += 1;
//!     }
//!     if tick < 1_000 {
//!         line.accept(now, tick.to_be_bytes());
//!     }
//! }
//! assert_eq!((arrived, line.counters().lost), (987, 13)); // always, everywhere
//! # Ok::<(), labnet::impairment::ChangeError>(())
//! ```
//!
//! Chance has no state: what happens to a frame follows from the direction's seed, the frame's index there and what is decided
//! ([`draw`]). So the same traffic has the same fate, whenever and wherever it passes, and another option, as a delay, changes nothing
//! of which frames are lost.

mod cable;
mod chance;
mod counters;
mod draws;
mod faults;
mod flight;
mod forwarder;
mod lane;
mod line;
mod message;
mod notice;
mod pace;
mod queue;
mod wires;

pub use counters::Counters;
pub use draws::{Purpose, direction_seed, draw};
pub use faults::FaultState;
pub use line::Line;
pub(crate) use message::{LaneDescription, LaneState, WireDescription, WireReply, WireRequest};
pub(crate) use notice::{Imprint, Notice, Notices, Notifier, notices};
pub(crate) use wires::Wires;

use crate::units::Delay;

/// A length of time in ns; the longest there is, if it is longer.
fn nanos(delay: Delay) -> u64 {
    u64::try_from(delay.0.as_nanos()).unwrap_or(u64::MAX)
}
