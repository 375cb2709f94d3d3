//! `labnet nc`: a netcat.

use std::{net::IpAddr, time::Duration};

use super::{
    exit::{DONE, FAILED, Failure, Outcome, USAGE},
    runtime::block_on,
};
use crate::apps::nc::{self, Destination, Family, Options, Protocol, Role, Rules};

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "labnet nc [OPTIONS] ADDR PORT\n       labnet nc [OPTIONS] -l [ADDR] PORT"
)]
pub(crate) struct Args {
    /// Where to connect to, or with -l where to listen; ADDR may be a name
    #[arg(value_names = ["ADDR", "PORT"], num_args = 0..=2)]
    place: Vec<String>,
    /// Listen for a peer instead of connecting to one
    #[arg(short, long)]
    listen: bool,
    /// Use UDP: each line is one datagram
    #[arg(short, long)]
    udp: bool,
    /// Begin each sent line with this text
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// After one peer wait for the next; with -u receive from all and send nothing
    #[arg(short, long, requires = "listen")]
    keep: bool,
    /// Close the sending side at the end of input
    #[arg(short = 'N', long)]
    half_close: bool,
    /// Leave so many seconds after the end of input; includes -N
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    quit: Option<Duration>,
    /// Give up connecting, or leave when nothing comes or goes, after so many seconds; not with -l
    #[arg(short = 'w', long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Own address
    #[arg(short, long, value_name = "ADDR")]
    source: Option<IpAddr>,
    /// Own port
    #[arg(short = 'p', long, value_name = "PORT")]
    source_port: Option<u16>,
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Look up no names: ADDR is numeric
    #[arg(short, long)]
    numeric: bool,
    /// Say who is connected
    #[arg(short, long)]
    verbose: bool,
}

impl Args {
    pub(crate) fn run(self) -> Outcome {
        let role = if self.listen { self.listener() } else { self.connector() };
        let options = Options {
            role: role.map_err(|problem| Failure::new(USAGE, problem))?,
            protocol: if self.udp { Protocol::Udp } else { Protocol::Tcp },
            family: match (self.ipv4, self.ipv6) {
                (true, _) => Family::V4,
                (_, true) => Family::V6,
                _ => Family::Any,
            },
            rules: Rules {
                prefix: self.prefix,
                half_close: self.half_close || self.quit.is_some(),
                timeout: self.timeout,
                quit_after: self.quit,
            },
            verbose: self.verbose,
        };
        block_on(nc::run(options))?.map_err(|error| Failure::new(FAILED, error))?;
        Ok(DONE)
    }

    /// `-l PORT`, `-l ADDR PORT`, `-l -p PORT [ADDR]`; ADDR may be given as `-s ADDR` too.
    fn listener(&self) -> Result<Role, String> {
        let (host, port) = match (self.place.as_slice(), self.source_port) {
            ([port], None) => (None, parse_port(port)?),
            ([host, port], None) => (Some(host), parse_port(port)?),
            ([], Some(port)) => (None, port),
            ([host], Some(port)) if host.parse::<u16>().is_err() => (Some(host), port),
            ([], None) => return Err("listen on which port? Write `labnet nc -l 5000`".to_owned()),
            _ => return Err("two ports to listen on: leave out -p or the last word".to_owned()),
        };
        let host = match (host, self.source) {
            (Some(_), Some(_)) => {
                return Err("two addresses to listen on: leave out -s or ADDR".to_owned());
            }
            (Some(host), None) => Some(self.host(host)?),
            (None, source) => source.map(|address| address.to_string()),
        };
        Ok(Role::Listen { host, port, keep: self.keep })
    }

    /// `ADDR PORT`.
    fn connector(&self) -> Result<Role, String> {
        let [host, port] = self.place.as_slice() else {
            return Err("connect to which address and port? Write `labnet nc 10.10.10.2 5000`, \
                        or `labnet nc -l 5000` to listen"
                .to_owned());
        };
        Ok(Role::Connect(Destination {
            host: self.host(host)?,
            port: parse_port(port)?,
            source: self.source,
            source_port: self.source_port.unwrap_or(0),
        }))
    }

    fn host(&self, host: &str) -> Result<String, String> {
        if self.numeric && host.parse::<IpAddr>().is_err() {
            return Err(format!(
                "`{host}` is a name, which -n forbids to look up: write an address"
            ));
        }
        Ok(host.to_owned())
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("`{text}` is not a port: write a number from 0 to 65535"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number of seconds, as in `5` or `0.5`".to_owned())
}
