//! The text of changes and impairments: the keys of a topology file and their values, in a line.

use std::{fmt, str::FromStr};

use super::{Change, Impairment, Pace};
use crate::units::Rate;

/// The keys, in the order in which they are shown.
pub const KEYS: [&str; 12] = [
    "delay",
    "jitter",
    "distribution",
    "loss",
    "duplicate",
    "reorder",
    "gap",
    "corrupt",
    "rate",
    "burst",
    "limit",
    "down",
];

/// The text is not a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such key.
    #[error("`{0}` is nothing that a link does; there are `{keys}` and `up`", keys = KEYS.join("`, `"))]
    Key(String),
    /// The key has no such value.
    #[error("`{key}`: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// Why not, and what to write.
        reason: String,
    },
    /// The same is said twice.
    #[error("`{0}` is there twice")]
    Twice(&'static str),
}

impl Change {
    /// Sets one field from its text. `rate` may be `unlimited`, `burst` may be `default`, and `down` is `true` or `false`.
    ///
    /// # Errors
    ///
    /// No such key, or its value is not one.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ChangeError> {
        let unknown = || ChangeError::Key(key.to_owned());
        let key = KEYS.into_iter().find(|known| *known == key).ok_or_else(unknown)?;
        let number = |_| {
            let largest = u32::MAX;
            format!("`{text}` is not a whole number from 0 to {largest}")
        };
        let said = match key {
            "delay" => put(&mut self.delay, text),
            "jitter" => put(&mut self.jitter, text),
            "distribution" => put(&mut self.distribution, text),
            "loss" => put(&mut self.loss, text),
            "duplicate" => put(&mut self.duplicate, text),
            "reorder" => put(&mut self.reorder, text),
            "gap" => text.parse().map(|gap| self.gap = Some(gap)).map_err(number),
            "corrupt" => put(&mut self.corrupt, text),
            "rate" if text == "unlimited" => {
                self.rate = Some(None);
                Ok(())
            }
            "rate" => parse(text).map(|rate: Rate| self.rate = Some(Some(Pace::Constant(rate)))),
            "burst" if text == "default" => {
                self.burst = Some(None);
                Ok(())
            }
            "burst" => parse(text).map(|burst| self.burst = Some(Some(burst))),
            "limit" => put(&mut self.limit, text),
            _ => put_flag(&mut self.down, text),
        };
        said.map_err(|reason| ChangeError::Value { key, reason })
    }

    /// The fields that are set, by key, in the order of [`KEYS`], as text that [`Change::set`] takes (a trace's it does not).
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let mut add = |key, text: Option<String>| fields.extend(text.map(|text| (key, text)));
        add("delay", text(&self.delay));
        add("jitter", text(&self.jitter));
        add("distribution", text(&self.distribution));
        add("loss", text(&self.loss));
        add("duplicate", text(&self.duplicate));
        add("reorder", text(&self.reorder));
        add("gap", text(&self.gap));
        add("corrupt", text(&self.corrupt));
        add("rate", self.rate.as_ref().map(|rate| text(rate).unwrap_or("unlimited".into())));
        add("burst", self.burst.map(|burst| text(&burst).unwrap_or("default".into())));
        add("limit", text(&self.limit));
        add("down", text(&self.down));
        fields
    }
}

fn parse<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn put<T: FromStr<Err: fmt::Display>>(field: &mut Option<T>, text: &str) -> Result<(), String> {
    *field = Some(parse(text)?);
    Ok(())
}

fn put_flag(field: &mut Option<bool>, text: &str) -> Result<(), String> {
    let flag = text.parse().map_err(|_| format!("`{text}` is neither `true` nor `false`"))?;
    *field = Some(flag);
    Ok(())
}

fn text<T: fmt::Display>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(T::to_string)
}

impl FromStr for Change {
    type Err = ChangeError;

    /// As in `delay 10ms, loss 1% burst 5, rate unlimited, up`; `nothing` changes nothing.
    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let mut change = Self::default();
        if text.trim() == "nothing" {
            return Ok(change);
        }
        for part in text.split(',').map(str::trim) {
            let (key, value) = match part {
                "down" => ("down", "true"),
                "up" => ("down", "false"),
                _ => part.split_once(char::is_whitespace).unwrap_or((part, "")),
            };
            if let Some((known, _)) = change.fields().into_iter().find(|(known, _)| *known == key) {
                return Err(ChangeError::Twice(known));
            }
            change.set(key, value.trim())?;
        }
        Ok(change)
    }
}

impl TryFrom<&str> for Change {
    type Error = ChangeError;

    fn try_from(text: &str) -> Result<Self, ChangeError> {
        text.parse()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.fields().into_iter().map(|(key, text)| match (key, text.as_str()) {
            ("down", "true") => "down".to_owned(),
            ("down", _) => "up".to_owned(),
            _ => format!("{key} {text}"),
        });
        let words: Vec<String> = words.collect();
        f.pad(&if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
    }
}

impl FromStr for Impairment {
    type Err = ChangeError;

    /// What a [`Change`] of this text makes of nothing.
    fn from_str(text: &str) -> Result<Self, ChangeError> {
        text.parse().map(|change| Self::default().with(&change))
    }
}

impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Change::from(Self::default());
        let all = Change::from(self.clone());
        let words = all.fields().into_iter().zip(default.fields());
        let told =
            words.filter(|(own, default)| own != default).map(|((key, text), _)| match key {
                "down" => key.to_owned(),
                _ => format!("{key} {text}"),
            });
        let told: Vec<String> = told.collect();
        f.pad(&if told.is_empty() { "nothing".to_owned() } else { told.join(", ") })
    }
}
