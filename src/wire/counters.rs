//! What is counted of a line.

use serde::{Deserialize, Serialize};

/// What became of the frames of one direction of a link.
///
/// At any time `sent + duplicated = delivered + lost + down + queue_full + fault_drops + queued`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Frames that were given to the line.
    pub sent: u64,
    /// Frames, and copies, that were taken from it at its end.
    pub delivered: u64,
    /// Frames lost by chance.
    pub lost: u64,
    /// Frames dropped because the link was down.
    pub down: u64,
    /// Frames and copies dropped because the queue, or the whole line, was full.
    pub queue_full: u64,
    /// Frames dropped by faults.
    pub fault_drops: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Frames of which a bit was turned.
    pub corrupted: u64,
    /// Frames that skipped the delay by `reorder`.
    pub reordered: u64,
    /// Frames that faults keep now.
    pub held: u64,
    /// Frames in the line now: those that are held, wait to be sent, or are on their way.
    pub queued: u64,
    /// The bytes of these.
    pub queued_bytes: u64,
}
