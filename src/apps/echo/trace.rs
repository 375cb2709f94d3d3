//! Telling on standard error which socket calls are made.

use std::{fmt, io, net::SocketAddr, os::fd::RawFd};

use nix::errno::Errno;

use crate::apps::stderr::say;

/// Tells each socket call on standard error as it would be in a C program and as strace shows it, or keeps silent.
///
/// `bind(3, 10.10.10.2:5001) = -1 EADDRINUSE (Address already in use)`
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// Whether calls are told.
    pub enabled: bool,
}

impl Trace {
    /// Tells a call and the value it returned.
    pub(super) fn returned(self, call: fmt::Arguments<'_>, value: impl fmt::Display) {
        if self.enabled {
            say(format_args!("{call} = {value}"));
        }
    }

    /// Tells a call that failed.
    pub(super) fn failed(self, call: fmt::Arguments<'_>, error: &io::Error) {
        let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
            return self.returned(call, format_args!("-1 ({error})"));
        };
        self.returned(call, format_args!("-1 {errno:?} ({})", errno.desc()));
    }

    /// Tells a call that returns 0 when all is well, and hands its result on.
    pub(super) fn checked<T>(
        self,
        call: fmt::Arguments<'_>,
        result: io::Result<T>,
    ) -> io::Result<T> {
        match &result {
            Ok(_) => self.returned(call, 0),
            Err(error) => self.failed(call, error),
        }
        result
    }

    /// Tells that a TCP socket was made.
    pub(super) fn socket(self, address: SocketAddr, fd: RawFd) {
        let family = if address.is_ipv4() { "AF_INET" } else { "AF_INET6" };
        self.returned(format_args!("socket({family}, SOCK_STREAM, 0)"), fd);
    }
}
