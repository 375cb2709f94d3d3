//! Blocks of pcapng as bytes.

use std::io::{self, Write};

use super::format::{MOST_BYTES, option, padded};

/// One block, encoded in memory that the next one uses again; little-endian.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
    /// Whether it has options.
    options: bool,
}

impl Encoder {
    /// Begins a block.
    pub(super) fn begin(&mut self, kind: u32) -> &mut Self {
        self.bytes.clear();
        self.options = false;
        // Its length is filled in at the end.
        self.u32(kind).u32(0)
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A time: the high word first, in any byte order.
    pub(super) fn time(&mut self, ticks: u64) -> &mut Self {
        self.u32((ticks >> 32) as u32).u32(ticks as u32)
    }

    /// Bytes and what pads them.
    #[inline]
    pub(super) fn padded(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        let padding = padded(bytes.len()) - bytes.len();
        self.bytes.extend_from_slice([0; 3].get(..padding).unwrap_or_default());
        self
    }

    /// An option of these bytes.
    #[inline]
    pub(super) fn option(&mut self, code: u16, value: &[u8]) -> io::Result<&mut Self> {
        let Ok(length) = u16::try_from(value.len()) else {
            let length = value.len();
            return Err(invalid(format!("a note of {length} bytes: pcapng has room for 65535")));
        };
        self.options = true;
        Ok(self.u16(code).u16(length).padded(value))
    }

    /// An option of this text, if there is one.
    pub(super) fn text(&mut self, code: u16, value: Option<&String>) -> io::Result<&mut Self> {
        match value {
            Some(value) => self.option(code, value.as_bytes()),
            None => Ok(self),
        }
    }

    /// Ends the block and writes it.
    #[inline]
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.options {
            self.u16(option::END).u16(0);
        }
        let length = self.bytes.len() + 4;
        let Some(length) = u32::try_from(length).ok().filter(|length| *length <= MOST_BYTES) else {
            let what = format!("a block of {length} bytes: readers take at most {MOST_BYTES}");
            return Err(invalid(what));
        };
        if let Some(place) = self.bytes.get_mut(4..8) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        self.u32(length);
        out.write_all(&self.bytes)
    }
}

/// What can't be written as it is.
pub(super) fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
