//! What links do in the kernel: as tc(8) tells it, and as frames fare. Ignored, with the reason, where the kernel has no netem;
//! `.ci/netem-vm` runs them on one that has.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod egress_support;
mod programs;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use egress_support::{Ends, HEADERS, impairment};
use labnet::EgressCounters as Counters;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

labnet::userns!();

fn main() -> ExitCode {
    // The namespace is a thread's.
    let lacking = |asked: &'static str| {
        let exact = std::thread::spawn(move || Ends::new().egress.exact(&impairment(asked)));
        let nowhere = |_| "there are no network namespaces, or no ip to build in them".to_owned();
        exact.join().map_err(nowhere).and_then(|exact| exact).err()
    };
    let (netem, seed) = (lacking("delay 1ms"), lacking("loss 1%"));
    let trial = |name: &str, lacking: &Option<String>, test: fn()| {
        let run = move || -> Result<(), Failed> {
            test();
            Ok(())
        };
        let trial = Trial::test(name, run);
        match lacking {
            Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
            None => trial,
        }
    };
    let tc = (!programs::installed("tc")).then(|| "tc is not installed".to_owned());
    let both = netem.clone().or(tc.clone());
    let trials = vec![
        trial("tc_tells_the_rate_that_was_asked", &tc, tc_tells_rates),
        trial("tc_tells_what_was_asked_of_netem", &both, tc_tells_netem),
        trial("what_is_in_force_is_read_back", &netem, read_back),
        trial("rates_are_read_back", &None, rates_read_back),
        trial("what_waits_survives_changes", &None, waiting),
        trial("what_is_under_way_survives_changes", &netem, under_way),
        trial("a_full_queue_drops_what_comes", &None, full_queue),
        trial("nothing_passes_a_link_that_is_down", &netem, down),
        trial("the_same_seed_loses_the_same_frames", &seed, seeds),
        trial("bursts_are_as_long_as_asked", &netem, bursts),
        trial("delays_vary_as_asked", &netem, delays),
        trial("what_the_kernel_can_not_do_is_refused_in_words", &netem, refusals),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The discipline of a kind in what tc tells.
fn of_kind<'a>(told: &'a [Value], kind: &str) -> &'a Value {
    told.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {told:?}"))
}

fn tc_tells_rates() {
    let mut ends = Ends::new();
    // 1514 bytes are a frame; and what is sent in a millisecond is added.
    for (text, rate, burst, queue, limit) in [
        ("rate 8Mbit", 1_000_000, 2514, "pfifo", 1000),
        ("rate 8Mbit, burst 3kB, limit 7", 1_000_000, 4000, "pfifo", 7),
        ("rate 100kbit, limit 64kB", 12_500, 1526, "bfifo", 64_000),
        ("rate 80Gbit", 10_000_000_000_u64, 10_001_514, "pfifo", 1000),
    ] {
        ends.egress.bend(&impairment(text), 1).unwrap();
        let told = ends.tc();
        let tbf = &of_kind(&told, "tbf")["options"];
        let close = tbf["burst"].as_u64().unwrap().abs_diff(burst);
        assert!(tbf["rate"] == rate && close <= 1 + rate / 5_000_000, "{text}: {told:?}");
        assert_eq!(of_kind(&told, queue)["options"]["limit"], limit, "{text}: {told:?}");
    }
    ends.egress.straighten().unwrap();
    assert_eq!(of_kind(&ends.tc(), "noqueue")["root"], true);
}

fn tc_tells_netem() {
    let mut ends = Ends::new();
    for (text, expected) in [
        ("delay 10ms", json!({"delay": {"delay": 0.01, "jitter": 0.0}})),
        ("delay 5s, jitter 2ms", json!({"delay": {"delay": 5.0, "jitter": 0.002}})),
        ("loss 1%", json!({"loss-random": {"loss": 0.01}})),
        ("down", json!({"loss-random": {"loss": 1.0}})),
        (
            "loss gemodel 1% 20% 90% 0.5%",
            json!({"loss-gemodel": {"p": 0.01, "r": 0.2, "1-h": 0.9, "1-k": 0.005}}),
        ),
        ("duplicate 0.1%", json!({"duplicate": {"duplicate": 0.001}})),
        ("corrupt 3%", json!({"corrupt": {"corrupt": 0.03}})),
        (
            "delay 1ms, reorder 25%, gap 5",
            json!({"delay": {"delay": 0.001}, "reorder": {"reorder": 0.25}, "gap": 5}),
        ),
    ] {
        ends.egress.bend(&impairment(text), 1).unwrap();
        let told = ends.tc();
        let netem = of_kind(&told, "netem");
        assert_eq!(netem["root"], true);
        contains(&netem["options"], &expected, text);
        for key in ["delay", "loss-random", "loss-gemodel", "duplicate", "reorder", "corrupt"] {
            // What was asked before is no more.
            assert_eq!(netem["options"][key].is_null(), expected[key].is_null(), "{text}: {netem}");
        }
    }
}

/// Whether everything expected is there, numbers but for what tc's own rounding makes of them.
fn contains(found: &Value, expected: &Value, text: &str) {
    match expected {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, expected)| contains(&found[key], expected, text));
        }
        _ => {
            let (found, expected) = (found.as_f64(), expected.as_f64().unwrap());
            let close = found.is_some_and(|found| (found - expected).abs() < 1e-8);
            assert!(close, "{text}: {found:?} is not {expected}");
        }
    }
}

fn read_back() {
    let mut ends = Ends::new();
    assert_eq!(ends.egress.read().unwrap(), None);
    for text in [
        "delay 10ms, jitter 1ms, distribution normal, loss 1%",
        "delay 123.456789ms, jitter 2s",
        "loss 1% burst 5",
        "loss gemodel 0.0001% 33.3333333% 99.9% 0.0000001%",
        "duplicate 12.3456789%, corrupt 0.1%, loss 2%",
        "delay 3600s, reorder 50%",
        "delay 1ms, reorder 0.0000001%, gap 9",
        "delay 1ms, rate 10Mbit, loss 100%, limit 20",
        "delay 1ms, loss 3%, duplicate 0%, down",
        "duplicate 3%, down",
        "delay 0ms",
    ] {
        let asked = impairment(text);
        ends.egress.bend(&asked, 1).unwrap();
        let (found, _) = ends.egress.read().unwrap().unwrap();
        assert_eq!(found, asked, "{text}");
    }
    ends.egress.straighten().unwrap();
    assert_eq!(ends.egress.read().unwrap(), None);
}

fn rates_read_back() {
    let mut ends = Ends::new();
    for text in [
        "rate 8Mbit",
        "rate 123456789bit, burst 20kB, limit 3",
        "rate 56kbit, limit 64kB",
        "rate 10Gbit, burst 1MB, limit 1",
        "rate 25Gbit",
    ] {
        let asked = impairment(text);
        ends.egress.bend(&asked, 1).unwrap();
        let (found, _) = ends.egress.read().unwrap().unwrap();
        assert_eq!(found, asked, "{text}");
    }
}

/// What the egress has done with frames.
macro_rules! counters {
    ($ends:expr) => {
        $ends.egress.read().unwrap().unwrap().1
    };
}

fn waiting() {
    let mut ends = Ends::new();
    // The first passes with the bucket; each of the others would take 14 s.
    ends.egress.bend(&impairment("rate 800bit, burst 1514B, limit 100"), 1).unwrap();
    let payload = [0; 1400];
    let sent = 1 + 20;
    (0..sent).for_each(|_| assert_eq!(ends.sender.send(&payload).unwrap(), payload.len()));
    assert_eq!(counters!(ends).queued_frames, 20);
    for text in ["rate 1600bit, burst 1514B, limit 50", "rate 800bit, burst 3kB, limit 5"] {
        assert!(ends.egress.bend(&impairment(text), 1).unwrap(), "{text}");
        let counters = counters!(ends);
        // A change fills the bucket.
        assert!((17..=20).contains(&counters.queued_frames), "{text}: {counters:?}");
        assert_eq!(counters.frames + counters.queued_frames, sent, "{text}: {counters:?}");
    }
    // What waits goes on when the first would have, or something else is sent.
    assert!(ends.egress.bend(&impairment("delay 0ms"), 1).unwrap());
    ends.sender.send(&payload).unwrap();
    let counters = counters!(ends);
    assert_eq!((counters.frames, counters.queued_frames), (sent + 1, 0), "{counters:?}");
    assert_eq!(counters.bytes, (sent + 1) * (HEADERS + payload.len()) as u64);
    let other = "rate 1Mbit, limit 64kB";
    assert!(ends.egress.bend(&impairment(other), 1).unwrap());
    assert!(!ends.egress.bend(&impairment("rate 1Mbit, limit 9"), 1).unwrap());
}

fn under_way() {
    let mut ends = Ends::new();
    ends.egress.bend(&impairment("delay 500ms"), 1).unwrap();
    ends.send(0..50);
    for text in ["delay 600ms", "delay 700ms, rate 1Gbit", "delay 800ms", "loss 100%", "down"] {
        assert!(ends.egress.bend(&impairment(text), 1).unwrap(), "{text}");
    }
    let counters = counters!(ends);
    assert_eq!(counters.frames + counters.queued_frames, 50, "{counters:?}");
    (0..50).for_each(|number| assert_eq!(ends.receive(), number));
    assert_eq!((counters!(ends).queued_frames, counters!(ends).lost), (0, 0));
}

fn full_queue() {
    let mut ends = Ends::new();
    for (limit, wait) in [("limit 10", 10), ("limit 4kB", 2)] {
        ends.egress.bend(&impairment(&format!("rate 800bit, burst 1514B, {limit}")), 1).unwrap();
        let payload = [0; 1472];
        (0..31).for_each(|_| drop(ends.sender.send(&payload)));
        let Counters { frames, queued_frames, queue_full, lost, .. } = counters!(ends);
        // The first passes with the bucket.
        assert_eq!((frames, queued_frames, queue_full, lost), (1, wait, 30 - wait, 0), "{limit}");
        ends.egress.straighten().unwrap();
    }
}

fn down() {
    let mut ends = Ends::new();
    // Nor does a copy.
    ends.egress.bend(&impairment("duplicate 100%, down"), 1).unwrap();
    ends.send(0..500);
    let Counters { frames, queued_frames, lost, .. } = counters!(ends);
    assert_eq!((frames, queued_frames, lost), (0, 0, 500));
    ends.egress.bend(&impairment("duplicate 100%"), 1).unwrap();
    ends.send(7..9);
    assert_eq!([0; 4].map(|_| ends.receive()), [7, 7, 8, 8]);
}

/// Which of so many frames arrive, as many at a time as the receiver has room for.
fn arrivals(ends: &mut Ends, count: u32) -> Vec<u32> {
    const ROOM: u32 = 100;
    let mut arrived = Vec::new();
    let before = counters!(ends).frames;
    for first in (0..count).step_by(ROOM as usize) {
        ends.send(first..(first + ROOM).min(count));
        let counters = counters!(ends);
        assert_eq!(counters.queued_frames, 0);
        while (arrived.len() as u64) < counters.frames - before {
            arrived.push(ends.receive());
        }
    }
    arrived
}

fn seeds() {
    let run = |seed| {
        let mut ends = Ends::new();
        ends.egress.bend(&impairment("loss 5%"), seed).unwrap();
        arrivals(&mut ends, 2000)
    };
    // Namespaces are a thread's.
    let runs = [7, 7, 8].map(|seed| std::thread::spawn(move || run(seed)).join().unwrap());
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

/// Asserts that a share of `count` frames is `expected`, but for chance: three standard deviations of it, as widened for frames that depend on
/// others.
fn share(found: usize, count: usize, expected: f64, widened: f64, what: &str) {
    let deviation = (expected * (1.0 - expected) / count as f64).sqrt() * widened;
    let found = found as f64 / count as f64;
    assert!((found - expected).abs() < 3.0 * deviation, "{what}: {found}, not {expected}");
}

fn bursts() {
    let mut ends = Ends::new();
    ends.egress.bend(&impairment("loss 5% burst 4"), 11).unwrap();
    let count = 20_000;
    let arrived: BTreeSet<u32> = arrivals(&mut ends, count).into_iter().collect();
    let lost: Vec<u32> = (0..count).filter(|number| !arrived.contains(number)).collect();
    let first = |number: &&u32| **number == 0 || arrived.contains(&(*number - 1));
    let bursts = lost.iter().filter(first).count();
    // Neighbours are correlated by 1 − enter − leave, 0.737.
    share(lost.len(), count as usize, 0.05, (1.737_f64 / 0.263).sqrt(), "lost");
    share(bursts, lost.len(), 0.25, 1.0, "ends of bursts among what is lost");
    assert_eq!(counters!(ends).lost, lost.len() as u64);
}

/// Delays of so many frames, in units of the jitter around the delay.
fn deviations(text: &str, delay: Duration, jitter: Duration, count: u32) -> Vec<f64> {
    let mut ends = Ends::new();
    ends.egress.bend(&impairment(text), 5).unwrap();
    let receiver = ends.receiver.try_clone().unwrap();
    let arrivals = std::thread::spawn(move || {
        let mut bytes = [0; 4];
        let mut next = || {
            receiver.recv(&mut bytes).unwrap();
            (u32::from_be_bytes(bytes), Instant::now())
        };
        (0..count).map(|_| next()).collect::<Vec<_>>()
    });
    let sent: Vec<Instant> = (0..count)
        .map(|number| {
            ends.send(number..number + 1);
            Instant::now()
        })
        .collect();
    let deviation = |(number, at): (u32, Instant)| {
        let taken = at.duration_since(sent[number as usize]).as_secs_f64();
        (taken - delay.as_secs_f64()) / jitter.as_secs_f64()
    };
    arrivals.join().unwrap().into_iter().map(deviation).collect()
}

fn delays() {
    // So long that it does not matter how long the machine takes.
    let (delay, jitter) = (Duration::from_secs(5), Duration::from_millis(1500));
    let count = 600;
    let within = |found: &[f64], most: f64| found.iter().filter(|d| d.abs() < most).count();
    let both = [
        ("uniform", [(0.25, 0.25), (0.5, 0.5), (0.75, 0.75)]),
        ("normal", [(0.5, 0.3829), (1.0, 0.6827), (2.0, 0.9545)]),
    ];
    let running = both.map(|(distribution, _)| {
        let text = format!("delay 5s, jitter 1.5s, distribution {distribution}");
        std::thread::spawn(move || deviations(&text, delay, jitter, count))
    });
    for ((distribution, expected), running) in both.into_iter().zip(running) {
        let found = running.join().unwrap();
        for (most, expected) in expected {
            let what = format!("{distribution}, within {most} of the jitter");
            share(within(&found, most), found.len(), expected, 1.0, &what);
        }
        let above = found.iter().filter(|d| **d > 0.0).count();
        share(above, found.len(), 0.5, 1.0, &format!("{distribution}, above the delay"));
    }
}

fn refusals() {
    let mut ends = Ends::new();
    for (text, near, words) in [
        ("corrupt 1%", true, "turns a bit that no seed chooses"),
        ("loss 1%, duplicate 1%", true, "the copy of a frame that is lost"),
        (
            "delay 1ms, jitter 1ms, rate 1Mbit",
            false,
            "before their rate, which takes `jitter` out again",
        ),
        ("delay 1ms, reorder 1%, rate 1Mbit", false, "which takes `reorder` out again"),
        ("jitter 3s", false, "no jitter above 2.147483647s, and this is 3s"),
        ("rate 9bit", false, "9bit is too slow to be whole bytes a second"),
        ("rate 1Mbit, burst 5GB", false, "no room for a burst of 5GB"),
        ("rate 1Mbit, limit 5GB", false, "no queue of 5GB"),
    ] {
        let asked = impairment(text);
        let refusal = ends.egress.exact(&asked).unwrap_err();
        assert!(refusal.contains(words), "{text}: {refusal}");
        // What is near enough is still done for who insists.
        assert_eq!(ends.egress.bend(&asked, 1), if near { Ok(true) } else { Err(refusal) });
    }
}
