//! What links do to frames, measured by traffic and compared with what was asked for, statistically: each test runs with each backend,
//! the kernel's only where the kernel has netem.
//!
//! Shares may be off by 3 standard deviations. With the userspace backend nothing is left to chance, as it is seeded; a kernel
//! before 6.7 takes no seed, so there 4 are allowed, which happens once in 16,000 runs.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod programs;
mod statistics;

use std::{process::ExitCode, time::Duration};

use labnet::TestResult;
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use statistics::{Outcome, Traffic, moments, send};

/// Many small frames.
const MANY: Traffic = Traffic { count: 20_000, interval: Duration::from_micros(200), size: 64 };

/// By whom a link is bent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Backend {
    Userspace,
    Kernel,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Self::Userspace => "userspace",
            Self::Kernel => "kernel",
        }
    }

    fn send(self, impairment: &str, traffic: Traffic) -> TestResult<Outcome> {
        send(self.name(), impairment, traffic)
    }

    /// Whether a count is what is expected of a variable with this mean and variance.
    fn assert_near(self, what: &str, count: usize, mean: f64, variance: f64) {
        let sigmas = if self == Self::Kernel { 4.0 } else { 3.0 };
        let off = (count as f64 - mean).abs() / variance.sqrt();
        assert!(off <= sigmas, "{what}: {count} of {mean:.0}: {off:.2} standard deviations off");
    }

    /// Whether so many of the frames had the fate that each has with this probability.
    fn assert_share(self, what: &str, count: usize, share: f64) {
        let all = MANY.count as f64;
        self.assert_near(what, count, all * share, all * share * (1.0 - share));
    }
}

type Test = fn(Backend) -> TestResult;

const TESTS: [(&str, Test); 11] = [
    ("nothing_happens_to_frames_of_which_nothing_is_asked", nothing),
    ("delay", delay),
    ("uniform_jitter", uniform_jitter),
    ("normal_jitter", normal_jitter),
    ("independent_loss", loss),
    ("loss_in_bursts", bursts),
    ("duplicates", duplicates),
    ("corruption", corruption),
    ("reorder", reorder),
    ("reorder_with_gap", reorder_with_gap),
    ("rate", rate),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let no_kernel = if arguments.list { None } else { why_no_kernel() };
    let mut trials = Vec::new();
    for (name, test) in TESTS {
        for backend in [Backend::Userspace, Backend::Kernel] {
            let run = move || test(backend).map_err(Into::into);
            let trial = Trial::test(format!("{}::{name}", backend.name()), run);
            trials.push(match &no_kernel {
                Some(why) if backend == Backend::Kernel => {
                    trial.with_kind(why.clone()).with_ignored_flag(true)
                }
                _ => trial,
            });
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why the kernel can't bend links here, in doctor's words.
fn why_no_kernel() -> Option<String> {
    let doctor = programs::labnet("doctor --json").finish();
    let answer: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let features = answer["features"].as_array().unwrap();
    let netem = features.iter().find(|feature| feature["name"] == "netem").unwrap();
    let found = netem["found"].as_str().unwrap_or_default();
    (netem["state"] != "ok").then(|| format!("no netem: {found}"))
}

fn nothing(backend: Backend) -> TestResult {
    let outcome = backend.send("delay = \"1us\"", MANY)?;
    assert_eq!((outcome.lost(), outcome.duplicates(), outcome.strange.len()), (0, 0, 0));
    for (field, count) in
        [("received", MANY.count), ("lost", 0), ("duplicated", 0), ("reordered", 0)]
    {
        assert_eq!(outcome.flood[field], count, "{field}");
    }
    Ok(())
}

fn delay(backend: Backend) -> TestResult {
    let traffic = Traffic { count: 1_000, interval: Duration::from_millis(1), size: 64 };
    let mut delays = backend.send("delay = \"100ms\"", traffic)?.delays();
    delays.sort_by(f64::total_cmp);
    assert_eq!(delays.len(), traffic.count);
    assert!(delays[0] >= 100.0, "{}", delays[0]);
    let median = delays[traffic.count / 2];
    assert!(median < 110.0, "{median}");
    Ok(())
}

/// A share of delays that holds whatever the machine adds to them.
fn within(delays: &[f64], low: f64, high: f64) -> f64 {
    delays.iter().filter(|delay| (low..=high).contains(*delay)).count() as f64 / delays.len() as f64
}

fn uniform_jitter(backend: Backend) -> TestResult {
    let outcome = backend.send("delay = \"100ms\", jitter = \"50ms\"", MANY)?;
    let delays = outcome.delays();
    let (mean, deviation) = moments(&delays);
    assert!((99.0..105.0).contains(&mean), "mean {mean}");
    let expected = 50.0 / 3f64.sqrt();
    assert!((deviation / expected - 1.0).abs() < 0.04, "{deviation} for {expected}");
    assert!(delays.iter().all(|delay| *delay >= 50.0));
    let middle = within(&delays, mean - 25.0, mean + 25.0);
    assert!((0.48..0.52).contains(&middle), "{middle} in the middle half");
    Ok(())
}

fn normal_jitter(backend: Backend) -> TestResult {
    let impairment = "delay = \"100ms\", jitter = \"20ms\", distribution = \"normal\"";
    let delays = backend.send(impairment, MANY)?.delays();
    let (mean, deviation) = moments(&delays);
    assert!((99.0..105.0).contains(&mean), "mean {mean}");
    assert!((deviation / 20.0 - 1.0).abs() < 0.06, "{deviation} for 20");
    for (deviations, share) in [(1.0, 0.683), (2.0, 0.954)] {
        let apart = deviations * deviation;
        let found = within(&delays, mean - apart, mean + apart);
        assert!((found - share).abs() < 0.02, "{found} within {deviations} standard deviations");
    }
    Ok(())
}

fn loss(backend: Backend) -> TestResult {
    for (text, share) in [("1%", 0.01), ("20%", 0.2)] {
        let outcome = backend.send(&format!("loss = {text:?}"), MANY)?;
        backend.assert_share(text, outcome.lost(), share);
        assert_eq!(outcome.flood["lost"], outcome.lost());
        assert_eq!(outcome.flood["bursts"], outcome.bursts().len());
        // A loss follows upon another as often as upon anything else.
        let mean = outcome.lost() as f64 / outcome.bursts().len() as f64;
        assert!((mean - 1.0 / (1.0 - share)).abs() < 0.06, "bursts of {mean}");
    }
    Ok(())
}

fn bursts(backend: Backend) -> TestResult {
    // A chain that enters the bad state with a probability of 0.05 / (4 · 0.95), and leaves it with 1 / 4.
    let (share, length) = (0.05, 4.0);
    let outcome = backend.send("loss = \"5% burst 4\"", MANY)?;
    let all = MANY.count as f64;
    let kept = 1.0 - share / (length * (1.0 - share)) - 1.0 / length;
    let variance = all * share * (1.0 - share) * (1.0 + kept) / (1.0 - kept);
    backend.assert_near("lost", outcome.lost(), all * share, variance);
    // Lengths are geometric.
    let bursts = outcome.bursts();
    let total = bursts.len() as f64 * length;
    let variance = bursts.len() as f64 * length * (length - 1.0);
    backend.assert_near("length of all bursts", outcome.lost(), total, variance);
    Ok(())
}

fn duplicates(backend: Backend) -> TestResult {
    let outcome = backend.send("duplicate = \"2%\"", MANY)?;
    assert_eq!(outcome.lost(), 0);
    backend.assert_share("duplicates", outcome.duplicates(), 0.02);
    assert_eq!(outcome.flood["duplicated"], outcome.duplicates());
    Ok(())
}

fn corruption(backend: Backend) -> TestResult {
    let outcome = backend.send("corrupt = \"2%\"", MANY)?;
    // The server's questions after the flood may be among them, a handful.
    let corrupted = outcome.lost();
    backend.assert_share("corrupted", corrupted, 0.02);
    assert!((corrupted..corrupted + 20).contains(&outcome.strange.len()));
    let of_the_flood = |strange: &&Vec<u8>| strange.len() == outcome.sent[0].len();
    let originals = outcome.sent.iter().zip(&outcome.frames);
    let originals: Vec<_> =
        originals.filter(|(_, times)| times.is_empty()).map(|(sent, _)| sent).collect();
    for strange in outcome.strange.iter().filter(of_the_flood) {
        let bits = |original: &&Vec<u8>| {
            original.iter().zip(strange).map(|(one, other)| (one ^ other).count_ones()).sum::<u32>()
        };
        assert_eq!(originals.iter().map(bits).min(), Some(1), "{strange:?}");
    }
    Ok(())
}

/// Frames that skipped a delay of 100 ms.
fn early(outcome: &Outcome) -> usize {
    outcome.delays().iter().filter(|delay| **delay < 50.0).count()
}

fn reorder(backend: Backend) -> TestResult {
    let outcome = backend.send("delay = \"100ms\", reorder = \"25%\"", MANY)?;
    assert_eq!(outcome.lost(), 0);
    backend.assert_share("reordered", early(&outcome), 0.25);
    assert!(outcome.flood["reordered"].as_u64() > Some(0));
    Ok(())
}

fn reorder_with_gap(backend: Backend) -> TestResult {
    // Four frames that are not, then one that is after a geometric number of attempts: 6 frames in the mean, variance 2.
    let outcome = backend.send("delay = \"100ms\", reorder = \"50%\", gap = 5", MANY)?;
    let all = MANY.count as f64;
    backend.assert_near("reordered", early(&outcome), all / 6.0, all * 2.0 / 216.0);
    let skips: Vec<bool> = outcome
        .frames
        .iter()
        .map(|times| times.first().is_some_and(|ns| *ns < 50_000_000))
        .collect();
    assert!(skips.windows(5).all(|five| five.iter().filter(|early| **early).count() <= 1));
    Ok(())
}

fn rate(backend: Backend) -> TestResult {
    let traffic = Traffic { count: 4_000, interval: Duration::from_micros(400), size: 1_000 };
    let outcome = backend.send("rate = \"10Mbit\", limit = 10000", traffic)?;
    assert_eq!(outcome.lost(), 0);
    let [(first, _), rest @ ..] = &outcome.arrivals[..] else { return Err("nothing came".into()) };
    let bits: f64 = rest.iter().map(|(_, length)| f64::from(*length) * 8.0).sum();
    let (last, _) = rest.last().ok_or("one frame came")?;
    let rate = bits / ((last - first) as f64 / 1e9);
    assert!((rate / 1e7 - 1.0).abs() < 0.01, "{rate} bit/s");
    Ok(())
}
