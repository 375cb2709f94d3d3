//! `labnet probe`: programs that show how TCP, UDP and a link behave.

use std::{fmt, time::Duration};

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    address::host_and_port,
    exit::{DONE, FAILED, Failure, Outcome, print},
    runtime::block_on,
};
use crate::{
    apps::{
        Error,
        probe::{self, Flooded, HowMany, RoundTrips, Sent, Summary, Turns, TurnsTaken},
    },
    units::Delay,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    Serve(Serve),
    Send(Send),
    Turns(TurnsArgs),
    Rtt(Rtt),
    Flood(Flood),
}

/// Serve all the other probes, over TCP and UDP: answer, echo, count, and print the messages that come
#[derive(Debug, clap::Args)]
struct Serve {
    /// Where to listen, HOST:PORT; port 0 lets the kernel choose
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// Delay no TCP acknowledgment: set TCP_QUICKACK again after each read
    #[arg(long)]
    quickack: bool,
}

/// Send a short message as fast as TCP, or with -u UDP, can: what comes before it, and when is it on its way?
///
/// TCP connects first; UDP's first datagram holds the message, and nobody can tell whether it arrives.
#[derive(Debug, clap::Args)]
struct Send {
    /// The server, HOST:PORT
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// The words of the message
    #[arg(required = true)]
    words: Vec<String>,
    /// Use UDP: the message is one datagram
    #[arg(short, long)]
    udp: bool,
    /// How long connecting, and then the end of the connection, may take
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Delay,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Take turns with the server over TCP: write a request in pieces, wait for its answer, and again
///
/// Shows what Nagle's algorithm does to small writes (`--turns 1 --writes 200`), and how it stalls with delayed acknowledgments
/// (`--writes 2`), which --nodelay, --writes 1, or --quickack of the server prevent.
#[derive(Debug, clap::Args)]
struct TurnsArgs {
    /// The server, HOST:PORT
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// How many requests to make
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    turns: u32,
    /// In how many writes to make each
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u32).range(1..))]
    writes: u32,
    /// Bytes of each write
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    size: u32,
    /// The pause between writes
    #[arg(long, value_name = "TIME", default_value = "0")]
    interval: Delay,
    /// Send each write at once: TCP_NODELAY, no Nagle's algorithm
    #[arg(long)]
    nodelay: bool,
    /// How long connecting, and each answer, may take
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Delay,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Measure round trips: send datagrams that the server sends back
#[derive(Debug, clap::Args)]
struct Rtt {
    /// The server, HOST:PORT
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// How many datagrams to send
    #[arg(short, long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: u32,
    /// How often to send one
    #[arg(long, value_name = "TIME", default_value = "10ms")]
    interval: Delay,
    /// Bytes of each datagram's payload
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = payload)]
    size: usize,
    /// How long to wait for the last ones
    #[arg(long, value_name = "TIME", default_value = "1s")]
    timeout: Delay,
    /// Print JSON, with each round trip
    #[arg(long)]
    json: bool,
}

/// Send numbered datagrams, which the server counts: lost, duplicated, reordered, corrupted
#[derive(Debug, clap::Args)]
struct Flood {
    /// The server, HOST:PORT
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// How many datagrams to send
    #[arg(short, long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=i64::from(probe::MAX_COUNT)))]
    count: u32,
    /// Send for so long instead
    #[arg(long = "for", value_name = "TIME", conflicts_with = "count")]
    duration: Option<Delay>,
    /// How often to send one; 0: as fast as it goes
    #[arg(long, value_name = "TIME", default_value = "0")]
    interval: Delay,
    /// Bytes of each datagram's payload
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = payload)]
    size: usize,
    /// What comes after the server has seen nothing for so long isn't counted
    #[arg(long, value_name = "TIME", default_value = "500ms")]
    settle: Delay,
    /// How long the server may take to report
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Delay,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Outcome {
        match self.role {
            Role::Serve(serve) => serve.run(),
            Role::Send(send) => send.run(),
            Role::Turns(turns) => turns.run(),
            Role::Rtt(rtt) => rtt.run(),
            Role::Flood(flood) => flood.run(),
        }
    }
}

impl Serve {
    fn run(self) -> Outcome {
        let sockets = probe::bind(&self.addr).map_err(failure)?;
        block_on(probe::serve(sockets, self.quickack))?.map_err(failure)?;
        Ok(DONE)
    }
}

impl Send {
    fn run(self) -> Outcome {
        let message = self.words.join(" ");
        let sent = if self.udp {
            probe::send_udp(&self.addr, message.as_bytes())
        } else {
            probe::send_tcp(&self.addr, message.as_bytes(), self.timeout.0)
        };
        let sent = sent.map_err(failure)?;
        let Sent { sent: at, closed } = sent;
        let protocol = if self.udp { "udp" } else { "tcp" };
        let fields = json!({
            "protocol": protocol,
            "bytes": message.len(),
            "sent_ns": nanos(at),
            "closed_ns": closed.map(nanos),
        });
        show(
            self.json,
            &fields,
            format_args!("Sent over {}: {message}\n{sent}", protocol.to_uppercase()),
        )
    }
}

impl TurnsArgs {
    fn run(self) -> Outcome {
        let what = Turns {
            turns: self.turns,
            writes: self.writes,
            size: usize::try_from(self.size).unwrap_or(usize::MAX),
            interval: self.interval.0,
            nodelay: self.nodelay,
            timeout: self.timeout.0,
        };
        let taken = probe::turns(&self.addr, what).map_err(failure)?;
        let TurnsTaken { times, .. } = &taken;
        let fields = json!({
            "turns": times.len(),
            "writes": what.writes,
            "size": what.size,
            "nodelay": what.nodelay,
            "summary": taken.summary().map(summary),
            "turns_ns": times.iter().copied().map(nanos).collect::<Vec<_>>(),
        });
        show(self.json, &fields, &taken)
    }
}

impl Rtt {
    fn run(self) -> Outcome {
        let Self { addr, count, size, interval, timeout, json } = self;
        let trips = probe::rtt(&addr, count, size, interval.0, timeout.0).map_err(failure)?;
        let RoundTrips { times } = &trips;
        let fields = json!({
            "sent": times.len(),
            "answered": trips.answered(),
            "size": size,
            "summary": trips.summary().map(summary),
            "round_trips_ns": times.iter().map(|time| time.map(nanos)).collect::<Vec<_>>(),
        });
        show(json, &fields, &trips)?;
        Ok(if trips.answered() == 0 { FAILED } else { DONE })
    }
}

impl Flood {
    fn run(self) -> Outcome {
        let how_many =
            self.duration.map_or(HowMany::Count(self.count), |time| HowMany::For(time.0));
        let (settle, timeout) = (self.settle.0, self.timeout.0);
        let flooded =
            probe::flood(&self.addr, how_many, self.size, self.interval.0, settle, timeout)
                .map_err(failure)?;
        let Flooded { sent, report } = flooded;
        let fields = json!({
            "sent": sent,
            "size": self.size,
            "received": report.received,
            "lost": report.lost,
            "bursts": report.bursts,
            "duplicated": report.duplicated,
            "reordered": report.reordered,
            "corrupted": report.corrupted,
            "overrun": report.overrun,
            "bytes": report.bytes,
            "duration_ns": report.duration_ns,
        });
        show(self.json, &fields, flooded)
    }
}

fn failure(error: Error) -> Failure {
    Failure::new(FAILED, error)
}

/// Prints what was measured, for programs or for people.
fn show(json: bool, fields: &Value, text: impl fmt::Display) -> Outcome {
    if json {
        print(format_args!("{fields}\n"))?;
    } else {
        print(format_args!("{text}\n"))?;
    }
    Ok(DONE)
}

fn summary(summary: Summary) -> Value {
    json!({
        "min_ns": nanos(summary.min),
        "median_ns": nanos(summary.median),
        "p99_ns": nanos(summary.p99),
        "max_ns": nanos(summary.max),
        "mean_ns": nanos(summary.mean),
        "sd_ns": nanos(summary.sd),
    })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A payload that the header fits in, and that fits in a datagram.
fn payload(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (probe::HEADER..=65_507).contains(size));
    size.ok_or_else(|| format!("write a number of bytes from {} to 65507", probe::HEADER))
}
