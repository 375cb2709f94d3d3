//! Frames as bytes: recorded, read, written, filtered, decoded, listed. Pure: no effects but on the streams it is given.

mod frame;

pub use frame::{Direction, Frame, Interface};
