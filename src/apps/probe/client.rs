//! What the clients share: finding a server and waiting for it no longer than asked.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use crate::apps::Error;

/// All addresses of a name, `HOST:PORT`.
pub(super) fn resolve(name: &str) -> Result<Vec<SocketAddr>, Error> {
    let failed = |source| Error::Lookup { name: name.to_owned(), source };
    Ok(name.to_socket_addrs().map_err(failed)?.collect())
}

/// Connects to the first address of a name that accepts; reading and writing have the same time-out as connecting.
pub(super) fn connect_tcp(name: &str, timeout: Duration) -> Result<(TcpStream, SocketAddr), Error> {
    let mut failure = Error::no_address(name);
    for address in resolve(name)? {
        let failed = |source| failed("connect to", address, timeout, source);
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout)).map_err(failed)?;
                stream.set_write_timeout(Some(timeout)).map_err(failed)?;
                return Ok((stream, address));
            }
            Err(source) => failure = failed(source),
        }
    }
    Err(failure)
}

/// A socket that exchanges datagrams with the first address of a name only.
pub(super) fn connect_udp(name: &str) -> Result<(UdpSocket, SocketAddr), Error> {
    let address = *resolve(name)?.first().ok_or_else(|| Error::no_address(name))?;
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let failed = |source| Error::Socket { attempt: "reach", address, source };
    let socket = UdpSocket::bind(any).map_err(failed)?;
    socket.connect(address).map_err(failed)?;
    Ok((socket, address))
}

/// The failure of a call that may have run into its time-out.
pub(super) fn failed(
    attempt: &'static str,
    address: SocketAddr,
    limit: Duration,
    source: io::Error,
) -> Error {
    if is_timeout(&source) {
        return Error::TimedOut { attempt, address, limit };
    }
    Error::Socket { attempt, address, source }
}

/// Whether a call came back because its time-out was over.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
