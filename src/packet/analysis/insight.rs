//! What is known of a frame from those before it.

use super::{
    echo::Echoes,
    fragments::{Fragments, Whole},
    tcp::{Conversations, TcpInsight},
};
use crate::packet::decode::{Network, Packet, Transport};

/// All that is remembered of a recording while it passes by.
#[derive(Debug)]
pub struct Analysis {
    conversations: Conversations,
    echoes: Echoes,
    fragments: Fragments,
    /// The front of the datagram that the newest fragment completed.
    front: Vec<u8>,
}

/// A frame in the light of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insight<'a> {
    /// The packet; for a fragment that completes a datagram the whole one, as if its front had been recorded in one piece.
    pub packet: Packet<'a>,
    /// It is a fragment of a datagram that it does not complete.
    pub fragment: bool,
    /// What TCP analysis says; none for segments whose length can't be known.
    pub tcp: Option<TcpInsight>,
    /// For a ping's reply the frame of the request.
    pub request: Option<u64>,
}

impl Default for Analysis {
    fn default() -> Self {
        Self::new()
    }
}

impl Analysis {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self {
            conversations: Conversations::new(),
            echoes: Echoes::new(),
            fragments: Fragments::new(),
            front: Vec::new(),
        }
    }

    /// Takes a frame into account: its number from 1 on, its time in ns since 1970. Frames are to come in order of their numbers.
    pub fn observe<'a>(&'a mut self, packet: Packet<'a>, number: u64, time: u64) -> Insight<'a> {
        let mut packet = packet;
        if let Some(part) = packet.fragment() {
            match self.fragments.observe(&packet) {
                Some(Whole { front, length }) => {
                    self.front = front;
                    packet = packet.with_segment(&self.front, length);
                }
                None => {
                    // The first fragment of a datagram that can't be put together is shown for what it is.
                    let ipv4 = matches!(packet.network, Some(Network::Ipv4(_)));
                    let alone = ipv4 && part.offset == 0 && packet.segment.is_truncated();
                    let request = if alone { self.echoes.observe(&packet, number) } else { None };
                    return Insight { packet, fragment: !alone, tcp: None, request };
                }
            }
        }
        let tcp = match &packet.transport {
            Some(Transport::Tcp(tcp)) => self.conversations.observe(&packet, tcp, number, time),
            _ => None,
        };
        let request = self.echoes.observe(&packet, number);
        Insight { packet, fragment: false, tcp, request }
    }
}
