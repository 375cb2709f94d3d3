//! What chance does to the frames of a line.

use super::{
    draws::{Draws, Purpose, below, happens, normal, uniform},
    nanos,
};
use crate::{
    impairment::{Distribution, Impairment, Loss},
    units::Probability,
};

/// Chance on one direction of a link: its draws, and as much memory as bursts and gaps need.
#[derive(Debug)]
pub(super) struct Chance {
    draws: Draws,
    /// Whether the chain of Gilbert and Elliott is in the bad state. It starts in the good one.
    bad: bool,
    /// How many frames came since the last that was reordered.
    in_order: u32,
}

/// What chance says of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fortune {
    pub(super) lost: bool,
    pub(super) corrupted: bool,
    pub(super) duplicated: bool,
    pub(super) reordered: bool,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { draws: Draws::new(seed), bad: false, in_order: 0 }
    }

    /// Forgets what was only about what the impairment was before.
    pub(super) fn adopt(&mut self, old: &Impairment, new: &Impairment) {
        if new.loss != old.loss {
            self.bad = false;
        }
        if (new.reorder, new.gap) != (old.reorder, old.gap) {
            self.in_order = 0;
        }
    }

    /// What chance says of the frame with this index. It is asked once for each, in order, whatever else becomes of the frame.
    pub(super) fn of(&mut self, index: u64, impairment: &Impairment) -> Fortune {
        let Impairment { loss, corrupt, duplicate, reorder, gap, .. } = impairment;
        // As in netem: `gap` − 1 frames at least between two that are reordered.
        let reordered = self.in_order >= gap.saturating_sub(1)
            && self.happens(index, Purpose::Reorder, *reorder);
        self.in_order = if reordered { 0 } else { self.in_order.saturating_add(1) };
        Fortune {
            lost: self.loses(index, loss),
            corrupted: self.happens(index, Purpose::Corrupt, *corrupt),
            duplicated: self.happens(index, Purpose::Duplicate, *duplicate),
            reordered,
        }
    }

    /// As in netem (`loss_gilb_ell` in net/sched/sch_netem.c), the state before the frame decides on it, and then may change.
    fn loses(&mut self, index: u64, loss: &Loss) -> bool {
        match *loss {
            Loss::None => false,
            Loss::Independent(share) => self.happens(index, Purpose::Loss, share),
            Loss::GilbertElliott { enter, leave, bad, good } => {
                let (share, change) = if self.bad { (bad, leave) } else { (good, enter) };
                self.bad ^= self.happens(index, Purpose::State, change);
                self.happens(index, Purpose::Loss, share)
            }
        }
    }

    fn happens(&self, index: u64, purpose: Purpose, probability: Probability) -> bool {
        !probability.is_never() && happens(self.draws.get(index, purpose), probability)
    }

    /// Turns a bit of the frame with this index; false if it has none.
    pub(super) fn corrupt(&self, index: u64, bytes: &mut [u8]) -> bool {
        let bits = (bytes.len() as u64).saturating_mul(8);
        let bit = below(self.draws.get(index, Purpose::Bit), bits);
        let byte = usize::try_from(bit / 8).ok().and_then(|byte| bytes.get_mut(byte));
        byte.map(|byte| *byte ^= 1 << (bit % 8)).is_some()
    }

    /// How long the frame with this index, or its copy, is under way, in ns.
    pub(super) fn delay(&self, index: u64, copy: bool, impairment: &Impairment) -> u64 {
        let (delay, jitter) = (nanos(impairment.delay), nanos(impairment.jitter));
        if jitter == 0 {
            return delay;
        }
        let purpose = if copy { Purpose::CopyJitter } else { Purpose::Jitter };
        let drawn = self.draws.get(index, purpose);
        let offset = match impairment.distribution {
            Distribution::Uniform => uniform(drawn, jitter),
            Distribution::Normal => normal(drawn, jitter),
        };
        u64::try_from((i128::from(delay) + offset).max(0)).unwrap_or(u64::MAX)
    }
}

/// The least that [`Chance::delay`] says of any frame.
pub(super) fn least_delay(impairment: &Impairment) -> u64 {
    let jitter = nanos(impairment.jitter);
    match impairment.distribution {
        Distribution::Normal if jitter > 0 => 0,
        _ => nanos(impairment.delay).saturating_sub(jitter),
    }
}
