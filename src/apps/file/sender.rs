//! The sender: from the disk to the socket.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Seek, SeekFrom},
    net::SocketAddr,
    os::{
        fd::BorrowedFd,
        unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
    time::Duration,
};

use blake3::Hash;
use nix::{
    errno::Errno,
    libc::O_NONBLOCK,
    poll::{PollFlags, PollTimeout},
    sys::sendfile::sendfile,
};

use super::{
    Error,
    connection::{Connection, check_stop},
    error::shown,
    frame::Frame,
    hash,
    progress::Progress,
    store::{check_name, irregular},
};

/// Most bytes given to the kernel between two looks at the stop descriptor.
const CHUNK: usize = 4 << 20;
/// Longest wait for the answer to an offer; a receiver without `--verify` never gives one.
const ANSWER: Duration = Duration::from_secs(5);

/// How a file is sent.
#[derive(Clone, Debug)]
pub struct SendOptions {
    /// Use the verified mode; the receiver must too.
    pub verify: bool,
    /// Longest time in which nothing moves.
    pub timeout: Duration,
}

/// Sends `file` to the first of `addresses` that accepts a connection; shows progress on a terminal.
///
/// It returns when the receiver has closed in turn: labnet's does so only when the file is durable. A readable
/// `stop` ends it with a reset, so that the receiver keeps nothing.
///
/// # Errors
/// Any [`Error`]; the receiver has been told by a reset, unless it was the one to break the connection.
pub fn send(
    addresses: &[SocketAddr],
    file: &Path,
    options: &SendOptions,
    stop: BorrowedFd<'_>,
) -> Result<(), Error> {
    let source = Source::open(file)?;
    if options.verify {
        send_verified(&source, addresses, options, stop)
    } else {
        send_raw(&source, addresses, options, stop)
    }
}

fn send_raw(
    source: &Source<'_>,
    addresses: &[SocketAddr],
    options: &SendOptions,
    stop: BorrowedFd<'_>,
) -> Result<(), Error> {
    let connection = Connection::connect(addresses, stop, options.timeout)?;
    let peer = connection.peer;
    let answer = source.transmit(&connection, 0).and_then(|()| match connection.read_frame() {
        Ok(None) => Ok(()),
        other => Err(unexpected(peer, other)),
    });
    match answer {
        Ok(()) => connection.finish(),
        Err(Error::NoFrame { .. } | Error::Short { .. } | Error::Protocol { .. }) => {
            Err(Error::Answered { peer })
        }
        Err(error) => Err(error),
    }
}

fn send_verified(
    source: &Source<'_>,
    addresses: &[SocketAddr],
    options: &SendOptions,
    stop: BorrowedFd<'_>,
) -> Result<(), Error> {
    let name = source.base_name()?;
    let hash = source.hash(stop)?;
    let mut connection = Connection::connect(addresses, stop, options.timeout)?;
    let peer = connection.peer;
    connection.write_frame(&Frame::Offer { length: source.length, hash, name })?;

    let after = options.timeout.min(ANSWER);
    connection.set_timeout(after);
    let offset = match connection.read_frame() {
        Ok(Some(Frame::Resume { offset })) if offset <= source.length => offset,
        Err(Error::Silent { .. }) => return Err(Error::NoAnswer { peer, after }),
        other => return Err(unexpected(peer, other)),
    };
    connection.set_timeout(options.timeout);
    source.transmit(&connection, offset)?;
    match connection.read_frame() {
        Ok(Some(Frame::Stored { hash: stored })) if stored == hash => connection.finish(),
        other => Err(unexpected(peer, other)),
    }
}

/// Why sending failed: what the receiver said before it broke the connection, which the kernel still has, if it said anything.
fn reason(connection: &Connection<'_>, error: Error) -> Error {
    let peer = connection.peer;
    match error {
        Error::Broken { .. } if connection.has_data().is_ok_and(|any| any) => {
            match unexpected(peer, connection.read_frame()) {
                Error::Broken { .. } => Error::Short { peer },
                told => told,
            }
        }
        error => error,
    }
}

/// The error that an answer is when it is not the awaited one.
fn unexpected(peer: SocketAddr, answer: Result<Option<Frame>, Error>) -> Error {
    match answer {
        Ok(Some(Frame::Refused { reason })) => Error::Refused { peer, reason },
        Ok(Some(_)) => Error::Protocol { peer },
        Ok(None) => Error::Short { peer },
        Err(error) => error,
    }
}

/// An open regular file and the length it had when it was opened.
struct Source<'a> {
    path: &'a Path,
    file: File,
    length: u64,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        // O_NONBLOCK: opening a pipe without a writer must not wait.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(path)
            .map_err(Error::file("open", path))?;
        let metadata = file.metadata().map_err(Error::file("examine", path))?;
        match irregular(metadata.mode()) {
            Some(kind) => Err(Error::NotRegular { path: path.to_owned(), kind }),
            None => Ok(Self { path, file, length: metadata.len() }),
        }
    }

    fn label(&self) -> String {
        shown(self.path)
    }

    fn base_name(&self) -> Result<String, Error> {
        let name = self.path.file_name().unwrap_or_default();
        let Some(name) = name.to_str() else {
            let reason = "it is not UTF-8";
            return Err(Error::Name { name: name.to_string_lossy().into_owned(), reason });
        };
        check_name(name)?;
        Ok(name.to_owned())
    }

    fn changed(&self) -> Error {
        Error::Changed { path: self.path.to_owned(), length: self.length }
    }

    fn hash(&self, stop: BorrowedFd<'_>) -> Result<Hash, Error> {
        let progress = Progress::new(format!("{}: hashing", self.label()), 0, self.length);
        let read_error = |error: io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => self.changed(),
            _ => Error::file("read", self.path)(error),
        };
        let hasher = hash::prefix(&self.file, self.length, read_error, |position| {
            progress.set(position);
            check_stop(stop, PollTimeout::ZERO)
        })?;
        Ok(hasher.finalize())
    }

    /// Sends everything from `offset` on and ends this side's stream.
    fn transmit(&self, connection: &Connection<'_>, offset: u64) -> Result<(), Error> {
        self.pour(connection, offset).map_err(|error| reason(connection, error))
    }

    fn pour(&self, connection: &Connection<'_>, offset: u64) -> Result<(), Error> {
        let progress = Progress::new(self.label(), offset, self.length);
        let read_error = |error| Error::file("read", self.path)(error);
        (&self.file).seek(SeekFrom::Start(offset)).map_err(read_error)?;
        let mut position = offset;
        let mut events = PollFlags::POLLOUT | PollFlags::POLLIN;
        while position < self.length {
            let ready = connection.wait(events)?;
            if ready.intersects(PollFlags::POLLIN) && events.intersects(PollFlags::POLLIN) {
                if connection.has_data()? {
                    // Only a refusal comes before the end.
                    return Err(unexpected(connection.peer, connection.read_frame()));
                }
                // The other end has closed its direction, as `nc` does at the end of its input; it may still read.
                events = PollFlags::POLLOUT;
            }
            let count = usize::try_from(self.length - position).unwrap_or(CHUNK).min(CHUNK);
            match sendfile(connection, &self.file, None, count) {
                Ok(0) => return Err(self.changed()),
                Ok(sent) => {
                    position += sent as u64;
                    progress.set(position);
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(connection.broken(errno.into())),
            }
        }
        match self.file.read_at(&mut [0], self.length) {
            Ok(0) => connection.shutdown_write(),
            Ok(_) => Err(self.changed()),
            Err(error) => Err(read_error(error)),
        }
    }
}
