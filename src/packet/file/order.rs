//! The byte order of a section.

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }

    /// The two halves of a 32-bit word.
    pub(super) fn halves(self, word: [u8; 4]) -> [u16; 2] {
        let [a, b, c, d] = word;
        [self.u16([a, b]), self.u16([c, d])]
    }

    /// The first `N` 32-bit numbers, and what follows.
    pub(super) fn words<const N: usize>(self, bytes: &[u8]) -> Option<([u32; N], &[u8])> {
        let (words, _) = bytes.as_chunks::<4>();
        let numbers = words.first_chunk::<N>()?.map(|word| self.u32(word));
        Some((numbers, bytes.get(4 * N..)?))
    }
}

/// A 64-bit number that is recorded as two words, the higher one first in any byte order.
pub(super) fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
