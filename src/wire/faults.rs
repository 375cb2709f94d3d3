//! Faults on chosen frames.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use super::{nanos, queue::Passage};
use crate::{
    impairment::{Action, Rule},
    packet::{Changes, Origin},
};

/// How often a fault has acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultState {
    /// Its number.
    pub number: u32,
    /// How many frames it was applied to.
    pub hits: u64,
    /// How many frames it keeps now.
    pub held: u64,
}

/// The faults of a line in the order of their arrival, and the frames they keep.
#[derive(Debug)]
pub(super) struct Faults<F> {
    active: Vec<Active>,
    held: VecDeque<(u32, Passage<F>)>,
}

#[derive(Debug)]
struct Active {
    number: u32,
    rule: Rule,
    matches: u64,
    /// When the first frame matched.
    since: Option<u64>,
    hits: u64,
    held: u64,
}

/// What the faults say of a frame.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) dropped: Option<u32>,
    pub(super) changes: Changes,
    /// How much later than otherwise it arrives, in ns.
    pub(super) delay: u64,
}

impl<F> Faults<F> {
    pub(super) const fn new() -> Self {
        Self { active: Vec::new(), held: VecDeque::new() }
    }

    pub(super) fn add(&mut self, number: u32, rule: Rule) {
        self.active.push(Active { number, rule, matches: 0, since: None, hits: 0, held: 0 });
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.active.retain(|fault| fault.number != number);
    }

    pub(super) fn states(&self) -> impl Iterator<Item = FaultState> + '_ {
        self.active.iter().map(|&Active { number, hits, held, .. }| FaultState {
            number,
            hits,
            held,
        })
    }

    /// Applies the faults to a frame, one after the other, until one drops or holds it.
    pub(super) fn judge(&mut self, now: u64, bytes: &[u8]) -> Judgement {
        let mut judgement = Judgement::default();
        for fault in &mut self.active {
            if !fault.hits(now, bytes) {
                continue;
            }
            let number = fault.number;
            let changes = &mut judgement.changes;
            match &fault.rule.action {
                Action::Drop => {
                    judgement.dropped = Some(number);
                    break;
                }
                Action::Hold => {
                    changes.held = Some(number);
                    break;
                }
                Action::Delay(delay) => {
                    changes.delayed.get_or_insert(number);
                    judgement.delay = judgement.delay.saturating_add(nanos(*delay));
                }
                Action::Duplicate => {
                    changes.duplicated.get_or_insert(Origin::Fault(number));
                }
                Action::Corrupt => {
                    changes.corrupted.get_or_insert(Origin::Fault(number));
                }
            }
        }
        judgement
    }

    /// Keeps a frame for the fault that holds it.
    pub(super) fn hold(&mut self, number: u32, passage: Passage<F>) {
        self.held.push_back((number, passage));
        self.count(number, |held| held.saturating_add(1));
    }

    /// The first of the frames that a fault keeps.
    pub(super) fn release(&mut self, number: u32) -> Option<Passage<F>> {
        let at = self.held.iter().position(|(by, _)| *by == number)?;
        self.count(number, |held| held.saturating_sub(1));
        self.held.remove(at).map(|(_, passage)| passage)
    }

    fn count(&mut self, number: u32, change: impl Fn(u64) -> u64) {
        for fault in self.active.iter_mut().filter(|fault| fault.number == number) {
            fault.held = change(fault.held);
        }
    }
}

impl Active {
    /// Whether the fault is applied to a frame.
    fn hits(&mut self, now: u64, bytes: &[u8]) -> bool {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if self.rule.matching.as_ref().is_some_and(|filter| !filter.matches(bytes, length)) {
            return false;
        }
        self.matches = self.matches.saturating_add(1);
        let since = now.saturating_sub(*self.since.get_or_insert(now));
        let hit = self.rule.which.includes(self.matches, Duration::from_nanos(since));
        self.hits = self.hits.saturating_add(u64::from(hit));
        hit
    }
}
