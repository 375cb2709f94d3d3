//! Chance that repeats: numbers that follow from a seed, a frame's index and what they are for.

use crate::units::Probability;

/// What a number is drawn for. The values are part of the promise that a seed means the same for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// Whether the Gilbert–Elliott chain changes its state after the frame.
    State = 0,
    /// Whether the frame is lost.
    Loss = 1,
    /// Whether one of its bits is turned.
    Corrupt = 2,
    /// Which bit.
    Bit = 3,
    /// Whether a copy of it is made.
    Duplicate = 4,
    /// Whether it skips the delay.
    Reorder = 5,
    /// How far its delay is from the mean.
    Jitter = 6,
    /// The same for its copy.
    CopyJitter = 7,
}

impl Purpose {
    const COUNT: usize = 8;
}

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014; variant 13 of
/// Stafford's mixers): every bit of the argument changes each bit of the result in about half of the cases.
const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number of 64 bits, all values equally likely, for a direction's seed, the index of a frame (from 0) and a purpose.
///
/// It is the output number `index` (from 0) of the generator SplitMix64 whose seed is
/// `mix(seed ^ mix(purpose × 0x9e3779b97f4a7c15))`, `mix` being that generator's finaliser; all sums and products are modulo 2^64. So
/// it is the same on every machine, and independent of time, of other frames and of what else a line does.
///
/// ```
/// use labnet::wire::{Purpose, draw};
///
/// assert_eq!(draw(7, 0, Purpose::Loss), draw(7, 0, Purpose::Loss));
/// assert_ne!(draw(7, 0, Purpose::Loss), draw(7, 1, Purpose::Loss));
/// ```
pub const fn draw(seed: u64, index: u64, purpose: Purpose) -> u64 {
    output(key(seed, purpose as u64), index)
}

/// The seed of one direction of a link: of the link's seed, the link's name and the name of the node that sends.
///
/// Directions with different names are independent of each other, whatever else is in a topology.
pub fn direction_seed(seed: u64, link: &str, from: &str) -> u64 {
    // 0xff is in no UTF-8 text, so no two pairs of names are the same bytes.
    let bytes = link.bytes().chain([0xff]).chain(from.bytes());
    bytes.fold(mix(seed), |state, byte| mix(state.wrapping_add(STEP) ^ u64::from(byte)))
}

/// The draws of one direction; each costs one step of [`mix`], since the keys of the purposes are at hand.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    keys: [u64; Purpose::COUNT],
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self { keys: std::array::from_fn(|purpose| key(seed, purpose as u64)) }
    }

    pub(super) const fn get(&self, index: u64, purpose: Purpose) -> u64 {
        output(self.keys[purpose as usize], index)
    }
}

const fn key(seed: u64, purpose: u64) -> u64 {
    mix(seed ^ mix(purpose.wrapping_mul(STEP)))
}

const fn output(key: u64, index: u64) -> u64 {
    mix(key.wrapping_add(index.wrapping_add(1).wrapping_mul(STEP)))
}

/// Whether what has this probability happens, by a number that was drawn.
pub(super) fn happens(drawn: u64, probability: Probability) -> bool {
    below(drawn, 1_000_000_000) < u64::from(probability.parts_per_billion())
}

/// A number of 0 to `limit` − 1 by one that was drawn; 0 if there is none.
pub(super) fn below(drawn: u64, limit: u64) -> u64 {
    ((u128::from(drawn) * u128::from(limit)) >> 64) as u64
}

/// A length of time in [−`jitter`, `jitter`], in ns, all equally likely.
pub(super) fn uniform(drawn: u64, jitter: u64) -> i128 {
    (i128::from(drawn as i64) * i128::from(jitter)) >> 63
}

/// A length of time in ns from the normal distribution around 0 with the standard deviation `jitter`.
pub(super) fn normal(drawn: u64, jitter: u64) -> i128 {
    (i128::from(standard_normal(drawn)) * i128::from(jitter)) >> 32
}

/// A number of the standard normal distribution times 2^32, in whole numbers only, since functions of floating point are not the
/// same on all machines.
///
/// The method is Teichroew's (Abramowitz and Stegun, 26.8.6 c): a polynomial of the sum of 12 uniform numbers; its distribution
/// function is nowhere farther than 0.00002 from the true one, its values are within ±8.7. The 12 numbers are those of 16 bits in
/// three outputs of SplitMix64.
fn standard_normal(drawn: u64) -> i64 {
    // Of the powers 9, 7, 5, 3 and 1, times 2^32.
    const COEFFICIENTS: [i64; 5] =
        [128_418_560, 35_888_609, 328_749_304, 1_084_087_473, 16_964_459_987];
    let times = |a: i64, b: i64| ((i128::from(a) * i128::from(b)) >> 32) as i64;
    let mut sum = 0_i64;
    for at in 1..=3_u64 {
        let word = mix(drawn.wrapping_add(at.wrapping_mul(STEP)));
        sum += (0..4).map(|part| ((word >> (16 * part)) & 0xffff) as i64).sum::<i64>();
    }
    // A quarter of the sum of 12 numbers in (0, 1), each half a step above its 16 bits, less their mean of 6.
    let r = (sum + 6 - 6 * 65_536) << 14;
    let square = times(r, r);
    times(r, COEFFICIENTS.into_iter().fold(0, |sum, a| times(sum, square) + a))
}
