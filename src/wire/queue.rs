//! Frames that wait to be sent.

use std::collections::VecDeque;

use super::pace::Pacer;
use crate::{
    impairment::{Pace, QueueLimit},
    units::ByteSize,
};

/// A frame and what was decided of it when it was accepted.
#[derive(Debug, Clone)]
pub(super) struct Passage<F> {
    pub(super) frame: F,
    /// Its length in bytes.
    pub(super) length: u64,
    /// Which frame of the direction it is, from 0.
    pub(super) index: u64,
    /// How much later it arrives because of faults, in ns.
    pub(super) late: u64,
    /// Whether it skips the delay.
    pub(super) reordered: bool,
    /// Whether it is a copy.
    pub(super) copy: bool,
}

/// A drop-tail queue, emptied at a pace.
#[derive(Debug)]
pub(super) struct Queue<F> {
    waiting: VecDeque<Passage<F>>,
    bytes: u64,
    /// How many of those that wait skip the delay.
    skipping: u64,
    pacer: Pacer,
    /// When the first of those that wait is sent.
    ready: u64,
}

impl<F> Queue<F> {
    pub(super) const fn new() -> Self {
        let waiting = VecDeque::new();
        Self { waiting, bytes: 0, skipping: 0, pacer: Pacer::Free, ready: 0 }
    }

    /// Sends at another pace from `now` on.
    pub(super) fn change_pace(&mut self, now: u64, pace: Option<&Pace>, burst: Option<ByteSize>) {
        self.pacer.change(now, pace, burst.map(|burst| burst.0));
        self.look(now);
    }

    /// Lets a frame that came at a time wait, if it can't be sent by now; false if it would have to and there is no room.
    ///
    /// As in tc-pfifo(8) and tc-bfifo(8), there is room if so many frames, or bytes with those of the frame, may wait.
    pub(super) fn push(
        &mut self,
        came: u64,
        now: u64,
        passage: Passage<F>,
        limit: &QueueLimit,
    ) -> bool {
        let first = self.waiting.is_empty();
        if first {
            self.pacer.idle(came);
        }
        let ready = if first { self.pacer.ready(passage.length).max(came) } else { self.ready };
        let room = match limit {
            QueueLimit::Frames(frames) => (self.waiting.len() as u64) < u64::from(*frames),
            QueueLimit::Bytes(bytes) => self.bytes.saturating_add(passage.length) <= bytes.0,
        };
        let at_once = first && ready <= now;
        if room || at_once {
            self.ready = ready;
            self.bytes += passage.length;
            self.skipping += u64::from(passage.reordered);
            self.waiting.push_back(passage);
        }
        room || at_once
    }

    /// The first frame if it is sent by `now`, and when.
    pub(super) fn pop(&mut self, now: u64) -> Option<(u64, Passage<F>)> {
        let at = self.next().filter(|at| *at <= now)?;
        let passage = self.waiting.pop_front()?;
        self.bytes -= passage.length;
        self.skipping -= u64::from(passage.reordered);
        self.pacer.spend(at, passage.length);
        self.look(at);
        Some((at, passage))
    }

    /// Whether any of the frames that wait skips the delay.
    pub(super) const fn skips(&self) -> bool {
        self.skipping > 0
    }

    /// When the first frame is sent.
    pub(super) fn next(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.ready)
    }

    /// Finds out when the frame that is now the first is sent.
    fn look(&mut self, now: u64) {
        if let Some(first) = self.waiting.front() {
            self.ready = self.pacer.ready(first.length).max(now);
        }
    }
}
