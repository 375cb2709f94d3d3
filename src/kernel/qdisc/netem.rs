//! Loss, duplicates, delay and reordering (tc-netem(8)); what it does is in net/sched/sch_netem.c.

use std::time::Duration;

use super::{
    message::{Discipline, append, attribute, u32_at, u64_at},
    table::table,
};
use crate::{
    impairment::{Distribution, Impairment, Loss, QueueLimit},
    units::{Delay, Probability},
};

pub(super) const KIND: &str = "netem";
pub(super) const HANDLE: u16 = 1;

/// Attributes of `linux/pkt_sched.h`; the options begin with a struct tc_netem_qopt.
const QOPT: usize = 24;
const DELAY_DIST: u16 = 2;
const REORDER: u16 = 3;
const CORRUPT: u16 = 4;
const LOSS: u16 = 5;
const LATENCY64: u16 = 10;
const JITTER64: u16 = 11;
const PRNG_SEED: u16 = 14;
/// NETEM_LOSS_GE: in TCA_NETEM_LOSS, a struct tc_netem_gemodel.
const LOSS_GE: u16 = 2;
/// More frames than a machine sends through a link in a second: netem's queue holds those that are under way, too.
const FRAMES_PER_SECOND: u64 = 2_000_000;
/// An Ethernet header alone, in bytes.
const SHORTEST_FRAME: u64 = 14;
/// tc's own default.
const LEAST: u64 = 1000;

/// The states of netem's two-state chain: how likely it moves, and loses, as 32 random bits are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chain {
    enter: u32,
    leave: u32,
    /// Not lost in the bad state.
    kept: u32,
    good: u32,
}

/// netem's options, in its own units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Netem {
    /// Nanoseconds.
    latency: u64,
    jitter: u64,
    limit: u32,
    loss: u32,
    chain: Option<Chain>,
    duplicate: u32,
    /// 0: nothing is reordered.
    gap: u32,
    reorder: u32,
    corrupt: u32,
    distribution: Distribution,
    pub(super) seed: Option<u64>,
}

impl Netem {
    /// What an impairment asks of netem.
    pub(super) fn of(impairment: &Impairment, seed: Option<u64>) -> Self {
        let latency = nanoseconds(impairment.delay);
        let jitter = nanoseconds(impairment.jitter);
        let reorder = at_most(impairment.reorder);
        let netem = Self {
            latency,
            jitter,
            limit: limit(latency, jitter, waiting(impairment)),
            duplicate: at_most(impairment.duplicate),
            gap: if reorder == 0 { 0 } else { impairment.gap.max(1) },
            reorder,
            corrupt: at_most(impairment.corrupt),
            distribution: impairment.distribution,
            seed,
            ..Self::default()
        };
        match impairment.loss {
            // A copy would pass where its frame is lost.
            _ if impairment.down => Self { loss: u32::MAX, duplicate: 0, ..netem },
            Loss::None => netem,
            Loss::Independent(share) => Self { loss: at_most(share), ..netem },
            Loss::GilbertElliott { enter, leave, bad, good } => {
                let (enter, leave, good) = (below(enter), below(leave), below(good));
                let kept = u32::MAX - below(bad);
                Self { chain: Some(Chain { enter, leave, kept, good }), ..netem }
            }
        }
    }

    pub(super) fn discipline(&self) -> Discipline {
        // latency, limit, loss, gap, duplicate, jitter; the two times are 64 bits wide below.
        let qopt = [0, self.limit, self.loss, self.gap, self.duplicate, 0];
        let mut options: Vec<u8> = qopt.into_iter().flat_map(u32::to_ne_bytes).collect();
        append(&mut options, LATENCY64, &self.latency.to_ne_bytes());
        append(&mut options, JITTER64, &self.jitter.to_ne_bytes());
        if self.jitter > 0 {
            append(&mut options, DELAY_DIST, table(self.distribution));
        }
        // Each a probability and a correlation with the last; netem keeps what it is not told.
        append(&mut options, REORDER, &pair(self.reorder));
        append(&mut options, CORRUPT, &pair(self.corrupt));
        if let Some(Chain { enter, leave, kept, good }) = self.chain {
            let model = [enter, leave, kept, good].map(u32::to_ne_bytes).concat();
            let mut nested = Vec::new();
            append(&mut nested, LOSS_GE, &model);
            append(&mut options, LOSS, &nested);
        }
        if let Some(seed) = self.seed {
            append(&mut options, PRNG_SEED, &seed.to_ne_bytes());
        }
        Discipline { kind: KIND, handle: HANDLE, parent: None, options }
    }

    /// From what the kernel tells, which leaves the distribution out.
    pub(super) fn parse(options: &[u8], distribution: Distribution) -> Option<Self> {
        let attributes = options.get(QOPT..)?;
        let long = |kind| attribute(attributes, kind).and_then(|value| u64_at(value, 0));
        let first = |kind| attribute(attributes, kind).and_then(|value| u32_at(value, 0));
        let model = attribute(attributes, LOSS).and_then(|models| attribute(models, LOSS_GE));
        let chain = model.and_then(|model| {
            let (enter, leave) = (u32_at(model, 0)?, u32_at(model, 4)?);
            Some(Chain { enter, leave, kept: u32_at(model, 8)?, good: u32_at(model, 12)? })
        });
        let gap = u32_at(options, 12)?;
        Some(Self {
            latency: long(LATENCY64)?,
            jitter: long(JITTER64)?,
            limit: u32_at(options, 4)?,
            loss: u32_at(options, 8)?,
            chain,
            duplicate: u32_at(options, 16)?,
            gap,
            reorder: if gap == 0 { 0 } else { first(REORDER)? },
            corrupt: first(CORRUPT)?,
            distribution,
            seed: long(PRNG_SEED),
        })
    }

    /// What it does, into `impairment`; what it does not tell, or does the same for, is as in `asked`.
    pub(super) fn read(&self, asked: &Impairment, impairment: &mut Impairment) {
        impairment.delay = Delay(Duration::from_nanos(self.latency));
        impairment.jitter = Delay(Duration::from_nanos(self.jitter));
        impairment.distribution = asked.distribution;
        impairment.down = asked.down && self.loss == u32::MAX;
        (impairment.loss, impairment.duplicate) = match (self.chain, impairment.down) {
            (_, true) => (asked.loss, asked.duplicate),
            (None, _) if self.loss == 0 => (Loss::None, share(self.duplicate)),
            (None, _) => (Loss::Independent(share(self.loss)), share(self.duplicate)),
            (Some(chain), _) => (chain.loss(), share(self.duplicate)),
        };
        impairment.reorder = share(self.reorder);
        impairment.gap = if self.gap <= 1 && asked.gap <= 1 { asked.gap } else { self.gap };
        impairment.corrupt = share(self.corrupt);
    }
}

impl Chain {
    fn loss(self) -> Loss {
        Loss::GilbertElliott {
            enter: rounded(self.enter.into()),
            leave: rounded(self.leave.into()),
            bad: rounded((u32::MAX - self.kept).into()),
            good: rounded(self.good.into()),
        }
    }
}

fn pair(probability: u32) -> [u8; 8] {
    let mut pair = [0; 8];
    pair[..4].copy_from_slice(&probability.to_ne_bytes());
    pair
}

fn nanoseconds(delay: Delay) -> u64 {
    u64::try_from(delay.0.as_nanos()).unwrap_or(u64::MAX)
}

/// How many frames may wait for the rate: some kernels count them as netem's own (`sch->q.qlen` in net/sched/sch_netem.c).
fn waiting(impairment: &Impairment) -> u64 {
    match impairment.limit {
        _ if impairment.rate.is_none() => 0,
        QueueLimit::Frames(frames) => frames.into(),
        QueueLimit::Bytes(bytes) => bytes.0 / SHORTEST_FRAME,
    }
}

/// Room for all frames that are under way or waiting at a time; the tail of a bell curve is four deviations long.
fn limit(latency: u64, jitter: u64, waiting: u64) -> u32 {
    let longest = u128::from(latency) + 4 * u128::from(jitter);
    let frames = longest * u128::from(FRAMES_PER_SECOND) / 1_000_000_000;
    let frames = frames + u128::from(waiting) + u128::from(LEAST);
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// All values of 32 bits.
const ALL: u64 = 1 << 32;
const BILLION: u64 = 1_000_000_000;

/// How many of the values of 32 bits make a probability.
fn values(probability: Probability) -> u64 {
    (u64::from(probability.parts_per_billion()) * ALL + BILLION / 2) / BILLION
}

/// The number that random bits are at most, with this probability; 0 is never, as netem has it.
fn at_most(probability: Probability) -> u32 {
    u32::try_from(values(probability).saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The number that random bits are below, with this probability; certainty misses one value.
fn below(probability: Probability) -> u32 {
    u32::try_from(values(probability)).unwrap_or(u32::MAX)
}

/// Undoes [`at_most`].
fn share(number: u32) -> Probability {
    rounded(if number == 0 { 0 } else { u64::from(number) + 1 })
}

/// To the nearest billionth, which undoes [`values`].
fn rounded(values: u64) -> Probability {
    let parts = (values * BILLION + ALL / 2) >> 32;
    let parts = u32::try_from(parts).ok().and_then(Probability::from_parts_per_billion);
    parts.unwrap_or(Probability::ALWAYS)
}
