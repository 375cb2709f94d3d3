//! What holds for every line and all traffic.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod wire_support;

use std::{collections::BTreeMap, time::Duration};

use labnet::{
    impairment::{
        Action, Distribution, Entry, Impairment, Loss, Pace, QueueLimit, Rule, Schedule, Trace,
        Which,
    },
    packet::{Cause, Fate},
    units::{ByteSize, Delay, Probability, Rate},
    wire::{Counters, Line},
};
use proptest::{collection::vec, option, prelude::*};
use wire_support::{MS, drain, frame, impairment, line, number};

fn probability() -> impl Strategy<Value = Probability> {
    let some =
        (0..=1_000_000_000_u32).prop_map(|p| Probability::from_parts_per_billion(p).unwrap());
    prop_oneof![3 => Just(Probability::NEVER), 1 => Just(Probability::ALWAYS), 3 => some]
}

/// Lengths of time up to a second, and a few without end.
fn delay() -> impl Strategy<Value = Delay> {
    let nanos = prop_oneof![4 => Just(0), 8 => 0..1_000_000_000_u64, 1 => any::<u64>()];
    let delay = nanos.prop_map(|nanos| Delay(Duration::from_nanos(nanos)));
    prop_oneof![20 => delay, 1 => Just(Delay(Duration::MAX))]
}

fn loss() -> impl Strategy<Value = Loss> {
    let chain = (probability(), probability(), probability(), probability());
    prop_oneof![
        Just(Loss::None),
        probability().prop_map(Loss::Independent),
        chain.prop_map(|(enter, leave, bad, good)| Loss::GilbertElliott {
            enter,
            leave,
            bad,
            good
        }),
    ]
}

fn pace() -> impl Strategy<Value = Pace> {
    let rate = prop_oneof![Just(1), Just(u64::MAX), 1..100_000_000_u64];
    let trace = vec(0..20_u32, 1..6).prop_map(|mut chances| {
        chances.sort_unstable();
        *chances.last_mut().unwrap() += 1;
        Pace::Trace(Trace::new("test", chances).unwrap())
    });
    prop_oneof![rate.prop_map(|rate| Pace::Constant(Rate::new(rate).unwrap())), trace]
}

prop_compose! {
    fn any_impairment()(
        (delay, jitter, normal, loss) in (delay(), delay(), any::<bool>(), loss()),
        (duplicate, reorder, corrupt, gap) in
            (probability(), probability(), probability(), prop_oneof![0..6_u32, Just(u32::MAX)]),
        rate in option::of(pace()),
        burst in option::of(prop_oneof![0..10_000_u64, Just(u64::MAX)]),
        frames in option::of(0..20_u32),
        bytes in 0..20_000_u64,
        down in prop::bool::weighted(0.1),
    ) -> Impairment {
        let distribution = if normal { Distribution::Normal } else { Distribution::Uniform };
        let limit = frames.map_or(QueueLimit::Bytes(ByteSize(bytes)), QueueLimit::Frames);
        let burst = burst.map(ByteSize);
        Impairment { delay, jitter, distribution, loss, duplicate, reorder, gap, corrupt, rate, burst, limit, down }
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let which = prop_oneof![
        Just(Which::All),
        (0..9_u64).prop_map(Which::First),
        (0..9_u64).prop_map(Which::Nth),
        (0..9_u64).prop_map(Which::Every),
        delay().prop_map(Which::For),
    ];
    let action = prop_oneof![
        Just(Action::Drop),
        Just(Action::Hold),
        Just(Action::Duplicate),
        Just(Action::Corrupt),
        delay().prop_map(Action::Delay),
    ];
    let filter = option::of(Just("greater 400".parse().unwrap()));
    (filter, which, action).prop_map(|(matching, which, action)| Rule { matching, which, action })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let entry = (0..50_u64, 1..20_u64, option::of(1..20_u64), any_impairment());
    let entry = entry.prop_map(|(at, lasting, pause, Impairment { rate, down, loss, .. })| Entry {
        at: Duration::from_millis(at).into(),
        lasting: Some(Duration::from_millis(lasting).into()),
        every: pause.map(|pause| Duration::from_millis(lasting + pause).into()),
        change: labnet::impairment::Change {
            rate: Some(rate),
            down: Some(down),
            loss: Some(loss),
            ..Default::default()
        },
    });
    vec(entry, 0..3).prop_map(|entries| Schedule::new(entries).unwrap())
}

#[derive(Debug, Clone)]
enum Step {
    Accept(usize),
    Take,
    Set(Impairment),
    Schedule(Schedule),
    AddFault(Rule),
    RemoveFault(u32),
    Release(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (8..1514_usize).prop_map(Step::Accept),
        1 => prop_oneof![Just(8), Just(70_000)].prop_map(Step::Accept),
        4 => Just(Step::Take),
        1 => any_impairment().prop_map(Step::Set),
        1 => schedule().prop_map(Step::Schedule),
        1 => rule().prop_map(Step::AddFault),
        1 => (0..4_u32).prop_map(Step::RemoveFault),
        1 => (0..4_u32).prop_map(Step::Release),
    ]
}

fn assert_sums(counters: Counters) {
    let Counters { sent, delivered, lost, down, queue_full, fault_drops, duplicated, .. } =
        counters;
    let gone = delivered + lost + down + queue_full + fault_drops;
    assert_eq!(sent + duplicated, gone + counters.queued, "{counters:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is done to a line, its counters add up, and each frame arrives as often as its fate says.
    #[test]
    fn every_frame_has_the_fate_that_was_told(
        seed: u64, base in any_impairment(), steps in vec((any_gap(), step()), 1..80),
    ) {
        let mut line = Line::new(seed, base);
        let (mut now, mut faults) = (0_u64, 0);
        let mut expected = BTreeMap::new();
        let mut arrived = BTreeMap::<u64, u64>::new();
        let mut uncertain = false;
        for (index, (gap, step)) in (0..).zip(steps) {
            now = now.saturating_add_signed(gap);
            match step {
                Step::Accept(length) => {
                    let fate = line.accept(now, frame(index, length));
                    let times = match fate {
                        Fate::Dropped(_) => 0,
                        Fate::Passed(changes) => 1 + u64::from(changes.duplicated.is_some()),
                    };
                    // A turned bit may be in its number.
                    uncertain |= matches!(fate, Fate::Passed(changes) if changes.corrupted.is_some());
                    expected.insert(index, times);
                }
                Step::Take => {
                    while let Some(frame) = line.take(now) {
                        *arrived.entry(number(&frame)).or_default() += 1;
                    }
                    prop_assert!(line.next().is_none_or(|next| next > now || now == u64::MAX));
                }
                Step::Set(impairment) => line.set(now, impairment),
                Step::Schedule(schedule) => line.schedule(now, schedule),
                Step::AddFault(rule) => {
                    line.add_fault(faults, rule);
                    faults += 1;
                }
                Step::RemoveFault(number) => drop(line.remove_fault(now, number)),
                Step::Release(number) => drop(line.release(now, number)),
            }
            assert_sums(line.counters());
        }
        line.set(now, Impairment::default());
        line.schedule(now, Schedule::default());
        let before = line.counters();
        for number in 0..faults {
            line.remove_fault(now, number);
        }
        while let Some(frame) = line.take(u64::MAX) {
            *arrived.entry(number(&frame)).or_default() += 1;
        }
        let counters = line.counters();
        assert_sums(counters);
        prop_assert_eq!((counters.queued, counters.queued_bytes, counters.held), (0, 0, 0));
        prop_assert_eq!(before.queue_full, counters.queue_full);
        prop_assert_eq!(arrived.values().sum::<u64>(), counters.delivered);
        let released_drops = counters.down + counters.queue_full;
        if !uncertain && released_drops == 0 {
            expected.retain(|_, times| *times > 0);
            prop_assert_eq!(arrived, expected);
        }
    }

    /// The same traffic has the same fate and arrives at the same times, however often and however late the line is asked.
    #[test]
    fn when_the_line_is_asked_changes_nothing(
        seed: u64, base in any_impairment(), schedule in schedule(), rules in vec(rule(), 0..3),
        traffic in vec((0..5 * MS, 8..1514_usize), 1..60), asked in vec(any::<bool>(), 60),
    ) {
        let run = |asked: &dyn Fn(usize) -> bool| {
            let mut line = Line::new(seed, base.clone());
            line.schedule(0, schedule.clone());
            for (number, rule) in (1..).zip(&rules) {
                line.add_fault(number, rule.clone());
            }
            let (mut now, mut fates, mut arrived) = (0, Vec::new(), Vec::new());
            for (index, (gap, length)) in traffic.iter().enumerate() {
                now += gap;
                while let Some(next) = line.next().filter(|next| *next <= now && asked(index)) {
                    arrived.extend(line.take(next).map(|frame| (next, frame)));
                }
                fates.push(line.accept(now, frame(index as u64, *length)));
            }
            let end = now + 1000 * MS;
            while let Some(next) = line.next().filter(|next| *next <= end) {
                arrived.extend(line.take(next).map(|frame| (next, frame)));
            }
            (fates, arrived)
        };
        let always = run(&|_| true);
        prop_assert_eq!(&run(&|_| false), &always);
        prop_assert_eq!(&run(&|index| asked[index]), &always);
    }

    /// Which frames chance takes doesn't depend on what else a line does.
    #[test]
    fn options_are_independent(seed: u64, one in any_impairment(), other in any_impairment()) {
        let mixed = Impairment { loss: one.loss, corrupt: one.corrupt, duplicate: one.duplicate, rate: None, down: false, ..other };
        let one = Impairment { rate: None, down: false, ..one };
        let fates = |impairment: &Impairment, gap: u64| {
            let mut line = Line::new(seed, impairment.clone());
            (0..100).map(|index| line.accept(index * gap, frame(index, 64))).collect::<Vec<_>>()
        };
        prop_assert_eq!(fates(&one, 0), fates(&mixed, MS));
        // And what is lost with less loss is lost with more.
        let rare = fates(&impairment("loss 3%"), 1);
        let often = fates(&impairment("loss 30%"), 1);
        let lost = Fate::Dropped(Cause::Loss);
        prop_assert!(rare.iter().zip(&often).all(|(rare, often)| *rare != lost || *often == lost));
    }

    /// Without what reorders, frames arrive in their order; never before their time; and without a rate, just then.
    #[test]
    fn order_and_time(
        seed: u64, base in any_impairment(), traffic in vec((0..5 * MS, 8..1514_usize), 1..60),
    ) {
        let none = Impairment::default();
        let base = Impairment { jitter: none.jitter, reorder: none.reorder, corrupt: none.corrupt, ..base };
        let delay = u64::try_from(base.delay.0.as_nanos()).unwrap_or(u64::MAX);
        let mut line = Line::new(seed, base.clone());
        let (mut now, mut sent) = (0, Vec::new());
        for (index, (gap, length)) in traffic.iter().enumerate() {
            now += gap;
            line.accept(now, frame(index as u64, *length));
            sent.push(now);
        }
        let mut arrived = Vec::new();
        while let Some(next) = line.next().filter(|next| *next < u64::MAX) {
            arrived.extend(line.take(next).map(|frame| (next, number(&frame))));
        }
        prop_assert!(arrived.is_sorted_by_key(|(time, _)| *time));
        prop_assert!(arrived.is_sorted_by_key(|(_, index)| *index));
        for (time, index) in arrived {
            let earliest = sent[index as usize].saturating_add(delay);
            prop_assert!(time >= earliest);
            prop_assert!(base.rate.is_some() || time == earliest);
        }
    }

    /// Jitter is between its bounds.
    #[test]
    fn jitter_has_bounds(seed: u64, delay in delay(), jitter in delay(), now: u64) {
        let mut line = Line::new(seed, Impairment { delay, jitter, ..Impairment::default() });
        line.accept(now, frame(0, 64));
        let nanos = |delay: Delay| u64::try_from(delay.0.as_nanos()).unwrap_or(u64::MAX);
        let (delay, jitter) = (nanos(delay), nanos(jitter));
        let arrival = line.next().unwrap();
        prop_assert!(arrival >= now.saturating_add(delay.saturating_sub(jitter)));
        prop_assert!(arrival <= now.saturating_add(delay.saturating_add(jitter)));
    }
}

/// Steps in time: mostly short ones, some back, some to the end of time.
fn any_gap() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..5 * MS as i64, 2 => -10 * MS as i64..0, 1 => Just(0), 1 => any::<i64>()]
}

#[test]
fn the_same_traffic_has_the_same_fate_each_time() {
    let text = "delay 10ms, jitter 3ms, distribution normal, loss 5% burst 3, duplicate 2%, reorder 3%, gap 3, corrupt 1%, rate 100Mbit, limit 50";
    let run = || {
        let mut line = line(text);
        let fates: Vec<Fate> =
            (0..2000).map(|index| line.accept(index * 50_000, frame(index, 700))).collect();
        (fates, drain(&mut line), line.counters())
    };
    let first = run();
    assert!((0..10).all(|_| run() == first));
}

#[test]
fn a_line_keeps_no_more_than_it_says() {
    let mut line = line("delay 10s");
    let most = Line::<[u8; 8]>::MOST_FRAMES;
    for index in 0..most {
        assert_eq!(line.accept(index, index.to_be_bytes()), Fate::PASSED);
    }
    assert_eq!(line.accept(most, [0; 8]), Fate::Dropped(Cause::Queue));
    let first = line.next().unwrap();
    assert!(line.take(first).is_some());
    assert_eq!(line.accept(first, [0; 8]), Fate::PASSED);
    assert_eq!(line.accept(first, [0; 8]), Fate::Dropped(Cause::Queue));
    assert_eq!(line.counters().queue_full, 2);
}

/// A frame of 1 MiB that needs no memory.
#[derive(Clone)]
struct Large;

static MEBIBYTE: [u8; 1 << 20] = [0; 1 << 20];

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &MEBIBYTE
    }
}

impl AsMut<[u8]> for Large {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut []
    }
}

#[test]
fn nor_more_bytes_held_ones_included() {
    let mut line = line("delay 10s");
    line.add_fault(1, Rule { matching: None, which: Which::Every(2), action: Action::Hold });
    assert_eq!(Line::<Large>::MOST_BYTES, 256 << 20);
    let dropped = (0..260).filter(|_| line.accept(0, Large) == Fate::Dropped(Cause::Queue)).count();
    assert_eq!((dropped, line.counters().queued, line.counters().held), (4, 256, 128));
    assert_eq!(line.release(0, 1), 128);
    assert_eq!(drain(&mut line).len(), 256);
}

#[test]
fn time_that_goes_back_stands_still() {
    let mut line = line("delay 1ms");
    line.accept(5 * MS, frame(0, 64));
    line.accept(0, frame(1, 64));
    assert_eq!(line.take(6 * MS).map(|frame| number(&frame)), Some(0));
    line.set(0, impairment("delay 2ms"));
    assert!(line.take(0).is_some());
    line.add_fault(1, Rule { matching: None, which: Which::All, action: Action::Hold });
    line.accept(6 * MS, frame(2, 64));
    line.release(0, 1);
    assert_eq!(drain(&mut line).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [8 * MS]);
}

#[test]
fn a_frame_that_is_accepted_late_arrives_when_it_would_have() {
    for text in ["delay 20ms", "delay 20ms, rate 8Mbit, burst 1kB", "delay 20ms, jitter 5ms"] {
        let run = |late: u64| {
            let mut line = line(text);
            assert!(line.take(0).is_none()); // it begins
            for index in 0..20 {
                let came = index * MS / 2;
                assert!(line.take(came + late).is_none());
                line.accept(came, frame(index, 1000));
            }
            drain(&mut line).iter().map(|(at, frame)| (*at, number(frame))).collect::<Vec<_>>()
        };
        assert_eq!(run(300_000), run(0), "{text}");
    }
}
