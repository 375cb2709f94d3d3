//! What waits for a rate, first in, first out, and drops what comes when it is full (tc-pfifo(8)).

use super::message::{Discipline, u32_at};
use crate::{impairment::QueueLimit, units::ByteSize};

/// The kinds with their handles.
pub(super) const FRAMES: (&str, u16) = ("pfifo", 3);
pub(super) const BYTES: (&str, u16) = ("bfifo", 4);

/// The kind for a limit, and the limit in its unit.
pub(super) fn of(limit: QueueLimit) -> ((&'static str, u16), u32) {
    match limit {
        QueueLimit::Frames(frames) => (FRAMES, frames),
        // More than 32 bits is refused before (`can`).
        QueueLimit::Bytes(ByteSize(bytes)) => (BYTES, u32::try_from(bytes).unwrap_or(u32::MAX)),
    }
}

pub(super) fn discipline(limit: QueueLimit, parent: u16) -> Discipline {
    // struct tc_fifo_qopt of `linux/pkt_sched.h`.
    let ((kind, handle), limit) = of(limit);
    Discipline { kind, handle, parent: Some(parent), options: limit.to_ne_bytes().to_vec() }
}

/// The limit that the options of the kind with this handle tell.
pub(super) fn limit(handle: u16, options: &[u8]) -> Option<QueueLimit> {
    let limit = u32_at(options, 0)?;
    Some(match handle == FRAMES.1 {
        true => QueueLimit::Frames(limit),
        false => QueueLimit::Bytes(ByteSize(limit.into())),
    })
}
