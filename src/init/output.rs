//! Where the worker writes recordings.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Where a recording goes: a file, or a pipe whose reader may be slow.
pub(super) struct Output {
    file: File,
    pipe: bool,
    /// Whole blocks that wait to be written, of which `sent` bytes have been.
    buffer: Vec<u8>,
    sent: usize,
    /// Bytes written before those.
    written: u64,
    blocked: bool,
}

impl Output {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let file = File::from(fd);
        let pipe = !file.metadata()?.is_file();
        Ok(Self { file, pipe, buffer: Vec::new(), sent: 0, written: 0, blocked: false })
    }

    /// Whether it has a reader who may go away.
    pub(super) fn is_pipe(&self) -> bool {
        self.pipe
    }

    /// Whether nobody will ever read what is written to the pipe.
    pub(super) fn is_abandoned(&self) -> bool {
        let mut polled = [PollFd::new(self.file.as_fd(), PollFlags::empty())];
        self.pipe && poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Whether the reader of a pipe must be waited for.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// How many bytes there were in all.
    pub(super) fn total(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Writes what waits, and says whether all of it is written.
    pub(super) fn send(&mut self) -> io::Result<bool> {
        while self.sent < self.buffer.len() {
            match self.file.write(&self.buffer[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(false);
                }
                Err(error) => {
                    if !self.pipe {
                        // No block must be there by half. If even that fails, the first error tells.
                        let _ = self.file.set_len(self.written);
                    }
                    return Err(error);
                }
            }
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        (self.sent, self.blocked) = (0, false);
        Ok(true)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
