//! Recordings: pcapng written and read, classic pcap read.
//!
//! pcapng is draft-ietf-opsawg-pcapng, pcap is draft-ietf-opsawg-pcap; where they leave room, what Wireshark and libpcap do
//! decides.

mod about;
mod classic;
mod clock;
mod encoder;
mod error;
mod format;
mod input;
mod options;
mod order;
mod packet;
mod pcapng;
mod reader;
mod writer;

pub use about::{Section, Statistics};
pub use error::{ReadError, ReadFault};
pub use reader::Reader;
pub use writer::Writer;
