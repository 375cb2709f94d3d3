//! A frame's detail, from the frame itself up.

use std::fmt;

use serde::Serialize;

use super::{
    Entry, address, icmp,
    ip::{bytes, ipv4, ipv6, udp},
    tcp::tcp,
};
use crate::{
    packet::{
        Frame, Interface, Network, Packet, Transit, Transport, analysis::TcpInsight, list::Row,
    },
    units::Printable,
};

/// All that is known of a frame: a list of layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Detail {
    /// From the frame up; what an ICMP error quotes lies below the ICMP layer.
    pub layers: Vec<Entry>,
}

impl Detail {
    /// The detail of a frame whose row a list has made.
    pub fn new(row: &Row<'_>, frame: &Frame<'_>, interface: &Interface) -> Self {
        let mut layers = vec![about(row, frame, interface)];
        add(&row.insight.packet, row.insight.tcp.as_ref(), &mut layers);
        Self { layers }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers.iter().try_for_each(|layer| layer.fmt(f))
    }
}

fn about(row: &Row<'_>, frame: &Frame<'_>, interface: &Interface) -> Entry {
    let (wire, kept) = (u64::from(frame.length), frame.bytes.len() as u64);
    let on = interface
        .name
        .as_ref()
        .map_or(String::new(), |name| format!(" on interface {}", Printable(name)));
    let mut entry = Entry::heading(format!(
        "Frame {}: {wire} bytes on wire ({} bits), {kept} bytes captured ({} bits){on}",
        row.number,
        wire * 8,
        kept * 8,
    ));
    entry
        .fields
        .extend(frame.comments.iter().map(|comment| Entry::field("Comment", Printable(comment))));
    entry.fields.extend(row.verdict.map(|verdict| Entry::field("[Verdict", format!("{verdict}]"))));
    let transit = row.verdict.and_then(|verdict| verdict.transit()).map(Transit);
    entry.fields.extend(transit.map(|transit| Entry::field("[Transit", format!("{transit}]"))));
    let seconds = |ns: i64| {
        let sign = if ns < 0 { "-" } else { "" };
        let ns = ns.unsigned_abs();
        format!("{sign}{}.{:09} seconds", ns / 1_000_000_000, ns % 1_000_000_000)
    };
    entry.with([
        Entry::field("Arrival Time", calendar(frame.time)),
        Entry::field("[Time delta from previous captured frame", seconds(row.delta) + "]"),
        Entry::field("[Time since reference or first frame", seconds(row.time) + "]"),
        Entry::field("Frame Number", row.number),
        Entry::field("Frame Length", format!("{wire} bytes ({} bits)", wire * 8)),
        Entry::field("Capture Length", format!("{kept} bytes ({} bits)", kept * 8)),
    ])
}

/// Adds the layers of a packet.
fn add(packet: &Packet<'_>, insight: Option<&TcpInsight>, layers: &mut Vec<Entry>) {
    let sums = packet.checksums();
    layers.extend(packet.ethernet.iter().flat_map(address::ethernet));
    match &packet.network {
        Some(Network::Arp(arp)) => layers.push(address::arp(arp)),
        Some(Network::Ipv4(ip)) => layers.push(ipv4(ip, sums.ipv4)),
        Some(Network::Ipv6(ip)) => layers.push(ipv6(ip)),
        None => {}
    }
    let payload = packet.payload;
    match &packet.transport {
        Some(Transport::Tcp(header)) => {
            layers.push(tcp(header, insight, payload.length, sums.transport));
        }
        Some(Transport::Udp(header)) => {
            layers.push(udp(header, payload.length, sums.transport));
        }
        Some(Transport::Icmp(message)) => {
            layers.push(icmp::icmp(message, sums.transport).with(quoted(message.quoted())));
        }
        Some(Transport::Icmpv6(message)) => {
            layers.push(icmp::icmpv6(message, sums.transport).with(quoted(message.quoted())));
        }
        None => {}
    }
    if let Some(stopped) = packet.stopped {
        layers.push(Entry::heading(format!("[{stopped}]")));
    }
    let errors = matches!(&packet.transport, Some(Transport::Icmp(icmp)) if icmp.quoted().is_some())
        || matches!(&packet.transport, Some(Transport::Icmpv6(icmp)) if icmp.quoted().is_some());
    if !payload.bytes.is_empty() && !errors {
        let data = Entry::heading(format!("Data ({} bytes)", payload.length));
        layers.push(data.with([Entry::field("Data", bytes(payload.bytes))]));
    }
}

/// The layers of the packet that an error quotes. Errors are not sent about errors (RFC 1122 section 3.2.2): one that is quoted
/// all the same is not looked into, so that no packet nests without end.
fn quoted(packet: Option<Packet<'_>>) -> Vec<Entry> {
    let mut layers = Vec::new();
    if let Some(mut packet) = packet {
        if let Some(Transport::Icmp(_) | Transport::Icmpv6(_)) = packet.transport {
            packet.transport = None;
        }
        add(&packet, None, &mut layers);
    }
    layers
}

/// A time in ns since 1970 as a date and a time of day in UTC.
fn calendar(time: u64) -> String {
    let (seconds, ns) = (time / 1_000_000_000, time % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day at the end; 719,468 days lie between the year 0 and 1970.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let year = year + era * 400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ns:09} UTC")
}
