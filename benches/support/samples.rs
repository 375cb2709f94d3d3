//! Samples of one quantity, and rows of results.

use std::{fmt, time::Duration};

/// Samples of one quantity.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
        self.0.sort_by(f64::total_cmp);
    }

    /// Adds a time in milliseconds.
    pub(crate) fn push_time(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e3);
    }

    pub(crate) fn min(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() % 2 {
            1 => self.0[middle],
            _ => (self.0[middle - 1] + self.0[middle]) / 2.0,
        }
    }

    pub(crate) fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

impl fmt::Display for Samples {
    /// `min / median / max (count)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, median, max) = (self.min(), self.median(), self.max());
        write!(f, "{min:.2} / {median:.2} / {max:.2} ({})", self.0.len())
    }
}

/// A figure against its target.
pub(crate) struct Verdict {
    figure: f64,
    target: f64,
    /// Whether more is better.
    at_least: bool,
}

impl Verdict {
    pub(crate) fn at_most(target: f64, figure: f64) -> Self {
        Self { figure, target, at_least: false }
    }

    pub(crate) fn at_least(target: f64, figure: f64) -> Self {
        Self { figure, target, at_least: true }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, target, at_least } = *self;
        let (sign, met) =
            if at_least { ("≥", figure >= target) } else { ("≤", figure <= target) };
        let word = if met { "met" } else { "MISSED" };
        write!(f, "{figure:.2} ({sign} {target}: {word})")
    }
}

/// Begins a table.
pub(crate) fn heading(title: &str, unit: &str) {
    println!("\n### {title}\n\n| | {unit}: min / median / max (samples) |\n|---|---|");
}

/// Adds a row to the table.
pub(crate) fn row(what: &str, value: impl fmt::Display) {
    println!("| {what} | {value} |");
}
