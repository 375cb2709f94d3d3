//! A quantity over time, in few points.

use std::fmt;

use serde::Serialize;

/// How many points are kept.
const POINTS: usize = 64;

/// The windows that one side offered, over time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Windows {
    /// The least, in bytes.
    pub least: Option<u64>,
    /// The greatest, in bytes.
    pub greatest: Option<u64>,
    /// How often it became 0.
    pub closed: u64,
    /// At most 64 points: ns since the conversation's start, and the least window offered from there to the next point, in bytes.
    pub points: Vec<(u64, u64)>,
    /// How much time a point stands for, in ns; 0 as long as each change has its own.
    pub step: u64,
    #[serde(skip)]
    last: Option<u64>,
}

impl Windows {
    pub(super) fn note(&mut self, time: u64, window: u64) {
        self.least = Some(self.least.map_or(window, |least| least.min(window)));
        self.greatest = Some(self.greatest.map_or(window, |greatest| greatest.max(window)));
        if self.last.replace(window) == Some(window) {
            return;
        }
        self.closed += u64::from(window == 0);
        match self.points.last_mut() {
            Some((since, least)) if self.step > 0 && time / self.step == *since / self.step => {
                *least = (*least).min(window);
            }
            _ => self.points.push((time, window)),
        }
        while self.points.len() > POINTS {
            self.thin(time);
        }
    }

    /// Joins points that are close in time.
    fn thin(&mut self, until: u64) {
        self.step = (self.step * 2).max(until / (POINTS as u64 / 2)).max(1);
        let step = self.step;
        self.points.dedup_by(|later, kept| {
            let same = later.0 / step == kept.0 / step;
            if same {
                kept.1 = kept.1.min(later.1);
            }
            same
        });
    }
}

impl fmt::Display for Windows {
    /// As `64240 to 3145728 bytes ▁▂▅█`, a bar a point from low to high.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let (Some(least), Some(greatest)) = (self.least, self.greatest) else {
            return f.write_str("none");
        };
        if least == greatest {
            return write!(f, "{least} bytes");
        }
        let bar = |window: u64| {
            let place = window.saturating_sub(least) * 7 / (greatest - least);
            BARS.get(place as usize).copied().unwrap_or('█')
        };
        let bars: String = self.points.iter().map(|(_, window)| bar(*window)).collect();
        write!(f, "{least} to {greatest} bytes {bars}")?;
        match self.closed {
            0 => Ok(()),
            1 => write!(f, ", closed once"),
            times => write!(f, ", closed {times} times"),
        }
    }
}
