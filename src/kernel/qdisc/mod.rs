//! Queueing disciplines (tc(8)) that do to frames what an impairment says: netem, with tbf and its queue for a rate.
//!
//! At the egress of an interface stands, with these handles:
//!
//! ```text
//! 1: netem            loss, duplicates, delay, jitter, reordering; nothing passes if the link is down
//! └─ 2: tbf           the rate and its burst; there as soon as a rate was asked for
//!    └─ 3: pfifo      what waits for the rate, limited in frames,
//!       4: bfifo      or in bytes
//! ```
//!
//! netem stands before the rate, though frames are delayed after it: with a delay that does not vary both orders send the
//! same frames at the same times, and [`can`] refuses the others. A kernel without netem still has rates: tbf is the root then.

mod fifo;
mod fit;
mod message;
mod netem;
mod probe;
mod table;
mod tbf;
mod tree;
mod trial;

pub(crate) use fit::can;
pub use tree::Counters;
pub(crate) use tree::Egress;
pub use trial::EgressTrial;

/// What of this the kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Features {
    pub(crate) netem: bool,
    /// Whether its netem takes a seed (TCA_NETEM_PRNG_SEED, Linux 6.7).
    pub(crate) seed: bool,
    pub(crate) tbf: bool,
}
