//! The rings of a capture.

use std::{os::fd::OwnedFd, thread};

use super::recorder::{RecordedInterface, Recording};
use crate::kernel::{KernelError, Passing, Ring, RingSize};

/// Starts all rings at once: for each the kernel waits until no processor can be using the socket (`synchronize_net` in
/// `packet_set_ring`, net/packet/af_packet.c), some 10 ms, and for all of them no longer.
pub(super) fn start_rings(
    what: &Recording,
    sockets: Vec<OwnedFd>,
) -> Result<Vec<Ring>, KernelError> {
    let program = what.filter.as_ref().map_or(&[][..], |filter| &filter.program);
    let start = |interface: &RecordedInterface, socket| {
        let snap = if what.snap_length == 0 { u32::MAX } else { what.snap_length };
        let frame = interface.longest.min(snap) as usize;
        let size = RingSize { frame, memory: interface.memory };
        let passing = if what.only_sent { Passing::Sent } else { Passing::Both };
        Ring::start(socket, interface.index, program, passing, size).map_err(|error| KernelError {
            step: format!("{} ({})", error.step, interface.name),
            ..error
        })
    };
    thread::scope(|scope| {
        let pairs = what.interfaces.iter().zip(sockets);
        let started: Vec<_> = pairs
            .map(|(interface, socket)| scope.spawn(move || start(interface, socket)))
            .collect();
        let lost = || KernelError::odd("start a capture", "a thread failed");
        started.into_iter().map(|thread| thread.join().map_err(|_| lost())?).collect()
    })
}
