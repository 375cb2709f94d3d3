//! What happens on a ladder, in the order of time.

use crate::packet::{
    Fate,
    flow::{Arrow, Ladder},
};

/// Something that happens at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    /// In ns since the ladder's start.
    pub(super) time: u64,
    /// The arrow's place.
    pub(super) index: usize,
    pub(super) arrow: &'a Arrow,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An arrow arrives that was sent before.
    Arrives,
    /// An arrow is sent that arrives later.
    Sent,
    /// A copy of an arrow arrives.
    Again,
    /// An arrow was seen at one place.
    Seen,
    /// An arrow was dropped on its way.
    Dropped,
    /// An arrow was seen where it was sent, and nowhere else.
    Lost,
    /// An arrow was seen where it arrived, and nowhere else.
    Found,
}

pub(super) fn events(ladder: &Ladder) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    for (index, arrow) in ladder.arrows().iter().enumerate() {
        let mut event = |time, kind| events.push(Event { time, index, arrow, kind });
        match (arrow.sent, arrow.arrived, arrow.broken) {
            (Some(sent), Some(arrived), _) => {
                event(sent, Kind::Sent);
                event(arrived.max(sent), Kind::Arrives);
            }
            (Some(sent), None, true) => {
                let dropped = matches!(arrow.fate, Fate::Dropped(_));
                event(sent, if dropped { Kind::Dropped } else { Kind::Lost });
            }
            (Some(sent), None, false) => event(sent, Kind::Seen),
            (None, Some(arrived), _) => event(arrived, Kind::Found),
            (None, None, _) => {}
        }
        if let Some(copied) = arrow.copied {
            events.push(Event { time: copied, index, arrow, kind: Kind::Again });
        }
    }
    // An arrow that arrives as soon as it is sent is still sent first.
    events.sort_by_key(|event| {
        let at_once = event.kind == Kind::Arrives && event.arrow.sent == Some(event.time);
        (event.time, at_once, event.kind, event.index)
    });
    events
}

/// What stands on an arrow, after what was done to it.
pub(super) fn label(arrow: &Arrow) -> String {
    match arrow.fate {
        Fate::PASSED | Fate::Dropped(_) => arrow.label.clone(),
        fate => format!("{fate}: {}", arrow.label),
    }
}

/// Why an arrow was dropped, in a word or two.
pub(super) fn cause(arrow: &Arrow) -> String {
    match arrow.fate {
        Fate::Dropped(cause) => cause.to_string(),
        Fate::Passed(_) => String::new(),
    }
}

/// Seconds, with six digits behind the point.
pub(super) fn seconds(time: u64) -> String {
    format!("{}.{:06}", time / 1_000_000_000, time / 1_000 % 1_000_000)
}
