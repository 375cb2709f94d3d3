//! Lengths of time that were measured.

use std::{fmt, time::Duration};

/// A length of time whose Display is in milliseconds with two decimals: `44.03 ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ms(pub Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0.as_secs_f64() * 1e3)
    }
}

/// How measured times are distributed.
///
/// Its Display is `min 20.05 ms, median 20.11 ms, p99 20.40 ms, max 20.52 ms, sd 0.05 ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The least.
    pub min: Duration,
    /// At most half of them are less, and at most half are more; of two in the middle the lesser.
    pub median: Duration,
    /// The least that is no less than 99 % of them.
    pub p99: Duration,
    /// The greatest.
    pub max: Duration,
    /// The mean.
    pub mean: Duration,
    /// The standard deviation.
    pub sd: Duration,
}

impl Summary {
    /// What some times have in common; `None` if there is none.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        let rank = |share: usize| (times.len() * share).div_ceil(100).checked_sub(1);
        let count = times.len() as f64;
        let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() / count;
        let square = |time: &Duration| (time.as_secs_f64() - mean).powi(2);
        let sd = (times.iter().map(square).sum::<f64>() / count).sqrt();
        Some(Self {
            min: *times.first()?,
            median: *times.get(rank(50)?)?,
            p99: *times.get(rank(99)?)?,
            max: *times.last()?,
            mean: Duration::from_secs_f64(mean),
            sd: Duration::from_secs_f64(sd),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, median, p99, max, sd, .. } = *self;
        let [min, median, p99, max, sd] = [min, median, p99, max, sd].map(Ms);
        write!(f, "min {min}, median {median}, p99 {p99}, max {max}, sd {sd}")
    }
}
