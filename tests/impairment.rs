//! What links do: texts are read and shown, contradictions refused, and changes merge and follow their schedule.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::time::Duration;

use labnet::{
    impairment::{
        Action, Change, Contradiction, Entry, Impairment, Loss, QueueLimit, Rule, Schedule,
        ScheduleFault, Trace, Which,
    },
    units::{ByteSize, Delay, Probability},
};
use serde::{Serialize, de::DeserializeOwned};

fn change(text: &str) -> Change {
    text.parse().unwrap()
}

fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn parts(p: Probability) -> u32 {
    p.parts_per_billion()
}

#[test]
fn losses_are_read_and_shown() {
    for (text, shown) in [
        ("1%", "1%"),
        ("0.05", "5%"),
        ("0%", "0%"),
        ("1% burst 5", "1% burst 5"),
        ("0.333% burst 2.50", "0.333% burst 2.5"),
        ("50% burst 1", "50% burst 1"),
        ("0% burst 5", "0% burst 5"),
        ("gemodel 1% 20%", "gemodel 1% 20% 100% 0%"),
        ("gemodel 1% 20% 90%", "gemodel 1% 20% 90% 0%"),
        ("gemodel 1% 20% 100% 0.1%", "gemodel 1% 20% 100% 0.1%"),
        ("gemodel 1% 0%", "gemodel 1% 0% 100% 0%"),
    ] {
        let loss: Loss = text.parse().unwrap();
        let again: Loss = loss.to_string().parse().unwrap();
        assert_eq!(again, loss, "{text}");
        assert_eq!(loss.to_string(), shown, "{text}");
    }
}

#[test]
fn bursts_are_a_chain_of_two_states() {
    let Loss::GilbertElliott { enter, leave, bad, good } = "20% burst 4".parse().unwrap() else {
        panic!("not a chain");
    };
    // Leaving after 4 frames on average; the share is enter / (enter + leave).
    assert_eq!((parts(enter), parts(leave)), (62_500_000, 250_000_000));
    assert_eq!((bad, good), (Probability::ALWAYS, Probability::NEVER));
}

#[test]
fn what_is_no_loss_is_refused_with_what_to_write() {
    for (text, told) in [
        ("", "write `1%`"),
        ("1", "write `1%`"),
        ("101%", "write `1%`"),
        ("1% 2%", "write `1%`"),
        ("gemodel 1%", "write `1%`"),
        ("gemodel 1% 2% 3% 4% 5%", "write `1%`"),
        ("1% burst 0.5", "from 1 to 1000000"),
        ("1% burst many", "from 1 to 1000000"),
        ("1% burst 1.0001", "from 1 to 1000000"),
        ("100% burst 5", "lengthen them"),
        ("90% burst 2", "lengthen them"),
    ] {
        let error = text.parse::<Loss>().unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn queue_limits_are_frames_or_bytes() {
    for (text, limit) in [
        ("100", QueueLimit::Frames(100)),
        ("64kB", QueueLimit::Bytes(ByteSize(64_000))),
        ("100B", QueueLimit::Bytes(ByteSize(100))),
    ] {
        assert_eq!(text.parse(), Ok(limit));
        assert_eq!(limit.to_string(), text);
    }
    for text in ["", "-1", "1.5", "4294967296", "many"] {
        assert!(text.parse::<QueueLimit>().unwrap_err().to_string().contains("64kB"), "{text}");
    }
}

#[test]
fn faults_choose_frames_and_do_something_to_them() {
    for text in ["all", "first 2", "nth 3", "every 3", "for 500ms"] {
        assert_eq!(text.parse::<Which>().unwrap().to_string(), text);
    }
    for text in ["", "first", "first 0", "nth 0", "every 0", "every +3", "for 3", "all 3"] {
        assert!(text.parse::<Which>().is_err(), "{text}");
    }
    for text in ["drop", "delay 50ms", "duplicate", "corrupt", "hold"] {
        assert_eq!(text.parse::<Action>().unwrap().to_string(), text);
    }
    for text in ["", "delay", "delay 5", "drop 5ms", "explode"] {
        assert!(text.parse::<Action>().unwrap_err().to_string().contains("`hold`"), "{text}");
    }
    let included = |text: &str| -> Vec<u64> {
        let which: Which = text.parse().unwrap();
        (1..=6).filter(|n| which.includes(*n, ms((n - 1) * 100))).collect()
    };
    assert_eq!(included("all"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(included("first 2"), [1, 2]);
    assert_eq!(included("nth 3"), [3]);
    assert_eq!(included("every 3"), [3, 6]);
    assert_eq!(included("for 300ms"), [1, 2, 3]);
}

#[test]
fn a_rule_travels_with_its_filter() {
    let rule = Rule {
        matching: Some("tcp[tcpflags] & tcp-syn != 0".parse().unwrap()),
        which: Which::First(2),
        action: Action::Delay(Delay(ms(50))),
    };
    assert_eq!(rule.to_string(), "delay 50ms first 2 matching tcp[tcpflags] & tcp-syn != 0");
    assert_eq!(through_json(&rule), rule);
    let json = serde_json::to_value(&rule).unwrap();
    assert_eq!(json["which"], "first 2");
    assert_eq!(json["action"], "delay 50ms");
}

#[test]
fn changes_are_written_in_a_line() {
    let text = "delay 10ms, jitter 1ms, distribution normal, loss 1% burst 5, duplicate 1%, reorder 2%, \
                gap 5, corrupt 0.1%, rate 10Mbit, burst 3kB, limit 100, down";
    assert_eq!(change(text).to_string(), text);
    assert_eq!(Impairment::default().with(&change(text)).to_string(), text);
    for text in ["nothing", "up", "rate unlimited, burst default, limit 64kB, up"] {
        assert_eq!(change(text).to_string(), text);
    }
    for (text, told) in [
        ("", "nothing that a link does"),
        ("dealy 10ms", "nothing that a link does"),
        ("delay", "is not a length of time"),
        ("delay 10", "`delay`: `10` is not a length of time"),
        ("delay 1ms, delay 2ms", "`delay` is there twice"),
        ("down, up", "`down` is there twice"),
        ("gap many", "whole number"),
        ("down maybe", "neither `true` nor `false`"),
        ("rate trace", "is not a rate"),
        ("loss 1%, ", "nothing that a link does"),
    ] {
        let error = text.parse::<Change>().unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn without_a_rate_nothing_waits() {
    let limited = Impairment::default().with(&change("rate 1Mbit, burst 3kB, limit 5"));
    assert_eq!(limited.with(&change("rate unlimited")), Impairment::default());
    assert_eq!(limited.with(&change("rate 2Mbit")).limit, QueueLimit::Frames(5));
}

#[test]
fn contradictions_name_their_key() {
    for (text, key) in [
        ("delay 61m", "delay"),
        ("jitter 2h", "jitter"),
        ("reorder 1%", "reorder"),
        ("delay 1ms, gap 5", "gap"),
        ("burst 3kB", "burst"),
        ("limit 5", "limit"),
        ("rate 1Mbit, burst 1513", "burst"),
        ("rate 1Mbit, limit 1513B", "limit"),
        ("rate 1Mbit, limit 0", "limit"),
    ] {
        let error = text.parse::<Impairment>().unwrap().check(1500).unwrap_err();
        assert_eq!(error.key(), key, "{text}: {error}");
    }
    for text in [
        "nothing",
        "jitter 1ms",
        "delay 1ms, jitter 5ms, distribution normal",
        "delay 1h, reorder 100%, gap 3",
        "rate 1bit, burst 1514, limit 1514B",
        "rate 1Mbit, limit 1",
        "gap 1",
        "down",
    ] {
        assert_eq!(text.parse::<Impairment>().unwrap().check(1500), Ok(()), "{text}");
    }
    let trace = Trace::new("cell", vec![1]).unwrap();
    let burst = Impairment { rate: Some(trace.into()), ..impairment("burst 3kB") };
    assert_eq!(burst.check(1500), Err(Contradiction::BurstWithTrace));
}

fn impairment(text: &str) -> Impairment {
    text.parse().unwrap()
}

#[test]
fn traces_are_read_as_mahimahi_writes_them() {
    let trace = Trace::parse("cell.trace", "0\n5\n5\n10\n").unwrap();
    assert_eq!(trace.chances(), [0, 5, 5, 10]);
    assert_eq!(trace.length(), 10);
    let times: Vec<u64> = (0..8).map(|index| trace.chance(index)).collect();
    assert_eq!(times, [0, 5, 5, 10, 10, 15, 15, 20]);
    assert_eq!(through_json(&trace), trace);
    assert_eq!(trace.to_string(), "trace cell.trace");
    assert_eq!(trace.chance(u64::MAX), u64::MAX);
    for (text, told) in [
        ("", "line 1: there is no time in it"),
        ("0\n0\n", "line 2: the last time is 0"),
        ("1\n3\n2\n", "line 3: 2 comes after 3"),
        ("1\n\n2\n", "line 2: `` is not a time"),
        ("1\n+2\n", "line 2: `+2` is not a time"),
        ("1\n4294967296\n", "line 2: `4294967296` is not a time"),
        ("1.5\n", "line 1: `1.5` is not a time"),
    ] {
        let error = Trace::parse("x", text).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
    let long = "1\n".repeat(Trace::MOST + 1);
    assert!(Trace::parse("x", &long).unwrap_err().to_string().contains("at most 1048576"));
}

fn entry(at: u64, lasting: Option<u64>, every: Option<u64>, text: &str) -> Entry {
    let delay = |count| Delay(ms(count));
    Entry {
        at: delay(at),
        lasting: lasting.map(delay),
        every: every.map(delay),
        change: change(text),
    }
}

#[test]
fn a_schedule_says_what_holds_when() {
    let schedule = Schedule::new(vec![
        entry(10, None, None, "delay 1ms, loss 1%"),
        entry(5, Some(10), Some(20), "down"),
        entry(30, Some(1), None, "delay 2ms"),
    ])
    .unwrap();
    for (time, holds) in [
        (0, "nothing"),
        (4, "nothing"),
        (5, "down"),
        (10, "delay 1ms, loss 1%, down"),
        (14, "delay 1ms, loss 1%, down"),
        (15, "delay 1ms, loss 1%"),
        (25, "delay 1ms, loss 1%, down"),
        (30, "delay 2ms, loss 1%, down"),
        (31, "delay 1ms, loss 1%, down"),
        (2_000_005, "delay 1ms, loss 1%, down"),
        (2_000_015, "delay 1ms, loss 1%"),
    ] {
        assert_eq!(schedule.at(ms(time)).to_string(), holds, "at {time}");
    }
    let mut times = vec![];
    let mut now = Duration::ZERO;
    while times.len() < 9 {
        now = schedule.next_after(now).unwrap();
        times.push(now.as_millis());
    }
    assert_eq!(times, [5, 10, 15, 25, 30, 31, 35, 45, 55]);
    assert_eq!(schedule.entries()[1].to_string(), "at 5ms for 10ms every 20ms: down");
    assert_eq!(through_json(&schedule), schedule);
}

#[test]
fn a_schedule_ends_when_nothing_changes_any_more() {
    let schedule = Schedule::new(vec![entry(5, Some(5), None, "down")]).unwrap();
    assert_eq!(schedule.next_after(ms(5)), Some(ms(10)));
    assert_eq!(schedule.next_after(ms(10)), None);
    assert_eq!(Schedule::default().next_after(Duration::ZERO), None);
    let first = Schedule::new(vec![entry(0, None, None, "down")]).unwrap();
    assert_eq!(
        (first.at(Duration::ZERO), first.next_after(Duration::ZERO)),
        (change("down"), None)
    );
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    for (lasting, every, fault) in [
        (Some(0), None, ScheduleFault::NoTime),
        (None, Some(5), ScheduleFault::Endless),
        (Some(5), Some(5), ScheduleFault::Overlapping),
        (Some(5), Some(0), ScheduleFault::Overlapping),
    ] {
        let entries = vec![entry(0, None, None, "up"), entry(0, lasting, every, "down")];
        let error = Schedule::new(entries).unwrap_err();
        assert_eq!((error.index, error.fault), (1, fault));
    }
    let json = r#"[{"at":"0s","lasting":null,"every":"5s","change":{}}]"#;
    assert!(serde_json::from_str::<Schedule>(json).is_err());
}

#[test]
fn faults_and_changes_in_time_are_written_in_a_line() {
    for text in [
        "drop all",
        "delay 50ms first 2",
        "hold nth 3 matching udp",
        "corrupt for 500ms matching tcp port 5000 and greater 100",
    ] {
        assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
    }
    assert_eq!("drop".parse::<Rule>().unwrap().to_string(), "drop all");
    for (text, told) in [
        ("", "is nothing to do to a frame"),
        ("delay", "is nothing to do to a frame"),
        ("explode first 1", "is nothing to do to a frame"),
        ("drop first", "chooses no frames"),
        ("drop first 1 matching prot 5", "the filter, column 1: `prot`"),
    ] {
        let error = text.parse::<Rule>().unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    for text in ["at 5s: down", "at 0s for 1s: delay 10ms, loss 1%", "at 1m for 1s every 10s: up"] {
        assert_eq!(text.parse::<Entry>().unwrap().to_string(), text);
    }
    for (text, told) in [
        ("down", "write it as in `at 5s"),
        ("at 5s every 10s: down", "write it as in `at 5s"),
        ("at 5: down", "is not a length of time"),
        ("at 5s: sideways", "is nothing that a link does"),
        ("at 5s for 0s: down", "lasts for no time"),
        ("at 5s for 10s every 10s: down", "begins again before it ends"),
    ] {
        let error = text.parse::<Entry>().unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
