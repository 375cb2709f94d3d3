//! What a link that is bent does to a frame.

use std::{fmt, str::FromStr};

/// What the wire decided of a frame when it took it in.
///
/// Its text says nothing of a frame that simply passed (it is empty), and else what was done, joined by commas:
/// `dropped (loss)`, `dropped (fault 1)`, `delayed (fault 1)`, `held (fault 2)`, `corrupted`, `duplicated (fault 3)`,
/// `corrupted, duplicated`.
///
/// ```
/// use labnet::packet::{Cause, Fate};
///
/// let fate: Fate = "dropped (queue full)".parse()?;
/// assert_eq!(fate, Fate::Dropped(Cause::Queue));
/// assert_eq!(Fate::PASSED.to_string(), "");
/// # Ok::<(), labnet::packet::FateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It never leaves the link.
    Dropped(Cause),
    /// It goes on, perhaps late, twice or with other bytes.
    Passed(Changes),
}

/// Why a frame was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// By chance.
    Loss,
    /// The link is down.
    Down,
    /// The queue of frames that wait to be sent is full.
    Queue,
    /// A fault, by its number.
    Fault(u32),
}

/// What was done to a frame that goes on; by default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Changes {
    /// The fault that has it arrive later than the link's delay says.
    pub delayed: Option<u32>,
    /// The fault that keeps it until it is released.
    pub held: Option<u32>,
    /// What turned one of its bits.
    pub corrupted: Option<Origin>,
    /// What made a copy of it, which goes on as well.
    pub duplicated: Option<Origin>,
}

/// Who changed a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The link's impairment, by chance.
    Chance,
    /// A fault, by its number.
    Fault(u32),
}

/// A text says nothing that the wire does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that a link does to a frame, as `dropped (loss)` or `held (fault 2)`")]
pub struct FateError(pub String);

/// What a comment of the wire's begins with.
const MARK: &str = "labnet: ";

impl Fate {
    /// It passed, unchanged and in its time.
    pub const PASSED: Self =
        Self::Passed(Changes { delayed: None, held: None, corrupted: None, duplicated: None });

    /// As it is noted at a frame in a recording: `labnet: dropped (loss)`. Nothing is noted of a frame that simply passed.
    pub fn comment(self) -> Option<String> {
        (self != Self::PASSED).then(|| format!("{MARK}{self}"))
    }

    /// What a frame's comments say, if one of them is the wire's.
    pub fn of(comments: &[String]) -> Option<Self> {
        comments.iter().find_map(|comment| Self::of_comment(comment))
    }

    /// What a comment says, if it is the wire's.
    pub fn of_comment(comment: &str) -> Option<Self> {
        comment.strip_prefix(MARK)?.parse().ok()
    }
}

impl Changes {
    /// Whether it arrives later than the link's delay says.
    pub(super) fn is_late(&self) -> bool {
        self.delayed.is_some() || self.held.is_some()
    }
}

impl Default for Fate {
    fn default() -> Self {
        Self::PASSED
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(cause) => write!(f, "dropped ({cause})"),
            Self::Passed(changes) => changes.fmt(f),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss => f.write_str("loss"),
            Self::Down => f.write_str("link down"),
            Self::Queue => f.write_str("queue full"),
            Self::Fault(number) => write!(f, "fault {number}"),
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = |number| Some(Origin::Fault(number));
        let done = [
            ("delayed", self.delayed.and_then(fault)),
            ("held", self.held.and_then(fault)),
            ("corrupted", self.corrupted),
            ("duplicated", self.duplicated),
        ];
        let mut comma = "";
        for (what, origin) in done {
            match origin {
                None => continue,
                Some(Origin::Chance) => write!(f, "{comma}{what}")?,
                Some(Origin::Fault(number)) => write!(f, "{comma}{what} (fault {number})")?,
            }
            comma = ", ";
        }
        Ok(())
    }
}

impl FromStr for Fate {
    type Err = FateError;

    fn from_str(text: &str) -> Result<Self, FateError> {
        if let Some(cause) = text.strip_prefix("dropped ") {
            let cause = cause.strip_prefix('(').and_then(|cause| cause.strip_suffix(')'));
            return Ok(Self::Dropped(cause.ok_or_else(|| FateError(text.to_owned()))?.parse()?));
        }
        text.parse().map(Self::Passed)
    }
}

impl FromStr for Cause {
    type Err = FateError;

    fn from_str(text: &str) -> Result<Self, FateError> {
        match text {
            "loss" => Ok(Self::Loss),
            "link down" => Ok(Self::Down),
            "queue full" => Ok(Self::Queue),
            _ => fault(text).map(Self::Fault).ok_or_else(|| FateError(text.to_owned())),
        }
    }
}

impl FromStr for Changes {
    type Err = FateError;

    fn from_str(text: &str) -> Result<Self, FateError> {
        let mut changes = Self::default();
        if text.is_empty() {
            return Ok(changes);
        }
        for part in text.split(", ") {
            let (what, number) = match part.strip_suffix(')').and_then(|p| p.split_once(" (")) {
                Some((what, by)) => (what, fault(by)),
                None => (part, None),
            };
            let chance = (what == part).then_some(Origin::Chance);
            let origin = number.map(Origin::Fault).or(chance);
            let known = match what {
                "delayed" => replace(&mut changes.delayed, number),
                "held" => replace(&mut changes.held, number),
                "corrupted" => replace(&mut changes.corrupted, origin),
                "duplicated" => replace(&mut changes.duplicated, origin),
                _ => false,
            };
            if !known {
                return Err(FateError(text.to_owned()));
            }
        }
        Ok(changes)
    }
}

/// Puts a value where none was, and tells whether this could be done.
fn replace<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    value.is_some() && place.is_none() && {
        *place = value;
        true
    }
}

/// The number of `fault 3`.
fn fault(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("fault ")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
