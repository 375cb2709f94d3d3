//! The echo server.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroUsize,
    os::fd::AsRawFd,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time,
};

use super::{
    message,
    stream::{self, ReceiveError, receive},
    trace::Trace,
};
use crate::apps::{Error, stderr::say};

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 4096;

/// How long to leave `accept` alone when there are no descriptors and no connection of ours whose end would free one.
const DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);

/// What one client, and all together, may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long to wait for more when what came looks unfinished; see [`message::may_go_on`].
    pub gap: Duration,
    /// How long a client may take for its message, and then for taking the reply.
    pub timeout: Duration,
    /// The longest message in bytes.
    pub max_size: usize,
    /// How many clients are served at once; more wait in the listening socket's queue.
    pub max_clients: NonZeroUsize,
}

/// Makes the server's socket and binds it to `address` (`HOST:PORT`; port 0 lets the kernel choose).
///
/// # Errors
///
/// The name has no address, or the kernel refuses the address (bind(2)).
pub fn bind(address: &str, trace: Trace) -> Result<TcpSocket, Error> {
    let failed = |source| Error::Lookup { name: address.to_owned(), source };
    let first = address.to_socket_addrs().map_err(failed)?.next();
    let address = first.ok_or_else(|| Error::no_address(address))?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let failed = |source| Error::Socket { attempt: "bind to", address, source };
    let socket = socket.map_err(failed)?;
    let fd = socket.as_raw_fd();
    trace.socket(address, fd);
    let reuse = socket.set_reuseaddr(true);
    trace
        .checked(format_args!("setsockopt({fd}, SOL_SOCKET, SO_REUSEADDR, 1)"), reuse)
        .map_err(failed)?;
    trace.checked(format_args!("bind({fd}, {address})"), socket.bind(address)).map_err(failed)?;
    Ok(socket)
}

/// Listens on a bound socket, says so on standard error, and serves clients side by side for ever.
///
/// # Errors
///
/// Only where the socket can't listen. Whatever happens to a connection or to `accept` doesn't stop the server.
pub async fn serve(socket: TcpSocket, limits: Limits, trace: Trace) -> Result<(), Error> {
    raise_descriptor_limit();
    let fd = socket.as_raw_fd();
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = socket.local_addr().unwrap_or(unspecified);
    let failed = |source| Error::Socket { attempt: "listen on", address, source };
    let listener = trace
        .checked(format_args!("listen({fd}, {BACKLOG})"), socket.listen(BACKLOG))
        .map_err(failed)?;
    say(format_args!("labnet echo: listening on {address}"));

    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if clients.len() < limits.max_clients.get() => match accepted {
                Ok((stream, peer)) => {
                    trace.returned(format_args!("accept({fd}, {peer})"), stream.as_raw_fd());
                    clients.spawn(attend(stream, limits, trace));
                }
                Err(error) => {
                    trace.failed(format_args!("accept({fd})"), &error);
                    if lacks_resources(&error) && clients.join_next().await.is_none() {
                        time::sleep(DESCRIPTOR_PAUSE).await;
                    }
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

/// One client from its accepted connection to its closed one.
async fn attend(mut stream: TcpStream, limits: Limits, trace: Trace) {
    let fd = stream.as_raw_fd();
    let patience = |received: &[u8], segment| {
        if message::may_go_on(received, segment) { limits.gap } else { Duration::ZERO }
    };
    let received = receive(&stream, limits.max_size, patience, trace);
    let reply = match time::timeout(limits.timeout, received).await {
        Ok(Ok(message)) => Some((message::reply(&message), true)),
        Ok(Err(ReceiveError::TooLong)) => Some((message::too_long(limits.max_size), false)),
        Ok(Err(ReceiveError::Io(_))) => None,
        Err(_) => Some((message::too_late(limits.timeout), true)),
    };
    if let Some((reply, all_read)) = reply {
        // A client that doesn't take its reply, or is gone, has been told of by the trace.
        let _ = time::timeout(limits.timeout, answer(&mut stream, &reply, all_read, trace)).await;
    }
    drop(stream);
    trace.returned(format_args!("close({fd})"), 0);
}

/// Sends the reply. Where the client may still be sending, reads on until it has closed: closing with unread data makes
/// the kernel reset the connection (RFC 1122, 4.2.2.13), and the reply would be lost with it.
async fn answer(
    stream: &mut TcpStream,
    reply: &str,
    all_read: bool,
    trace: Trace,
) -> io::Result<()> {
    stream::send(stream, reply.as_bytes(), trace).await?;
    if !all_read {
        let closed = stream.shutdown().await;
        trace.checked(format_args!("shutdown({}, SHUT_WR)", stream.as_raw_fd()), closed)?;
        tokio::io::copy(stream, &mut tokio::io::sink()).await?;
    }
    Ok(())
}

/// Whether `accept` failed for want of descriptors or memory, which only an ending connection gives back.
fn lacks_resources(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

/// Raises the soft limit of descriptors to the hard one; without that 1,000 clients would be the most.
fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
