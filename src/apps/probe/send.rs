//! A short message, over UDP or over TCP.

use std::{
    fmt,
    io::{self, Read, Write},
    net::Shutdown,
    time::{Duration, Instant},
};

use super::{
    client::{connect_tcp, connect_udp, failed},
    times::Ms,
};
use crate::apps::Error;

/// When a message was on its way, and when it was read; from the call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When the kernel had taken it and could send it: over TCP, the connection stands.
    pub sent: Duration,
    /// When the receiver had closed, having read it; over UDP nothing tells.
    pub closed: Option<Duration>,
}

/// Sends a message as one datagram. Whether it arrives, nobody can know.
///
/// # Errors
///
/// The name has no address, no route leads there, or the message doesn't fit in a datagram.
pub fn send_udp(name: &str, message: &[u8]) -> Result<Sent, Error> {
    let begun = Instant::now();
    let (socket, address) = connect_udp(name)?;
    let failed = |source| Error::Socket { attempt: "send to", address, source };
    socket.send(message).map_err(failed)?;
    Ok(Sent { sent: begun.elapsed(), closed: None })
}

/// Connects, sends a message in one write, closes this side and waits until the receiver has closed too.
///
/// # Errors
///
/// The receiver can't be reached, breaks off, or takes longer than `timeout` for connecting or for the rest.
pub fn send_tcp(name: &str, message: &[u8], timeout: Duration) -> Result<Sent, Error> {
    let begun = Instant::now();
    let (mut stream, address) = connect_tcp(name, timeout)?;
    let broken = |source| failed("send to", address, timeout, source);
    stream.write_all(message).map_err(broken)?;
    let sent = begun.elapsed();
    stream.shutdown(Shutdown::Write).map_err(broken)?;
    wait_for_close(&mut stream)
        .map_err(|source| failed("see the end of the connection to", address, timeout, source))?;
    Ok(Sent { sent, closed: Some(begun.elapsed()) })
}

fn wait_for_close(stream: &mut impl Read) -> io::Result<()> {
    let mut chunk = [0; 1024];
    while stream.read(&mut chunk)? > 0 {}
    Ok(())
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on its way after {}", Ms(self.sent))?;
        match self.closed {
            Some(closed) => write!(f, ", read to its end after {}", Ms(closed)),
            None => Ok(()),
        }
    }
}
