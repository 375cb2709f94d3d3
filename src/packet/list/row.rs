//! Rows, and the list that makes them.

use super::{
    Address, Column, Columns,
    info::{protocol, write_info},
    text::{align, number, padded, put},
};
use crate::{
    packet::{
        Fate, Frame, Interface, Packet, Transit, Verdict,
        analysis::{Analysis, Insight},
        decode::TcpFlags,
    },
    units::Printable,
};

/// Makes rows of frames, one pass over a recording.
///
/// ```
/// use labnet::packet::{Frame, Interface, list::{Columns, List}};
///
/// let frame = Frame {
///     interface: 0, time: 0, length: 60, direction: None, comments: vec![], bytes: vec![0; 60].into(),
/// };
/// let mut text = Vec::new();
/// List::new().row(&frame, &Interface::ethernet("R2:eth0")).write(&Columns::default(), &mut text);
/// assert_eq!(
///     String::from_utf8(text)?,
///     "    1 0.000000000 00:00:00:00:00:00 → 00:00:00:00:00:00 0x0000 60 Ethernet II",
/// );
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Debug, Default)]
pub struct List {
    analysis: Analysis,
    rows: u64,
    /// When the first frame and the newest passed.
    first: u64,
    newest: u64,
}

/// A frame as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The frame's number, from 1.
    pub number: u64,
    /// Since the first frame, in ns; below 0 for one that was recorded after it and passed before.
    pub time: i64,
    /// Since the frame before, in ns.
    pub delta: i64,
    /// The digits of a second's fraction in which its interface tells time.
    pub digits: u8,
    /// What is known of it.
    pub insight: Insight<'a>,
    /// What became of it; as a list makes it, no more than what was noted by the wire that it went through.
    pub verdict: Option<Verdict>,
    /// What was noted about it.
    pub comments: &'a [String],
}

impl List {
    /// A list that has no rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next frame's row. `interface` is the one that recorded it. Frames whose link layer is not Ethernet are taken for IP
    /// packets, which LINKTYPE_RAW (101) is.
    pub fn row<'a>(&'a mut self, frame: &'a Frame<'_>, interface: &Interface) -> Row<'a> {
        self.rows += 1;
        if self.rows == 1 {
            (self.first, self.newest) = (frame.time, frame.time);
        }
        let packet = match interface.link_type {
            Interface::ETHERNET => Packet::decode(&frame.bytes, frame.length),
            _ => Packet::decode_ip(&frame.bytes, frame.length),
        };
        let time = frame.time.wrapping_sub(self.first).cast_signed();
        let delta = frame.time.wrapping_sub(self.newest).cast_signed();
        self.newest = frame.time;
        Row {
            number: self.rows,
            time,
            delta,
            digits: interface.digits,
            insight: self.analysis.observe(packet, self.rows, frame.time),
            verdict: Verdict::noted(&frame.comments),
            comments: &frame.comments,
        }
    }
}

impl Row<'_> {
    /// From whom it is, and to whom.
    pub fn addresses(&self) -> Option<(Address, Address)> {
        Address::of(&self.insight.packet)
    }

    /// Appends its columns as a line of text, without a newline. Number, time and source are aligned to the right, the
    /// destination to the left; an arrow stands between source and destination, and `-` for what a frame does not have. With the
    /// columns that nobody chose, what a wire did to the frame stands at the end in brackets: `[dropped (fault 1)]`.
    pub fn write(&self, columns: &Columns, out: &mut Vec<u8>) {
        let mut before = None;
        for column in columns.iter() {
            match (before, column) {
                (None, _) => {}
                (Some(Column::Source), Column::Destination) => put(out, " → "),
                _ => out.push(b' '),
            }
            let start = out.len();
            self.write_column(column, out);
            match column {
                // A cell without a value would shift those behind it.
                _ if out.len() == start && column.is_optional() => out.push(b'-'),
                Column::Number => align(out, start, 5, true),
                Column::Time | Column::Delta => align(out, start, 10, true),
                Column::Source => align(out, start, 12, true),
                Column::Destination => align(out, start, 12, false),
                _ => {}
            }
            before = Some(column);
        }
        let fate = self.verdict.map_or(Fate::PASSED, |verdict| verdict.fate);
        if fate != Fate::PASSED && *columns == Columns::default() {
            put(out, &format!(" [{fate}]"));
        }
    }

    /// Appends one column's text, not aligned; nothing where the frame has no such thing.
    pub fn write_column(&self, column: Column, out: &mut Vec<u8>) {
        let packet = &self.insight.packet;
        let (tcp, insight) = (packet.tcp(), self.insight.tcp);
        let acknowledges = tcp.is_some_and(|tcp| tcp.flags.contains(TcpFlags::ACK));
        match column {
            Column::Number => number(out, self.number),
            Column::Time => seconds(out, self.time, self.digits),
            Column::Delta => seconds(out, self.delta, self.digits),
            Column::Source | Column::Destination => {
                if let Some((source, destination)) = self.addresses() {
                    let source_wanted = column == Column::Source;
                    if source_wanted { source.write(out) } else { destination.write(out) }
                }
            }
            Column::Protocol => protocol(&self.insight).write(out),
            Column::Length => number(out, packet.frame.length),
            Column::Info => write_info(&self.insight, out),
            Column::Verdict => {
                if let Some(verdict) = self.verdict {
                    put(out, &verdict.to_string());
                }
            }
            Column::Transit => {
                if let Some(transit) = self.verdict.and_then(|verdict| verdict.transit()) {
                    put(out, &Transit(transit).to_string());
                }
            }
            Column::Comment => {
                for (at, comment) in self.comments.iter().enumerate() {
                    put(out, if at > 0 { "; " } else { "" });
                    put(out, &Printable(comment).to_string());
                }
            }
            Column::SourcePort => optional(out, packet.ports().map(|(port, _)| port)),
            Column::DestinationPort => optional(out, packet.ports().map(|(_, port)| port)),
            Column::Sequence => optional(out, insight.map(|tcp| tcp.sequence)),
            Column::Acknowledgment => {
                optional(out, insight.filter(|_| acknowledges).map(|tcp| tcp.acknowledgment))
            }
            Column::Window => optional(out, insight.map(|tcp| tcp.window)),
            Column::Flags => {
                if let Some(tcp) = tcp {
                    super::tcp::flags(out, tcp.flags);
                }
            }
            Column::Payload => optional(out, packet.ports().map(|_| packet.payload.length)),
            Column::Stream => optional(out, insight.map(|tcp| tcp.stream)),
        }
    }
}

fn optional(out: &mut Vec<u8>, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        number(out, value);
    }
}

/// Seconds with as many digits of a fraction as an interface tells.
fn seconds(out: &mut Vec<u8>, ns: i64, digits: u8) {
    let digits = u32::from(digits.min(9));
    if ns < 0 {
        out.push(b'-');
    }
    let ns = ns.unsigned_abs();
    number(out, ns / 1_000_000_000);
    if digits > 0 {
        out.push(b'.');
        padded(out, ns % 1_000_000_000 / 10_u64.pow(9 - digits), digits as usize);
    }
}
