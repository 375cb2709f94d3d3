//! Packet sockets and the memory that they share with the kernel: packet(7), and `Documentation/networking/packet_mmap.rst`.

use std::{
    ffi::{c_int, c_void},
    mem::{MaybeUninit, size_of},
    os::fd::{AsRawFd, OwnedFd},
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU32, Ordering},
};

use nix::errno::Errno;

/// Sets an option of a socket to a value of the layout that the kernel asks for.
///
/// # Safety
///
/// `T` must be the option's type, and pointers in it must be valid.
unsafe fn set_option<T>(socket: &OwnedFd, level: c_int, name: c_int, value: &T) -> nix::Result<()> {
    let (value, size) = (ptr::from_ref(value).cast::<c_void>(), size_of::<T>() as libc::socklen_t);
    // SAFETY: `value` lives through the call and is `size` bytes long; the rest is the caller's promise.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, size) };
    Errno::result(result).map(drop)
}

/// Sets an option of a packet socket that is a number.
pub(crate) fn set_packet_number(socket: &OwnedFd, name: c_int, value: c_int) -> nix::Result<()> {
    // SAFETY: callers name options that are an int.
    unsafe { set_option(socket, libc::SOL_PACKET, name, &value) }
}

/// PACKET_RX_RING.
pub(crate) fn make_ring(socket: &OwnedFd, request: &libc::tpacket_req) -> nix::Result<()> {
    // SAFETY: the option's type for rings of the second version, which has no pointers.
    unsafe { set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, request) }
}

/// SO_ATTACH_FILTER: what the program returns is how much of a frame is kept. It takes the place of an earlier one at once.
pub(crate) fn attach_filter(
    socket: &OwnedFd,
    program: &mut [libc::sock_filter],
) -> nix::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    // SAFETY: the option's type, with a pointer to `len` instructions that live through the call.
    unsafe { set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program) }
}

/// PACKET_STATISTICS: what came through the filter since this was last asked, and how much of it found no room.
pub(crate) fn packet_statistics(socket: &OwnedFd) -> nix::Result<(u32, u32)> {
    let mut statistics = MaybeUninit::<libc::tpacket_stats>::zeroed();
    let mut size = size_of::<libc::tpacket_stats>() as libc::socklen_t;
    // SAFETY: both pointers are valid through the call, and `size` tells how much room there is.
    let statistics = unsafe {
        Errno::result(libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            statistics.as_mut_ptr().cast(),
            &raw mut size,
        ))?;
        // All zeroes is a value of it too, should the kernel have filled in less.
        statistics.assume_init()
    };
    Ok((statistics.tp_packets, statistics.tp_drops))
}

/// Has a packet socket receive what passes one interface, from here on, and send there.
pub(crate) fn bind_to_interface(socket: &OwnedFd, index: u32) -> nix::Result<()> {
    bind_packet(socket, index, libc::ETH_P_ALL as u16)
}

/// Has a packet socket send on one interface, and receive nothing.
pub(crate) fn bind_to_send(socket: &OwnedFd, index: u32) -> nix::Result<()> {
    bind_packet(socket, index, 0)
}

fn bind_packet(socket: &OwnedFd, index: u32, protocol: u16) -> nix::Result<()> {
    // SAFETY: sockaddr_ll is plain data, for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index as c_int;
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `address` lives through the call and is `size` bytes long.
    let result = unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), size) };
    Errno::result(result).map(drop)
}

/// The kind of interface that a packet socket is bound to: an ARPHRD number (linux/if_arp.h).
pub(crate) fn interface_kind(socket: &OwnedFd) -> nix::Result<u16> {
    let mut address = MaybeUninit::<libc::sockaddr_ll>::zeroed();
    let mut size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: both pointers are valid through the call, and `size` tells how much room there is; all zeroes is a value of
    // sockaddr_ll, of which the kernel fills in as much as the address is long.
    let address = unsafe {
        let fd = socket.as_raw_fd();
        Errno::result(libc::getsockname(fd, address.as_mut_ptr().cast(), &raw mut size))?;
        address.assume_init()
    };
    Ok(address.sll_hatype)
}

/// The memory of a packet socket's ring, shared with the kernel.
#[derive(Debug)]
pub(crate) struct RingMemory {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory is this value's alone within the process.
unsafe impl Send for RingMemory {}

impl RingMemory {
    /// Maps the ring of a socket, all of it.
    pub(crate) fn map(socket: &OwnedFd, length: usize) -> nix::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory of this process.
        let start = unsafe {
            let fd = socket.as_raw_fd();
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, fd, 0)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(at) if start != libc::MAP_FAILED => Ok(Self { start: at, length }),
            _ => Err(Errno::last()),
        }
    }

    fn status(&self, frame: usize) -> &AtomicU32 {
        assert!(frame.is_multiple_of(16) && frame < self.length, "a frame of the ring");
        // SAFETY: within the mapping and aligned, by the line above; the kernel writes it as one word, whence the atomic.
        unsafe { AtomicU32::from_ptr(self.start.add(frame).as_ptr().cast()) }
    }

    /// The header of the frame at this offset, if the kernel has handed it over, with its kind (`PACKET_OUTGOING` and its like).
    pub(crate) fn header(&self, frame: usize) -> Option<(libc::tpacket2_hdr, u8)> {
        if self.status(frame).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        if frame + libc::TPACKET2_HDRLEN > self.length {
            return None;
        }
        // SAFETY: within the mapping, by the line above; the kernel does not write it until it is released; the link layer's
        // address follows the header at the next multiple of TPACKET_ALIGNMENT.
        unsafe {
            let header = self.start.add(frame);
            let address = header.add(libc::TPACKET2_HDRLEN - size_of::<libc::sockaddr_ll>());
            let kind = address.cast::<libc::sockaddr_ll>().read_unaligned().sll_pkttype;
            Some((header.cast::<libc::tpacket2_hdr>().read(), kind))
        }
    }

    /// Bytes of a frame that the kernel has handed over; none if they are not within the ring.
    pub(crate) fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        match offset.checked_add(length) {
            // SAFETY: within the mapping; the kernel does not write a frame until it is released, for which the caller must
            // have given this slice up: releasing takes the value mutably.
            Some(end) if end <= self.length => unsafe {
                slice::from_raw_parts(self.start.add(offset).as_ptr(), length)
            },
            _ => &[],
        }
    }

    /// Gives a frame back to the kernel.
    pub(crate) fn release(&mut self, frame: usize) {
        self.status(frame).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
