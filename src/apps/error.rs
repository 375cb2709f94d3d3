//! Why a lab program on sockets fails.

use std::{io, net::SocketAddr, str::Utf8Error, time::Duration};

use nix::errno::Errno;

/// Why `nc`, `echo` or `probe` fails: what was tried, on which address, what the kernel said and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host name has no address.
    #[error("cannot find the address of `{name}`: {source}")]
    Lookup {
        /// The name as written.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// A socket call failed.
    #[error("cannot {attempt} {address}: {}{}", kernel_text(source), hint(attempt, source))]
    Socket {
        /// What was tried, ending so that an address can follow: `connect to`, `bind to`.
        attempt: &'static str,
        /// The address it was tried on.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// Something took longer than its time-out.
    #[error(
        "cannot {attempt} {address}: nothing within {limit:?}; is the link up, and the server alive?"
    )]
    TimedOut {
        /// What was tried, ending so that an address can follow.
        attempt: &'static str,
        /// The address it was tried on.
        address: SocketAddr,
        /// The time-out.
        limit: Duration,
    },
    /// The server closed the connection and had sent nothing.
    #[error("{address} closed the connection without a reply")]
    NoReply {
        /// The server.
        address: SocketAddr,
    },
    /// The server sends more than a reply can be.
    #[error("the reply of {address} is longer than {limit} bytes; is that an echo server?")]
    LongReply {
        /// The server.
        address: SocketAddr,
        /// The longest reply, in bytes.
        limit: usize,
    },
    /// The reply can't be shown as text.
    #[error("the reply of {address} is not UTF-8 text: {source}")]
    NotText {
        /// The server.
        address: SocketAddr,
        /// Where the text breaks.
        source: Utf8Error,
    },
    /// Standard input or output failed.
    #[error("cannot {attempt}: {}", kernel_text(source))]
    Stdio {
        /// What was tried: `read standard input`, `write standard output`.
        attempt: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Error {
    /// The failure of a name that exists but has no address of use.
    pub(super) fn no_address(name: &str) -> Self {
        let source = io::Error::new(io::ErrorKind::NotFound, "it has none that can be used here");
        Self::Lookup { name: name.to_owned(), source }
    }
}

/// The kernel's words and the errno's name, `Connection refused (ECONNREFUSED)`.
fn kernel_text(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(errno) => format!("{} ({errno:?})", errno.desc()),
        None => error.to_string(),
    }
}

fn hint(attempt: &str, error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ECONNREFUSED) => {
            "; nothing listens on that port: start the server first, or check the port"
        }
        Some(Errno::EHOSTUNREACH) => {
            "; no host answers there: check the address, and that the link is up"
        }
        Some(Errno::ENETUNREACH) => "; no route leads there: check `ip address` and `ip route`",
        Some(Errno::EADDRINUSE) => {
            "; another program has that port: stop it (`ss -tulpn` names it), or choose another port"
        }
        Some(Errno::EADDRNOTAVAIL) if attempt.starts_with("bind") => {
            "; this host has no such address: `ip address` lists those it has"
        }
        Some(Errno::EACCES) if attempt.starts_with("bind") => {
            "; ports below 1024 need privilege: choose a higher one"
        }
        Some(Errno::EMSGSIZE) => "; a datagram holds at most 65507 bytes",
        _ => "",
    }
}
