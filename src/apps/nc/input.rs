//! Standard input of any kind.

use std::{
    io::{self, stdin},
    os::fd::AsFd,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Standard input, read only when it has something, so that nothing is taken from it that can't be sent: what is typed
/// after one peer has left is the next peer's, or the shell's.
///
/// The descriptor stays blocking, for the programs around this one share it; a thread waits for it.
#[derive(Default)]
pub(super) struct Input {
    waiting: Option<JoinHandle<io::Result<bool>>>,
}

impl Input {
    /// Waits until [`Input::read`] has something to read, or reports the end, without blocking. May be cancelled.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        while !has_input(PollTimeout::ZERO)? {
            let wait = || spawn_blocking(|| has_input(PollTimeout::NONE));
            let outcome = self.waiting.get_or_insert_with(wait).await;
            self.waiting = None;
            outcome??;
        }
        Ok(())
    }

    /// Reads once; 0 is the end of input.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(stdin(), buffer)?)
    }
}

/// Whether a read would return at once, with data, the end or an error; waits for that until `timeout` or a signal.
fn has_input(timeout: PollTimeout) -> io::Result<bool> {
    let stdin = stdin();
    let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, timeout) {
        Err(Errno::EINTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}
