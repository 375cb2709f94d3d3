//! A stream of bytes from segments that come out of order, twice, overlapping, or not at all.

use std::collections::BTreeMap;

/// How many bytes wait for those before them, at most; then what is missing counts as a gap.
const MAX_WAITING: usize = 1 << 20;
/// What an empty segment's bookkeeping weighs, so that many tiny ones are bounded too.
const OVERHEAD: usize = 64;

/// Puts a direction's bytes in order; positions are those of [`Sequence`](super::sequence::Sequence).
#[derive(Debug, Clone, Default)]
pub(super) struct Reassembly {
    /// The position of the next byte.
    next: i64,
    waiting: BTreeMap<i64, Part>,
    held: usize,
}

/// Bytes of a segment: those recorded, and how many there were.
#[derive(Debug, Clone)]
struct Part {
    bytes: Vec<u8>,
    length: u32,
}

/// What comes next in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Bytes(Vec<u8>),
    /// So many bytes are not in the recording.
    Gap(u64),
}

impl Reassembly {
    /// Takes a segment's bytes, and gives out what is in order now.
    pub(super) fn take(
        &mut self,
        start: i64,
        bytes: &[u8],
        length: u32,
        out: &mut impl FnMut(Next),
    ) {
        if length == 0 || start.saturating_add(length.into()) <= self.next {
            return;
        }
        if start <= self.next {
            self.give(start, bytes, length, out);
            return self.release(out);
        }
        // Of two segments from one place on, the longer says all that the other does.
        if self.waiting.get(&start).is_none_or(|part| part.length < length) {
            self.held += bytes.len() + OVERHEAD;
            let before = self.waiting.insert(start, Part { bytes: bytes.to_vec(), length });
            self.held -= before.map_or(0, |part| part.bytes.len() + OVERHEAD);
        }
        while self.held > MAX_WAITING {
            self.skip(out);
        }
    }

    /// Gives out what waits up to a position that the receiver acknowledged: what is missing before it was never recorded.
    pub(super) fn acknowledged(&mut self, up_to: i64, out: &mut impl FnMut(Next)) {
        while self.waiting.first_key_value().is_some_and(|(at, _)| *at <= up_to) {
            self.skip(out);
        }
    }

    /// Gives out all that waits; `end` is where the stream ended, if that is known.
    pub(super) fn finish(&mut self, end: Option<i64>, out: &mut impl FnMut(Next)) {
        while !self.waiting.is_empty() {
            self.skip(out);
        }
        if let Some(end) = end.filter(|end| *end > self.next) {
            out(Next::Gap((end - self.next).unsigned_abs()));
            self.next = end;
        }
    }

    /// Gives up what is missing before the first segment that waits.
    fn skip(&mut self, out: &mut impl FnMut(Next)) {
        if let Some((&at, _)) = self.waiting.first_key_value() {
            if at > self.next {
                out(Next::Gap((at - self.next).unsigned_abs()));
                self.next = at;
            }
            self.release(out);
        }
    }

    /// Gives out what waited for bytes that are there now.
    fn release(&mut self, out: &mut impl FnMut(Next)) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > self.next {
                return;
            }
            let (start, part) = entry.remove_entry();
            self.held -= part.bytes.len() + OVERHEAD;
            self.give(start, &part.bytes, part.length, out);
        }
    }

    /// Gives out a segment's bytes from the next one on.
    fn give(&mut self, start: i64, bytes: &[u8], length: u32, out: &mut impl FnMut(Next)) {
        let end = start.saturating_add(length.into());
        if end <= self.next {
            return;
        }
        let known = (self.next - start).unsigned_abs() as usize;
        let fresh = bytes.get(known..).unwrap_or_default();
        if !fresh.is_empty() {
            out(Next::Bytes(fresh.to_vec()));
        }
        let missing = (end - self.next).unsigned_abs() - fresh.len() as u64;
        if missing > 0 {
            out(Next::Gap(missing));
        }
        self.next = end;
    }
}
