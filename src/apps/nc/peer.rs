//! The other side of a conversation.

use std::{
    future,
    io::{self, ErrorKind},
    net::SocketAddr,
    os::fd::AsRawFd,
};

use nix::{
    errno::Errno,
    sys::socket::{Shutdown, shutdown},
};
use tokio::{
    io::Interest,
    net::{TcpStream, UdpSocket},
};

/// A connected peer: sending and receiving go on side by side.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) socket: Socket,
}

/// The connected socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

impl Peer {
    /// Sends all of `data`: over UDP each line as one datagram.
    pub(super) async fn send(&self, data: &[u8]) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => send_all(stream, data).await,
            Socket::Udp(socket) => {
                for line in data.split_inclusive(|&byte| byte == b'\n') {
                    socket.send(line).await?;
                }
                Ok(())
            }
        }
    }

    /// Receives into `buffer` what has come, and returns its length; `None` is the end of the stream.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match &self.socket {
            Socket::Tcp(stream) => loop {
                stream.readable().await?;
                match stream.try_read(buffer) {
                    Ok(count) => return Ok((count > 0).then_some(count)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            },
            Socket::Udp(socket) => loop {
                // Others' datagrams may have come in before the socket was connected.
                let (count, from) = socket.recv_from(buffer).await?;
                if (from.ip(), from.port()) == (self.address.ip(), self.address.port()) {
                    return Ok(Some(count));
                }
            },
        }
    }

    /// Closes the sending side, over TCP: UDP has no way to tell the peer.
    pub(super) fn half_close(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => match shutdown(stream.as_raw_fd(), Shutdown::Write) {
                // The peer has reset the connection, which receiving tells.
                Err(Errno::ENOTCONN) | Ok(()) => Ok(()),
                Err(errno) => Err(errno.into()),
            },
            Socket::Udp(_) => Ok(()),
        }
    }

    /// Waits until nothing can be sent any more.
    pub(super) async fn broken(&self) {
        match &self.socket {
            Socket::Tcp(stream) => {
                let _ = stream.ready(Interest::ERROR).await;
            }
            Socket::Udp(_) => future::pending().await,
        }
    }
}

async fn send_all(stream: &TcpStream, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        stream.writable().await?;
        match stream.try_write(data) {
            Ok(count) => data = &data[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
