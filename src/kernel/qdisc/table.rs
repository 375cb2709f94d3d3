//! How delays vary, as netem is told: a table of deviations of which it takes one at random.
//!
//! Without a table netem takes a random number modulo the width of the jitter, which favours small ones: with a jitter of
//! 1 s by half. And it keeps the table it has if it is not given another. So it always gets one.

use std::sync::LazyLock;

use crate::impairment::Distribution;

/// NETEM_DIST_SCALE of `linux/pkt_sched.h`: the deviation that stands for one jitter.
const SCALE: i16 = 8192;
/// NETEM_DIST_MAX there: the most entries.
const MOST: usize = 16384;

/// All deviations, as the value of TCA_NETEM_DELAY_DIST.
pub(super) fn table(distribution: Distribution) -> &'static [u8] {
    static UNIFORM: LazyLock<Vec<u8>> = LazyLock::new(|| bytes(uniform()));
    static NORMAL: LazyLock<Vec<u8>> = LazyLock::new(|| bytes(normal()));
    match distribution {
        Distribution::Uniform => &UNIFORM,
        Distribution::Normal => &NORMAL,
    }
}

fn bytes(deviations: impl IntoIterator<Item = i16>) -> Vec<u8> {
    deviations.into_iter().flat_map(i16::to_ne_bytes).collect()
}

/// From minus one jitter to one.
fn uniform() -> impl Iterator<Item = i16> {
    1 - SCALE..SCALE
}

/// The quantiles of the bell curve whose standard deviation is one jitter, as far as 16 bits reach: four of them.
fn normal() -> Vec<i16> {
    let density = |deviation: i16| {
        let x = f64::from(deviation) / f64::from(SCALE);
        (-x * x / 2.0).exp() / (f64::from(SCALE) * std::f64::consts::TAU.sqrt())
    };
    // The upper half: each entry is the least deviation up to which its share of the curve lies.
    let mut deviation: i16 = 0;
    let mut below = 0.5 + density(0) / 2.0;
    let upper = (MOST / 2..MOST).map(|entry| {
        let share = (entry as f64 + 0.5) / MOST as f64;
        while below < share && deviation < i16::MAX {
            deviation += 1;
            below += density(deviation);
        }
        deviation
    });
    let upper: Vec<i16> = upper.collect();
    upper.iter().rev().map(|deviation| -deviation).chain(upper.iter().copied()).collect()
}
