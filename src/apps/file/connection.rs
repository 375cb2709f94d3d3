//! A TCP connection whose every wait ends at a time-out or at a stop, and whose unfinished end is a reset.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    libc::{POLLRDHUP, linger},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket,
        sockopt::Linger,
    },
};

use super::{
    Error,
    frame::{Frame, HEADER},
};

/// One end of a transfer.
///
/// `SO_LINGER` is on with time 0 until [`finish`](Self::finish): however the process ends before (an error, a signal,
/// SIGKILL), the kernel resets the connection, so the other end never mistakes a broken transfer for a short file
/// (socket(7), RFC 9293 §3.10.4 ABORT).
pub(super) struct Connection<'a> {
    stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) stop: BorrowedFd<'a>,
    timeout: Duration,
}

impl<'a> Connection<'a> {
    /// Connects to the first of `addresses` that accepts, each within `timeout`.
    pub(super) fn connect(
        addresses: &[SocketAddr],
        stop: BorrowedFd<'a>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let mut result = Err(Error::NoAddress);
        for &address in addresses {
            result = Self::connect_one(address, stop, timeout);
            if !matches!(result, Err(Error::Connect { .. })) {
                break;
            }
        }
        result
    }

    fn connect_one(
        address: SocketAddr,
        stop: BorrowedFd<'a>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::Connect { address, source };
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
            .map_err(|errno| failed(errno.into()))?;
        let connection = Self::new(fd.into(), address, stop, timeout).map_err(failed)?;
        match connect(connection.stream.as_raw_fd(), &SockaddrStorage::from(address)) {
            Ok(()) => return Ok(connection),
            Err(Errno::EINPROGRESS) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        match connection.wait(PollFlags::POLLOUT) {
            Err(Error::Silent { .. }) => return Err(failed(Errno::ETIMEDOUT.into())),
            other => other?,
        };
        match connection.stream.take_error().map_err(failed)? {
            // A refusal is ECONNREFUSED; this one had been accepted.
            Some(source) if source.kind() == ErrorKind::ConnectionReset => {
                Err(connection.broken(source))
            }
            Some(source) => Err(failed(source)),
            None => Ok(connection),
        }
    }

    /// Takes over a connected (or connecting) socket.
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        stop: BorrowedFd<'a>,
        timeout: Duration,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        setsockopt(&stream, Linger, &linger { l_onoff: 1, l_linger: 0 })?;
        Ok(Self { stream, peer, stop, timeout })
    }

    /// Replaces the time-out, for instance to wait for an answer that comes soon or never.
    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Waits until one of `events` (or an error, which the next call on the socket tells) is there.
    pub(super) fn wait(&self, events: PollFlags) -> Result<PollFlags, Error> {
        let timeout = PollTimeout::try_from(self.timeout).unwrap_or(PollTimeout::MAX);
        let mut fds =
            [PollFd::new(self.stream.as_fd(), events), PollFd::new(self.stop, PollFlags::POLLIN)];
        let ready = loop {
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => {}
                other => break other.map_err(|errno| self.broken(errno.into()))?,
            }
        };
        if fds[1].any().unwrap_or(true) {
            return Err(Error::Stopped);
        }
        if ready == 0 {
            return Err(Error::Silent { peer: self.peer, after: self.timeout });
        }
        Ok(fds[0].revents().unwrap_or(PollFlags::empty()))
    }

    /// Repeats `call` each time the socket is ready for `events`, until it does something.
    ///
    /// The wait comes first, so a stop is seen even when the socket is always ready.
    pub(super) fn when_ready<T>(
        &self,
        events: PollFlags,
        mut call: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Result<T, Error> {
        loop {
            self.wait(events)?;
            match call(&self.stream) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                other => return other.map_err(|source| self.broken(source)),
            }
        }
    }

    /// Reads what has come, at most `buffer`; 0 is the end of the stream.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.when_ready(PollFlags::POLLIN, |mut stream| stream.read(buffer))
    }

    /// Fills `buffer`, or as much of it as comes before the end of the stream.
    fn read_full(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// Reads one frame; `None` if the stream ends instead.
    pub(super) fn read_frame(&self) -> Result<Option<Frame>, Error> {
        let no_frame = |source| Error::NoFrame { peer: self.peer, source };
        let short = Error::Short { peer: self.peer };
        let mut header = [0; HEADER];
        match self.read_full(&mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(short),
        }
        let mut body = vec![0; Frame::body_length(&header).map_err(no_frame)?];
        if self.read_full(&mut body)? < body.len() {
            return Err(short);
        }
        Frame::decode(&header, &body).map(Some).map_err(no_frame)
    }

    pub(super) fn write_frame(&self, frame: &Frame) -> Result<(), Error> {
        let bytes = frame.encode();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let count = self.when_ready(PollFlags::POLLOUT, |mut stream| stream.write(rest))?;
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Whether the other end has sent bytes; `false` at the end of its stream.
    pub(super) fn has_data(&self) -> Result<bool, Error> {
        self.when_ready(PollFlags::POLLIN, |stream| Ok(stream.peek(&mut [0])? > 0))
    }

    /// Sends FIN: nothing more comes from here.
    pub(super) fn shutdown_write(&self) -> Result<(), Error> {
        self.stream.shutdown(Shutdown::Write).map_err(|source| self.broken(source))
    }

    /// Waits until the other end has closed or reset, without reading what it still sends.
    pub(super) fn wait_for_close(&self) -> Result<(), Error> {
        self.wait(PollFlags::from_bits_retain(POLLRDHUP)).map(drop)
    }

    /// Closes in the ordinary way: with FIN, which tells the other end that all went well.
    pub(super) fn finish(self) -> Result<(), Error> {
        setsockopt(&self.stream, Linger, &linger { l_onoff: 0, l_linger: 0 })
            .map_err(|errno| self.broken(errno.into()))
    }

    pub(super) fn broken(&self, source: io::Error) -> Error {
        Error::Broken { peer: self.peer, source }
    }
}

impl AsFd for Connection<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Fails with [`Error::Stopped`] if `stop` is readable, or becomes so within `timeout`.
pub(super) fn check_stop(stop: BorrowedFd<'_>, timeout: PollTimeout) -> Result<(), Error> {
    match poll(&mut [PollFd::new(stop, PollFlags::POLLIN)], timeout) {
        Ok(1..) => Err(Error::Stopped),
        _ => Ok(()),
    }
}
