//! Waiting for peers.

use std::{io::ErrorKind, net::SocketAddr};

use tokio::net::{TcpListener, UdpSocket};

use super::{
    Options, Terminal,
    connect::tcp_socket,
    converse::{End, RECEIVE_CHUNK, converse, write},
    peer::{Peer, Socket},
};
use crate::apps::{Error, stderr::say};

/// Peers whom the kernel lets wait while one is served.
const BACKLOG: u32 = 128;

/// Converses with the first TCP peer.
pub(super) async fn tcp_once(
    address: SocketAddr,
    options: &Options,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let listener = listen(address, options)?;
    let peer = accept(&listener, address, options).await?;
    drop(listener);
    converse(&peer, terminal, &options.rules, End::PeerDone).await
}

/// Converses with one TCP peer after the other; a broken connection is told and doesn't end that.
pub(super) async fn tcp_for_ever(
    address: SocketAddr,
    options: &Options,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let listener = listen(address, options)?;
    loop {
        let peer = accept(&listener, address, options).await?;
        match converse(&peer, terminal, &options.rules, End::PeerDone).await {
            Err(error @ Error::Socket { .. }) => say(format_args!("labnet nc: {error}")),
            other => other?,
        }
    }
}

/// Converses with the first UDP peer and hears nobody else.
pub(super) async fn udp_once(
    address: SocketAddr,
    options: &Options,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let socket = bind_udp(address, options).await?;
    let failed = |source| Error::Socket { attempt: "receive on", address, source };
    let (_, from) = socket.peek_from(&mut [0]).await.map_err(failed)?;
    let unconnected = |source| Error::Socket { attempt: "connect to", address: from, source };
    socket.connect(from).await.map_err(unconnected)?;
    tell_received(from, options);
    let peer = Peer { address: from, socket: Socket::Udp(socket) };
    converse(&peer, terminal, &options.rules, End::PeerDone).await
}

/// Receives from all UDP peers; input isn't read, for there is nobody to send it to.
pub(super) async fn udp_from_all(
    address: SocketAddr,
    options: &Options,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let socket = bind_udp(address, options).await?;
    let failed = |source| Error::Socket { attempt: "receive on", address, source };
    let mut buffer = vec![0; RECEIVE_CHUNK];
    let mut last = None;
    loop {
        let (count, from) = socket.recv_from(&mut buffer).await.map_err(failed)?;
        if last.replace(from) != Some(from) {
            tell_received(from, options);
        }
        if !write(&mut terminal.output, &buffer[..count]).await? {
            return Ok(());
        }
    }
}

fn listen(address: SocketAddr, options: &Options) -> Result<TcpListener, Error> {
    let unbound = |source| Error::Socket { attempt: "bind to", address, source };
    let failed = |source| Error::Socket { attempt: "listen on", address, source };
    let socket = tcp_socket(address).map_err(unbound)?;
    socket.bind(address).map_err(unbound)?;
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    if options.verbose {
        let own = listener.local_addr().map_err(failed)?;
        say(format_args!("Listening on {} {}", own.ip(), own.port()));
    }
    Ok(listener)
}

async fn bind_udp(address: SocketAddr, options: &Options) -> Result<UdpSocket, Error> {
    let unbound = |source| Error::Socket { attempt: "bind to", address, source };
    let socket = UdpSocket::bind(address).await.map_err(unbound)?;
    if options.verbose {
        let own = socket.local_addr().map_err(unbound)?;
        say(format_args!("Bound on {} {}", own.ip(), own.port()));
    }
    Ok(socket)
}

async fn accept(
    listener: &TcpListener,
    address: SocketAddr,
    options: &Options,
) -> Result<Peer, Error> {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                tell_received(from, options);
                return Ok(Peer { address: from, socket: Socket::Tcp(stream) });
            }
            // That peer has given up; the next one may not.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(source) => return Err(Error::Socket { attempt: "accept on", address, source }),
        }
    }
}

fn tell_received(from: SocketAddr, options: &Options) {
    if options.verbose {
        say(format_args!("Connection received on {} {}", from.ip(), from.port()));
    }
}
