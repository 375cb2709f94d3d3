//! What a thread without a runtime waits for: bells of other threads, moments, and descriptors, in nanoseconds.

use std::os::fd::{AsFd, BorrowedFd};

use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        eventfd::{EfdFlags, EventFd},
        socket::{getsockopt, sockopt::SocketError},
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    time::clock_gettime,
};

use super::error::{Attempt, KernelError};

/// How many descriptors are told of at once.
const MOST: usize = 64;

/// Wakes another thread (eventfd(2)).
#[derive(Debug)]
pub(crate) struct Bell(EventFd);

impl Bell {
    pub(crate) fn new() -> Result<Self, KernelError> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        EventFd::from_flags(flags).map(Self).attempt(|| "make an eventfd")
    }

    /// Readable from here on.
    pub(crate) fn ring(&self) {
        // One that has been rung 2^64 times and never heard is rung already.
        let _ = self.0.write(1);
    }

    /// No longer readable.
    pub(crate) fn hush(&self) {
        // It may have been hushed already.
        let _ = self.0.read();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Readable from a moment on, to the nanosecond (timerfd_create(2)); unlike a time-out of epoll_wait(2), it is not rounded up by a
/// thousandth of its length (`select_estimate_accuracy` in fs/select.c).
#[derive(Debug)]
pub(crate) struct Alarm(TimerFd);

impl Alarm {
    pub(crate) fn new() -> Result<Self, KernelError> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).map(Self).attempt(|| "make a timerfd")
    }

    /// Readable from then on, by [`monotonic`], instead of from an earlier moment; none: not at all.
    pub(crate) fn set(&self, at: Option<u64>) -> Result<(), KernelError> {
        let set = match at {
            // 0 would mean none.
            Some(at) => {
                let at = at.max(1);
                let (seconds, rest) = (at / 1_000_000_000, at % 1_000_000_000);
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                let expiration = Expiration::OneShot(TimeSpec::new(seconds, rest as i64));
                self.0.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            }
            None => self.0.unset(),
        };
        set.attempt(|| "set a timerfd")
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Descriptors that are waited for, each with a number of its own (epoll(7)).
#[derive(Debug)]
pub(crate) struct Watch(Epoll);

impl Watch {
    pub(crate) fn new() -> Result<Self, KernelError> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Self).attempt(|| "make an epoll instance")
    }

    /// Tells from here on when the descriptor is readable.
    pub(crate) fn add(&self, fd: impl AsFd, number: u64) -> Result<(), KernelError> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, number);
        self.0.add(fd, event).attempt(|| "watch a descriptor")
    }

    pub(crate) fn remove(&self, fd: impl AsFd) {
        // One that was never added needs no removing.
        let _ = self.0.delete(fd);
    }

    /// Puts the numbers of those that are readable into `ready`; waits until one is, unless it shall only `look`.
    pub(crate) fn wait(&self, ready: &mut Vec<u64>, look: bool) -> Result<(), KernelError> {
        let mut events = [EpollEvent::empty(); MOST];
        let timeout = if look { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = match self.0.wait(&mut events, timeout) {
            Err(Errno::EINTR) => 0,
            waited => waited.attempt(|| "wait for descriptors")?,
        };
        ready.clear();
        ready.extend(events[..count].iter().map(EpollEvent::data));
        Ok(())
    }
}

/// Takes from a socket what it says of its interface: that it went down. Until then it counts as readable.
pub(crate) fn take_error(socket: impl AsFd) {
    // What could be done about it is not done here.
    let _ = getsockopt(&socket, SocketError);
}

/// Nanoseconds since the machine was started.
pub(crate) fn monotonic() -> u64 {
    time(nix::time::ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970.
pub(crate) fn realtime() -> u64 {
    time(nix::time::ClockId::CLOCK_REALTIME)
}

fn time(clock: nix::time::ClockId) -> u64 {
    // Neither clock can be missing.
    let now = clock_gettime(clock).unwrap_or(TimeSpec::new(0, 0));
    (now.tv_sec() as u64) * 1_000_000_000 + now.tv_nsec() as u64
}
