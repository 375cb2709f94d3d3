//! Frames made by hand, with right lengths and checksums.

#![allow(dead_code)] // each test program uses some of it

use std::net::{IpAddr, Ipv6Addr};

/// The bytes that a text in hexadecimal means; blanks don't count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |d: u8| char::from(d).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// An Ethernet frame in the making.
#[derive(Debug, Clone)]
pub(crate) struct Eth {
    pub(crate) destination: [u8; 6],
    pub(crate) source: [u8; 6],
}

/// An IP packet in the making.
#[derive(Debug, Clone)]
pub(crate) struct Ip {
    eth: Eth,
    source: IpAddr,
    destination: IpAddr,
    id: u16,
    ttl: u8,
    /// The fragment's offset in bytes, and whether more follow.
    fragment: (u16, bool),
}

/// A TCP segment in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Segment {
    pub(crate) ports: (u16, u16),
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u16,
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Default for Eth {
    fn default() -> Self {
        Self { destination: [2, 0, 0, 0, 0, 2], source: [2, 0, 0, 0, 0, 1] }
    }
}

impl Eth {
    pub(crate) fn ipv4(self, source: [u8; 4], destination: [u8; 4]) -> Ip {
        self.ip(source.into(), destination.into())
    }

    pub(crate) fn ipv6(self, source: &str, destination: &str) -> Ip {
        let address = |text: &str| IpAddr::V6(text.parse::<Ipv6Addr>().unwrap());
        self.ip(address(source), address(destination))
    }

    fn ip(self, source: IpAddr, destination: IpAddr) -> Ip {
        Ip { eth: self, source, destination, id: 1, ttl: 64, fragment: (0, false) }
    }

    /// A frame of any type.
    pub(crate) fn carry(&self, kind: u16, body: &[u8]) -> Vec<u8> {
        [&self.destination[..], &self.source, &kind.to_be_bytes(), body].concat()
    }
}

impl Ip {
    pub(crate) fn fragment(mut self, id: u16, offset: u16, more: bool) -> Self {
        (self.id, self.fragment) = (id, (offset, more));
        self
    }

    pub(crate) fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    /// A packet of any protocol.
    pub(crate) fn carry(&self, protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let (offset, more) = self.fragment;
                let flags = (offset / 8) | (u16::from(more) << 13);
                packet.extend([0x45, 0]);
                packet.extend((body.len() as u16 + 20).to_be_bytes());
                packet.extend(self.id.to_be_bytes());
                packet.extend(flags.to_be_bytes());
                packet.extend([self.ttl, protocol, 0, 0]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                let sum = checksum(&packet);
                packet[10..12].copy_from_slice(&sum.to_be_bytes());
                packet.extend(body);
                self.eth.carry(0x0800, &packet)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                packet.extend([0x60, 0, 0, 0]);
                packet.extend((body.len() as u16).to_be_bytes());
                packet.extend([protocol, self.ttl]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                packet.extend(body);
                self.eth.carry(0x86dd, &packet)
            }
            _ => unreachable!("both addresses are of one family"),
        }
    }

    pub(crate) fn udp(&self, from: u16, to: u16, data: &[u8]) -> Vec<u8> {
        self.carry(17, &self.udp_segment(from, to, data))
    }

    pub(crate) fn udp_segment(&self, from: u16, to: u16, data: &[u8]) -> Vec<u8> {
        let mut segment = Vec::new();
        for field in [from, to, data.len() as u16 + 8, 0] {
            segment.extend(field.to_be_bytes());
        }
        segment.extend(data);
        self.seal(17, segment, 6)
    }

    pub(crate) fn tcp(&self, segment: &Segment) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(segment.ports.0.to_be_bytes());
        bytes.extend(segment.ports.1.to_be_bytes());
        bytes.extend(segment.seq.to_be_bytes());
        bytes.extend(segment.ack.to_be_bytes());
        let length = 20 + segment.options.len() as u16;
        assert!(length.is_multiple_of(4), "options are padded to words");
        bytes.extend((length << 10 | segment.flags).to_be_bytes());
        bytes.extend(segment.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&segment.options);
        bytes.extend(&segment.data);
        self.carry(6, &self.seal(6, bytes, 16))
    }

    /// An ICMP or ICMPv6 message, without its checksum in `message[2..4]`.
    pub(crate) fn icmp(&self, message: &[u8]) -> Vec<u8> {
        let protocol = if self.source.is_ipv4() { 1 } else { 58 };
        self.carry(protocol, &self.seal(protocol, message.to_vec(), 2))
    }

    /// Puts the checksum at a place of a segment.
    fn seal(&self, protocol: u8, mut segment: Vec<u8>, at: usize) -> Vec<u8> {
        let mut covered = Vec::new();
        match (self.source, self.destination) {
            (IpAddr::V4(a), IpAddr::V4(b)) if protocol != 1 => {
                covered.extend(a.octets());
                covered.extend(b.octets());
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                covered.extend(a.octets());
                covered.extend(b.octets());
            }
            _ => {}
        }
        if protocol != 1 {
            covered.extend((segment.len() as u32).to_be_bytes());
            covered.extend([0, 0, 0, protocol]);
        }
        covered.extend(&segment);
        let sum = checksum(&covered);
        segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

fn checksum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | w.get(1).map_or(0, |b| u32::from(*b)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
