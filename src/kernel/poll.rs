//! Waiting for descriptors, for code without a runtime.

use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

/// Sleeps until the descriptor is writable (or at its end) or `timeout` is over, and says whether it is.
pub(crate) fn wait_writable(fd: BorrowedFd<'_>, timeout: Duration) -> nix::Result<bool> {
    Ok(wait(&mut [PollFd::new(fd, PollFlags::POLLOUT)], Some(timeout))?[0])
}

/// Sleeps until one of the descriptors is readable (or at its end) or `timeout` is over, and says which are.
pub(crate) fn wait_readable(
    fds: &[BorrowedFd<'_>],
    timeout: Option<Duration>,
) -> nix::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    wait(&mut polled, timeout)
}

fn wait(polled: &mut [PollFd<'_>], timeout: Option<Duration>) -> nix::Result<Vec<bool>> {
    // A time too long for the clock to count is no limit.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = match deadline {
            None => PollTimeout::NONE,
            Some(deadline) => {
                let left =
                    deadline.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        match poll(polled, left) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(_) => return Ok(polled.iter().map(|fd| fd.any() == Some(true)).collect()),
        }
    }
}
