//! Many frames in one system call, and a thread that is not kept waiting for the processor.

use std::{
    mem::{MaybeUninit, size_of},
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use nix::errno::Errno;

/// As many frames as [`send_frames`] sends at once.
pub(crate) const BATCH: usize = 64;
/// How long an ordinary thread asks to run at a time, in ns: the shortest that counts, so that it is chosen soon after it wakes up
/// (`sched_setattr` of SCHED_OTHER in kernel/sched/syscalls.c, since Linux 6.12).
const SLICE: u64 = 100_000;

/// sendmmsg(2) on a packet socket that is bound to an interface, without waiting: how many of the frames were sent, the first ones.
///
/// # Errors
///
/// Why the first was not. What was not sent has not been queued either.
pub(crate) fn send_frames(socket: BorrowedFd<'_>, frames: &[&[u8]]) -> nix::Result<usize> {
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH];
    let count = frames.len().min(BATCH);
    for ((frame, part), message) in frames.iter().zip(&mut parts).zip(&mut messages) {
        let part = part.write(libc::iovec {
            iov_base: frame.as_ptr().cast_mut().cast(),
            iov_len: frame.len(),
        });
        // SAFETY: mmsghdr is plain data, for which all zeroes is a value.
        let message = message.write(unsafe { std::mem::zeroed() });
        message.msg_hdr.msg_iov = part;
        message.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: the first `count` messages are filled in; each points to one part, which points to a frame; all live through the
    // call, and sending only reads the frames.
    let sent = Errno::result(unsafe {
        let flags = libc::MSG_DONTWAIT;
        libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr().cast(), count as u32, flags as _)
    })?;
    Ok(sent as usize)
}

/// Has the calling thread run as soon as it has something to do: before all ordinary ones (SCHED_FIFO), where that is allowed, and
/// else before those that have run for long. Returns whether it is the former.
pub(crate) fn in_real_time() -> bool {
    // SAFETY: a plain value, valid through the call; 0 is the calling thread.
    let fifo = unsafe {
        let mut parameter: libc::sched_param = std::mem::zeroed();
        parameter.sched_priority = 1;
        let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
        libc::sched_setscheduler(0, policy, ptr::from_ref(&parameter)) == 0
    };
    if !fifo {
        // SAFETY: as above; `size` tells the kernel which fields there are. A kernel that knows nothing of it changes nothing.
        unsafe {
            let mut attributes: libc::sched_attr = std::mem::zeroed();
            attributes.size = size_of::<libc::sched_attr>() as u32;
            attributes.sched_policy = libc::SCHED_OTHER as u32;
            // Not to be changed with the rest.
            attributes.sched_nice = libc::getpriority(libc::PRIO_PROCESS, 0);
            attributes.sched_runtime = SLICE;
            libc::syscall(libc::SYS_sched_setattr, 0, ptr::from_ref(&attributes), 0);
        }
    }
    fifo
}
