//! The header of datagrams that belong to a measurement.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// Bytes of the header, the least that a datagram of a measurement has.
pub const HEADER: usize = 12;

const MAGIC: [u8; 3] = *b"\0ln";

/// What a datagram of a measurement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To be sent back.
    Echo = 1,
    /// To be counted.
    Count = 2,
    /// A question for the report of a run.
    Ask = 3,
    /// The answer to it.
    Report = 4,
}

/// What a datagram of a measurement begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) run: u32,
    pub(super) number: u32,
}

impl Header {
    /// The header of a datagram; `None` of any other one.
    pub(super) fn read(datagram: &[u8]) -> Option<Self> {
        let (header, _) = datagram.split_first_chunk::<HEADER>()?;
        let [m0, m1, m2, kind, r0, r1, r2, r3, n0, n1, n2, n3] = *header;
        if [m0, m1, m2] != MAGIC {
            return None;
        }
        let kinds = [Kind::Echo, Kind::Count, Kind::Ask, Kind::Report];
        let kind = kinds.into_iter().find(|known| *known as u8 == kind)?;
        let run = u32::from_be_bytes([r0, r1, r2, r3]);
        Some(Self { kind, run, number: u32::from_be_bytes([n0, n1, n2, n3]) })
    }

    /// The header as bytes.
    pub(super) fn bytes(self) -> [u8; HEADER] {
        let [m0, m1, m2] = MAGIC;
        let [r0, r1, r2, r3] = self.run.to_be_bytes();
        let [n0, n1, n2, n3] = self.number.to_be_bytes();
        [m0, m1, m2, self.kind as u8, r0, r1, r2, r3, n0, n1, n2, n3]
    }

    /// Makes a datagram begin with this header, if it has room for one.
    pub(super) fn write(self, datagram: &mut [u8]) {
        if let Some((header, _)) = datagram.split_first_chunk_mut::<HEADER>() {
            *header = self.bytes();
        }
    }
}

/// A number for a measurement that no other one is likely to have.
pub(super) fn any_run() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}
