//! TCP (RFC 9293).

use std::{fmt, ops::BitOr};

use super::{Layer, Payload, Stop, TcpOptions};

/// A TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// The number of the first byte; of the SYN itself if it is set.
    pub sequence: u32,
    /// The number of the next byte expected; means something only with [`TcpFlags::ACK`].
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: TcpFlags,
    /// The window as it stands in the header, not scaled.
    pub window: u16,
    /// The checksum.
    pub checksum: u16,
    /// Where urgent data ends; means something only with [`TcpFlags::URG`].
    pub urgent: u16,
    /// The options in wire order.
    pub options: TcpOptions<'a>,
    /// The length of the header with its options, in bytes.
    pub header_length: u8,
}

/// The control bits of a TCP header: 9 with accurate ECN's, above three reserved ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u16);

impl TcpFlags {
    /// The sender sends no more.
    pub const FIN: Self = Self(0x001);
    /// Numbers are to be synchronised: the connection begins.
    pub const SYN: Self = Self(0x002);
    /// The connection is refused or broken off.
    pub const RST: Self = Self(0x004);
    /// The receiver is to deliver at once.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgment number counts.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x020);
    /// Congestion was experienced: the echo (RFC 3168).
    pub const ECE: Self = Self(0x040);
    /// The congestion window was reduced (RFC 3168).
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN (RFC 9768), formerly the nonce sum.
    pub const AE: Self = Self(0x100);

    /// Whether all bits of another are set in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of another is set in it.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Its bits that are in another too.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl TcpFlags {
    /// The names of the bits that are set, from the lowest on, as packet lists write them; the reserved three have one.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let reserved = self.intersects(Self(0xe00)).then_some("Reserved");
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
        let named = names.into_iter().enumerate();
        let set = named.filter(move |(bit, _)| (self.0 >> bit) & 1 == 1).map(|(_, name)| name);
        set.chain(reserved)
    }
}

impl fmt::Display for TcpFlags {
    /// As `SYN, ACK`; `<None>` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("<None>");
        }
        for (at, name) in self.names().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl<'a> Tcp<'a> {
    /// The header, what follows it, and whether its options were not recorded whole.
    pub(super) fn decode(segment: Payload<'a>) -> Result<(Self, Payload<'a>, Option<Stop>), Stop> {
        let fixed: &[u8; 20] = segment.header(Layer::Tcp)?;
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, rest @ ..] = *fixed;
        let [offset, flags, w0, w1, c0, c1, u0, u1] = rest;
        let header_length = (offset >> 4) * 4;
        if header_length < 20 {
            return Err(Stop::Malformed(Layer::Tcp, "the header's length is below 20 bytes"));
        }
        let (header, stop) = match segment.take(Layer::Tcp, header_length.into()) {
            Ok(header) => (header, None),
            Err(stop @ Stop::Truncated(_)) => (segment.bytes, Some(stop)),
            Err(stop) => return Err(stop),
        };
        let tcp = Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            sequence: u32::from_be_bytes([q0, q1, q2, q3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(u16::from_be_bytes([offset & 0x0f, flags])),
            window: u16::from_be_bytes([w0, w1]),
            checksum: u16::from_be_bytes([c0, c1]),
            urgent: u16::from_be_bytes([u0, u1]),
            options: TcpOptions::new(header.get(20..).unwrap_or_default()),
            header_length,
        };
        Ok((tcp, segment.skip(header_length.into()), stop))
    }

    /// How many numbers of the sequence a segment with this header and `payload` bytes takes: SYN and FIN take one each.
    pub fn sequence_length(&self, payload: u32) -> u32 {
        payload
            .saturating_add(u32::from(self.flags.contains(TcpFlags::SYN)))
            .saturating_add(u32::from(self.flags.contains(TcpFlags::FIN)))
    }
}
