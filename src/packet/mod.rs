//! Frames as bytes: recorded, read, written, filtered, decoded, listed. Pure: no effects but on the streams it is given.

pub mod analysis;
mod changed;
pub mod decode;
pub mod detail;
mod fate;
mod file;
pub mod filter;
pub mod flow;
mod frame;
pub mod link;
pub mod list;
mod verdict;
mod verdicts;

pub use decode::{Layer, Network, Packet, Payload, Stop, Transport};
pub use fate::{Cause, Changes, Fate, FateError, Origin};
pub use file::{ReadError, ReadFault, Reader, Section, Statistics, Writer};
pub use filter::{Filter, FilterError};
pub use flow::{Flow, FlowOptions, Flows, Follow, Normalised};
pub use frame::{Direction, Frame, Interface};
pub use link::{Crossing, Crossings, Sighting};
pub use verdict::{Arrival, Transit, Verdict};
pub use verdicts::Verdicts;
