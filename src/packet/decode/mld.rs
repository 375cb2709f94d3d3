//! The records of multicast listener reports, version 2 (RFC 3810 section 5.2).

use std::net::Ipv6Addr;

/// The records of a report: an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MldRecords<'a> {
    bytes: &'a [u8],
    left: u16,
}

/// What a listener says about one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MldRecord<'a> {
    /// 1 includes, 2 excludes, 3 and 4 change to including and excluding, 5 allows and 6 blocks sources.
    pub kind: u8,
    /// The group.
    pub group: Ipv6Addr,
    /// The sources, 16 bytes each.
    pub sources: &'a [u8],
}

impl<'a> MldRecords<'a> {
    pub(super) fn new(bytes: &'a [u8], left: u16) -> Self {
        Self { bytes, left }
    }
}

impl<'a> Iterator for MldRecords<'a> {
    type Item = MldRecord<'a>;

    /// The next record; ends where bytes are missing.
    fn next(&mut self) -> Option<MldRecord<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (&[kind, auxiliary, n0, n1, group @ ..], rest) =
            self.bytes.split_first_chunk::<20>()?;
        let (sources, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([n0, n1])) * 16)?;
        self.bytes = rest.get(usize::from(auxiliary) * 4..).unwrap_or_default();
        Some(MldRecord { kind, group: Ipv6Addr::from(group), sources })
    }
}
