//! The server: one address, TCP and UDP.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use nix::errno::Errno;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task, time,
};

use super::{client::resolve, udp};
use crate::apps::{Error, data::Data, stderr::say};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// How much of a stream is kept to be shown.
const KEPT: usize = 1024;
/// How long to leave `accept` alone when it fails, as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// How often to look for a port that is free for both protocols.
const TRIES: u32 = 16;

/// The server's sockets, bound to the same address.
#[derive(Debug)]
pub struct Sockets {
    tcp: TcpListener,
    udp: UdpSocket,
}

/// Binds both sockets to `address` (`HOST:PORT`; port 0 lets the kernel choose). UDP first: where TCP listens, both do.
///
/// # Errors
///
/// The name has no address, or the kernel refuses it for one of the two.
pub fn bind(address: &str) -> Result<Sockets, Error> {
    let address = *resolve(address)?.first().ok_or_else(|| Error::no_address(address))?;
    let mut tries = if address.port() == 0 { TRIES } else { 1 };
    loop {
        let bound = UdpSocket::bind(address)
            .and_then(|udp| Ok(Sockets { tcp: TcpListener::bind(udp.local_addr()?)?, udp }));
        tries -= 1;
        match bound {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            bound => {
                let failed = |source| Error::Socket { attempt: "bind to", address, source };
                return bound.map_err(failed);
            }
        }
    }
}

/// Says on standard error where it listens, and serves clients for ever: on standard output it tells what each connection or
/// message held. With `quickack`, TCP_QUICKACK (tcp(7)) is set again after each read, so that no acknowledgment is delayed.
///
/// # Errors
///
/// Only where a socket can't be used at all. Whatever happens to a connection doesn't stop the server.
pub async fn serve(sockets: Sockets, quickack: bool) -> Result<(), Error> {
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = sockets.tcp.local_addr().unwrap_or(unspecified);
    let failed = |source| Error::Socket { attempt: "listen on", address, source };
    sockets.tcp.set_nonblocking(true).map_err(failed)?;
    let listener = tokio::net::TcpListener::from_std(sockets.tcp).map_err(failed)?;
    // A thread of its own answers sooner than an event loop.
    let datagrams = task::spawn_blocking(move || udp::serve(&sockets.udp));
    say(format_args!("labnet probe: listening on {address} (tcp and udp)"));
    let connections = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => drop(task::spawn(attend(stream, peer, quickack))),
                Err(_) => time::sleep(PAUSE).await,
            }
        }
    };
    let ended = tokio::select! {
        ended = datagrams => ended.unwrap_or_else(|error| Err(error.into())),
        never = connections => never,
    };
    ended.map_err(|source| Error::Socket { attempt: "receive datagrams on", address, source })
}

/// One connection, to its end.
async fn attend(mut stream: TcpStream, peer: SocketAddr, quickack: bool) {
    let (mut count, mut kept) = (0, Vec::new());
    let ended = converse(&mut stream, quickack, &mut count, &mut kept).await;
    drop(stream);
    let end = match ended.map_err(|error| error.raw_os_error().map(Errno::from_raw)) {
        Ok(()) => "",
        Err(Some(Errno::ECONNRESET)) => ", then a reset",
        Err(_) => ", then an error",
    };
    tell("tcp", peer, count, &kept, end);
}

/// Answers each newline until the client has closed its side; keeps the beginning of what came.
async fn converse(
    stream: &mut TcpStream,
    quickack: bool,
    count: &mut u64,
    kept: &mut Vec<u8>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        if quickack {
            // The kernel leaves this mode by itself, when it has sent data for instance.
            stream.set_quickack(true)?;
        }
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let data = chunk.get(..length).unwrap_or_default();
        *count += length as u64;
        kept.extend(data.iter().take(KEPT.saturating_sub(kept.len())));
        let lines = data.iter().filter(|byte| **byte == b'\n').count();
        if lines > 0 {
            stream.write_all(&b"ok\n".repeat(lines)).await?;
        }
    }
}

/// Tells what came, on standard output: `udp 10.10.10.3: 4 bytes, "fire"`. Where nobody reads that any more, it's no reason to stop.
pub(super) fn tell(protocol: &str, peer: SocketAddr, count: u64, data: &[u8], end: &str) {
    let unit = if count == 1 { "byte" } else { "bytes" };
    let peer = peer.ip();
    let line = format!("{protocol} {peer}: {count} {unit}, {}{end}\n", Data(data));
    let mut out = io::stdout();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
