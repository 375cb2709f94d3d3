//! The numbers that chance is made of: the same for ever, and as good as chance.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use labnet::wire::{Purpose, direction_seed, draw};

const PURPOSES: [Purpose; 8] = [
    Purpose::State,
    Purpose::Loss,
    Purpose::Corrupt,
    Purpose::Bit,
    Purpose::Duplicate,
    Purpose::Reorder,
    Purpose::Jitter,
    Purpose::CopyJitter,
];
const COUNT: u64 = 1 << 16;
/// Some seeds as people choose them, and as they come from names.
const SEEDS: [u64; 4] = [0, 1, 2, 0xd62d_3edc_810e_f5be];

/// Calculated with Python by the definition of `draw`, with a `mix` that gives SplitMix64's published outputs.
#[test]
fn draws_are_what_they_always_were() {
    for (seed, index, purpose, expected) in [
        (0x0, 0x0, Purpose::State, 0xe220a8397b1dcdaf_u64),
        (0x0, 0x0, Purpose::Loss, 0x568a9b0b1a2c05ec),
        (0x0, 0x1, Purpose::Loss, 0x44e5b8b147ef718b),
        (0x1, 0x0, Purpose::Loss, 0x85c61a300ec70fa1),
        (0x7, 0x4e1f, Purpose::Corrupt, 0xe12a69659971cee2),
        (u64::MAX, u64::MAX, Purpose::Bit, 0xc4cb235dcd8348b6),
        (u64::MAX, u64::MAX - 1, Purpose::Duplicate, 0x6e9d54b2fb2de207),
        (1 << 63, 1 << 32, Purpose::Reorder, 0xe9e432124c978081),
        (0x75bcd15, 0x3ade68b1, Purpose::Jitter, 0x1eb7e90d37fb08cd),
        (0x2a, 0x2a, Purpose::CopyJitter, 0x3daa263d561597ee),
    ] {
        assert_eq!(draw(seed, index, purpose), expected, "{seed:#x} {index:#x} {purpose:?}");
    }
}

#[test]
fn seeds_of_directions_are_what_they_always_were() {
    for (seed, link, from, expected) in [
        (0x0, "", "", 0x96519dd7d49df4ae_u64),
        (0x1, "lan", "KALI", 0xd62d3edc810ef5be),
        (0x1, "lan", "R2", 0x70c54f135f15d6c7),
        (0x7, "R2--KALI", "R2", 0xdd9f686ff4966906),
        (i64::MAX as u64, "KALI--R2", "KALI", 0xc0bb4269831dfdc1),
    ] {
        assert_eq!(direction_seed(seed, link, from), expected, "{seed} {link} {from}");
    }
    assert_ne!(direction_seed(1, "ab", "c"), direction_seed(1, "a", "bc"));
}

/// χ² of counts that should be equal, in standard deviations from its mean.
fn chi_squared(counts: &[u64]) -> f64 {
    let freedom = (counts.len() - 1) as f64;
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let sum: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    (sum - freedom) / (2.0 * freedom).sqrt()
}

/// The seeds and purposes, 32 streams in all: what is tested on each may be off by 4 σ.
fn streams() -> impl Iterator<Item = (u64, Purpose)> {
    SEEDS.into_iter().flat_map(|seed| PURPOSES.map(|purpose| (seed, purpose)))
}

#[test]
fn all_values_are_equally_likely() {
    for (seed, purpose) in streams() {
        for shift in [56, 28, 0] {
            let mut counts = [0; 256];
            for index in 0..COUNT {
                counts[(draw(seed, index, purpose) >> shift & 0xff) as usize] += 1;
            }
            let off = chi_squared(&counts);
            assert!(off.abs() < 4.5, "{seed} {purpose:?}, bits from {shift}: {off}");
        }
    }
}

#[test]
fn one_value_says_nothing_of_the_next() {
    for (seed, purpose) in streams() {
        for lag in [1, 2, 5, 64] {
            let mut counts = [0; 256];
            for index in 0..COUNT {
                let (a, b) = (draw(seed, index, purpose), draw(seed, index + lag, purpose));
                counts[(a >> 60 << 4 | b >> 60) as usize] += 1;
            }
            let off = chi_squared(&counts);
            assert!(off.abs() < 4.5, "{seed} {purpose:?}, lag {lag}: {off}");
            let correlation =
                correlation(|index| (draw(seed, index, purpose), draw(seed, index + lag, purpose)));
            assert!(correlation.abs() < 4.5, "{seed} {purpose:?}, lag {lag}: {correlation}");
        }
    }
}

#[test]
fn purposes_and_seeds_are_independent() {
    for seed in SEEDS {
        for (at, one) in PURPOSES.into_iter().enumerate() {
            for other in &PURPOSES[at + 1..] {
                let off = correlation(|index| (draw(seed, index, one), draw(seed, index, *other)));
                assert!(off.abs() < 4.5, "{seed}: {one:?} and {other:?}: {off}");
            }
        }
    }
    for seed in 0..64 {
        let off = correlation(|index| {
            (draw(seed, index, Purpose::Loss), draw(seed + 1, index, Purpose::Loss))
        });
        assert!(off.abs() < 4.5, "{seed}: {off}");
    }
}

/// The correlation of two rows of numbers, in standard deviations.
fn correlation(pair: impl Fn(u64) -> (u64, u64)) -> f64 {
    // Uniform in (−1/2, 1/2), with a variance of 1/12.
    let centred = |value: u64| value as f64 / 2f64.powi(64) - 0.5;
    let products = (0..COUNT).map(pair).map(|(a, b)| centred(a) * centred(b));
    12.0 * products.sum::<f64>() / (COUNT as f64).sqrt()
}

/// The avalanche: a change of any one bit of index or seed changes each bit of the result in half of the cases.
#[test]
fn every_bit_matters() {
    let tries = 4096_u64;
    let sd = (tries as f64 / 4.0).sqrt();
    for bit in 0..64 {
        for (seed_bit, index_bit) in [(1 << bit, 0), (0, 1 << bit)] {
            let mut changed = [0_u64; 64];
            for index in 0..tries {
                let before = draw(7, index, Purpose::Loss);
                let after = draw(7 ^ seed_bit, index ^ index_bit, Purpose::Loss);
                for (at, count) in changed.iter_mut().enumerate() {
                    *count += (before ^ after) >> at & 1;
                }
            }
            for (at, count) in changed.into_iter().enumerate() {
                let off = (count as f64 - tries as f64 / 2.0) / sd;
                assert!(off.abs() < 5.5, "bit {bit} changes bit {at} off by {off}");
            }
        }
    }
}
