//! What became of a frame on a link.

use std::fmt;

use super::Fate;

/// What became of a frame on a link: what the link did to it, as far as a wire told, and how it arrived, as far as both ends were
/// recorded.
///
/// Its text has no numbers that differ from run to run: `delivered`, `dropped (fault 1)`, `held (fault 2), delivered`, `not delivered`.
/// How long it took is [`Verdict::transit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What a wire did to it.
    pub fate: Fate,
    /// How it arrived; `None` if only one end was recorded.
    pub arrival: Option<Arrival>,
}

/// How a frame arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It arrived after so many ns.
    Delivered(u64),
    /// A copy of it arrived after so many ns, later than the frame itself.
    Copy(u64),
    /// It was sent, and didn't arrive.
    Missing,
    /// It was sent, and the recording ended too soon after it to tell.
    UnderWay,
    /// It arrived, and wasn't sent as it is: it was sent before the recording began, or changed or doubled on its way.
    FromNowhere,
}

impl Verdict {
    /// What a frame's comments say, if a wire noted something there.
    pub fn noted(comments: &[String]) -> Option<Self> {
        Fate::of(comments).map(|fate| Self { fate, arrival: None })
    }

    /// What both ends tell of a frame of which no wire told anything.
    pub fn seen(arrival: Arrival) -> Self {
        Self { fate: Fate::PASSED, arrival: Some(arrival) }
    }

    /// How many ns it took, if it arrived.
    pub fn transit(&self) -> Option<u64> {
        match self.arrival {
            Some(Arrival::Delivered(ns) | Arrival::Copy(ns)) => Some(ns),
            _ => None,
        }
    }

    /// Whether it never left the link, by what the wire told.
    pub fn is_dropped(&self) -> bool {
        matches!(self.fate, Fate::Dropped(_))
    }
}

impl fmt::Display for Verdict {
    /// As `corrupted, delivered`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrival = match (self.fate, self.arrival) {
            (Fate::Dropped(_), _) | (Fate::Passed(_), None) => "",
            (_, Some(Arrival::Delivered(_))) => "delivered",
            (_, Some(Arrival::Copy(_))) => "delivered again",
            (_, Some(Arrival::Missing)) => "not delivered",
            (_, Some(Arrival::UnderWay)) => "under way at the end",
            (_, Some(Arrival::FromNowhere)) => "from nowhere",
        };
        let plain = self.fate == Fate::PASSED || arrival.is_empty();
        f.pad(&format!("{}{}{arrival}", self.fate, if plain { "" } else { ", " }))
    }
}

/// A length of time for people: `10.02 ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transit(pub u64);

impl fmt::Display for Transit {
    /// With at most two digits after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, scale) = match self.0 {
            ns @ 0..1_000 => return f.pad(&format!("{ns} ns")),
            // From here on the number before the unit would round to 1000.
            1_000..999_995 => ("µs", 1_000),
            999_995..999_995_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000),
        };
        let hundredths = (u128::from(self.0) * 100 + scale / 2) / scale;
        let number = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        f.pad(&format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.')))
    }
}
