//! Places in a stream of bytes, from TCP's sequence numbers.

/// How many gaps are remembered; when there are more, the oldest counts as closed.
const MAX_GAPS: usize = 64;

/// What of one direction's stream has passed.
///
/// The stream's first byte has position 0, a SYN's is -1; positions don't wrap around.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequence {
    /// The number of the first byte.
    origin: Option<u32>,
    /// The position after the highest byte that has passed.
    high: i64,
    /// What is missing below it, in order: start and end.
    gaps: Vec<(i64, i64)>,
}

/// What a segment brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Brought {
    /// Bytes that had not passed before.
    pub(super) new: u64,
    /// Bytes that had.
    pub(super) again: u64,
}

impl Sequence {
    /// Says what the first byte's number is, unless that is known.
    pub(super) fn begin(&mut self, number: u32) {
        self.origin.get_or_insert(number);
    }

    /// The position after the highest byte that has passed.
    pub(super) fn high(&self) -> i64 {
        self.high
    }

    /// The position that a number means: the nearest to what passed last. `None` before the first segment.
    pub(super) fn position(&self, number: u32) -> Option<i64> {
        let high = self.origin?.wrapping_add(self.high as u32);
        // The distance on the circle of numbers, the short way (RFC 9293 section 3.4).
        Some(self.high.saturating_add(i64::from(number.wrapping_sub(high) as i32)))
    }

    /// Takes note of bytes that passed.
    pub(super) fn pass(&mut self, start: i64, length: u32) -> Brought {
        let end = start.saturating_add(length.into());
        let mut new = 0;
        if start < self.high {
            let mut left = Vec::new();
            for &(from, to) in &self.gaps {
                let (cut, until) = (from.max(start), to.min(end));
                if cut >= until {
                    left.push((from, to));
                    continue;
                }
                new += until - cut;
                left.extend([(from, cut), (until, to)].iter().filter(|(from, to)| from < to));
            }
            self.gaps = left;
        } else if start > self.high && length > 0 {
            self.gaps.push((self.high, start));
        }
        if end > self.high && length > 0 {
            new += end - start.max(self.high);
            self.high = end;
        }
        if self.gaps.len() > MAX_GAPS {
            self.gaps.remove(0);
        }
        let new = new.unsigned_abs();
        Brought { new, again: u64::from(length).saturating_sub(new) }
    }
}
