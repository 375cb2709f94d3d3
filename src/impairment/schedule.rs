//! Changes in time.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Change, ChangeError};
use crate::units::{Delay, DelayError};

/// Changes in time, counted from when the lab is ready. Where several are in force, later ones hold over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct Schedule(Vec<Entry>);

/// One change of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it begins.
    pub at: Delay,
    /// For how long it is in force; none: for good.
    pub lasting: Option<Delay>,
    /// After how long it begins again, each time; longer than `lasting`.
    pub every: Option<Delay>,
    /// What changes.
    pub change: Change,
}

/// A schedule can't hold an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {} of the schedule {fault}", index + 1)]
pub struct ScheduleError {
    /// Which, from 0.
    pub index: usize,
    /// Why.
    pub fault: ScheduleFault,
}

/// Why an entry can't be in a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// It would never be in force.
    #[error("lasts for no time")]
    NoTime,
    /// It repeats and lasts for good.
    #[error("repeats, but does not say for how long it is in force each time")]
    Endless,
    /// It begins again before it ends.
    #[error("begins again before it ends")]
    Overlapping,
}

impl Entry {
    /// What makes it unfit for a schedule.
    ///
    /// # Errors
    ///
    /// It lasts for no time, repeats without an end, or begins again before it ends.
    pub fn check(&self) -> Result<(), ScheduleFault> {
        match (self.lasting, self.every) {
            (Some(lasting), _) if lasting.0.is_zero() => Err(ScheduleFault::NoTime),
            (None, Some(_)) => Err(ScheduleFault::Endless),
            (Some(lasting), Some(every)) if every <= lasting => Err(ScheduleFault::Overlapping),
            _ => Ok(()),
        }
    }

    /// When the round of `since` began and when it ends, in nanoseconds.
    fn round(&self, since: u128) -> (u128, Option<u128>) {
        let at = self.at.0.as_nanos();
        let every = self.every.map_or(0, |every| every.0.as_nanos());
        let rounds = since.saturating_sub(at).checked_div(every).unwrap_or(0);
        let start = at.saturating_add(rounds.saturating_mul(every));
        (start, self.lasting.map(|lasting| start.saturating_add(lasting.0.as_nanos())))
    }

    /// Whether it is in force.
    fn holds(&self, since: u128) -> bool {
        let (start, end) = self.round(since);
        start <= since && end.is_none_or(|end| since < end)
    }

    /// The first time after `since` at which it begins or ends.
    fn next_after(&self, since: u128) -> Option<u128> {
        let (start, end) = self.round(since);
        let again = self.every.map(|every| start.saturating_add(every.0.as_nanos()));
        [Some(start), end, again].into_iter().flatten().filter(|time| *time > since).min()
    }
}

impl Schedule {
    /// A schedule of these changes, in this order.
    ///
    /// # Errors
    ///
    /// The first that can't be in one; see [`Entry::check`].
    pub fn new(entries: Vec<Entry>) -> Result<Self, ScheduleError> {
        for (index, entry) in entries.iter().enumerate() {
            entry.check().map_err(|fault| ScheduleError { index, fault })?;
        }
        Ok(Self(entries))
    }

    /// The changes, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Whether nothing ever changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All changes in force this long after the lab was ready, as one.
    pub fn at(&self, since: Duration) -> Change {
        let holding = self.0.iter().filter(|entry| entry.holds(since.as_nanos()));
        holding.fold(Change::default(), |under, entry| entry.change.clone().over(&under))
    }

    /// The first time after `since` at which a change begins or ends; none: nothing changes any more.
    pub fn next_after(&self, since: Duration) -> Option<Duration> {
        let since = since.as_nanos();
        let next = self.0.iter().filter_map(|entry| entry.next_after(since)).min()?;
        let (seconds, rest) = (next / 1_000_000_000, next % 1_000_000_000);
        Some(Duration::new(seconds.try_into().ok()?, rest.try_into().ok()?))
    }
}

impl TryFrom<Vec<Entry>> for Schedule {
    type Error = ScheduleError;

    fn try_from(entries: Vec<Entry>) -> Result<Self, ScheduleError> {
        Self::new(entries)
    }
}

impl From<Schedule> for Vec<Entry> {
    fn from(schedule: Schedule) -> Self {
        schedule.0
    }
}

/// The text is not an entry of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It has another form.
    #[error("`{0}` is not a change in time; write it as in `at 5s for 1s every 10s: down`")]
    Form(String),
    /// A time is not one.
    #[error(transparent)]
    Time(#[from] DelayError),
    /// What follows the colon is not a change.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Its times don't fit each other.
    #[error("`{0}` {1}")]
    Fault(String, ScheduleFault),
}

impl FromStr for Entry {
    type Err = EntryError;

    /// As in `at 5s for 1s every 10s: down`; `for` and `every` may be left out.
    fn from_str(text: &str) -> Result<Self, EntryError> {
        let form = || EntryError::Form(text.to_owned());
        let (times, change) = text.split_once(':').ok_or_else(form)?;
        let words: Vec<&str> = times.split_ascii_whitespace().collect();
        let (at, lasting, every) = match words[..] {
            ["at", at] => (at, None, None),
            ["at", at, "for", lasting] => (at, Some(lasting), None),
            ["at", at, "for", lasting, "every", every] => (at, Some(lasting), Some(every)),
            _ => return Err(form()),
        };
        let entry = Self {
            at: at.parse()?,
            lasting: lasting.map(str::parse).transpose()?,
            every: every.map(str::parse).transpose()?,
            change: change.trim().parse()?,
        };
        entry.check().map_err(|fault| EntryError::Fault(text.to_owned(), fault))?;
        Ok(entry)
    }
}

impl TryFrom<&str> for Entry {
    type Error = EntryError;

    fn try_from(text: &str) -> Result<Self, EntryError> {
        text.parse()
    }
}

impl fmt::Display for Entry {
    /// As in `at 5s for 1s every 10s: down`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", self.at)?;
        if let Some(lasting) = self.lasting {
            write!(f, " for {lasting}")?;
        }
        if let Some(every) = self.every {
            write!(f, " every {every}")?;
        }
        write!(f, ": {}", self.change)
    }
}
