//! Lines that change: by hand and by a schedule, each change at its exact time.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod wire_support;

use labnet::{
    impairment::{Entry, Impairment, Pace, Schedule, Trace},
    packet::{Cause, Fate},
    wire::Line,
};
use wire_support::{MS, S, drain, frame, impairment, line, number, pass};

const DOWN: Fate = Fate::Dropped(Cause::Down);

/// An entry as in `5s`, `for 1s`, `every 10s`; empty: none.
fn entry(at: &str, lasting: &str, every: &str, change: &str) -> Entry {
    let time = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    Entry {
        at: at.parse().unwrap(),
        lasting: time(lasting),
        every: time(every),
        change: change.parse().unwrap(),
    }
}

fn schedule<const N: usize>(entries: [Entry; N]) -> Schedule {
    Schedule::new(entries.to_vec()).unwrap()
}

#[test]
fn a_link_that_is_down_lets_nothing_in_and_what_is_in_out() {
    let mut line = line("delay 10ms");
    assert_eq!(line.accept(0, frame(0, 64)), Fate::PASSED);
    line.set(MS, impairment("delay 10ms, down"));
    assert_eq!(line.accept(MS, frame(1, 64)), DOWN);
    line.set(2 * MS, impairment("delay 10ms"));
    assert_eq!(line.accept(2 * MS, frame(2, 64)), Fate::PASSED);
    let arrived: Vec<_> = drain(&mut line).iter().map(|(at, frame)| (*at, number(frame))).collect();
    assert_eq!(arrived, [(10 * MS, 0), (12 * MS, 2)]);
    assert_eq!(line.counters().down, 1);
}

#[test]
fn another_delay_is_for_those_that_come() {
    let mut line = line("delay 100ms");
    line.accept(0, frame(0, 64));
    line.set(MS, impairment("delay 10ms"));
    line.accept(MS, frame(1, 64));
    let arrived: Vec<_> = drain(&mut line).iter().map(|(at, frame)| (*at, number(frame))).collect();
    assert_eq!(arrived, [(11 * MS, 1), (100 * MS, 0)]);
}

#[test]
fn a_link_flaps() {
    let mut line = line("");
    line.schedule(0, schedule([entry("5ms", "2ms", "10ms", "down")]));
    let (fates, arrived) = pass(&mut line, 30, MS);
    let down: Vec<usize> = (0..30).filter(|index| fates[*index] == DOWN).collect();
    assert_eq!(down, [5, 6, 15, 16, 25, 26]);
    assert_eq!(arrived.len(), 24);
}

#[test]
fn a_schedule_counts_from_when_it_was_given() {
    let mut line = line("");
    line.accept(S, frame(0, 64));
    line.schedule(2 * S, schedule([entry("0s", "1ms", "", "down"), entry("1s", "", "", "down")]));
    let fates =
        [2 * S, 2 * S + MS, 3 * S - 1, 3 * S, u64::MAX].map(|now| line.accept(now, frame(0, 64)));
    assert_eq!(fates, [DOWN, Fate::PASSED, Fate::PASSED, DOWN, DOWN]);
}

#[test]
fn a_schedule_lies_over_what_was_set() {
    let mut line = line("delay 1ms");
    line.schedule(
        0,
        schedule([entry("10ms", "10ms", "", "delay 5ms"), entry("15ms", "1ms", "", "loss 100%")]),
    );
    assert_eq!(line.in_force(), &impairment("delay 1ms"));
    line.accept(15 * MS, frame(0, 64));
    assert_eq!(line.in_force(), &impairment("delay 5ms, loss 100%"));
    line.set(16 * MS, impairment("delay 2ms, duplicate 1%"));
    assert_eq!(line.in_force(), &impairment("delay 5ms, duplicate 1%"));
    assert_eq!(line.take(20 * MS), None);
    assert_eq!(line.in_force(), &impairment("delay 2ms, duplicate 1%"));
    line.schedule(21 * MS, Schedule::default());
    line.accept(31 * MS, frame(0, 64));
    assert_eq!(line.in_force(), &impairment("delay 2ms, duplicate 1%"));
}

#[test]
fn nothing_is_woken_for_a_schedule_while_nothing_waits() {
    let mut line = line("delay 50ms");
    line.schedule(0, schedule([entry("1ms", "1ms", "10ms", "down")]));
    assert_eq!(line.next(), None);
    line.accept(0, frame(0, 64));
    assert_eq!(line.next(), Some(50 * MS));
}

#[test]
fn a_rate_that_changes_holds_for_what_waits_from_its_time_on() {
    for late in [false, true] {
        // 1000 bytes take 1 ms, from 2.5 ms on 0.1 ms, from 3 ms on 1 ms again.
        let mut line = line("rate 8Mbit, burst 1kB");
        line.schedule(0, schedule([entry("2500us", "500us", "", "rate 80Mbit")]));
        for index in 0..9 {
            line.accept(0, frame(index, 1000));
        }
        if late {
            // However late the line is asked.
            line.take(20 * MS);
        }
        let times = drain(&mut line).into_iter().map(|(time, _)| time / 1000);
        let expected = [0, 1000, 2000, 2550, 2650, 2750, 2850, 2950, 3500];
        assert!(times.eq(expected.into_iter().skip(usize::from(late))), "late: {late}");
    }
}

#[test]
fn a_trace_begins_with_the_schedule_or_with_its_entry() {
    let trace = Trace::new("test", vec![7]).unwrap();
    let traced = Impairment { rate: Some(Pace::Trace(trace.clone())), ..Impairment::default() };
    let mut line = Line::new(1, traced.clone());
    line.accept(0, frame(0, 1000));
    line.schedule(3 * MS, Schedule::default());
    assert_eq!(drain(&mut line)[0].0, 10 * MS);

    let mut line = Line::new(1, Impairment::default());
    let mut change = entry("4ms", "", "", "rate 1bit");
    change.change.rate = Some(Some(Pace::Trace(trace)));
    line.schedule(0, schedule([change]));
    line.accept(12 * MS, frame(0, 1000));
    assert_eq!(drain(&mut line)[0].0, 18 * MS);
}

#[test]
fn chance_goes_on_where_the_loss_is_the_same() {
    let fates = |changes: bool| {
        let mut line = line("loss 30% burst 4");
        (0..2000)
            .map(|index| {
                if changes && index % 10 == 0 {
                    line.set(index, impairment(&format!("delay {index}ms, loss 30% burst 4")));
                }
                line.accept(index, frame(index, 64))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(fates(true), fates(false));
}

#[test]
fn a_schedule_of_nanoseconds_is_no_trap() {
    let mut line = line("rate 1bit");
    line.schedule(0, schedule([entry("0s", "1ns", "2ns", "delay 1s")]));
    line.accept(0, frame(0, 2000));
    line.accept(0, frame(1, 64));
    assert_eq!(line.accept(u64::MAX / 2, frame(2, 64)), Fate::PASSED);
    assert_eq!(line.accept(u64::MAX, frame(3, 64)), Fate::PASSED);
}
