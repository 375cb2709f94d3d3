//! IP version 4 (RFC 791).

use std::net::Ipv4Addr;

use super::{Fragment, Layer, Payload, Protocol, Stop};

/// An IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// From whom.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// Differentiated services (6 bits, RFC 2474) and congestion notification (2 bits, RFC 3168).
    pub traffic_class: u8,
    /// The length of header and payload as the header says, in bytes; 0 where the sender's network card is to cut the packet.
    pub total_length: u16,
    /// Names the packet that fragments belong to.
    pub id: u16,
    /// Whether the reserved flag is set (RFC 3514).
    pub reserved: bool,
    /// Whether it must not be fragmented.
    pub dont_fragment: bool,
    /// Whether more fragments follow.
    pub more_fragments: bool,
    /// Where the payload belongs in the whole packet's, in bytes.
    pub fragment_offset: u32,
    /// How many more hops it may go.
    pub ttl: u8,
    /// What it carries.
    pub protocol: Protocol,
    /// The header's checksum.
    pub checksum: u16,
    /// What follows the fixed part of the header.
    pub options: Ipv4Options<'a>,
    /// The whole header.
    pub header: &'a [u8],
}

/// The options of an IPv4 header, in wire order: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ipv4Options<'a> {
    bytes: &'a [u8],
}

/// An option of an IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Option<'a> {
    /// Its type, with the copy flag and the class: 0 ends the list, 1 pads, 7 records the route, 68 timestamps, 148 router alert.
    pub kind: u8,
    /// Its bytes after type and length.
    pub data: &'a [u8],
}

impl<'a> Ipv4<'a> {
    pub(super) fn decode(packet: Payload<'a>) -> Result<(Self, Payload<'a>), Stop> {
        let fixed: &[u8; 20] = packet.header(Layer::Ipv4)?;
        let [version, traffic_class, l0, l1, i0, i1, f0, f1, ttl, protocol, c0, c1, a @ ..] =
            *fixed;
        let [s0, s1, s2, s3, d0, d1, d2, d3] = a;
        if version >> 4 != 4 {
            return Err(Stop::Malformed(Layer::Ipv4, "the version is not 4"));
        }
        let header_length = usize::from(version & 0x0f) * 4;
        if header_length < 20 {
            return Err(Stop::Malformed(Layer::Ipv4, "the header's length is below 20 bytes"));
        }
        let header = packet.take(Layer::Ipv4, header_length)?;
        let total_length = u16::from_be_bytes([l0, l1]);
        if total_length != 0 && usize::from(total_length) < header_length {
            return Err(Stop::Malformed(Layer::Ipv4, "the total length is below the header's"));
        }
        let ipv4 = Self {
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
            traffic_class,
            total_length,
            id: u16::from_be_bytes([i0, i1]),
            reserved: f0 & 0x80 != 0,
            dont_fragment: f0 & 0x40 != 0,
            more_fragments: f0 & 0x20 != 0,
            fragment_offset: u32::from(u16::from_be_bytes([f0 & 0x1f, f1])) * 8,
            ttl,
            protocol: Protocol(protocol),
            checksum: u16::from_be_bytes([c0, c1]),
            options: Ipv4Options { bytes: header.get(20..).unwrap_or_default() },
            header,
        };
        let whole = if total_length == 0 { packet } else { packet.limit(total_length.into()) };
        Ok((ipv4, whole.skip(header_length)))
    }

    /// Which part of a packet it is, if it is not whole.
    pub fn fragment(&self) -> Option<Fragment> {
        let whole = !self.more_fragments && self.fragment_offset == 0;
        (!whole).then(|| Fragment {
            id: self.id.into(),
            offset: self.fragment_offset,
            more: self.more_fragments,
        })
    }
}

impl<'a> Ipv4Options<'a> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl<'a> Iterator for Ipv4Options<'a> {
    type Item = Ipv4Option<'a>;

    /// The next option; an option that runs over the header's end is the last and has what bytes there are.
    fn next(&mut self) -> Option<Ipv4Option<'a>> {
        let (&kind, rest) = self.bytes.split_first()?;
        if kind <= 1 {
            self.bytes = if kind == 0 { &[] } else { rest };
            return Some(Ipv4Option { kind, data: &[] });
        }
        let length = usize::from(rest.first().copied().unwrap_or(0)).max(2);
        let end = length.min(self.bytes.len());
        let data = self.bytes.get(2..end).unwrap_or_default();
        self.bytes = &self.bytes[end..];
        Some(Ipv4Option { kind, data })
    }
}
