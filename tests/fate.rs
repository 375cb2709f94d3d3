//! What a link did to a frame has one text, which is read as it is written.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use labnet::packet::{Cause, Changes, Fate, Origin};
use proptest::prelude::*;

fn passed(change: impl FnOnce(&mut Changes)) -> Fate {
    let mut changes = Changes::default();
    change(&mut changes);
    Fate::Passed(changes)
}

#[test]
fn each_fate_has_its_words() {
    for (fate, text) in [
        (Fate::PASSED, ""),
        (Fate::Dropped(Cause::Loss), "dropped (loss)"),
        (Fate::Dropped(Cause::Down), "dropped (link down)"),
        (Fate::Dropped(Cause::Queue), "dropped (queue full)"),
        (Fate::Dropped(Cause::Fault(1)), "dropped (fault 1)"),
        (passed(|it| it.delayed = Some(1)), "delayed (fault 1)"),
        (passed(|it| it.held = Some(2)), "held (fault 2)"),
        (passed(|it| it.corrupted = Some(Origin::Chance)), "corrupted"),
        (passed(|it| it.duplicated = Some(Origin::Fault(3))), "duplicated (fault 3)"),
        (
            passed(|it| {
                it.duplicated = Some(Origin::Chance);
                it.corrupted = Some(Origin::Fault(7));
                it.held = Some(4_294_967_295);
            }),
            "held (fault 4294967295), corrupted (fault 7), duplicated",
        ),
    ] {
        assert_eq!(fate.to_string(), text);
        assert_eq!(text.parse(), Ok(fate));
    }
}

#[test]
fn only_the_wires_own_comments_are_fates() {
    let comments = ["looks odd".to_owned(), "labnet: dropped (loss)".to_owned()];
    assert_eq!(Fate::of(&comments), Some(Fate::Dropped(Cause::Loss)));
    assert_eq!(Fate::of(&comments[..1]), None);
    assert_eq!(Fate::of_comment("dropped (loss)"), None);
    assert_eq!(Fate::of_comment("labnet: dropped by somebody"), None);
    assert_eq!(Fate::PASSED.comment(), None);
    let comment = Fate::Dropped(Cause::Fault(1)).comment();
    assert_eq!(comment.as_deref(), Some("labnet: dropped (fault 1)"));
}

#[test]
fn other_words_are_refused_by_name() {
    for text in [
        "dropped",
        "dropped (fault)",
        "dropped (fault +1)",
        "dropped (fault 4294967296)",
        "dropped (loss), corrupted",
        "delayed",
        "held (fault )",
        "held (fault 1), held (fault 2)",
        "corrupted (by chance)",
        "corrupted,duplicated",
        "corrupted, ",
        "Corrupted",
    ] {
        let error = text.parse::<Fate>().unwrap_err().to_string();
        assert!(
            error.ends_with(
                "is nothing that a link does to a frame, as `dropped (loss)` or `held (fault 2)`"
            ),
            "{text}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn any_fate_is_read_back(
        dropped in proptest::option::of(0..4_u32),
        faults in proptest::array::uniform4(proptest::option::of(any::<u32>())),
        chances in any::<[bool; 2]>(),
    ) {
        let origin = |place: usize, fault: Option<u32>| {
            fault.map(Origin::Fault).or(chances[place].then_some(Origin::Chance))
        };
        let [delayed, held, corrupted, duplicated] = faults;
        let fate = match dropped {
            Some(0) => Fate::Dropped(Cause::Loss),
            Some(1) => Fate::Dropped(Cause::Queue),
            Some(2) => Fate::Dropped(Cause::Down),
            Some(_) => Fate::Dropped(Cause::Fault(held.unwrap_or(1))),
            None => Fate::Passed(Changes { delayed, held, corrupted: origin(0, corrupted), duplicated: origin(1, duplicated) }),
        };
        prop_assert_eq!(fate.to_string().parse::<Fate>(), Ok(fate));
        prop_assert_eq!(fate.comment().map_or(Fate::PASSED, |comment| Fate::of_comment(&comment).unwrap()), fate);
    }

    #[test]
    fn no_text_is_too_odd(text in ".*") {
        let _ = text.parse::<Fate>();
    }
}
