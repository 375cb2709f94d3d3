//! Taking turns over TCP: a request in one or several writes, and the wait for its answer.

use std::{
    fmt,
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    client::{connect_tcp, failed},
    times::{Ms, Summary},
};
use crate::apps::Error;

/// What to do in turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// How many requests to make, one after the other.
    pub turns: u32,
    /// In how many writes to make each, at least one.
    pub writes: u32,
    /// Bytes of each write, at least one.
    pub size: usize,
    /// The pause after each write.
    pub interval: Duration,
    /// Whether the socket has TCP_NODELAY (tcp(7)): no Nagle's algorithm.
    pub nodelay: bool,
    /// How long connecting, and each answer, may take.
    pub timeout: Duration,
}

/// How long each turn took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnsTaken {
    /// What was done.
    pub done: Turns,
    /// From the first write of each turn to its answer.
    pub times: Vec<Duration>,
}

/// Makes requests, each in so many writes, and waits for the answer to each.
///
/// # Errors
///
/// The server can't be reached, breaks off or closes without an answer, or takes longer than the time-out.
pub fn turns(name: &str, what: Turns) -> Result<TurnsTaken, Error> {
    let (mut stream, address) = connect_tcp(name, what.timeout)?;
    let unfit = |source| failed("send to", address, what.timeout, source);
    stream.set_nodelay(what.nodelay).map_err(unfit)?;
    let mut times = Vec::new();
    for _ in 0..what.turns {
        let begun = Instant::now();
        request(&mut stream, &what).map_err(unfit)?;
        let answer = answered(&mut stream)
            .map_err(|source| failed("get an answer from", address, what.timeout, source))?;
        if !answer {
            return Err(Error::NoReply { address });
        }
        times.push(begun.elapsed());
    }
    Ok(TurnsTaken { done: what, times })
}

/// Writes a request: letters in their order, at last a newline.
fn request(stream: &mut TcpStream, what: &Turns) -> io::Result<()> {
    let mut letters = (b'a'..=b'z').cycle();
    let mut piece = vec![0; what.size];
    for left in (0..what.writes).rev() {
        piece.iter_mut().zip(&mut letters).for_each(|(byte, letter)| *byte = letter);
        if let (0, Some(last)) = (left, piece.last_mut()) {
            *last = b'\n';
        }
        stream.write_all(&piece)?;
        if left > 0 && !what.interval.is_zero() {
            std::thread::sleep(what.interval);
        }
    }
    Ok(())
}

/// Reads to the end of an answer; false if the connection ends before.
fn answered(stream: &mut TcpStream) -> io::Result<bool> {
    let mut chunk = [0; 64];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(false);
        }
        if chunk.iter().take(count).any(|byte| *byte == b'\n') {
            return Ok(true);
        }
    }
}

impl TurnsTaken {
    /// How the times are distributed.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        Summary::of(self.times.iter().copied())
    }
}

impl fmt::Display for TurnsTaken {
    /// A line that is the same in each run, and one of times.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let Turns { writes, size, nodelay, .. } = self.done;
        let nagle = if nodelay { "TCP_NODELAY" } else { "Nagle's algorithm" };
        let turns = count(self.times.len(), "turn");
        let (writes, size) = (count(writes as usize, "write"), count(size, "byte"));
        writeln!(f, "{turns} of {writes} of {size}, {nagle}: all answered")?;
        if let Some(summary) = self.summary() {
            write!(f, "a turn: {summary}; all: {}", Ms(self.times.iter().sum()))?;
        }
        Ok(())
    }
}
