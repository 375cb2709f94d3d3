//! Values that are given as themselves or as text.

use std::time::Duration;

use super::Error;
use crate::{
    impairment::{Change, Distribution, Loss, Pace, QueueLimit, Trace},
    units::{ByteSize, Delay, Probability, Rate},
};

/// A value as itself, or as the text that stands for it in topologies: `Delay`, [`Duration`] or `"10ms"`.
///
/// Text that is no such value is an error where it is first used, not a panic.
pub trait Value<T>: sealed::Sealed {
    #[doc(hidden)]
    fn read(self) -> Result<T, String>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! values {
    ($($value:ty),*) => {$(
        impl sealed::Sealed for $value {}

        impl Value<Self> for $value {
            fn read(self) -> Result<Self, String> {
                Ok(self)
            }
        }

        impl Value<$value> for &str {
            fn read(self) -> Result<$value, String> {
                self.parse().map_err(|error| format!("{error}"))
            }
        }
    )*};
}

values!(ByteSize, Change, Delay, Distribution, Loss, Probability, QueueLimit, Rate);

macro_rules! conversions {
    ($($from:ty => $to:ty),*) => {$(
        impl Value<$to> for $from {
            fn read(self) -> Result<$to, String> {
                Ok(self.into())
            }
        }
    )*};
}

conversions!(Duration => Delay, Rate => Pace, Trace => Pace);

impl Value<Pace> for &str {
    fn read(self) -> Result<Pace, String> {
        Value::<Rate>::read(self).map(Pace::from)
    }
}

impl Value<Loss> for Probability {
    fn read(self) -> Result<Loss, String> {
        Ok(Loss::Independent(self))
    }
}

impl sealed::Sealed for &str {}
impl sealed::Sealed for Duration {}
impl sealed::Sealed for Trace {}

/// The first mistake in what a builder was given.
#[derive(Debug, Clone, Default)]
pub(super) struct Mistake(Option<(&'static str, String)>);

impl Mistake {
    /// The value, unless it is a mistake.
    pub(super) fn read<T>(&mut self, name: &'static str, value: impl Value<T>) -> Option<T> {
        value.read().map_err(|why| self.note(name, why)).ok()
    }

    pub(super) fn note(&mut self, name: &'static str, why: impl Into<String>) {
        self.0.get_or_insert((name, why.into()));
    }

    /// # Errors
    ///
    /// If there was one.
    pub(super) fn check(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some((name, why)) => Err(Error::Value { name, why }),
        }
    }
}
