//! Ethernet II, and IEEE 802.1Q tags.

use super::{Layer, Payload, Stop};
use crate::units::MacAddr;

/// What an Ethernet frame carries: its EtherType, or below 0x0600 the length of an IEEE 802.3 frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IP version 4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
    /// IP version 6.
    pub const IPV6: Self = Self(0x86dd);
    /// A customer's tag (IEEE 802.1Q).
    pub const TAG: Self = Self(0x8100);
    /// A provider's tag around a customer's (IEEE 802.1ad).
    pub const PROVIDER_TAG: Self = Self(0x88a8);
}

/// An Ethernet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ethernet {
    /// To whom.
    pub destination: MacAddr,
    /// From whom.
    pub source: MacAddr,
    /// The 802.1Q tag; of two, the outer.
    pub tag: Option<Tag>,
    /// The inner one of two tags.
    pub inner_tag: Option<Tag>,
    /// What follows the header and its tags.
    pub kind: EtherType,
}

/// A tag of a virtual LAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// The EtherType that announced it: [`EtherType::TAG`] or [`EtherType::PROVIDER_TAG`].
    pub kind: EtherType,
    /// Priority, 0 to 7.
    pub priority: u8,
    /// Whether it may be dropped when there is congestion.
    pub drop_eligible: bool,
    /// The number of the virtual LAN, 0 to 4095.
    pub id: u16,
}

impl Ethernet {
    /// The header's length with its tags, in bytes.
    pub fn header_length(&self) -> usize {
        14 + 4 * (usize::from(self.tag.is_some()) + usize::from(self.inner_tag.is_some()))
    }

    pub(super) fn decode(frame: Payload<'_>) -> Result<(Self, Payload<'_>), Stop> {
        let header: &[u8; 14] = frame.header(Layer::Ethernet)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, kind @ ..] = *header;
        let mut ethernet = Self {
            destination: MacAddr([a, b, c, d, e, f]),
            source: MacAddr([g, h, i, j, k, l]),
            tag: None,
            inner_tag: None,
            kind: EtherType(u16::from_be_bytes(kind)),
        };
        let mut rest = frame.skip(14);
        if let Some(tag) = ethernet.take_tag(&mut rest)? {
            ethernet.tag = Some(tag);
            ethernet.inner_tag = ethernet.take_tag(&mut rest)?;
        }
        Ok((ethernet, rest))
    }

    /// Takes the tag that the EtherType announces, and the EtherType behind it.
    fn take_tag(&mut self, rest: &mut Payload<'_>) -> Result<Option<Tag>, Stop> {
        if self.kind != EtherType::TAG && self.kind != EtherType::PROVIDER_TAG {
            return Ok(None);
        }
        let [high, low, kind @ ..] = *rest.header::<4>(Layer::Ethernet)?;
        let tag = Tag {
            kind: self.kind,
            priority: high >> 5,
            drop_eligible: high & 0x10 != 0,
            id: u16::from_be_bytes([high & 0x0f, low]),
        };
        self.kind = EtherType(u16::from_be_bytes(kind));
        *rest = rest.skip(4);
        Ok(Some(tag))
    }
}
