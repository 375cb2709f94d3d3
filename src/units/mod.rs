//! Quantities with units, parsed from text and displayed as text that parses again.

mod byte_size;
mod delay;
mod mac;
mod printable;
mod probability;
mod quantity;
mod rate;

pub use byte_size::{ByteSize, ByteSizeError};
pub use delay::{Delay, DelayError};
pub use mac::{MacAddr, MacAddrError};
pub(crate) use printable::Printable;
pub use probability::{Probability, ProbabilityError};
pub use rate::{Rate, RateError};
