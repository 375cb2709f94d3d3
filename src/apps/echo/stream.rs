//! Sending and receiving messages that have no frame.

use std::{io, os::fd::AsRawFd, time::Duration};

use nix::sys::socket::{getsockopt, sockopt};
use tokio::{io::AsyncWriteExt, net::TcpStream, time};

use super::trace::Trace;
use crate::apps::data::Data;

/// Bytes asked for in one `recv`.
const CHUNK: usize = 16 * 1024;

/// Why no whole message was received.
#[derive(Debug)]
pub(super) enum ReceiveError {
    /// The connection broke.
    Io(io::Error),
    /// More than the limit came.
    TooLong,
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What reading left behind.
enum Drained {
    /// The socket has nothing more to read for now.
    Empty,
    /// The peer has closed its side.
    Ended,
}

/// Sends all of a message.
pub(super) async fn send(stream: &mut TcpStream, message: &[u8], trace: Trace) -> io::Result<()> {
    let sent = stream.write_all(message).await;
    let (fd, count) = (stream.as_raw_fd(), message.len());
    let call = format_args!("send({fd}, {}, {count})", Data(message));
    match &sent {
        Ok(()) => trace.returned(call, count),
        Err(error) => trace.failed(call, error),
    }
    sent
}

/// Receives until the peer closes its side, or the socket has nothing more to read and stays so for as long as `patience`
/// says, given what has come and the bytes of payload in a full segment.
///
/// Holds no buffer before the first byte arrives, so an idle connection costs little.
pub(super) async fn receive(
    stream: &TcpStream,
    limit: usize,
    patience: impl Fn(&[u8], usize) -> Duration,
    trace: Trace,
) -> Result<Vec<u8>, ReceiveError> {
    let mut message = Vec::new();
    loop {
        if message.is_empty() {
            stream.readable().await?;
        } else {
            let wait = patience(&message, segment(stream));
            if wait.is_zero() || time::timeout(wait, stream.readable()).await.is_err() {
                return Ok(message);
            }
        }
        if let Drained::Ended = drain(stream, &mut message, limit, trace)? {
            return Ok(message);
        }
    }
}

/// Reads all that the socket has now.
fn drain(
    stream: &TcpStream,
    message: &mut Vec<u8>,
    limit: usize,
    trace: Trace,
) -> Result<Drained, ReceiveError> {
    let fd = stream.as_raw_fd();
    let mut chunk = [0; CHUNK];
    loop {
        match stream.try_read(&mut chunk) {
            Ok(count) => {
                let data = &chunk[..count];
                trace.returned(format_args!("recv({fd}, {}, {CHUNK})", Data(data)), count);
                if count == 0 {
                    return Ok(Drained::Ended);
                }
                if message.len() + count > limit {
                    return Err(ReceiveError::TooLong);
                }
                message.extend_from_slice(data);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Drained::Empty),
            Err(error) => {
                trace.failed(format_args!("recv({fd}, {CHUNK})"), &error);
                return Err(error.into());
            }
        }
    }
}

/// The payload of a full segment on this connection (TCP_MAXSEG of tcp(7)), or 0 where the kernel doesn't say.
fn segment(stream: &TcpStream) -> usize {
    getsockopt(stream, sockopt::TcpMaxSeg).map_or(0, |bytes| bytes as usize)
}
