//! The options of TCP, in wire order.

/// The options of a TCP header: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
}

/// An option of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Ends the list.
    End,
    /// Pads.
    NoOperation,
    /// The largest segment that the sender takes, in bytes (RFC 9293).
    MaximumSegmentSize(u16),
    /// By how many bits windows are shifted (RFC 7323), as it stands on the wire.
    WindowScale(u8),
    /// Selective acknowledgments may be sent (RFC 2018).
    SackPermitted,
    /// What arrived beyond a gap (RFC 2018).
    Sack(SackBlocks<'a>),
    /// The sender's clock, and the last that it got of the other's (RFC 7323).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The other's clock, echoed.
        echo: u32,
    },
    /// A digest of the segment with a shared secret (RFC 2385).
    Md5(&'a [u8]),
    /// A Fast Open cookie (RFC 7413); empty to ask for one.
    FastOpen(&'a [u8]),
    /// Multipath TCP (RFC 8684): its bytes from the subtype on.
    Multipath(&'a [u8]),
    /// Any other kind, or one of the above with a length that is not its own.
    Other {
        /// Its kind.
        kind: u8,
        /// Its bytes after kind and length.
        data: &'a [u8],
    },
    /// An option whose length is below 2 or runs over the header's end: the rest of the header.
    Malformed {
        /// Its kind.
        kind: u8,
        /// What follows the kind.
        data: &'a [u8],
    },
}

/// The blocks of a selective acknowledgment, left and right edge: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SackBlocks<'a> {
    bytes: &'a [u8],
}

impl<'a> TcpOptions<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes they are made of.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The largest segment that the sender takes, if said.
    pub fn maximum_segment_size(self) -> Option<u16> {
        self.into_iter().find_map(|option| match option {
            TcpOption::MaximumSegmentSize(size) => Some(size),
            _ => None,
        })
    }

    /// By how many bits windows are shifted, if said; more than 14 count as 14 (RFC 7323 section 2.3).
    pub fn window_scale(self) -> Option<u8> {
        self.into_iter().find_map(|option| match option {
            TcpOption::WindowScale(shift) => Some(shift.min(14)),
            _ => None,
        })
    }

    /// The clocks, value and echo, if said.
    pub fn timestamps(self) -> Option<(u32, u32)> {
        self.into_iter().find_map(|option| match option {
            TcpOption::Timestamps { value, echo } => Some((value, echo)),
            _ => None,
        })
    }

    /// The blocks that were selectively acknowledged; none where there is no such option.
    pub fn sack(self) -> SackBlocks<'a> {
        let found = self.into_iter().find_map(|option| match option {
            TcpOption::Sack(blocks) => Some(blocks),
            _ => None,
        });
        found.unwrap_or(SackBlocks { bytes: &[] })
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&kind, rest) = self.bytes.split_first()?;
        if kind <= 1 {
            self.bytes = if kind == 0 { &[] } else { rest };
            return Some(if kind == 0 { TcpOption::End } else { TcpOption::NoOperation });
        }
        let length = rest.first().map_or(0, |length| usize::from(*length));
        let Some(data) = self.bytes.get(2..length) else {
            self.bytes = &[];
            return Some(TcpOption::Malformed { kind, data: rest });
        };
        self.bytes = &self.bytes[length..];
        Some(TcpOption::of(kind, data))
    }
}

impl<'a> TcpOption<'a> {
    fn of(kind: u8, data: &'a [u8]) -> Self {
        match (kind, data) {
            (2, &[a, b]) => Self::MaximumSegmentSize(u16::from_be_bytes([a, b])),
            (3, &[shift]) => Self::WindowScale(shift),
            (4, []) => Self::SackPermitted,
            (5, bytes) if bytes.len() % 8 == 0 && !bytes.is_empty() => {
                Self::Sack(SackBlocks { bytes })
            }
            (8, &[a, b, c, d, e, f, g, h]) => Self::Timestamps {
                value: u32::from_be_bytes([a, b, c, d]),
                echo: u32::from_be_bytes([e, f, g, h]),
            },
            (19, digest) if digest.len() == 16 => Self::Md5(digest),
            (30, bytes) if !bytes.is_empty() => Self::Multipath(bytes),
            (34, cookie) => Self::FastOpen(cookie),
            _ => Self::Other { kind, data },
        }
    }

    /// The number of its kind (IANA, TCP Option Kind Numbers).
    pub fn kind(&self) -> u8 {
        match self {
            Self::End => 0,
            Self::NoOperation => 1,
            Self::MaximumSegmentSize(_) => 2,
            Self::WindowScale(_) => 3,
            Self::SackPermitted => 4,
            Self::Sack(_) => 5,
            Self::Timestamps { .. } => 8,
            Self::Md5(_) => 19,
            Self::Multipath(_) => 30,
            Self::FastOpen(_) => 34,
            Self::Other { kind, .. } | Self::Malformed { kind, .. } => *kind,
        }
    }
}

impl Iterator for SackBlocks<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let (&[a, b, c, d, e, f, g, h], rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
    }
}
