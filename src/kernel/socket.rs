//! Sockets made in a node's network namespace.

use std::{
    net::SocketAddr,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, listen,
    setsockopt, socket, sockopt,
};
use serde::{Deserialize, Serialize};

use super::error::{Attempt, KernelError};

/// A socket to be made in a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InetSocket {
    /// Bound and listening.
    TcpListener(SocketAddr),
    /// To be connected to an address of this family.
    TcpStream(SocketAddr),
    /// Bound.
    Udp(SocketAddr),
}

/// Makes the socket in the calling thread's network namespace, nonblocking.
pub(crate) fn inet_socket(what: InetSocket) -> Result<OwnedFd, KernelError> {
    let (address, kind) = match what {
        InetSocket::TcpListener(address) | InetSocket::TcpStream(address) => {
            (address, SockType::Stream)
        }
        InetSocket::Udp(address) => (address, SockType::Datagram),
    };
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(family, kind, flags, None).attempt(|| "make a socket")?;
    if !matches!(what, InetSocket::TcpStream(_)) {
        if kind == SockType::Stream {
            setsockopt(&fd, sockopt::ReuseAddr, &true).attempt(|| "set SO_REUSEADDR")?;
        }
        let name = SockaddrStorage::from(address);
        bind(fd.as_raw_fd(), &name).attempt(|| format!("bind a socket to {address}"))?;
    }
    if matches!(what, InetSocket::TcpListener(_)) {
        listen(&fd, Backlog::MAXCONN).attempt(|| format!("listen on {address}"))?;
    }
    Ok(fd)
}

/// A socket that sees every frame of every interface of the calling thread's network namespace (packet(7)).
pub(crate) fn packet_socket() -> Result<OwnedFd, KernelError> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)
        .attempt(|| "open a packet socket")
}
