//! Lines, and traffic for them, in simulated time.

#![allow(dead_code, reason = "each test uses a part of this")]

use labnet::{
    impairment::Impairment,
    packet::Fate,
    wire::{Line, direction_seed},
};

pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;

/// How many frames statistics are about.
pub(crate) const FRAMES: u64 = 20_000;

/// An impairment as people write it; empty, that does nothing.
pub(crate) fn impairment(text: &str) -> Impairment {
    match text {
        "" => Impairment::default(),
        text => Impairment::default().with(&text.parse().unwrap()),
    }
}

/// A line from KALI, with the seed that a topology has by default.
pub(crate) fn line<F: AsRef<[u8]> + AsMut<[u8]> + Clone>(text: &str) -> Line<F> {
    Line::new(direction_seed(1, "lan", "KALI"), impairment(text))
}

/// A frame of this length that begins with its number.
pub(crate) fn frame(number: u64, length: usize) -> Vec<u8> {
    let mut frame = vec![0; length];
    let head = length.min(8);
    frame[..head].copy_from_slice(&number.to_le_bytes()[..head]);
    frame
}

/// The number of a frame of at least 8 bytes.
pub(crate) fn number(frame: &[u8]) -> u64 {
    u64::from_le_bytes(frame[..8].try_into().unwrap())
}

/// All that arrives from now on, and when.
pub(crate) fn drain<F: AsRef<[u8]> + AsMut<[u8]> + Clone>(line: &mut Line<F>) -> Vec<(u64, F)> {
    let mut arrived = Vec::new();
    while let Some(now) = line.next() {
        match line.take(now) {
            Some(frame) => arrived.push((now, frame)),
            None => assert!(line.next().is_none_or(|next| next > now), "woken for nothing"),
        }
    }
    arrived
}

/// Sends `count` frames of 64 bytes, one each `gap` ns, takes what arrives between them, and tells their fates and when which arrived.
pub(crate) fn pass(line: &mut Line<Vec<u8>>, count: u64, gap: u64) -> (Vec<Fate>, Vec<(u64, u64)>) {
    let mut fates = Vec::new();
    let mut arrived = Vec::new();
    for index in 0..count {
        let now = index * gap;
        while let Some(next) = line.next().filter(|next| *next <= now) {
            arrived.extend(line.take(next).map(|frame| (next, number(&frame))));
        }
        fates.push(line.accept(now, frame(index, 64)));
    }
    arrived.extend(drain(line).into_iter().map(|(now, frame)| (now, number(&frame))));
    (fates, arrived)
}

/// Asserts that of `count` frames as many were hit as a probability says, within three standard deviations.
#[track_caller]
pub(crate) fn assert_share(what: &str, hits: u64, count: u64, probability: f64) {
    let (hits, count) = (hits as f64, count as f64);
    let sd = (count * probability * (1.0 - probability)).sqrt();
    let mean = count * probability;
    assert!((hits - mean).abs() <= 3.0 * sd, "{what}: {hits} of {count}, not {mean} ± {sd}");
}

/// Asserts that values in order come from a continuous distribution: Kolmogorov and Smirnov's test at a level of 0.27 %, which is 3 σ.
#[track_caller]
pub(crate) fn assert_distribution(what: &str, values: &mut [f64], cdf: impl Fn(f64) -> f64) {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distance = values.iter().enumerate().map(|(at, value)| {
        let expected = cdf(*value);
        (expected - at as f64 / count).abs().max(((at + 1) as f64 / count - expected).abs())
    });
    let distance = distance.fold(0.0, f64::max);
    assert!(distance < 1.82 / count.sqrt(), "{what}: farthest by {distance}");
}

/// The distribution function of the standard normal distribution, by the continued series of its density.
pub(crate) fn normal(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for odd in (3..400).step_by(2) {
        term *= x * x / f64::from(odd);
        sum += term;
    }
    0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}
