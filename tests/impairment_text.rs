//! What links do, at random: every text parses back, all of it travels as JSON, and merging is making one change after another.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::time::Duration;

use labnet::{
    impairment::{
        Action, Change, Distribution, Entry, Impairment, Loss, Pace, QueueLimit, Schedule, Trace,
        Which,
    },
    units::{ByteSize, Delay, Probability, Rate},
};
use proptest::{option, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn probability() -> impl Strategy<Value = Probability> {
    prop_oneof![(0u32..=1_000_000_000), (0u32..=100).prop_map(|percent| percent * 10_000_000),]
        .prop_map(|parts| Probability::from_parts_per_billion(parts).unwrap())
}

fn delay() -> impl Strategy<Value = Delay> {
    any::<u64>().prop_map(|nanos| Delay(Duration::from_nanos(nanos)))
}

fn loss() -> impl Strategy<Value = Loss> {
    let chain = (probability(), probability(), probability(), probability());
    let bursts = (0u32..=50_000, 1u32..=100).prop_map(|(share, length)| {
        format!("{}.{:03}% burst {length}", share / 1000, share % 1000).parse().unwrap()
    });
    prop_oneof![
        Just(Loss::None),
        probability().prop_filter("no loss", |p| !p.is_never()).prop_map(Loss::Independent),
        chain.prop_map(|(enter, leave, bad, good)| Loss::GilbertElliott {
            enter,
            leave,
            bad,
            good
        }),
        bursts,
    ]
}

fn pace() -> impl Strategy<Value = Pace> {
    (1u64..).prop_map(|bits| Pace::Constant(Rate::new(bits).unwrap()))
}

fn limit() -> impl Strategy<Value = QueueLimit> {
    prop_oneof![
        any::<u32>().prop_map(QueueLimit::Frames),
        any::<u64>().prop_map(|bytes| QueueLimit::Bytes(ByteSize(bytes))),
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    let distribution = prop_oneof![Just(Distribution::Uniform), Just(Distribution::Normal)];
    let chances = (probability(), probability(), probability()).prop_map(|(a, b, c)| [a, b, c]);
    let times = (option::of(delay()), option::of(delay()), option::of(distribution));
    let frames =
        (option::of(loss()), option::of(chances), option::of(any::<u32>()), any::<Option<bool>>());
    let rate = option::of(option::of(pace()));
    let burst = option::of(option::of(any::<u64>().prop_map(ByteSize)));
    (times, frames, rate, burst, option::of(limit())).prop_map(
        |((delay, jitter, distribution), (loss, chances, gap, down), rate, burst, limit)| Change {
            delay,
            jitter,
            distribution,
            loss,
            duplicate: chances.map(|[duplicate, ..]| duplicate),
            reorder: chances.map(|[_, reorder, _]| reorder),
            gap,
            corrupt: chances.map(|[.., corrupt]| corrupt),
            rate,
            burst,
            limit,
            down,
        },
    )
}

proptest! {
    #[test]
    fn a_rate_parses_back(bits in 1u64.., shift in 0u32..63) {
        let rate = Rate::new((bits >> shift).max(1)).unwrap();
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        prop_assert_eq!(through_json(&rate), rate);
    }

    #[test]
    fn a_probability_parses_back(probability in probability()) {
        prop_assert_eq!(probability.to_string().parse(), Ok(probability));
        prop_assert_eq!(through_json(&probability), probability);
    }

    #[test]
    fn a_loss_parses_back(loss in loss()) {
        prop_assert_eq!(loss.to_string().parse(), Ok(loss));
        prop_assert_eq!(through_json(&loss), loss);
    }

    #[test]
    fn a_limit_parses_back(limit in limit()) {
        prop_assert_eq!(limit.to_string().parse(), Ok(limit));
    }

    #[test]
    fn a_change_parses_back_and_travels(change in any_change()) {
        prop_assert_eq!(change.to_string().parse(), Ok(change.clone()));
        prop_assert_eq!(through_json(&change), change.clone());
        let impairment = Impairment::default().with(&change);
        prop_assert_eq!(impairment.to_string().parse(), Ok(impairment.clone()));
        prop_assert_eq!(through_json(&impairment), impairment);
    }

    #[test]
    fn merging_changes_is_making_one_after_the_other(
        base in any_change(), under in any_change(), over in any_change(),
    ) {
        let base = Impairment::default().with(&base);
        let both = base.with(&over.clone().over(&under));
        prop_assert_eq!(both, base.with(&under).with(&over));
    }

    #[test]
    fn everything_set_is_what_it_was_set_to(from in any_change(), to in any_change()) {
        let to = Impairment::default().with(&to);
        let from = Impairment::default().with(&from);
        prop_assert_eq!(from.with(&Change::from(to.clone())), to);
    }

    #[test]
    fn a_schedule_changes_only_where_it_says(
        entries in prop::collection::vec((0u64..50, option::of(1u64..20), option::of(1u64..30)), 0..5),
        start in 0u64..200,
    ) {
        let fit = entries.into_iter().enumerate().map(|(index, (at, lasting, every))| {
            let change = Change { gap: Some(u32::try_from(index).unwrap()), ..Change::default() };
            let time = |count| Delay(ms(count));
            Entry { at: time(at), lasting: lasting.map(time), every: every.map(time), change }
        });
        let schedule = Schedule::new(fit.filter(|entry| entry.check().is_ok()).collect()).unwrap();
        let next = schedule.next_after(ms(start));
        prop_assert!(next.is_none_or(|next| next > ms(start)));
        let until = next.map_or(start + 100, |next| u64::try_from(next.as_millis()).unwrap());
        for time in start..until {
            prop_assert_eq!(schedule.at(ms(time)), schedule.at(ms(start)));
        }
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = (text.parse::<Change>(), text.parse::<Loss>(), text.parse::<QueueLimit>());
        let _ = (text.parse::<Which>(), text.parse::<Action>(), Trace::parse("x", &text));
        let _ = (text.parse::<Rate>(), text.parse::<Probability>());
    }
}
