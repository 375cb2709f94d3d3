//! One frame in full: every layer, every field and its value, the bits of flags, and the bytes.
//!
//! The headings are Wireshark's, and so are most lines. Checksums are always verified: `[correct]`, `[incorrect, should be
//! 0x…]`, or `[unverified]` where bytes are missing or the rest is in other fragments.

mod address;
mod entry;
mod frame;
mod hex;
mod icmp;
mod ip;
mod tcp;

pub use entry::Entry;
pub use frame::Detail;
pub use hex::Hex;
