//! The socket that puts frames on an interface.

use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::{setsockopt, sockopt};

use super::{
    error::{Attempt, KernelError},
    sys::{bind_to_send, send_frames, set_packet_number},
};

/// What may wait in the interface, in bytes, before it takes no more.
const ROOM: usize = 4 << 20;

/// Puts frames on one interface.
#[derive(Debug)]
pub(crate) struct Outlet(OwnedFd);

impl Outlet {
    /// Has a socket of [`capture_socket`](super::capture_socket) send on an interface: past its queue (PACKET_QDISC_BYPASS, packet(7)),
    /// and so past what is done to frames there on their way out; or, with a mark, through it, the frames bearing that mark.
    pub(crate) fn new(socket: OwnedFd, index: u32, mark: Option<u32>) -> Result<Self, KernelError> {
        match mark {
            None => set_packet_number(&socket, libc::PACKET_QDISC_BYPASS, 1)
                .attempt(|| "send past the interface's queue (PACKET_QDISC_BYPASS)")?,
            Some(mark) => setsockopt(&socket, sockopt::Mark, &mark)
                .attempt(|| "mark what is sent (SO_MARK)")?,
        }
        // The kernel keeps to its limit where this process may not go beyond it.
        let _ = setsockopt(&socket, sockopt::SndBuf, &ROOM);
        let _ = setsockopt(&socket, sockopt::SndBufForce, &ROOM);
        bind_to_send(&socket, index).attempt(|| format!("send on interface {index}"))?;
        Ok(Self(socket))
    }

    /// Sends frames without waiting, at most [`BATCH`](super::BATCH): how many were sent, the first ones.
    ///
    /// # Errors
    ///
    /// Why the first was not.
    pub(crate) fn send(&self, frames: &[&[u8]]) -> nix::Result<usize> {
        send_frames(self.0.as_fd(), frames)
    }
}
