//! A netcat: standard input goes to a peer over TCP or UDP, what the peer sends goes to standard output.
//!
//! Behaves as OpenBSD's `nc`, with these differences: lines can be given a prefix; over UDP each line is one datagram
//! even where several were read at once; a listener whose peer has closed its side still sends the input that is
//! there already; a listener without `keep` refuses further peers instead of letting them wait in vain.

mod address;
mod connect;
mod converse;
mod input;
mod listen;
mod peer;
mod prefix;

use std::{net::IpAddr, time::Duration};

pub use prefix::Prefix;
use tokio::io::{Stdout, stdout};

use self::input::Input;
use crate::apps::Error;

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who begins.
    pub role: Role,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Which addresses may be used.
    pub family: Family,
    /// How the conversation goes.
    pub rules: Rules,
    /// Tell on standard error who is connected, in the words of OpenBSD's `nc -v`.
    pub verbose: bool,
}

/// Who begins.
#[derive(Debug, Clone)]
pub enum Role {
    /// Wait for a peer.
    Listen {
        /// Own address or name; without one, all addresses.
        host: Option<String>,
        /// Own port; with 0 the kernel chooses.
        port: u16,
        /// TCP: after one peer, wait for another. UDP: receive from all peers, send nothing.
        keep: bool,
    },
    /// Go to a listening peer.
    Connect(Destination),
}

/// A listening peer, and from where to go to it.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The peer's address or name.
    pub host: String,
    /// The peer's port.
    pub port: u16,
    /// Own address; without one the kernel chooses.
    pub source: Option<IpAddr>,
    /// Own port; with 0 the kernel chooses.
    pub source_port: u16,
}

/// The transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A byte stream.
    Tcp,
    /// Datagrams: each line (or part of a line, where one was read) is one.
    Udp,
}

/// Which addresses may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Whatever the name has; a listener without a name uses IPv4.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// How a conversation goes.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What each sent line begins with.
    pub prefix: Option<String>,
    /// Close the sending side at the end of input.
    pub half_close: bool,
    /// Connecting may take this long, and so may a silence on both sides; a listener has no such limit.
    pub timeout: Option<Duration>,
    /// Leave this long after the end of input.
    pub quit_after: Option<Duration>,
}

/// Standard input and output, which outlive a conversation.
struct Terminal {
    input: Input,
    output: Stdout,
}

/// Runs to the end of the conversation; a listener that keeps listening runs for ever.
///
/// # Errors
///
/// A name has no address; the kernel refuses the address; the peer can't be reached or resets the connection; standard
/// input or output fails. Standard output that nobody reads any more, and a peer that leaves, are no errors.
pub async fn run(options: Options) -> Result<(), Error> {
    let mut terminal = Terminal { input: Input::default(), output: stdout() };
    match &options.role {
        Role::Connect(destination) => connect::run(destination, &options, &mut terminal).await,
        Role::Listen { host, port, keep } => {
            let address = address::own(host.as_deref(), *port, options.family).await?;
            match (options.protocol, keep) {
                (Protocol::Tcp, false) => listen::tcp_once(address, &options, &mut terminal).await,
                (Protocol::Tcp, true) => {
                    listen::tcp_for_ever(address, &options, &mut terminal).await
                }
                (Protocol::Udp, false) => listen::udp_once(address, &options, &mut terminal).await,
                (Protocol::Udp, true) => {
                    listen::udp_from_all(address, &options, &mut terminal).await
                }
            }
        }
    }
}
