//! Counting numbered datagrams.

use std::time::Instant;

use super::{counters::Refused, flood::MAX_COUNT, report::Report};

/// What has come of one run, a bit for each number.
#[derive(Debug)]
pub(super) struct Tally {
    received: u64,
    distinct: u64,
    reordered: u64,
    bytes: u64,
    highest: Option<u32>,
    seen: Vec<u64>,
    /// When the first and the last came.
    came: Option<(Instant, Instant)>,
    /// When it was begun, and what the kernel had counted then.
    begun: (Instant, Refused),
}

impl Tally {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            received: 0,
            distinct: 0,
            reordered: 0,
            bytes: 0,
            highest: None,
            seen: Vec::new(),
            came: None,
            begun: (now, Refused::now()),
        }
    }

    /// When something of the run came last.
    pub(super) fn last(&self) -> Instant {
        self.came.map_or(self.begun.0, |(_, last)| last)
    }

    /// Counts a datagram; of one with a number that no client sends, nothing.
    pub(super) fn note(&mut self, number: u32, length: usize, now: Instant) {
        if number >= MAX_COUNT {
            return;
        }
        self.received += 1;
        self.bytes += length as u64;
        self.came = Some((self.came.map_or(now, |(first, _)| first), now));
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let Some(word) = self.seen.get_mut(word).filter(|word| **word & bit == 0) else { return };
        *word |= bit;
        self.distinct += 1;
        if self.highest.is_some_and(|highest| number < highest) {
            self.reordered += 1;
        }
        self.highest = self.highest.max(Some(number));
    }

    /// What there is to tell once `sent` datagrams were sent.
    pub(super) fn report(&self, sent: u32, now: Instant) -> Report {
        let since = |earlier: Instant, later: Instant| {
            u64::try_from(later.saturating_duration_since(earlier).as_nanos()).unwrap_or(u64::MAX)
        };
        let Refused { corrupted, overrun } = Refused::now().since(self.begun.1);
        Report {
            received: self.received,
            lost: u64::from(sent).saturating_sub(self.distinct),
            bursts: self.bursts(sent),
            duplicated: self.received - self.distinct,
            reordered: self.reordered,
            corrupted,
            overrun,
            bytes: self.bytes,
            duration_ns: self.came.map_or(0, |(first, last)| since(first, last)),
            quiet_ns: since(self.last(), now),
        }
    }

    /// How many times a missing number follows one that came, or is the first.
    fn bursts(&self, sent: u32) -> u64 {
        let words = sent.min(MAX_COUNT).div_ceil(64);
        let mut came_before = 1;
        let mut bursts = 0;
        for at in 0..words {
            let came = self.seen.get(at as usize).copied().unwrap_or(0);
            let used = if (at + 1) * 64 <= sent { u64::MAX } else { (1 << (sent % 64)) - 1 };
            let begins = !came & (came << 1 | came_before) & used;
            bursts += u64::from(begins.count_ones());
            came_before = came >> 63;
        }
        bursts
    }
}
