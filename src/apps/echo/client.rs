//! The echo client.

use std::{net::SocketAddr, os::fd::AsRawFd, time::Duration};

use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time,
};

use super::{
    message,
    stream::{self, ReceiveError, receive},
    trace::Trace,
};
use crate::apps::Error;

/// The longest reply in bytes.
const MAX_REPLY: usize = 1024 * 1024;

/// How long a server may take to close after a reply that looks whole. The lab's original server closes only when its
/// next client comes, so its end can't be waited for.
const CLOSE_PATIENCE: Duration = Duration::from_millis(200);

/// The text that the words of a command line make: joined by one space, spaces at both ends removed as Python's
/// `str.strip()` does.
#[must_use]
pub fn text(words: &[String]) -> String {
    // Python's whitespace is Unicode's and the four information separators.
    let is_space = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    words.join(" ").trim_matches(is_space).to_owned()
}

/// Sends `text` to the server at `address` (`HOST:PORT`) and returns its reply.
///
/// Sends no newline and doesn't close its side first; the reply ends when the server closes, or when it looks whole
/// and nothing more comes for 200 ms. Connecting and the reply may take `timeout` each.
///
/// # Errors
///
/// The name has no address; the server can't be reached, breaks off, closes without a reply, sends what isn't UTF-8, or
/// takes longer than `timeout`.
pub async fn exchange(
    address: &str,
    text: &str,
    timeout: Duration,
    trace: Trace,
) -> Result<String, Error> {
    let (stream, address) = connect(address, timeout, trace).await?;
    let reply = converse(stream, address, text, timeout, trace);
    let late = |_| Error::TimedOut { attempt: "get a reply from", address, limit: timeout };
    let reply = time::timeout(timeout, reply).await.map_err(late)??;
    if reply.is_empty() {
        return Err(Error::NoReply { address });
    }
    String::from_utf8(reply).map_err(|error| Error::NotText { address, source: error.utf8_error() })
}

/// Connects to the first address of the name that accepts.
async fn connect(
    name: &str,
    timeout: Duration,
    trace: Trace,
) -> Result<(TcpStream, SocketAddr), Error> {
    let lookup = |source| Error::Lookup { name: name.to_owned(), source };
    let mut failure = Error::no_address(name);
    for address in lookup_host(name).await.map_err(lookup)? {
        let failed = |source| Error::Socket { attempt: "connect to", address, source };
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.map_err(failed)?;
        let fd = socket.as_raw_fd();
        trace.socket(address, fd);
        let call = format_args!("connect({fd}, {address})");
        failure = match time::timeout(timeout, socket.connect(address)).await {
            Ok(connected) => match trace.checked(call, connected) {
                Ok(stream) => return Ok((stream, address)),
                Err(source) => failed(source),
            },
            Err(_) => {
                let limit = timeout;
                trace.returned(call, format_args!("nothing within {limit:?}"));
                Error::TimedOut { attempt: "connect to", address, limit }
            }
        };
        trace.returned(format_args!("close({fd})"), 0);
    }
    Err(failure)
}

/// The dialogue on an open connection.
async fn converse(
    mut stream: TcpStream,
    address: SocketAddr,
    text: &str,
    timeout: Duration,
    trace: Trace,
) -> Result<Vec<u8>, Error> {
    let fd = stream.as_raw_fd();
    if let Ok(own) = stream.local_addr() {
        trace.returned(format_args!("getsockname({fd}, {own})"), 0);
    }
    stream::send(&mut stream, text.as_bytes(), trace).await.map_err(|source| Error::Socket {
        attempt: "send to",
        address,
        source,
    })?;

    let patience = |received: &[u8], segment| {
        if message::may_go_on(received, segment) { timeout } else { CLOSE_PATIENCE }
    };
    let reply = receive(&stream, MAX_REPLY, patience, trace).await.map_err(|error| match error {
        ReceiveError::Io(source) => Error::Socket { attempt: "get a reply from", address, source },
        ReceiveError::TooLong => Error::LongReply { address, limit: MAX_REPLY },
    });
    drop(stream);
    trace.returned(format_args!("close({fd})"), 0);
    reply
}
