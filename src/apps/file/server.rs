//! The server: accepts connections and stores what they bring.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, TcpStream},
    num::NonZeroUsize,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{
    Error,
    connection::{Connection, check_stop},
    frame::Frame,
    hash,
    partial::Partial,
    receive,
    store::{Directory, Temporary, check_name},
};

/// Stack of a thread that serves a client; memory is used only as far as it is touched. Hashing without
/// optimisation takes over 256 KiB of it.
const STACK: usize = 1 << 20;
/// How long a refused sender may take to read why.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pause after a failed `accept`, which for lack of descriptors or memory would fail again at once.
const RETRY: u16 = 500;

/// Where received files go, and what is allowed.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// An existing directory.
    pub directory: PathBuf,
    /// Name for every file; by default [`DEFAULT_NAME`](super::DEFAULT_NAME), with `verify` the sender's name.
    pub name: Option<String>,
    /// Take the verified mode and nothing else.
    pub verify: bool,
    /// Longest file in bytes.
    pub max_size: u64,
    /// How many clients are served at once; further ones wait in the listen queue.
    pub max_clients: NonZeroUsize,
    /// Longest time in which nothing moves on a connection.
    pub timeout: Duration,
    /// End after so many connections.
    pub count: Option<u64>,
}

/// Something to tell the operator; its `Display` is one line.
#[derive(Debug)]
pub enum Event {
    /// Senders can connect.
    Listening(SocketAddr),
    /// A file is durable under its name.
    Received {
        /// Its name in the directory.
        name: String,
        /// Its length.
        bytes: u64,
        /// From accepted to durable.
        elapsed: Duration,
        /// Who sent it.
        peer: SocketAddr,
    },
    /// A connection brought no file; what was there before still is.
    Failed {
        /// Who had connected.
        peer: SocketAddr,
        /// Why.
        error: Error,
    },
    /// A connection could not be accepted; the server goes on.
    NotAccepted(io::Error),
    /// Fewer clients than wished are served at once, for lack of threads.
    FewerClients {
        /// How many are.
        clients: usize,
        /// Why not more.
        source: io::Error,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening(address) => write!(f, "listening on {address}"),
            Self::Received { name, bytes, elapsed, peer } => {
                write!(f, "{name}: {bytes} bytes in {:.3} s from {peer}", elapsed.as_secs_f64())
            }
            Self::Failed { peer, error } => write!(f, "nothing stored from {peer}: {error}"),
            Self::NotAccepted(source) => write!(f, "can't accept a connection: {source}"),
            Self::FewerClients { clients, source } => {
                write!(f, "only {clients} clients at once: can't start a thread: {source}")
            }
        }
    }
}

/// Serves connections until `stop` is readable or `options.count` have been served; returns how many of them failed.
///
/// What happens is told to `report`, from several threads. A stop resets the connections under way; they leave
/// nothing but what a verified transfer can resume.
///
/// # Errors
/// When the directory can't be used. What a single connection does wrong is reported and ends only that.
pub fn serve(
    listener: TcpListener,
    options: &ServeOptions,
    stop: BorrowedFd<'_>,
    report: &(dyn Fn(Event) + Sync),
) -> Result<u64, Error> {
    let directory = Directory::open(&options.directory)?;
    if let Some(name) = options.fixed_name() {
        check_name(name)?;
        directory.check_target(name)?;
    }
    listener.set_nonblocking(true).map_err(Error::Listen)?;
    report(Event::Listening(listener.local_addr().map_err(Error::Listen)?));
    let queue = Mutex::new(Queue { listener, left: options.count });
    let server = Server { directory, options, stop, report, queue, failed: AtomicU64::new(0) };
    thread::scope(|scope| {
        for clients in 1..options.max_clients.get() {
            let helper = thread::Builder::new().stack_size(STACK);
            if let Err(source) = helper.spawn_scoped(scope, || server.work()) {
                report(Event::FewerClients { clients, source });
                break;
            }
        }
        server.work();
    });
    Ok(server.failed.into_inner())
}

impl ServeOptions {
    fn fixed_name(&self) -> Option<&str> {
        match &self.name {
            Some(name) => Some(name),
            None if self.verify => None,
            None => Some(super::DEFAULT_NAME),
        }
    }
}

/// Connections yet to be served, taken by one thread at a time.
struct Queue {
    listener: TcpListener,
    left: Option<u64>,
}

struct Server<'a> {
    directory: Directory,
    options: &'a ServeOptions,
    stop: BorrowedFd<'a>,
    report: &'a (dyn Fn(Event) + Sync),
    queue: Mutex<Queue>,
    failed: AtomicU64,
}

impl Server<'_> {
    /// Serves one connection after another.
    fn work(&self) {
        while let Some((stream, peer)) = self.accept() {
            let start = Instant::now();
            let received = Connection::new(stream, peer, self.stop, self.options.timeout)
                .map_err(|source| Error::Broken { peer, source })
                .and_then(|connection| self.receive(connection));
            (self.report)(match received {
                Ok((name, bytes)) => {
                    Event::Received { name, bytes, elapsed: start.elapsed(), peer }
                }
                Err(error) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    Event::Failed { peer, error }
                }
            });
        }
    }

    fn accept(&self) -> Option<(TcpStream, SocketAddr)> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while queue.left != Some(0) {
            let mut fds = [
                PollFd::new(queue.listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.stop, PollFlags::POLLIN),
            ];
            let _ = poll(&mut fds, PollTimeout::NONE);
            check_stop(self.stop, PollTimeout::ZERO).ok()?;
            match queue.listener.accept() {
                Ok(accepted) => {
                    queue.left = queue.left.map(|left| left - 1);
                    return Some(accepted);
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    (self.report)(Event::NotAccepted(error));
                    check_stop(self.stop, RETRY.into()).ok()?;
                }
            }
        }
        None
    }

    fn receive(&self, connection: Connection<'_>) -> Result<(String, u64), Error> {
        let received =
            if self.options.verify { self.verified(&connection) } else { self.raw(&connection) };
        match received {
            Ok(received) => connection.finish().map(|()| received),
            Err(error) if self.options.verify => {
                refuse(connection, &error);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn raw(&self, connection: &Connection<'_>) -> Result<(String, u64), Error> {
        let name = self.options.name.as_deref().unwrap_or(super::DEFAULT_NAME);
        self.directory.check_target(name)?;
        let temporary = Temporary::create(&self.directory)?;
        let write_error = |errno| Error::file("write", self.directory.path_of(name))(errno);
        let bytes = receive::raw(connection, &temporary.file, self.options.max_size, write_error)?;
        temporary.commit(name)?;
        Ok((name.to_owned(), bytes))
    }

    fn verified(&self, connection: &Connection<'_>) -> Result<(String, u64), Error> {
        let short = Error::Short { peer: connection.peer };
        let Frame::Offer { length, hash, name: offered } = connection.read_frame()?.ok_or(short)?
        else {
            return Err(Error::Protocol { peer: connection.peer });
        };
        check_name(&offered)?;
        let name = self.options.name.clone().unwrap_or(offered);
        if length > self.options.max_size {
            return Err(Error::TooLarge { limit: self.options.max_size });
        }
        self.directory.check_target(&name)?;
        let (partial, held) = Partial::open(&self.directory, &name, hash)?;
        let offset = if held <= length { held } else { 0 };
        let outcome = connection.write_frame(&Frame::Resume { offset }).and_then(|()| {
            let hasher = hash::prefix(&partial.file, offset, partial.failed("read"), |_| {
                check_stop(self.stop, PollTimeout::ZERO)
            })?;
            receive::verified(
                connection,
                hasher,
                &partial.file,
                offset..length,
                partial.failed("write"),
            )
        });
        match outcome {
            Ok(received) if received == hash => partial.commit(&name, length)?,
            Ok(_) => {
                partial.discard();
                return Err(Error::Corrupt { name });
            }
            Err(error) if error.breaks_connection() => return Err(error),
            Err(error) => {
                partial.discard();
                return Err(error);
            }
        }
        connection.write_frame(&Frame::Stored { hash })?;
        Ok((name, length))
    }
}

/// Tells a sender that is still there why its file is not stored.
fn refuse(mut connection: Connection<'_>, error: &Error) {
    let reason = match error {
        Error::Broken { .. } | Error::Silent { .. } | Error::Stopped => return,
        Error::NoFrame { .. } | Error::Short { .. } => {
            "it takes verified transfers only: send with `--verify`".to_owned()
        }
        error => error.to_string(),
    };
    connection.set_timeout(FAREWELL);
    if connection.write_frame(&Frame::Refused { reason }).is_ok() {
        let _ = connection.wait_for_close();
        let _ = connection.finish();
    }
}

/// Whether an `accept` failed only because that one connection is gone (accept(2)).
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted)
}
