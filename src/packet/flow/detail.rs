//! One conversation, measured.

use std::fmt;

use serde::Serialize;

use super::{
    super::Frame,
    distribution::Distribution,
    flows::{FlowOptions, Flows},
    measured::{Measured, Segment},
    row::Flow,
    time::Short,
    unit::Side,
    windows::Windows,
};

/// By how much an acknowledgment without data is later than the promptest one to count as delayed, in ns: half of the least
/// time that Linux waits (`TCP_DELACK_MIN`, 40 ms).
pub const DELAYED_ACK: u64 = 20_000_000;
/// Within which time of an acknowledgment a segment counts as sent because of it, in ns.
pub const AT_ONCE: u64 = 1_000_000;

/// Measures one conversation.
///
/// Fed with all frames of a recording, it holds at most 4 MiB more than [`Flows`] does.
#[derive(Debug)]
pub struct Measure {
    /// Its place, from 0.
    flow: usize,
    flows: Flows,
    start: Option<u64>,
    halves: [Measured; 2],
}

/// A conversation in detail.
///
/// Serialized it has all that [`Flow`] has, and `sent`: a list of the client's and the server's [`Sent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowDetail {
    /// Its row.
    #[serde(flatten)]
    pub flow: Flow,
    /// What the client sent, and the server; `None` unless it is TCP.
    pub sent: Option<[Sent; 2]>,
}

/// How one side of a TCP conversation sent, and acknowledged.
///
/// Times are measured at the interface where the side's own frames are counted. If only one end was recorded, what the other
/// side needs to acknowledge includes the round trip, and its own round trips are short of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The largest segment that it may send, in bytes of data: the other's MSS without its own options (RFC 9293 section
    /// 3.7.1); `None` if the other's SYN was not recorded.
    pub largest_segment: Option<u32>,
    /// From its data to the acknowledgment: one sample an acknowledgment, of the last segment that it covers. None of what was under
    /// way when something was sent again (Karn's rule, RFC 6298 section 3).
    pub round_trips: Distribution,
    /// How long it held data of the other's before it acknowledged: one sample an acknowledgment, of the first segment that it covers.
    pub ack_delays: Distribution,
    /// How many of its acknowledgments without data were [`DELAYED_ACK`] later than the promptest.
    pub delayed_acks: u64,
    /// How many of its acknowledgments covered two segments or more.
    pub joint_acks: u64,
    /// Segments of data smaller than [`Sent::largest_segment`] that it sent while data of its own was not acknowledged.
    /// RFC 896, and RFC 1122 section 4.2.3.4, would have them wait; segments sent again and those with FIN don't count.
    pub small_with_data_underway: u64,
    /// Those among them that it sent while a small segment was not acknowledged: Linux has only these wait (`tcp_nagle_check`,
    /// after draft-minshall-nagle), so they tell that Nagle's algorithm is off (`TCP_NODELAY`).
    pub small_with_small_underway: u64,
    /// Small segments that it sent within [`AT_ONCE`] of an acknowledgment, without data, of the small one before: they waited for it.
    pub small_after_ack: u64,
    /// The windows it offered.
    pub windows: Windows,
}

impl Measure {
    /// Measures the conversation with this number, from 1, as [`Flows`] counts them.
    pub fn new(number: usize, options: FlowOptions) -> Self {
        Self {
            flow: number.wrapping_sub(1),
            flows: Flows::new(options),
            start: None,
            halves: Default::default(),
        }
    }

    /// Takes note of a frame, of whatever conversation.
    pub fn add(&mut self, frame: &Frame<'_>) {
        let Some((member, unit)) = self.flows.note(frame) else { return };
        let Some(tcp) = unit.tcp.filter(|_| member.flow == self.flow) else { return };
        let start = *self.start.get_or_insert(frame.time);
        let segment = Segment::new(frame.time, frame.time.saturating_sub(start), &tcp, &unit);
        let [client, server] = &mut self.halves;
        let (own, other) = match member.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        if member.sent {
            own.send(&segment, other);
        }
        if member.arrived {
            other.hear(&segment, own);
        }
    }

    /// What was measured; `None` if there is no such conversation.
    pub fn finish(self) -> Option<FlowDetail> {
        let flow = self.flows.row_at(self.flow)?;
        let sent = flow.handshake.is_some().then(|| self.halves.map(Measured::finish));
        Some(FlowDetail { flow, sent })
    }
}

impl fmt::Display for FlowDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flow { number, protocol, client, server, .. } = &self.flow;
        writeln!(f, "Flow {number}: {protocol} {} → {}", client.address, server.address)?;
        if let Some(handshake) = self.flow.handshake {
            write!(f, "handshake {handshake}")?;
            if let Some(rtt) = self.flow.handshake_rtt {
                write!(f, " in {}", Short(rtt))?;
            }
            write!(f, "; {}; ", self.flow.closing)?;
        }
        writeln!(f, "lasted {}", Short(self.flow.duration))?;
        let sides = [client, server].into_iter().zip(self.sent.iter().flatten());
        for (side, (end, sent)) in Side::BOTH.into_iter().zip(sides) {
            writeln!(f, "\n{side} {}", end.address)?;
            sent.write(f, end)?;
        }
        Ok(())
    }
}
