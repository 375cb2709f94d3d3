//! UDP (RFC 768).

use super::{Layer, Payload, Stop};

/// A UDP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp {
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// The length of header and payload as the header says, in bytes.
    pub length: u16,
    /// The checksum; 0 where the sender made none.
    pub checksum: u16,
}

impl Udp {
    pub(super) fn decode(segment: Payload<'_>) -> Result<(Self, Payload<'_>), Stop> {
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *segment.header::<8>(Layer::Udp)?;
        let length = u16::from_be_bytes([l0, l1]);
        let udp = Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            length,
            checksum: u16::from_be_bytes([c0, c1]),
        };
        // 0 stands for a jumbogram (RFC 2675).
        let whole = if length >= 8 { segment.limit(length.into()) } else { segment };
        Ok((udp, whole.skip(8)))
    }
}
