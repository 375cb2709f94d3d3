//! The server's side of UDP: sends back, counts, reports, and tells messages.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, UdpSocket},
    time::Instant,
};

use nix::sys::socket::{
    setsockopt,
    sockopt::{RcvBuf, RcvBufForce},
};

use super::{
    datagram::{Header, Kind},
    serve::tell,
    tally::Tally,
};

/// Room for datagrams that come while this program doesn't run.
const ROOM: usize = 32 << 20;

/// The most runs that are counted at once; of more, the one is forgotten that was quiet for longest.
const MAX_RUNS: usize = 8;

/// Serves until the socket fails.
pub(super) fn serve(socket: &UdpSocket) -> io::Result<()> {
    // The kernel's own limit (net.core.rmem_max) holds for those without privileges in this network.
    if setsockopt(socket, RcvBufForce, &ROOM).is_err() {
        let _ = setsockopt(socket, RcvBuf, &ROOM);
    }
    let mut runs = Runs::default();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let datagram = buffer.get(..length).unwrap_or_default();
        // Where an answer can't be sent, the client asks again or counts it as lost.
        match Header::read(datagram) {
            None => tell("udp", peer, length as u64, datagram, ""),
            Some(Header { kind: Kind::Echo, .. }) => drop(socket.send_to(datagram, peer)),
            Some(Header { kind: Kind::Count, run, number }) => {
                let now = Instant::now();
                runs.of(peer, run, now).note(number, length, now);
            }
            Some(Header { kind: Kind::Ask, run, number: sent }) => {
                let now = Instant::now();
                let report = runs.of(peer, run, now).report(sent, now);
                let mut answer = Header { kind: Kind::Report, run, number: sent }.bytes().to_vec();
                answer.extend(report.to_bytes());
                drop(socket.send_to(&answer, peer));
            }
            Some(Header { kind: Kind::Report, .. }) => {}
        }
    }
}

/// What is counted, by client and run.
#[derive(Default)]
struct Runs(HashMap<(SocketAddr, u32), Tally>);

impl Runs {
    fn of(&mut self, peer: SocketAddr, run: u32, now: Instant) -> &mut Tally {
        let key = (peer, run);
        if self.0.len() >= MAX_RUNS && !self.0.contains_key(&key) {
            let quietest = self.0.iter().min_by_key(|(_, tally)| tally.last()).map(|(key, _)| *key);
            quietest.and_then(|quietest| self.0.remove(&quietest));
        }
        self.0.entry(key).or_insert_with(|| Tally::new(now))
    }
}
