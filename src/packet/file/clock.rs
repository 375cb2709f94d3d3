//! The clock of an interface.

/// What `if_tsresol` and `if_tsoffset` say: how long a tick is, and when the first was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    tick: Tick,
    /// Seconds from 1970 to the first tick.
    offset: i64,
}

/// How long a tick is.
#[derive(Debug, Clone, Copy)]
enum Tick {
    /// So many ns.
    Longer(u64),
    /// So many are one ns.
    Shorter(u128),
    /// Two to this power are one second.
    Binary(u8),
}

/// ns in a second.
const SECOND: u64 = 1_000_000_000;

impl Clock {
    /// The resolution where nothing is said of it.
    pub(super) const MICROSECONDS: u8 = 6;

    /// `resolution` as recorded: a negative power of ten, or, if the highest bit is set, of two.
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
        let power = resolution & 0x7f;
        let tick = match (resolution == power, 10_u64.checked_pow(9_u32.abs_diff(power.into()))) {
            (false, _) => Tick::Binary(power),
            (true, Some(factor)) if power <= 9 => Tick::Longer(factor),
            (true, Some(factor)) => Tick::Shorter(factor.into()),
            // Longer than any number of ticks that can be recorded: all of them are less than one ns.
            (true, None) => Tick::Shorter(u128::MAX),
        };
        Self { tick, offset }
    }

    /// The ns from 1970 to a tick, rounded down; nothing if they can't be told in 64 bits.
    pub(super) fn time(&self, ticks: u64) -> Option<u64> {
        if let (Tick::Longer(factor), 0) = (self.tick, self.offset) {
            return ticks.checked_mul(factor);
        }
        let ticks = u128::from(ticks);
        let since = match self.tick {
            Tick::Longer(factor) => ticks * u128::from(factor),
            Tick::Shorter(divisor) => ticks / divisor,
            Tick::Binary(power) => (ticks * u128::from(SECOND)) >> power,
        };
        let offset = i128::from(self.offset) * i128::from(SECOND);
        u64::try_from(i128::try_from(since).ok()?.checked_add(offset)?).ok()
    }

    /// How many digits of a second's fraction its ticks tell in full; at most 9.
    pub(super) fn digits(resolution: u8) -> u8 {
        let power = resolution & 0x7f;
        if resolution == power {
            return power.min(9);
        }
        // log10(2) is 0.30103.
        (u32::from(power) * 30_103 / 100_000).min(9) as u8
    }
}
