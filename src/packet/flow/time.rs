//! Lengths of time for people.

use std::fmt;

/// Nanoseconds, shown with three digits as `23.1us`, `1.20ms` or `12.0s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short(pub(crate) u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1_000, "us"), (1_000_000, "ms"), (1_000_000_000, "s")];
        if self.0 == 0 {
            return f.pad("0s");
        }
        // Half a digit more would round up to the next unit.
        let fits = |(scale, _): &&(u64, &str)| self.0 < *scale * 1_000 - *scale / 2;
        let (scale, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[2]);
        let value = self.0 as f64 / *scale as f64;
        let digits = match value {
            ..9.995 => 2,
            9.995..99.95 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.digits$}{unit}"))
    }
}
