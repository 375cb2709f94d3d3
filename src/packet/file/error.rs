//! Why a recording can't be read further.

use std::io;

use super::format::{MOST_BYTES, MOST_INTERFACES, MOST_OPTIONS};

/// What is wrong with a recording, and where; every frame before that place has been delivered.
#[derive(Debug, thiserror::Error)]
#[error("byte {offset} of the recording: {fault}")]
pub struct ReadError {
    /// The place, in bytes from the start of the stream.
    pub offset: u64,
    /// What is wrong there.
    pub fault: ReadFault,
}

/// What can be wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The stream failed.
    #[error("it can't be read: {0}")]
    Io(io::Error),
    /// The stream has no byte.
    #[error("it is empty, without even a header")]
    Empty,
    /// The stream is something else.
    #[error("it is neither pcapng nor pcap: it starts with the bytes {0:02x?}")]
    NotARecording([u8; 4]),
    /// The stream may be a recording, packed.
    #[error("it is compressed; unpack it first, with {0}")]
    Compressed(&'static str),
    /// The format has a version whose rules are not known.
    #[error("it has version {major}.{minor} of its format; {known} can be read")]
    Version {
        /// Before the point.
        major: u16,
        /// After the point.
        minor: u16,
        /// What can be read.
        known: &'static str,
    },
    /// A section's byte-order magic is neither of the two that exist.
    #[error(
        "a section's byte order is given by {0:#010x}; 0x1a2b3c4d was expected, in either order"
    )]
    ByteOrder(u32),
    /// The stream ends where there should be more.
    #[error("the recording ends within {what}: {found} of {needed} bytes are there")]
    Truncated {
        /// What is cut off.
        what: &'static str,
        /// How many bytes it should have.
        needed: u64,
        /// How many it has.
        found: u64,
    },
    /// A length that no block can have.
    #[error("a block can't have {length} bytes: it takes a multiple of 4, and at least {least}")]
    BlockLength {
        /// The length as recorded.
        length: u32,
        /// What its header and trailer alone take.
        least: u32,
    },
    /// A length that is damaged in all likelihood, and would take that much memory.
    #[error(
        "{what} of {length} bytes; only up to {MOST_BYTES} are read, since its length is damaged in all likelihood"
    )]
    TooLong {
        /// What has that length.
        what: &'static str,
        /// The length as recorded.
        length: u32,
    },
    /// A block's length is recorded at its start and at its end, and they differ.
    #[error(
        "a block starts with a length of {first} and ends with one of {last}: something is damaged"
    )]
    LengthsDiffer {
        /// At the start.
        first: u32,
        /// At the end.
        last: u32,
    },
    /// A block has less room than its fields and its frame take.
    #[error("{what} has {found} bytes of the {needed} that it should have")]
    TooShort {
        /// The block's kind.
        what: &'static str,
        /// How many bytes they take.
        needed: u64,
        /// How many it has.
        found: u64,
    },
    /// An option has more bytes than its block.
    #[error("an option (code {code}) of {length} bytes, where its block has {room} left")]
    OptionLength {
        /// What the option is.
        code: u16,
        /// Its length as recorded.
        length: u16,
        /// What the block has left.
        room: u64,
    },
    /// An option has another length than its kind has.
    #[error("an option (code {code}) of {length} bytes, where that kind has {expected}")]
    OptionValue {
        /// What the option is.
        code: u16,
        /// Its length as recorded.
        length: u64,
        /// What its kind has.
        expected: u64,
    },
    /// A block has so many options that it was made to do harm.
    #[error("a block with more than {MOST_OPTIONS} options")]
    TooManyOptions,
    /// There are so many interfaces, or so much is said of them, that it was made to do harm.
    #[error(
        "interfaces beyond what is read: {MOST_INTERFACES} of them, with {MOST_BYTES} bytes of description"
    )]
    TooManyInterfaces,
    /// A block names an interface that its section hasn't described.
    #[error(
        "interface {interface} is not among the {described} that the section has described so far"
    )]
    UnknownInterface {
        /// The number in the block.
        interface: u32,
        /// How many interfaces there are.
        described: usize,
    },
    /// A time that can't be told in ns since 1970.
    #[error("a time of {ticks} ticks of the interface's clock is not between 1970 and 2554")]
    Time {
        /// The time as recorded.
        ticks: u64,
    },
}

impl ReadFault {
    pub(super) fn at(self, offset: u64) -> ReadError {
        ReadError { offset, fault: self }
    }
}
