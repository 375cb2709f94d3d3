//! Which frames are lost.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::units::Probability;

/// Which frames are lost.
///
/// | text | meaning |
/// |---|---|
/// | `1%` | each frame with this probability |
/// | `1% burst 5` | this share of the frames, in bursts of this mean length (at least 1, with up to three decimals) |
/// | `gemodel 1% 20% 100% 0%` | the model of Gilbert and Elliott: the probability to enter the bad state and to leave it, the loss in it, and that in the good state; the last two may be left out and are then as here |
///
/// A burst is the model's bad state with a loss of 100 %: it is left with a probability of 1 / burst, and entered with share / (burst · (1 − share)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Loss {
    /// None; its text is `0%`.
    #[default]
    None,
    /// Each frame for itself. With a probability of 0 its text, `0%`, is that of [`Loss::None`].
    Independent(Probability),
    /// In each state of a chain with two, another probability; the chain begins in the good state, and may move after each frame, as netem's does.
    GilbertElliott {
        /// To enter the bad state.
        enter: Probability,
        /// To leave the bad state.
        leave: Probability,
        /// That a frame is lost in the bad state.
        bad: Probability,
        /// That a frame is lost in the good state.
        good: Probability,
    },
}

/// The text says no loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// It has another form.
    #[error(
        "`{0}` is no loss; write `1%`, `1% burst 5` (mean length of bursts) or `gemodel 1% 20%` (to enter and to leave the bad state)"
    )]
    Form(String),
    /// Bursts are shorter than a frame, or no number.
    #[error(
        "`{0}` is not a mean length of bursts; write a number of frames from 1 to 1000000, as in `1% burst 5`"
    )]
    Length(String),
    /// So much can't be lost in so short bursts.
    #[error(
        "bursts of {length} frames on average can't make a loss of {share}; between two bursts a frame arrives: lengthen them, or lose less"
    )]
    Share {
        /// What is to be lost.
        share: Probability,
        /// The mean length, as written.
        length: String,
    },
}

/// Lengths of bursts are in thousandths.
const THOUSAND: u128 = 1000;
const BILLION: u128 = 1_000_000_000;
const LONGEST: u128 = 1_000_000 * THOUSAND;

impl Loss {
    /// This share of the frames, in bursts of a mean length that is given in thousandths; none if there is no such chain.
    fn bursts(share: Probability, length: u128) -> Option<Self> {
        let share = u128::from(share.parts_per_billion());
        let rest = BILLION.checked_sub(share).filter(|rest| *rest > 0)?;
        let leave = rounded(BILLION * THOUSAND, length)?;
        let enter = rounded(share * BILLION * THOUSAND, length.checked_mul(rest)?)?;
        Some(Self::GilbertElliott {
            enter: probability(enter)?,
            leave: probability(leave)?,
            bad: Probability::ALWAYS,
            good: Probability::NEVER,
        })
    }

    /// The text with `burst` that gives these probabilities, if there is one; the shortest.
    fn as_bursts(&self) -> Option<String> {
        let Self::GilbertElliott { enter, leave, bad: Probability::ALWAYS, good } = *self else {
            return None;
        };
        let parts = |p: Probability| u128::from(p.parts_per_billion());
        let (enter, leave) = (parts(enter), parts(leave));
        let length = rounded(BILLION * THOUSAND, leave).filter(|_| good == Probability::NEVER)?;
        let share = rounded(BILLION * enter, enter + leave)?;
        // From whole percents to four decimals: a share with more was hardly written so.
        (3..=7).rev().find_map(|digits| {
            let unit = 10u128.pow(digits);
            let share = probability(rounded(share, unit)? * unit)?;
            let same = Self::bursts(share, length) == Some(*self);
            same.then(|| format!("{share} burst {}", decimal(length)))
        })
    }

    /// Whether chance has a part in it.
    pub(super) fn is_random(&self) -> bool {
        !matches!(self, Self::None | Self::Independent(Probability::NEVER | Probability::ALWAYS))
    }
}

fn probability(parts: u128) -> Option<Probability> {
    Probability::from_parts_per_billion(parts.try_into().ok()?)
}

/// The quotient, to the nearest.
fn rounded(dividend: u128, divisor: u128) -> Option<u128> {
    (dividend + divisor / 2).checked_div(divisor)
}

fn decimal(thousandths: u128) -> String {
    let text = format!("{}.{:03}", thousandths / THOUSAND, thousandths % THOUSAND);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number with up to three decimals, in thousandths.
fn thousandths(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole.parse::<u64>().ok().map(u128::from)? * THOUSAND + fraction)
}

impl FromStr for Loss {
    type Err = LossError;

    fn from_str(text: &str) -> Result<Self, LossError> {
        let form = || LossError::Form(text.to_owned());
        let probability = |word: &&str| word.parse::<Probability>().map_err(|_| form());
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match &words[..] {
            ["gemodel", words @ ..] if (2..=4).contains(&words.len()) => {
                let given = words.iter().map(probability).collect::<Result<Vec<_>, _>>()?;
                let nth = |n: usize, other| given.get(n).copied().unwrap_or(other);
                Ok(Self::GilbertElliott {
                    enter: nth(0, Probability::NEVER),
                    leave: nth(1, Probability::NEVER),
                    bad: nth(2, Probability::ALWAYS),
                    good: nth(3, Probability::NEVER),
                })
            }
            [share, "burst", length] => {
                let share = probability(share)?;
                let thousandths = thousandths(length)
                    .filter(|length| (THOUSAND..=LONGEST).contains(length))
                    .ok_or_else(|| LossError::Length((*length).to_owned()))?;
                Self::bursts(share, thousandths)
                    .ok_or_else(|| LossError::Share { share, length: (*length).to_owned() })
            }
            [share] => Ok(match probability(share)? {
                Probability::NEVER => Self::None,
                share => Self::Independent(share),
            }),
            _ => Err(form()),
        }
    }
}

impl TryFrom<String> for Loss {
    type Error = LossError;

    fn try_from(text: String) -> Result<Self, LossError> {
        text.parse()
    }
}

impl From<Loss> for String {
    fn from(loss: Loss) -> Self {
        loss.to_string()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("0%"),
            Self::Independent(share) => share.fmt(f),
            Self::GilbertElliott { enter, leave, bad, good } => match self.as_bursts() {
                Some(text) => f.pad(&text),
                None => f.pad(&format!("gemodel {enter} {leave} {bad} {good}")),
            },
        }
    }
}
