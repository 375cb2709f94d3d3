//! Probes: a server, and clients that show how TCP, UDP and the link between them behave.
//!
//! # TCP
//! The server answers each newline with `ok\n`, reads until the client has closed its side, and closes. So a client decides by where it puts
//! newlines how often it is answered ([`turns`](fn@turns)), and one that puts none sends a message ([`send_tcp`]).
//!
//! # UDP
//! A datagram that begins with this header belongs to a measurement; any other one is a message. Numbers are big-endian.
//!
//! | offset | bytes | field | value |
//! |---|---|---|---|
//! | 0 | 3 | magic | `00 6C 6E` (`\0ln`) |
//! | 3 | 1 | kind | 1 to 4 |
//! | 4 | 4 | run | chosen by the client for each measurement |
//! | 8 | 4 | number | of the datagram, from 0; in kinds 3 and 4 how many were sent |
//!
//! | kind | from | body | what the server does |
//! |---|---|---|---|
//! | 1 echo | client | anything | sends it back as it is ([`rtt`](fn@rtt)) |
//! | 2 count | client | anything | counts it ([`flood`](fn@flood)) |
//! | 3 ask | client | nothing | sends a report of that run |
//! | 4 report | server | its 10 counts, 8 bytes each, in the order of [`Report`]'s fields | |

mod client;
mod counters;
mod datagram;
mod flood;
mod report;
mod rtt;
mod send;
mod serve;
mod tally;
mod times;
mod turns;
mod udp;

pub use datagram::HEADER;
pub use flood::{Flooded, HowMany, MAX_COUNT, flood};
pub use report::Report;
pub use rtt::{RoundTrips, rtt};
pub use send::{Sent, send_tcp, send_udp};
pub use serve::{Sockets, bind, serve};
pub use times::{Ms, Summary};
pub use turns::{Turns, TurnsTaken, turns};
