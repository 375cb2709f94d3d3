//! A stream seen through one buffer.

use std::{
    io::{self, Read},
    ops::Range,
};

use super::error::{ReadError, ReadFault};

/// What is asked of the stream at once: enough to make calls rare, and small enough for a processor's cache.
const CHUNK: usize = 256 << 10;

/// A stream, and a window on it.
#[derive(Debug)]
pub(super) struct Input<R> {
    stream: R,
    buffer: Vec<u8>,
    /// What of the buffer has been read and not been taken.
    start: usize,
    end: usize,
    /// Where in the stream `start` is.
    offset: u64,
}

/// Bytes that were taken: `bytes` lie at `start` in the buffer until more is asked for, and at `offset` in the stream.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: usize,
    pub(super) offset: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, buffer: vec![0; CHUNK], start: 0, end: 0, offset: 0 }
    }

    /// Where in the stream the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `count` bytes, or fewer where the stream ends; they stay to be read again.
    ///
    /// Waits for no more than these: on a pipe, what comes next may take long.
    #[inline]
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], ReadError> {
        while self.end - self.start < count && self.read(count)? {}
        let end = self.end.min(self.start + count);
        Ok(self.buffer.get(self.start..end).unwrap_or_default())
    }

    /// Takes `what`, the next `count` bytes.
    #[inline]
    pub(super) fn take(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> Result<Taken<'_>, ReadError> {
        let offset = self.offset;
        let found = self.peek(count)?.len();
        if found < count {
            let (needed, found) = (count as u64, found as u64);
            return Err(ReadFault::Truncated { what, needed, found }.at(offset));
        }
        let start = self.start;
        self.start += count;
        self.offset += count as u64;
        let bytes = self.buffer.get(start..self.start).unwrap_or_default();
        Ok(Taken { bytes, start, offset })
    }

    /// Bytes of what was taken last, by their place in the buffer.
    #[inline]
    pub(super) fn taken(&self, place: Range<usize>) -> &[u8] {
        self.buffer.get(place).unwrap_or_default()
    }

    /// Reads once, where `count` bytes from `start` on are wanted; false at the stream's end.
    #[cold]
    fn read(&mut self, count: usize) -> Result<bool, ReadError> {
        if self.start + count > self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            // A length that is damaged costs no memory: what is really there does.
            if self.end == self.buffer.len() {
                self.buffer.resize(2 * self.end, 0);
            }
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        loop {
            match self.stream.read(room) {
                Ok(read) => {
                    // A stream that claims more than it was given room for is broken; the buffer's end is not.
                    self.end += read.min(room.len());
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.offset + (self.end - self.start) as u64;
                    return Err(ReadFault::Io(error).at(offset));
                }
            }
        }
    }
}
