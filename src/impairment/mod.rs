//! What a link does to the frames that pass it, and when: values and their text, no effects.
//!
//! An [`Impairment`] is what one direction of a link does to every frame; a [`Change`] is what is asked to be different; a [`Schedule`] is
//! changes in time; a [`Rule`] is done to chosen frames. All have one meaning, whoever carries them out.
//!
//! ```
//! use labnet::impairment::{Change, Impairment};
//!
//! let change: Change = "delay 10ms, loss 1% burst 5".parse()?;
//! let link = Impairment::default().with(&change);
//! assert_eq!(link.to_string(), "delay 10ms, loss 1% burst 5");
//! let slower = link.with(&"rate 1Mbit".parse()?);
//! assert_eq!(slower.to_string(), "delay 10ms, loss 1% burst 5, rate 1Mbit");
//! # Ok::<(), labnet::impairment::ChangeError>(())
//! ```
//!
//! # What happens to a frame
//!
//! In this order:
//!
//! 1. The [rules](Rule) that it matches.
//! 2. `down`: it is gone.
//! 3. `loss`, `corrupt` (one bit is turned), `duplicate` (the copy goes the same way from here on).
//! 4. The queue for `rate`: where `limit` is reached, the newest is dropped. A frame counts with its Ethernet header and without its
//!    check sum, 14 bytes more than its packet.
//! 5. `delay` ± `jitter`. Frames leave in the order of their times, so jitter may change their order, as in tc-netem(8).
//!    `reorder` lets a frame skip the delay.

mod action;
mod change;
mod check;
mod loss;
mod pace;
mod queue;
mod rule;
mod schedule;
mod text;
mod trace;
mod types;

pub use action::{Action, ActionError};
pub use change::Change;
pub use check::{Contradiction, LONGEST_DELAY};
pub use loss::{Loss, LossError};
pub use pace::Pace;
pub use queue::{QueueLimit, QueueLimitError};
pub use rule::{Rule, RuleError, Which, WhichError};
pub use schedule::{Entry, EntryError, Schedule, ScheduleError, ScheduleFault};
pub use text::{ChangeError, KEYS};
pub use trace::{Trace, TraceError, TraceFault};
pub use types::{Distribution, DistributionError, Impairment};
