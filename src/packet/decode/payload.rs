//! What a layer carries, and why decoding ended.

use std::fmt;

use serde::Serialize;

/// Bytes that a layer carries: those recorded, and how many there were on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Payload<'a> {
    /// What was recorded of it; at most `length` bytes.
    pub bytes: &'a [u8],
    /// Its length on the wire in bytes, as the headers around it say; Ethernet's padding does not count.
    pub length: u32,
}

/// A layer of a packet, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Ethernet II, with its tags.
    Ethernet,
    /// ARP (RFC 826).
    Arp,
    /// IP version 4 (RFC 791).
    Ipv4,
    /// IP version 6 with its extension headers (RFC 8200).
    Ipv6,
    /// ICMP (RFC 792).
    Icmp,
    /// ICMPv6 (RFC 4443), with neighbour discovery and multicast listener discovery.
    Icmpv6,
    /// UDP (RFC 768).
    Udp,
    /// TCP (RFC 9293).
    Tcp,
}

/// What ended the decoding of a packet before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// Fewer bytes were recorded than this layer's header takes; the wire had them.
    Truncated(Layer),
    /// This layer's header contradicts itself or the packet around it.
    Malformed(Layer, &'static str),
    /// This layer carries a protocol that is not decoded: an EtherType, or an IP protocol number.
    Unknown(Layer, u16),
    /// A later fragment: its transport header travelled in the first.
    Fragment(Layer),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethernet => "Ethernet",
            Self::Arp => "ARP",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPv6",
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(layer) => write!(f, "the {layer} header was not recorded whole"),
            Self::Malformed(layer, why) => write!(f, "{layer}: {why}"),
            Self::Unknown(Layer::Ethernet, number) => write!(f, "EtherType 0x{number:04x}"),
            Self::Unknown(layer, number) => write!(f, "protocol {number} over {layer}"),
            Self::Fragment(layer) => write!(f, "a later fragment of an {layer} packet"),
        }
    }
}

impl<'a> Payload<'a> {
    /// What has a length on the wire and perhaps fewer bytes recorded; a recording can't hold more than the wire had.
    pub fn new(bytes: &'a [u8], length: u32) -> Self {
        let length = length.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        Self { bytes, length }
    }

    /// Whether bytes of it were not recorded.
    pub fn is_truncated(&self) -> bool {
        (self.bytes.len() as u64) < u64::from(self.length)
    }

    /// A header of fixed length at its front.
    pub(super) fn header<const N: usize>(self, layer: Layer) -> Result<&'a [u8; N], Stop> {
        self.bytes.first_chunk().ok_or_else(|| self.short(layer, N))
    }

    /// The first bytes, as many as a header says that it has.
    pub(super) fn take(self, layer: Layer, length: usize) -> Result<&'a [u8], Stop> {
        self.bytes.get(..length).ok_or_else(|| self.short(layer, length))
    }

    /// What follows the first bytes.
    pub(super) fn skip(self, length: usize) -> Self {
        let cut = u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            bytes: self.bytes.get(length..).unwrap_or_default(),
            length: self.length.saturating_sub(cut),
        }
    }

    /// No more of it than a header says there is; what follows is padding.
    pub(super) fn limit(self, length: u32) -> Self {
        let kept = self.bytes.len().min(length as usize);
        Self { bytes: &self.bytes[..kept], length: self.length.min(length) }
    }

    fn short(self, layer: Layer, needed: usize) -> Stop {
        if u64::from(self.length) < needed as u64 {
            Stop::Malformed(layer, "the packet ends within the header")
        } else {
            Stop::Truncated(layer)
        }
    }
}
