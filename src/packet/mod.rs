//! Frames as bytes: recorded, read, written, filtered, decoded, listed. Pure: no effects but on the streams it is given.

pub mod decode;
mod frame;

pub use decode::{Layer, Network, Packet, Payload, Stop, Transport};
pub use frame::{Direction, Frame, Interface};
