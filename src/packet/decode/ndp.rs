//! The options of neighbour discovery (RFC 4861 section 4.6).

use std::net::Ipv6Addr;

use crate::units::MacAddr;

/// The options of a neighbour discovery message: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NdpOptions<'a> {
    bytes: &'a [u8],
}

/// An option of a neighbour discovery message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NdpOption<'a> {
    /// The sender's Ethernet address.
    SourceLinkLayer(MacAddr),
    /// The target's Ethernet address.
    TargetLinkLayer(MacAddr),
    /// A prefix that is on the link, or to make addresses of.
    Prefix(PrefixInformation),
    /// The packet that a redirect is about, from its IPv6 header on.
    RedirectedHeader(&'a [u8]),
    /// The link's MTU in bytes.
    Mtu(u32),
    /// A nonce that detects one's own messages (RFC 3971).
    Nonce(&'a [u8]),
    /// Any other kind.
    Other {
        /// Its kind.
        kind: u8,
        /// Its bytes after kind and length.
        data: &'a [u8],
    },
}

/// A prefix that a router advertises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixInformation {
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// Its length in bits.
    pub length: u8,
    /// On-link, autonomous, router address.
    pub flags: u8,
    /// For how many seconds it is valid.
    pub valid: u32,
    /// For how many seconds addresses made of it are preferred.
    pub preferred: u32,
}

impl<'a> NdpOptions<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The sender's Ethernet address, if said.
    pub fn source_link_layer(self) -> Option<MacAddr> {
        self.into_iter().find_map(|option| match option {
            NdpOption::SourceLinkLayer(mac) => Some(mac),
            _ => None,
        })
    }

    /// The target's Ethernet address, if said.
    pub fn target_link_layer(self) -> Option<MacAddr> {
        self.into_iter().find_map(|option| match option {
            NdpOption::TargetLinkLayer(mac) => Some(mac),
            _ => None,
        })
    }
}

impl<'a> Iterator for NdpOptions<'a> {
    type Item = NdpOption<'a>;

    /// The next option; ends where bytes are missing, or an option has no length.
    fn next(&mut self) -> Option<NdpOption<'a>> {
        let &[kind, units, ..] = self.bytes else { return None };
        let data = self.bytes.get(2..usize::from(units) * 8)?;
        self.bytes = &self.bytes[usize::from(units) * 8..];
        Some(NdpOption::of(kind, data))
    }
}

impl<'a> NdpOption<'a> {
    fn of(kind: u8, data: &'a [u8]) -> Self {
        match (kind, data) {
            (1, &[a, b, c, d, e, f]) => Self::SourceLinkLayer(MacAddr([a, b, c, d, e, f])),
            (2, &[a, b, c, d, e, f]) => Self::TargetLinkLayer(MacAddr([a, b, c, d, e, f])),
            (3, &[length, flags, a, b, c, d, e, f, g, h, _, _, _, _, ref prefix @ ..]) => {
                let Ok(prefix) = <[u8; 16]>::try_from(prefix) else {
                    return Self::Other { kind, data };
                };
                Self::Prefix(PrefixInformation {
                    prefix: Ipv6Addr::from(prefix),
                    length,
                    flags,
                    valid: u32::from_be_bytes([a, b, c, d]),
                    preferred: u32::from_be_bytes([e, f, g, h]),
                })
            }
            (4, [_, _, _, _, _, _, packet @ ..]) => Self::RedirectedHeader(packet),
            (5, &[_, _, a, b, c, d]) => Self::Mtu(u32::from_be_bytes([a, b, c, d])),
            (14, nonce) => Self::Nonce(nonce),
            _ => Self::Other { kind, data },
        }
    }
}
