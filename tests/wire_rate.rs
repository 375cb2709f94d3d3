//! Rates: exact in simulated time, with a bucket, a queue that drops its tail, and traces as mahimahi plays them.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod wire_support;

use labnet::{
    impairment::{Impairment, Pace, Trace},
    packet::{Cause, Fate},
    wire::Line,
};
use wire_support::{FRAMES, MS, S, US, drain, frame, impairment, line, number};

const FULL: Fate = Fate::Dropped(Cause::Queue);

/// Accepts frames of these lengths at a time, and tells which were not dropped.
fn offer(line: &mut Line<Vec<u8>>, now: u64, lengths: &[usize]) -> Vec<bool> {
    let fates = lengths.iter().map(|length| line.accept(now, vec![0; *length]));
    fates.map(|fate| fate != FULL).collect()
}

/// When what is in the line arrives.
fn times(line: &mut Line<Vec<u8>>) -> Vec<u64> {
    drain(line).into_iter().map(|(time, _)| time).collect()
}

#[test]
fn a_queue_that_is_never_empty_is_sent_at_the_rate() {
    for (rate, bits) in
        [("56kbit", 56e3), ("1Mbit", 1e6), ("9.7Mbit", 9.7e6), ("3Gbit", 3e9), ("400Gbit", 4e11)]
    {
        let mut line = line(&format!("rate {rate}, limit 100000"));
        let mut bytes = 0;
        for index in 0..FRAMES {
            let length = 60 + (index as usize * 7919) % 1455;
            bytes += length;
            assert_ne!(line.accept(0, frame(index, length)), FULL);
        }
        let arrived = drain(&mut line);
        assert!(arrived.iter().map(|(_, frame)| number(frame)).eq(0..FRAMES));
        // The bucket's 1514 bytes went at once; of the last frame all.
        let expected = (bytes - 1514) as f64 * 8.0 / bits * 1e9;
        let last = arrived.last().unwrap().0 as f64;
        assert!((last - expected).abs() <= 1.0, "{rate}: {last}, not {expected}");
        // And evenly: at any time no frame is earlier than the bucket lets it.
        let mut sent = 0.0;
        for (time, frame) in &arrived {
            sent += frame.len() as f64;
            let earliest = (sent - 1514.0) * 8.0 / bits * 1e9;
            assert!(*time as f64 >= earliest.floor() && (*time as f64) < earliest.max(0.0) + 2.0);
        }
    }
}

#[test]
fn frames_as_large_as_the_bucket_have_the_rate_too() {
    // A frame takes 30.28 ns.
    let mut line = line("rate 400Gbit, limit 100000");
    offer(&mut line, 0, &[1514; 10_001]);
    assert_eq!(times(&mut line).last(), Some(&302_800));
}

#[test]
fn frames_slower_than_the_rate_do_not_wait() {
    let mut line = line("rate 8Mbit");
    for index in 0..100 {
        let now = index * MS; // 1000 bytes take 1 ms
        assert_eq!(line.accept(now, frame(index, 1000)), Fate::PASSED);
        assert_eq!(line.take(now).map(|frame| number(&frame)), Some(index));
    }
}

#[test]
fn a_burst_goes_at_once_and_comes_back_in_time() {
    let mut line = line("rate 8Mbit, burst 5kB"); // 1 kB a ms
    offer(&mut line, 0, &[1000; 8]);
    assert_eq!(times(&mut line), [0, 0, 0, 0, 0, MS, 2 * MS, 3 * MS]);
    // Two ms later there are 2 kB in it.
    offer(&mut line, 5 * MS, &[1000; 4]);
    assert_eq!(times(&mut line), [5 * MS, 5 * MS, 6 * MS, 7 * MS]);
    // It is never fuller than full.
    offer(&mut line, 100 * S, &[1000; 7]);
    assert_eq!(times(&mut line), [0, 0, 0, 0, 0, MS, 2 * MS].map(|time| 100 * S + time));
}

#[test]
fn a_frame_larger_than_the_bucket_goes_when_that_is_full_and_is_paid_for() {
    for burst in ["0", "500", "999"] {
        let mut line = line(&format!("rate 8Mbit, burst {burst}"));
        offer(&mut line, 0, &[1000; 4]);
        let times = times(&mut line);
        assert_eq!(times, [0, MS, 2 * MS, 3 * MS], "burst {burst}");
    }
}

#[test]
fn nothing_is_rounded_away() {
    // 7 bits/s: a byte takes 1.142857… s. The first two go at once; after 7 more the time is whole.
    let mut line = line("rate 7bit, burst 2B");
    offer(&mut line, 0, &[1; 9 + 700]);
    let times = times(&mut line);
    assert_eq!(times[..4], [0, 0, 1_142_857_143, 2_285_714_286]);
    assert_eq!(times[1 + 7], 8 * S);
    assert_eq!(times[1 + 707], 808 * S);
}

#[test]
fn the_tail_is_dropped_exactly_in_frames() {
    let mut line = line("rate 8Mbit, burst 1kB, limit 3");
    // One is sent, three wait.
    assert_eq!(offer(&mut line, 0, &[1000; 6]), [true, true, true, true, false, false]);
    let counters = line.counters();
    assert_eq!((counters.queue_full, counters.queued, counters.queued_bytes), (2, 4, 4000));
    // At 1 ms another is sent, so there is room for one; just before, none.
    assert_eq!(offer(&mut line, MS - 1, &[1000]), [false]);
    assert_eq!(offer(&mut line, MS, &[1000; 2]), [true, false]);
    assert_eq!(times(&mut line), [0, MS, 2 * MS, 3 * MS, 4 * MS]);
    assert_eq!(line.counters().delivered, 5);
}

#[test]
fn the_tail_is_dropped_exactly_in_bytes() {
    let mut line = line("rate 8Mbit, burst 1kB, limit 2500B");
    assert_eq!(offer(&mut line, 0, &[1000, 1000, 1000, 501]), [true, true, true, false]);
    // What is small enough has room.
    assert_eq!(offer(&mut line, 0, &[500, 1]), [true, false]);
    assert_eq!(offer(&mut line, MS, &[1001, 1000, 0, 1]), [false, true, true, false]);
}

#[test]
fn without_room_to_wait_only_what_need_not_wait_passes() {
    for limit in ["0", "0B"] {
        let mut line = line(&format!("rate 8Mbit, burst 1kB, limit {limit}"));
        assert_eq!(offer(&mut line, 0, &[1000, 1000]), [true, false], "{limit}");
        assert_eq!(offer(&mut line, MS, &[1000, 1000]), [true, false], "{limit}");
    }
}

#[test]
fn the_queue_is_about_the_rate_not_the_delay() {
    let mut line = line("delay 10s, limit 2");
    assert_eq!(offer(&mut line, 0, &[100; 1000]), [true; 1000]);
    assert_eq!(times(&mut line), [10 * S; 1000]);
}

#[test]
fn a_delay_begins_when_a_frame_is_sent() {
    let mut line = line("delay 50ms, rate 8Mbit, burst 1kB");
    offer(&mut line, 0, &[1000; 3]);
    assert_eq!(times(&mut line), [50 * MS, 51 * MS, 52 * MS]);
}

#[test]
fn another_rate_holds_for_what_waits() {
    let mut line = line("rate 8Mbit, burst 1kB");
    offer(&mut line, 0, &[1000; 5]); // at 0, 1, 2, … ms
    // Half of the third is saved up at 1.5 ms; ten times as slow, its rest takes 5 ms.
    line.set(1_500 * US, impairment("rate 800kbit, burst 1kB"));
    assert_eq!(line.next(), Some(0));
    assert_eq!(
        [line.take(2 * MS), line.take(2 * MS), line.take(2 * MS)].iter().flatten().count(),
        2
    );
    assert_eq!(line.next(), Some(6_500 * US));
    assert!(line.take(6_500 * US).is_some());
    // No rate at all: what waits goes.
    line.set(7 * MS, Impairment::default());
    assert_eq!(times(&mut line), [7 * MS; 2]);
}

#[test]
fn a_bucket_is_full_when_its_rate_is_new() {
    let mut line: Line<Vec<u8>> = Line::new(1, Impairment::default());
    offer(&mut line, 0, &[1000; 3]);
    line.set(S, impairment("rate 8Mbit, burst 2kB"));
    offer(&mut line, S, &[1000; 3]);
    assert_eq!(times(&mut line), [0, 0, 0, S, S, S + MS]);
}

fn traced(chances: &[u32]) -> Impairment {
    let trace = Trace::new("test", chances.to_vec()).unwrap();
    Impairment { rate: Some(Pace::Trace(trace)), ..Impairment::default() }
}

/// An Ethernet frame with an IP packet of this length.
const fn packet(length: usize) -> usize {
    14 + length
}

#[test]
fn a_trace_is_played_as_by_mahimahi() {
    let mut line = Line::new(1, traced(&[2, 2, 5, 9]));
    // The line begins at 1 s.
    let at = |millis: u64| S + millis * MS;
    offer(&mut line, S, &[packet(1500); 7]);
    // Two at 2 ms; the round is 9 ms long.
    assert_eq!(times(&mut line), [2, 2, 5, 9, 11, 11, 14].map(at));
    // What comes at the time of a chance misses it.
    offer(&mut line, at(18), &[packet(1500); 2]);
    assert_eq!(times(&mut line), [20, 20].map(at));
    // Chances that nobody waits for are gone, however many rounds.
    offer(&mut line, at(9 * 1_000_000 + 3), &[packet(1500)]);
    assert_eq!(times(&mut line), [at(9 * 1_000_000 + 5)]);
}

#[test]
fn a_chance_carries_several_frames_or_a_part_of_one() {
    let mut line = Line::new(1, traced(&[1, 2, 3, 10]));
    // Packets count with 4 bytes, as in mahimahi: 1504 = 500 + 500 + 504 of 1000.
    offer(&mut line, 0, &[packet(496), packet(496), packet(996), packet(1004)]);
    assert_eq!(times(&mut line), [1, 1, 2, 2].map(|ms| ms * MS));
    // All of it was used: 500 + 500 + 1000 + 1008 = 2 · 1504.
    offer(&mut line, 2 * MS, &[packet(1), packet(3000)]);
    assert_eq!(times(&mut line), [3, 11].map(|ms| ms * MS));
}

#[test]
fn what_a_chance_has_left_is_lost_to_those_that_come_later() {
    let mut line = Line::new(1, traced(&[1, 2, 3, 10]));
    offer(&mut line, 0, &[packet(100)]);
    offer(&mut line, MS, &[packet(100)]);
    assert_eq!(times(&mut line), [MS, 2 * MS]);
}

#[test]
fn a_trace_has_its_rate() {
    // 3 chances in 4 ms.
    let mut line = Line::new(1, traced(&[1, 3, 4]));
    let mut bytes = 0;
    for index in 0..900 {
        let length = packet(36 + (index * 7919) % 1465);
        bytes += length - packet(0) + 4;
        assert!(offer(&mut line, 0, &[length])[0]);
    }
    let rounds = (bytes as f64 / (3.0 * 1504.0)).ceil();
    let last = *times(&mut line).last().unwrap() as f64 / MS as f64;
    assert!(last <= rounds * 4.0 && last > (rounds - 1.0) * 4.0, "{last} ms, {rounds} rounds");
}

#[test]
fn a_trace_can_follow_on_a_rate() {
    let mut line = line("rate 8bit, burst 1kB");
    offer(&mut line, 0, &[1000, 1000, 1000]);
    line.set(S, traced(&[7]));
    assert_eq!(times(&mut line), [0, S + 7 * MS, S + 14 * MS]);
}
