//! One direction of a TCP conversation: where it is, and what it sends again.

use super::{
    super::decode::{Tcp, TcpFlags},
    sequence::Sequence,
};

/// What one side has sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Half {
    pub(super) sequence: Sequence,
    /// How many SYNs.
    pub(super) syns: u32,
    /// Whether it sent FIN.
    pub(super) fin: bool,
    /// Up to where the other side acknowledged it.
    pub(super) acknowledged: i64,
}

/// What a segment is to its direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Where its first byte stands; a SYN's own number comes before.
    pub(super) start: i64,
    /// Bytes that were not sent before.
    pub(super) new: u64,
    /// Whether it repeats bytes, a SYN or a FIN.
    pub(super) again: bool,
    /// Whether it asks if the other side is there, with a byte that was acknowledged (RFC 9293 section 3.8.4).
    pub(super) probe: bool,
}

impl Half {
    /// Takes note of a segment with `length` bytes; of a RST only its place.
    pub(super) fn take(&mut self, tcp: &Tcp<'_>, length: u32) -> Taken {
        let [syn, fin, rst] =
            [TcpFlags::SYN, TcpFlags::FIN, TcpFlags::RST].map(|flag| tcp.flags.contains(flag));
        let first = tcp.sequence.wrapping_add(u32::from(syn));
        if !rst {
            self.sequence.begin(first);
        }
        let start = self.sequence.position(first).unwrap_or(0);
        let high = self.sequence.high();
        let probe = length == 1 && start == high - 1 && self.acknowledged >= high;
        if rst || probe {
            return Taken { start, new: 0, again: false, probe };
        }
        let brought = self.sequence.pass(start, length);
        let again = brought.again > 0 || (syn && self.syns > 0) || (fin && self.fin);
        self.syns += u32::from(syn);
        self.fin |= fin;
        Taken { start, new: brought.new, again, probe }
    }

    /// Takes note of what the other side acknowledges; tells up to where that is.
    pub(super) fn acknowledge(&mut self, tcp: &Tcp<'_>) -> Option<i64> {
        if !tcp.flags.contains(TcpFlags::ACK) {
            return None;
        }
        let up_to = self.sequence.position(tcp.acknowledgment)?;
        self.acknowledged = self.acknowledged.max(up_to);
        Some(up_to)
    }
}
