//! What the two sides of a conversation said.

use std::{collections::VecDeque, net::SocketAddr};

use super::{
    super::{
        Frame, Packet,
        decode::{Tcp, TcpFlags},
    },
    half::Half,
    reassembly::{Next, Reassembly},
    tracker::{Member, Tracker},
    unit::{FlowProtocol, Side, Unit},
};

/// Follows one conversation: its bytes in both directions, in order.
///
/// Of TCP, each byte comes once, however often it was sent, and in the stream's order; a direction's bytes wait for those missing
/// before them, up to 1 MiB, and what never comes is a gap. The directions are interleaved as they were recorded. Of UDP and
/// ICMP echoes each datagram's payload is a piece. What a wire dropped was not said: of TCP it counts where it is sent again.
///
/// Fed with all frames of a recording, it holds what [`Follow::next_piece`] has not taken yet.
#[derive(Debug)]
pub struct Follow {
    /// Its place, from 0.
    flow: usize,
    tracker: Tracker,
    sides: [Stream; 2],
    ready: VecDeque<Piece>,
}

/// A direction.
#[derive(Debug, Default)]
struct Stream {
    half: Half,
    reassembly: Reassembly,
    /// Where its FIN stands.
    end: Option<i64>,
    /// How much was given out.
    offset: u64,
}

/// A piece of what one side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Who said it.
    pub from: Side,
    /// How many bytes that side had said before.
    pub offset: u64,
    /// What it said.
    pub said: Said,
}

/// Bytes, or how many are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Bytes of a TCP stream; where they end means nothing.
    Bytes(Vec<u8>),
    /// A whole datagram's payload.
    Datagram(Vec<u8>),
    /// So many bytes are not in the recording.
    Gap(u64),
    /// A datagram of so many bytes was dropped on its way.
    Dropped(u64),
}

impl Follow {
    /// Follows the conversation with this number, from 1, as [`Flows`](super::Flows) counts them.
    pub fn new(number: usize) -> Self {
        Self {
            flow: number.wrapping_sub(1),
            tracker: Tracker::default(),
            sides: Default::default(),
            ready: VecDeque::new(),
        }
    }

    /// Takes note of a frame, of whatever conversation.
    pub fn add(&mut self, frame: &Frame<'_>) {
        let packet = Packet::decode(&frame.bytes, frame.length);
        let Some(unit) = Unit::of(&packet) else { return };
        let Some(member) = self.tracker.member(frame, &unit) else { return };
        if member.flow != self.flow || !member.sent {
            return;
        }
        match &unit.tcp {
            Some(tcp) => self.segment(member, tcp, &unit),
            None => self.datagram(member, &unit),
        }
    }

    /// Says that there are no more frames: what waits for bytes before it is given out behind a gap.
    pub fn finish(&mut self) {
        for side in Side::BOTH {
            let Stream { reassembly, end, offset, .. } = &mut self.sides[side as usize];
            let ready = &mut self.ready;
            reassembly.finish(*end, &mut |next| give(ready, side, offset, next));
        }
    }

    /// The next piece that is in order by now.
    pub fn next_piece(&mut self) -> Option<Piece> {
        self.ready.pop_front()
    }

    /// What it is held over, the client and the server; `None` if no such conversation was seen yet.
    pub fn parties(&self) -> Option<(FlowProtocol, SocketAddr, SocketAddr)> {
        let head = self.tracker.heads().get(self.flow)?;
        Some((head.protocol, head.client, head.server))
    }

    fn segment(&mut self, member: Member, tcp: &Tcp<'_>, unit: &Unit<'_>) {
        let side = member.side;
        let ready = &mut self.ready;
        let other = side.other();
        let Stream { half, reassembly, offset, .. } = &mut self.sides[other as usize];
        if let Some(up_to) = half.acknowledge(tcp) {
            reassembly.acknowledged(up_to, &mut |next| give(ready, other, offset, next));
        }
        let Stream { half, reassembly, end, offset } = &mut self.sides[side as usize];
        let taken = half.take(tcp, unit.payload.length);
        if taken.probe || member.dropped || tcp.flags.contains(TcpFlags::RST) {
            return;
        }
        if tcp.flags.contains(TcpFlags::FIN) {
            end.get_or_insert(taken.start.saturating_add(unit.payload.length.into()));
        }
        let (bytes, length) = (unit.payload.bytes, unit.payload.length);
        reassembly.take(taken.start, bytes, length, &mut |next| give(ready, side, offset, next));
    }

    fn datagram(&mut self, member: Member, unit: &Unit<'_>) {
        let from = member.side;
        let offset = self.sides[from as usize].offset;
        if member.dropped {
            let said = Said::Dropped(unit.payload.length.into());
            self.ready.push_back(Piece { from, offset, said });
            return;
        }
        let bytes = unit.payload.bytes;
        let missing = u64::from(unit.payload.length).saturating_sub(bytes.len() as u64);
        self.ready.push_back(Piece { from, offset, said: Said::Datagram(bytes.to_vec()) });
        if missing > 0 {
            let offset = offset + bytes.len() as u64;
            self.ready.push_back(Piece { from, offset, said: Said::Gap(missing) });
        }
        self.sides[from as usize].offset += u64::from(unit.payload.length);
    }
}

fn give(ready: &mut VecDeque<Piece>, from: Side, offset: &mut u64, next: Next) {
    let (said, length) = match next {
        Next::Bytes(bytes) => {
            let length = bytes.len() as u64;
            (Said::Bytes(bytes), length)
        }
        Next::Gap(length) => (Said::Gap(length), length),
    };
    ready.push_back(Piece { from, offset: *offset, said });
    *offset += length;
}
