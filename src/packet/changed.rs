//! Frames that a wire changed on their way, known again where they arrive.

use std::collections::VecDeque;

/// How many frames are kept, and how many of their bytes at most.
const MAX_FRAMES: usize = 1024;
const MAX_BYTES: usize = 4096;

/// Frames as they were sent, each with something that it stands for.
#[derive(Debug)]
pub(super) struct Changed<T>(VecDeque<Sent<T>>);

#[derive(Debug)]
struct Sent<T> {
    what: T,
    length: u32,
    bytes: Vec<u8>,
}

impl<T: Copy> Changed<T> {
    /// Keeps a frame of this length.
    pub(super) fn push(&mut self, what: T, length: u32, bytes: &[u8]) {
        if self.0.len() == MAX_FRAMES {
            self.0.pop_front();
        }
        let bytes = bytes[..bytes.len().min(MAX_BYTES)].to_vec();
        self.0.push_back(Sent { what, length, bytes });
    }

    /// What the first frame stands for that is as wanted and differs from this one in one byte at most, as after one bit was turned; and
    /// its place.
    pub(super) fn find(
        &self,
        length: u32,
        bytes: &[u8],
        wanted: impl Fn(&T) -> bool,
    ) -> Option<(usize, T)> {
        let same = |sent: &Sent<T>| {
            let mut pairs = sent.bytes.iter().zip(bytes);
            let differs = |(before, after): &(&u8, &u8)| before != after;
            sent.length == length
                && sent.bytes.len() == bytes.len().min(MAX_BYTES)
                && pairs.by_ref().any(|pair| differs(&pair))
                && !pairs.any(|pair| differs(&pair))
        };
        let found = |(_, sent): &(usize, &Sent<T>)| wanted(&sent.what) && same(sent);
        self.0.iter().enumerate().find(found).map(|(place, sent)| (place, sent.what))
    }

    /// Keeps the frame at a place no longer.
    pub(super) fn remove(&mut self, place: usize) {
        self.0.remove(place);
    }
}

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
