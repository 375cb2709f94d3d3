//! Round trips of datagrams.

use std::{
    fmt,
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    client::{connect_udp, is_timeout},
    datagram::{Header, Kind, any_run},
    times::Summary,
};
use crate::apps::Error;

/// How often to look whether all has been sent while nothing comes.
const LOOK: Duration = Duration::from_millis(20);

/// What came back, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTrips {
    /// The time of each datagram sent, in their order; `None` of those that did not come back. Of several answers to one, the
    /// first counts.
    pub times: Vec<Option<Duration>>,
}

/// Sends `count` datagrams of `size` bytes, the header included, one each `interval`, and notes when each comes back; waits for the
/// last ones for `timeout`.
///
/// # Errors
///
/// The name has no address, or the kernel refuses to send, as where nothing listens on that port.
pub fn rtt(
    name: &str,
    count: u32,
    size: usize,
    interval: Duration,
    timeout: Duration,
) -> Result<RoundTrips, Error> {
    let (socket, address) = connect_udp(name)?;
    let trip = Trip { socket, address, run: any_run(), count, all_sent: AtomicBool::new(false) };
    let lost = |source| Error::Socket { attempt: "exchange datagrams with", address, source };
    trip.socket.set_read_timeout(Some(LOOK)).map_err(lost)?;
    thread::scope(|scope| {
        let answers = scope.spawn(|| trip.receive(timeout));
        let sent = trip.send(size, interval);
        trip.all_sent.store(true, Ordering::Release);
        let answers = answers.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let times = sent?
            .into_iter()
            .zip(answers)
            .map(|(sent, came)| came.map(|came| came.saturating_duration_since(sent)));
        Ok(RoundTrips { times: times.collect() })
    })
}

/// One measurement.
struct Trip {
    socket: UdpSocket,
    address: SocketAddr,
    run: u32,
    count: u32,
    all_sent: AtomicBool,
}

impl Trip {
    /// Sends all, and tells when each was sent.
    fn send(&self, size: usize, interval: Duration) -> Result<Vec<Instant>, Error> {
        let mut datagram = vec![0; size];
        let mut sent = Vec::new();
        for number in 0..self.count {
            Header { kind: Kind::Echo, run: self.run, number }.write(&mut datagram);
            let now = Instant::now();
            self.socket.send(&datagram).map_err(|source| self.failed(source))?;
            sent.push(now);
            if number + 1 < self.count {
                thread::sleep(interval.saturating_sub(now.elapsed()));
            }
        }
        Ok(sent)
    }

    /// Receives until all have come back, or nothing more is to be expected, and tells when each came.
    fn receive(&self, timeout: Duration) -> Result<Vec<Option<Instant>>, Error> {
        let mut came = vec![None; self.count as usize];
        let mut missing = came.len();
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let mut last_sent: Option<Instant> = None;
        while missing > 0 {
            let all_sent = self.all_sent.load(Ordering::Acquire);
            if all_sent && last_sent.get_or_insert_with(Instant::now).elapsed() > timeout {
                break;
            }
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if is_timeout(&error) => continue,
                Err(source) => return Err(self.failed(source)),
            };
            let now = Instant::now();
            let header = buffer.get(..length).and_then(Header::read);
            let own = header.filter(|header| header.kind == Kind::Echo && header.run == self.run);
            let place = own.and_then(|own| came.get_mut(own.number as usize));
            if let Some(place @ None) = place {
                *place = Some(now);
                missing -= 1;
            }
        }
        Ok(came)
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Socket { attempt: "exchange datagrams with", address: self.address, source }
    }
}

impl RoundTrips {
    /// How many came back.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.times.iter().flatten().count()
    }

    /// How the times are distributed; `None` if none came back.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        Summary::of(self.times.iter().copied().flatten())
    }
}

impl fmt::Display for RoundTrips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, answered) = (self.times.len(), self.answered());
        write!(f, "{sent} sent, {answered} came back, {} lost", sent - answered)?;
        match self.summary() {
            Some(summary) => write!(f, "\nround trip: {summary}"),
            None => Ok(()),
        }
    }
}
