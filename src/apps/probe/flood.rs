//! A flood of numbered datagrams, which the server counts.

use std::{
    fmt,
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use super::{
    client::{connect_udp, failed, is_timeout},
    datagram::{HEADER, Header, Kind, any_run},
    report::{LENGTH, Report},
};
use crate::apps::Error;

/// The most datagrams of one flood.
pub const MAX_COUNT: u32 = 1 << 26;

/// How long to wait for a report before asking for it again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How many datagrams to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowMany {
    /// So many, at most [`MAX_COUNT`].
    Count(u32),
    /// As many as go in this time, at most [`MAX_COUNT`].
    For(Duration),
}

/// What was sent, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flooded {
    /// How many datagrams were sent.
    pub sent: u32,
    /// What the server has counted.
    pub report: Report,
}

/// Sends numbered datagrams of `size` bytes, the header included, one each `interval` (0: as fast as it goes), waits until the
/// server has seen nothing more for `settle`, and returns what it has counted. When the sender was late, it catches up.
///
/// # Errors
///
/// The name has no address; the kernel refuses to send, as where nothing listens on that port; or there is no report within
/// `timeout`.
pub fn flood(
    name: &str,
    how_many: HowMany,
    size: usize,
    interval: Duration,
    settle: Duration,
    timeout: Duration,
) -> Result<Flooded, Error> {
    let (socket, address) = connect_udp(name)?;
    let run = any_run();
    let sent = send(&socket, run, how_many, size, interval).map_err(|source| Error::Socket {
        attempt: "send to",
        address,
        source,
    })?;
    let ask = Ask { socket, address, run, sent, settle, timeout };
    Ok(Flooded { sent, report: ask.settled()? })
}

/// Sends them all, and returns their number.
fn send(
    socket: &UdpSocket,
    run: u32,
    how_many: HowMany,
    size: usize,
    interval: Duration,
) -> std::io::Result<u32> {
    let mut datagram = vec![0; size];
    let begun = Instant::now();
    let mut due = Duration::ZERO;
    let mut number = 0;
    loop {
        let enough = match how_many {
            HowMany::Count(count) => number >= count,
            HowMany::For(time) => begun.elapsed() >= time,
        };
        if enough || number >= MAX_COUNT {
            return Ok(number);
        }
        if number > 0 && !interval.is_zero() {
            due = due.saturating_add(interval);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        Header { kind: Kind::Count, run, number }.write(&mut datagram);
        socket.send(&datagram)?;
        number += 1;
    }
}

/// The questions for a report.
struct Ask {
    socket: UdpSocket,
    address: SocketAddr,
    run: u32,
    sent: u32,
    settle: Duration,
    timeout: Duration,
}

impl Ask {
    /// The first report that says that nothing has come for long enough.
    fn settled(&self) -> Result<Report, Error> {
        let failed = |source| failed("get a report from", self.address, self.timeout, source);
        self.socket.set_read_timeout(Some(ASK_AGAIN)).map_err(failed)?;
        let mut heard = Instant::now();
        loop {
            let ask = Header { kind: Kind::Ask, run: self.run, number: self.sent };
            self.socket.send(&ask.bytes()).map_err(failed)?;
            match self.answer() {
                Ok(report) => {
                    heard = Instant::now();
                    let settled = Duration::from_nanos(report.quiet_ns) >= self.settle;
                    if settled {
                        return Ok(report);
                    }
                    thread::sleep(ASK_AGAIN.min(self.settle));
                }
                Err(error) if !is_timeout(&error) => return Err(failed(error)),
                Err(error) if heard.elapsed() > self.timeout => return Err(failed(error)),
                Err(_) => {}
            }
        }
    }

    /// The next report that comes.
    fn answer(&self) -> std::io::Result<Report> {
        let mut buffer = [0; HEADER + LENGTH];
        loop {
            let length = self.socket.recv(&mut buffer)?;
            let datagram = buffer.get(..length).unwrap_or_default();
            let header = Header::read(datagram);
            if header.is_some_and(|header| header.kind == Kind::Report && header.run == self.run) {
                let body = datagram.get(HEADER..).and_then(Report::from_bytes);
                if let Some(report) = body {
                    return Ok(report);
                }
            }
        }
    }
}

impl fmt::Display for Flooded {
    /// As `20000 sent, 19804 came: 203 lost in 41 bursts, 7 duplicated, 0 reordered, 0 corrupted`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { received, lost, bursts, duplicated, reordered, corrupted, .. } = self.report;
        write!(f, "{} sent, {received} came: {lost} lost", self.sent)?;
        if lost > 0 {
            write!(f, " in {bursts} burst{}", if bursts == 1 { "" } else { "s" })?;
        }
        write!(f, ", {duplicated} duplicated, {reordered} reordered, {corrupted} corrupted")?;
        let overrun = self.report.overrun;
        if overrun > 0 {
            write!(f, "; the receiver had no room for {overrun}, which count as lost")?;
        }
        Ok(())
    }
}
