//! The capture socket: every frame that passes an interface, from memory shared with the kernel.

use std::{
    ffi::c_int,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::{
    error::{Attempt, KernelError},
    sys::{
        RingMemory, attach_filter, bind_to_interface, interface_kind, make_ring, packet_statistics,
        set_packet_number,
    },
};
use crate::packet::{Direction, filter::Instruction};

/// Before a frame in its slot: the header, the address, and the space that lets what follows an Ethernet header be aligned
/// (`tpacket_rcv` in `net/packet/af_packet.c`).
const BEFORE: usize = 80;
/// An Ethernet header with a tag, less what [`BEFORE`] has room for.
const TAG: usize = 4;
const ETHERNET: usize = 14;
/// The ring is allocated in pieces of at least this size.
const BLOCK: usize = 128 << 10;
/// Returned by the program of a frame that is wanted: all of it.
const ACCEPT: u32 = 262_144;

/// BPF_RET | BPF_K (linux/filter.h).
const RETURN: u16 = 0x06;
/// Has a program go on with frames that the interface sends, and refuse others: a byte is loaded from where the kernel shows
/// the kind of frame (SKF_AD_OFF + SKF_AD_PKTTYPE), and compared with PACKET_OUTGOING.
const ONLY_SENT: [Instruction; 3] = [
    Instruction { code: 0x30, jt: 0, jf: 0, k: 0xffff_f004 },
    Instruction { code: 0x15, jt: 1, jf: 0, k: libc::PACKET_OUTGOING as u32 },
    Instruction { code: RETURN, jt: 0, jf: 0, k: 0 },
];

/// Opens a packet socket in the calling thread's network namespace that receives nothing yet.
pub(crate) fn capture_socket() -> Result<OwnedFd, KernelError> {
    // Protocol 0: none. A frame of another interface, or one that the filter would refuse, can't get in before it is bound.
    socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)
        .attempt(|| "open a packet socket")
}

/// Which frames of an interface a ring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    Both,
    /// Those that the interface sends.
    Sent,
    /// Those that it receives.
    Received,
}

/// How much room a ring has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingSize {
    /// The most bytes kept of a frame, its Ethernet header included.
    pub(crate) frame: usize,
    /// Memory for all of them.
    pub(crate) memory: usize,
}

/// Frames of one interface, as the kernel hands them over.
#[derive(Debug)]
pub(crate) struct Ring {
    socket: OwnedFd,
    memory: RingMemory,
    slot: usize,
    slots_in_block: usize,
    block: usize,
    slots: usize,
    next: usize,
    /// Kept of a frame at most.
    snap: usize,
    counts: Counts,
    delivered: u64,
}

/// What passed the filter of a ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All of it.
    pub(crate) passed: u64,
    /// What found no room, and is lost.
    pub(crate) dropped: u64,
}

/// A frame in the ring.
#[derive(Debug)]
pub(crate) struct Captured<'a> {
    /// In ns since 1970.
    pub(crate) time: u64,
    /// On the wire, in bytes; a tag counts.
    pub(crate) length: u32,
    pub(crate) direction: Direction,
    /// A VLAN tag that the kernel has taken out of the frame, to be put back after the addresses: type and control.
    pub(crate) tag: Option<[u8; 4]>,
    /// Without that tag.
    pub(crate) bytes: &'a [u8],
}

impl Ring {
    /// Has a socket of [`capture_socket`] receive the frames of an interface that pass the program and go the way that is wanted; it
    /// does when this returns.
    pub(crate) fn start(
        socket: OwnedFd,
        index: u32,
        program: &[Instruction],
        passing: Passing,
        size: RingSize,
    ) -> Result<Self, KernelError> {
        let slot = (BEFORE + size.frame.max(ETHERNET) + TAG).next_multiple_of(16);
        let block = slot.next_power_of_two().max(BLOCK);
        let slots_in_block = block / slot;
        let blocks = size.memory.div_ceil(block).max(1);
        let slots = slots_in_block * blocks;
        let request = libc::tpacket_req {
            tp_block_size: block as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: slot as u32,
            tp_frame_nr: slots as u32,
        };
        let version = libc::tpacket_versions::TPACKET_V2 as c_int;
        set_packet_number(&socket, libc::PACKET_VERSION, version)
            .attempt(|| "choose the ring's version (PACKET_VERSION)")?;
        make_ring(&socket, &request).attempt(|| {
            format!("make a capture ring of {} KiB (PACKET_RX_RING)", block * blocks / 1024)
        })?;
        let memory = RingMemory::map(&socket, block * blocks)
            .attempt(|| "map the capture ring into memory")?;
        // What is sent on lo comes in again: one of the two is enough.
        if index == LOOPBACK || passing == Passing::Received {
            set_packet_number(&socket, libc::PACKET_IGNORE_OUTGOING, 1)
                .attempt(|| "ignore outgoing frames")?;
        }
        let all = [Instruction { code: RETURN, jt: 0, jf: 0, k: ACCEPT }];
        let program = if program.is_empty() { &all } else { program };
        // On lo, each frame is seen once as it is.
        let only_sent = passing == Passing::Sent && index != LOOPBACK;
        let before = if only_sent { &ONLY_SENT[..] } else { &[] };
        set_filter(&socket, &[before, program].concat())?;
        bind_to_interface(&socket, index).attempt(|| format!("capture on interface {index}"))?;
        let ring = Self {
            socket,
            memory,
            slot,
            slots_in_block,
            block,
            slots,
            next: 0,
            snap: size.frame,
            counts: Counts::default(),
            delivered: 0,
        };
        ring.is_ethernet()?;
        Ok(ring)
    }

    /// How many frames there is room for.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    fn is_ethernet(&self) -> Result<(), KernelError> {
        let kind = interface_kind(&self.socket).attempt(|| "find out the kind of interface")?;
        match kind {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Ok(()),
            other => Err(KernelError::odd(
                "capture on this interface",
                format!("its frames are not Ethernet's (ARPHRD {other})"),
            )),
        }
    }

    fn offset(&self, slot: usize) -> usize {
        slot / self.slots_in_block * self.block + slot % self.slots_in_block * self.slot
    }

    /// When the next frame passed, if one is there, in ns since 1970.
    pub(crate) fn next_time(&self) -> Option<u64> {
        self.memory.header(self.offset(self.next)).map(|(header, _)| time(&header))
    }

    /// The next frame, if one is there; it stays the next until [`Ring::release`].
    pub(crate) fn peek(&self) -> Option<Captured<'_>> {
        let offset = self.offset(self.next);
        let (header, kind) = self.memory.header(offset)?;
        let tagged = header.tp_status & libc::TP_STATUS_VLAN_VALID != 0;
        let tag = tagged.then(|| {
            let known = header.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
            let kind = if known { header.tp_vlan_tpid } else { libc::ETH_P_8021Q as u16 };
            let ([a, b], [c, d]) = (kind.to_be_bytes(), header.tp_vlan_tci.to_be_bytes());
            [a, b, c, d]
        });
        let room = self.snap.saturating_sub(if tagged { TAG } else { 0 });
        let kept = (header.tp_snaplen as usize).min(room);
        Some(Captured {
            time: time(&header),
            length: header.tp_len + if tagged { TAG as u32 } else { 0 },
            direction: if kind == libc::PACKET_OUTGOING { Direction::Out } else { Direction::In },
            tag,
            bytes: self.memory.bytes(offset + usize::from(header.tp_mac), kept),
        })
    }

    /// Gives the frame that [`Ring::peek`] showed back to the kernel.
    pub(crate) fn release(&mut self) {
        let offset = self.offset(self.next);
        self.memory.release(offset);
        self.next = (self.next + 1) % self.slots;
        self.delivered += 1;
    }

    /// Lets nothing more in.
    pub(crate) fn mute(&self) -> Result<(), KernelError> {
        set_filter(&self.socket, &[Instruction { code: RETURN, jt: 0, jf: 0, k: 0 }])
    }

    /// What passed the filter so far.
    pub(crate) fn counts(&mut self) -> Result<Counts, KernelError> {
        let (passed, dropped) =
            packet_statistics(&self.socket).attempt(|| "read the capture's statistics")?;
        self.counts.passed += u64::from(passed);
        self.counts.dropped += u64::from(dropped);
        Ok(self.counts)
    }

    /// Whether every frame that got in has been released; the kernel may still be copying one.
    pub(crate) fn is_drained(&mut self) -> Result<bool, KernelError> {
        let Counts { passed, dropped } = self.counts()?;
        Ok(self.delivered >= passed - dropped)
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// `lo` in every namespace.
const LOOPBACK: u32 = 1;

fn time(header: &libc::tpacket2_hdr) -> u64 {
    u64::from(header.tp_sec) * 1_000_000_000 + u64::from(header.tp_nsec)
}

fn set_filter(socket: &OwnedFd, program: &[Instruction]) -> Result<(), KernelError> {
    let mut program: Vec<libc::sock_filter> = program
        .iter()
        .map(|&Instruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k })
        .collect();
    attach_filter(socket, &mut program).attempt(|| "attach the capture filter")
}
