//! IP version 6 with its extension headers (RFC 8200).

use std::net::Ipv6Addr;

use super::{Fragment, Layer, Payload, Protocol, Stop};

/// An IPv6 header and the extension headers that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6<'a> {
    /// From whom.
    pub source: Ipv6Addr,
    /// To whom.
    pub destination: Ipv6Addr,
    /// Differentiated services (6 bits) and congestion notification (2 bits).
    pub traffic_class: u8,
    /// The label of the flow, 20 bits.
    pub flow_label: u32,
    /// The length of all that follows this header, in bytes; 0 where the sender's network card is to cut the packet.
    pub payload_length: u16,
    /// What follows this header: the first extension, or the protocol it carries.
    pub next_header: Protocol,
    /// How many more hops it may go.
    pub hop_limit: u8,
    /// What it carries behind its extensions.
    pub protocol: Protocol,
    /// The extension headers in wire order.
    pub extensions: Extensions<'a>,
    /// Which part of a packet it is, if a fragment header says so; an "atomic fragment" (RFC 6946) is whole but has one.
    pub fragment: Option<Fragment>,
}

/// The extension headers of an IPv6 packet, in wire order: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions<'a> {
    bytes: &'a [u8],
    next: Protocol,
}

/// An extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is: hop-by-hop options, routing, fragment, destination options, authentication.
    pub kind: Protocol,
    /// What follows it.
    pub next: Protocol,
    /// Its bytes, whole.
    pub bytes: &'a [u8],
}

impl<'a> Ipv6<'a> {
    pub(super) fn decode(packet: Payload<'a>) -> Result<(Self, Payload<'a>, Option<Stop>), Stop> {
        let header: &[u8; 40] = packet.header(Layer::Ipv6)?;
        let [v0, v1, v2, v3, l0, l1, next, hop_limit, ..] = *header;
        let [_, _, _, _, _, _, _, _, addresses @ ..] = *header;
        if v0 >> 4 != 6 {
            return Err(Stop::Malformed(Layer::Ipv6, "the version is not 6"));
        }
        let mut source = [0; 16];
        let mut destination = [0; 16];
        source.copy_from_slice(&addresses[..16]);
        destination.copy_from_slice(&addresses[16..]);
        let payload_length = u16::from_be_bytes([l0, l1]);
        let mut rest = packet.skip(40);
        if payload_length != 0 {
            rest = rest.limit(payload_length.into());
        }
        let mut walk = Extensions { bytes: rest.bytes, next: Protocol(next) };
        let (mut length, mut fragment) = (0, None);
        for extension in &mut walk {
            length += extension.bytes.len();
            if let Some(found) = extension.fragment() {
                fragment = Some(found);
            }
        }
        let ipv6 = Self {
            source: Ipv6Addr::from(source),
            destination: Ipv6Addr::from(destination),
            traffic_class: (v0 << 4) | (v1 >> 4),
            flow_label: u32::from_be_bytes([0, v1 & 0x0f, v2, v3]),
            payload_length,
            next_header: Protocol(next),
            hop_limit,
            protocol: walk.next,
            extensions: Extensions { bytes: &rest.bytes[..length], next: Protocol(next) },
            fragment,
        };
        let rest = rest.skip(length);
        // An extension that the walk could not take has its end beyond the packet's or the recording's.
        let later = fragment.is_some_and(|fragment| fragment.offset > 0);
        let cut = ipv6.protocol.is_extension() && !later;
        let stop = cut.then(|| match rest.is_truncated() {
            true => Stop::Truncated(Layer::Ipv6),
            false => Stop::Malformed(Layer::Ipv6, "the packet ends within an extension header"),
        });
        Ok((ipv6, rest, stop))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    /// The next extension; ends at a protocol, behind a later fragment's header, and where bytes are missing.
    fn next(&mut self) -> Option<Extension<'a>> {
        if !self.next.is_extension() {
            return None;
        }
        let [next, length, ..] = *self.bytes.first_chunk::<8>()?;
        let length = match self.next {
            Protocol::FRAGMENT => 8,
            // RFC 4302 counts words of four bytes, without the first two.
            Protocol::AUTHENTICATION => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        let extension = Extension { kind: self.next, next: Protocol(next), bytes };
        let later = extension.fragment().is_some_and(|fragment| fragment.offset > 0);
        self.bytes = if later { &[] } else { rest };
        self.next = extension.next;
        Some(extension)
    }
}

impl Extension<'_> {
    /// What a fragment header says.
    pub fn fragment(&self) -> Option<Fragment> {
        let &[_, _, high, low, a, b, c, d] = self.bytes else { return None };
        (self.kind == Protocol::FRAGMENT).then(|| Fragment {
            id: u32::from_be_bytes([a, b, c, d]),
            offset: u32::from(u16::from_be_bytes([high, low & 0xf8])),
            more: low & 1 != 0,
        })
    }
}
