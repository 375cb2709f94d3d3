//! Frames on their way: each leaves at its own time, whatever the others do.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// Frames by the time they arrive; of those with one time, the first that set out is the first.
///
/// Frames whose times are in order, as all are where the delay is constant, stand in a row: constant cost. Only those that overtake
/// are in a heap.
#[derive(Debug)]
pub(super) struct Flight<F> {
    row: VecDeque<Due<F>>,
    overtaking: BinaryHeap<Reverse<Due<F>>>,
    departures: u64,
}

#[derive(Debug)]
struct Due<F> {
    /// When it arrives, and as which of all it set out.
    key: (u64, u64),
    frame: F,
}

impl<F> Flight<F> {
    pub(super) const fn new() -> Self {
        Self { row: VecDeque::new(), overtaking: BinaryHeap::new(), departures: 0 }
    }

    pub(super) fn set_out(&mut self, arrival: u64, frame: F) {
        let due = Due { key: (arrival, self.departures), frame };
        self.departures += 1;
        match self.row.back() {
            Some(last) if due.key < last.key => self.overtaking.push(Reverse(due)),
            _ => self.row.push_back(due),
        }
    }

    /// When the next frame arrives.
    pub(super) fn next(&self) -> Option<u64> {
        self.first().map(|(key, _)| key.0)
    }

    /// Takes the next frame if it has arrived by `now`.
    pub(super) fn take(&mut self, now: u64) -> Option<F> {
        let (key, in_row) = self.first()?;
        if key.0 > now {
            return None;
        }
        let due =
            if in_row { self.row.pop_front() } else { self.overtaking.pop().map(|due| due.0) };
        due.map(|due| due.frame)
    }

    /// The key of the next frame, and whether it is in the row.
    fn first(&self) -> Option<((u64, u64), bool)> {
        let row = self.row.front().map(|due| (due.key, true));
        let overtaking = self.overtaking.peek().map(|due| (due.0.key, false));
        row.into_iter().chain(overtaking).min()
    }
}

impl<F> PartialEq for Due<F> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<F> Eq for Due<F> {}

impl<F> PartialOrd for Due<F> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<F> Ord for Due<F> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
