//! A row as a JSON object.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Column, Row};
use crate::packet::{analysis::Scale, decode::TcpFlags};

/// One object a frame. Always there: `no`, `time` and `delta` (seconds, as text with the interface's digits), `proto`,
/// `len` (of the frame), `info`. Where the frame has them: `source`, `destination`, `sport`, `dport`, `data` (bytes that TCP or UDP
/// carries), `verdict`, `transit` (ns), `comments` (a list), and for TCP `stream`, `seq`, `ack`, `win`, `flags` (a list), `scale` (the shift of the sender's
/// windows), `marks` (a list), `repeats` (the frame that a duplicate acknowledgment repeats), `request` (the frame that a
/// ping's reply answers).
impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("no", &self.number)?;
        for column in [
            Column::Time,
            Column::Delta,
            Column::Source,
            Column::Destination,
            Column::Protocol,
            Column::Info,
            Column::Verdict,
        ] {
            let text = self.column(column);
            if !text.is_empty() || column == Column::Info {
                map.serialize_entry(column.name(), &text)?;
            }
        }
        if let Some(transit) = self.verdict.and_then(|verdict| verdict.transit()) {
            map.serialize_entry("transit", &transit)?;
        }
        if !self.comments.is_empty() {
            map.serialize_entry("comments", self.comments)?;
        }
        let packet = &self.insight.packet;
        map.serialize_entry("len", &packet.frame.length)?;
        if let Some((source, destination)) = packet.ports() {
            map.serialize_entry("sport", &source)?;
            map.serialize_entry("dport", &destination)?;
            map.serialize_entry("data", &packet.payload.length)?;
        }
        if let Some(tcp) = packet.tcp() {
            let flags: Vec<_> = tcp.flags.names().collect();
            map.serialize_entry("flags", &flags)?;
        }
        if let Some(tcp) = &self.insight.tcp {
            map.serialize_entry("stream", &tcp.stream)?;
            map.serialize_entry("seq", &tcp.sequence)?;
            if packet.tcp().is_some_and(|header| header.flags.contains(TcpFlags::ACK)) {
                map.serialize_entry("ack", &tcp.acknowledgment)?;
            }
            map.serialize_entry("win", &tcp.window)?;
            if let Scale::Shift(shift) = tcp.scale {
                map.serialize_entry("scale", &shift)?;
            }
            map.serialize_entry("marks", &tcp.marks)?;
            if tcp.duplicate.1 > 0 {
                map.serialize_entry("repeats", &tcp.duplicate.0)?;
            }
        }
        if let Some(request) = self.insight.request {
            map.serialize_entry("request", &request)?;
        }
        map.end()
    }
}

impl Row<'_> {
    /// One column's text, not aligned.
    pub fn column(&self, column: Column) -> String {
        let mut text = Vec::new();
        self.write_column(column, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}
