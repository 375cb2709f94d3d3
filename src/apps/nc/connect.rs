//! Going to a listening peer.

use std::{io, net::SocketAddr};

use tokio::{
    net::{TcpSocket, UdpSocket},
    time,
};

use super::{
    Destination, Options, Protocol, Rules, Terminal,
    address::{resolve, unspecified},
    converse::{End, converse},
    peer::{Peer, Socket},
};
use crate::apps::{Error, stderr::say};

/// Connects to the first address of the destination that accepts, and converses.
pub(super) async fn run(
    destination: &Destination,
    options: &Options,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let peer = connect(destination, options).await?;
    if options.verbose {
        tell_connected(destination, &peer);
    }
    converse(&peer, terminal, &options.rules, End::BothDone).await
}

/// Tries the addresses of the destination in turn; the last one's failure is the one told.
async fn connect(destination: &Destination, options: &Options) -> Result<Peer, Error> {
    let mut addresses =
        resolve(&destination.host, destination.port, options.family).await?.into_iter();
    let mut outcome = Err(Error::no_address(&destination.host));
    while let (Err(_), Some(address)) = (&outcome, addresses.next()) {
        outcome = open(options.protocol, destination, address, &options.rules).await;
    }
    outcome
}

/// Makes a socket and connects it to `address`.
async fn open(
    protocol: Protocol,
    destination: &Destination,
    address: SocketAddr,
    rules: &Rules,
) -> Result<Peer, Error> {
    let source = destination.source.unwrap_or_else(|| unspecified(address.is_ipv4()));
    let source = SocketAddr::new(source, destination.source_port);
    let unbound = |error| Error::Socket { attempt: "bind to", address: source, source: error };
    let failed = |source| Error::Socket { attempt: "connect to", address, source };
    let late = |limit| Error::TimedOut { attempt: "connect to", address, limit };
    let socket = match protocol {
        Protocol::Tcp => {
            let socket = tcp_socket(source).map_err(unbound)?;
            // Left to connect, the choice of a port can share one with connections to other peers.
            if destination.source.is_some() || destination.source_port != 0 {
                socket.bind(source).map_err(unbound)?;
            }
            let connecting = socket.connect(address);
            let connected = match rules.timeout {
                Some(limit) => time::timeout(limit, connecting).await.map_err(|_| late(limit))?,
                None => connecting.await,
            };
            Socket::Tcp(connected.map_err(failed)?)
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(source).await.map_err(unbound)?;
            socket.connect(address).await.map_err(failed)?;
            Socket::Udp(socket)
        }
    };
    Ok(Peer { address, socket })
}

/// A TCP socket for an address such as `own`, which may be used again right after an earlier connection.
pub(super) fn tcp_socket(own: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if own.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

fn tell_connected(destination: &Destination, peer: &Peer) {
    let ip = peer.address.ip().to_string();
    let protocol = match peer.socket {
        Socket::Tcp(_) => "tcp",
        Socket::Udp(_) => "udp",
    };
    let host = &destination.host;
    let known_as = if *host == ip { ip } else { format!("{host} ({ip})") };
    let port = destination.port;
    say(format_args!("Connection to {known_as} {port} port [{protocol}/*] succeeded!"));
}
