//! What is told of a conversation.

use std::{fmt, net::SocketAddr};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::unit::{FlowProtocol, Side};

/// A conversation.
///
/// Serialized it is `{flow, protocol, client, server, client_by, handshake, handshake_rtt_ns, closing, start_ns, duration_ns}`;
/// `client` and `server` are `{address, port, ephemeral, bytes, segments, retransmissions, dropped}`, `closing` is a list of `{by, with}`.
/// What is not known is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its number, from 1.
    pub number: usize,
    /// What it is held over.
    pub protocol: FlowProtocol,
    /// Who began it.
    pub client: FlowEnd,
    /// Who was spoken to.
    pub server: FlowEnd,
    /// What tells who began.
    pub client_by: ClientBy,
    /// How it was opened; TCP only.
    pub handshake: Option<Handshake>,
    /// From the client's SYN to its ACK, in ns, where it was sent: the round trip with what the hosts took. `None` if one of SYN
    /// and SYN, ACK was sent more than once, for then one can't tell which was answered (Karn's rule, RFC 6298 section 3).
    pub handshake_rtt: Option<u64>,
    /// The FINs and RSTs; TCP only.
    pub closing: Closing,
    /// When its first frame passed, in ns since 1970.
    pub start: u64,
    /// From its first frame to its last, in ns.
    pub duration: u64,
}

/// One end of a conversation, and what it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEnd {
    /// Its address and port; in ICMP the port is the echo's id.
    pub address: SocketAddr,
    /// Whether the port is one that the kernel picks.
    pub ephemeral: bool,
    /// What it sent, in bytes of payload; in TCP, each byte of the stream once.
    pub bytes: u64,
    /// The segments, datagrams or messages it sent, all of them.
    pub segments: u64,
    /// The segments it sent that held bytes, a SYN or a FIN sent before.
    ///
    /// Recorded beyond the place of loss, a segment that fills a gap is not among them: it was not seen before.
    pub retransmissions: u64,
    /// What it sent and a wire dropped, as far as that was recorded.
    pub dropped: u64,
}

/// What tells who is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientBy {
    /// A SYN, or its answer.
    Syn,
    /// An echo request, or its reply.
    Request,
    /// It was seen first. In UDP nothing else tells; in TCP the recording has no SYN.
    SeenFirst,
}

/// How a TCP connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handshake {
    /// SYN; SYN, ACK; ACK.
    Complete,
    /// A SYN was answered, but the client did not confirm.
    Unconfirmed,
    /// A SYN, and no answer.
    Unanswered,
    /// A SYN was answered with RST.
    Refused,
    /// There is no SYN: it was open before.
    Unseen,
}

/// A segment that ends a direction, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Close {
    /// The sender sends no more.
    Fin,
    /// The connection is broken off, or refused.
    Rst,
}

/// The FINs and RSTs of a conversation, the first of each kind from each side, in the order they were sent.
///
/// Its Display is `FIN client, FIN server`, `open` without any, and `half-open` stands behind one FIN alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closing {
    steps: Vec<(Side, Close)>,
}

impl Flow {
    /// One of its ends.
    pub fn end(&self, side: Side) -> &FlowEnd {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

impl Closing {
    pub(super) fn note(&mut self, side: Side, close: Close) {
        if !self.steps.contains(&(side, close)) {
            self.steps.push((side, close));
        }
    }

    /// Who sent what, in order.
    pub fn steps(&self) -> &[(Side, Close)] {
        &self.steps
    }

    /// Who sent FIN or RST first.
    pub fn first(&self) -> Option<Side> {
        self.steps.first().map(|(side, _)| *side)
    }

    /// Whether neither side can send any more.
    pub fn is_closed(&self) -> bool {
        let fins = self.steps.iter().filter(|(_, close)| *close == Close::Fin).count();
        fins == 2 || self.is_reset()
    }

    /// Whether it was broken off or refused.
    pub fn is_reset(&self) -> bool {
        self.steps.iter().any(|(_, close)| *close == Close::Rst)
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fin => "FIN",
            Self::Rst => "RST",
        })
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> =
            self.steps.iter().map(|(side, close)| format!("{close} {side}")).collect();
        f.pad(&match steps.as_slice() {
            [] => "open".to_owned(),
            [alone] if !self.is_closed() => format!("{alone}, half-open"),
            steps => steps.join(", "),
        })
    }
}

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Complete => "complete",
            Self::Unconfirmed => "unconfirmed",
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::Unseen => "unseen",
        })
    }
}

impl Serialize for Flow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Flow", 10)?;
        fields.serialize_field("flow", &self.number)?;
        fields.serialize_field("protocol", &self.protocol)?;
        fields.serialize_field("client", &self.client)?;
        fields.serialize_field("server", &self.server)?;
        fields.serialize_field("client_by", &self.client_by)?;
        fields.serialize_field("handshake", &self.handshake)?;
        fields.serialize_field("handshake_rtt_ns", &self.handshake_rtt)?;
        fields.serialize_field("closing", &self.closing)?;
        fields.serialize_field("start_ns", &self.start)?;
        fields.serialize_field("duration_ns", &self.duration)?;
        fields.end()
    }
}

impl Serialize for FlowEnd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("FlowEnd", 7)?;
        fields.serialize_field("address", &self.address.ip())?;
        fields.serialize_field("port", &self.address.port())?;
        fields.serialize_field("ephemeral", &self.ephemeral)?;
        fields.serialize_field("bytes", &self.bytes)?;
        fields.serialize_field("segments", &self.segments)?;
        fields.serialize_field("retransmissions", &self.retransmissions)?;
        fields.serialize_field("dropped", &self.dropped)?;
        fields.end()
    }
}

impl Serialize for Closing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Step {
            by: Side,
            with: Close,
        }
        serializer.collect_seq(self.steps.iter().map(|&(by, with)| Step { by, with }))
    }
}
