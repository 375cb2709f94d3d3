//! A routing netlink socket (rtnetlink(7)) of one namespace, asked synchronously and in batches.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use nix::errno::Errno;
use rtnetlink::{
    packet_core::{
        NLM_F_ACK, NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
        NetlinkMessage, NetlinkPayload,
    },
    packet_route::RouteNetlinkMessage,
    sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE},
};

use super::error::{Attempt, KernelError};

/// Where the attributes of an error message start: after its header, its code and the header of the request.
const EXT_ACK_OFFSET: usize = 16 + 4 + 16;
/// NLM_F_ACK_TLVS of `linux/netlink.h`: the error message carries attributes.
const ACK_TLVS: u16 = 0x200;
/// NLMSGERR_ATTR_MSG of `linux/netlink.h`: the kernel's own words.
const ATTR_MSG: u16 = 1;
/// How many requests are sent together: should all fail, the answers still fit a socket's default receive buffer of
/// 208 KiB, and the kernel drops without a word those that do not.
const BATCH: usize = 128;
/// As soon as they are so long, they are sent: a socket's default send buffer is as large as its receive buffer.
const BATCH_BYTES: usize = 64 * 1024;
/// More than any single answer.
const RECEIVED: usize = 16 * 1024;

/// A request that changes something, and what it does, to follow "cannot".
pub(crate) struct Change {
    pub(crate) step: String,
    message: RouteNetlinkMessage,
    flags: u16,
}

impl Change {
    /// Creates an object that must not exist yet.
    pub(crate) fn create(step: String, message: RouteNetlinkMessage) -> Self {
        Self { step, message, flags: NLM_F_CREATE | NLM_F_EXCL }
    }

    /// Creates an object or changes it if it exists.
    pub(crate) fn replace(step: String, message: RouteNetlinkMessage) -> Self {
        Self { step, message, flags: NLM_F_CREATE | NLM_F_REPLACE }
    }

    /// Changes an object that exists.
    pub(crate) fn set(step: String, message: RouteNetlinkMessage) -> Self {
        Self { step, message, flags: 0 }
    }
}

/// A socket bound to the namespace that its thread was in when it was opened.
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket in the calling thread's network namespace.
    pub(crate) fn open() -> Result<Self, KernelError> {
        let open = || -> io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?;
            Ok(socket)
        };
        let socket = open().attempt(|| "open a routing netlink socket")?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(RECEIVED) })
    }

    /// Makes all changes in order, in as few system calls as fit, and reports the first that fails.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Result<(), KernelError> {
        let mut batch = Vec::new();
        let mut steps = Vec::new();
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            let full = steps.len() + 1 == BATCH || batch.len() >= BATCH_BYTES;
            let last = full || changes.peek().is_none();
            let ack = if last { NLM_F_ACK } else { 0 };
            self.append(&mut batch, change.message, change.flags | ack);
            steps.push(change.step);
            if last {
                self.exchange(&batch, &steps)?;
                batch.clear();
                steps.clear();
            }
        }
        Ok(())
    }

    /// Adds a request with the next sequence number.
    fn append(&mut self, batch: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence += 1;
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let start = batch.len();
        // Netlink messages are aligned to four bytes (NLMSG_ALIGN).
        batch.resize(start + request.buffer_len().next_multiple_of(4), 0);
        request.serialize(&mut batch[start..]);
    }

    /// Sends requests numbered up to the current sequence number; the kernel answers those that fail, and the last.
    fn exchange(&mut self, requests: &[u8], steps: &[String]) -> Result<(), KernelError> {
        let doing = || steps.first().cloned().unwrap_or_default();
        self.socket.send(requests, 0).attempt(doing)?;
        let last = self.sequence;
        let first = last - steps.len() as u32 + 1;
        let mut failed = None;
        loop {
            let datagram = self.receive(doing)?;
            for (sequence, code, said) in messages(datagram).filter_map(acknowledgement) {
                let step = sequence.checked_sub(first).and_then(|place| steps.get(place as usize));
                if let Some(step) = step.filter(|_| code != 0 && failed.is_none()) {
                    failed = Some(KernelError { step: step.clone(), errno: -code, said });
                }
                if sequence == last {
                    return failed.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for one object.
    pub(crate) fn get(
        &mut self,
        step: &str,
        message: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, KernelError> {
        let mut request = Vec::new();
        // Of queueing disciplines the kernel tells all who listen, and who asks only if it asks for this (`qdisc_get_notify`).
        self.append(&mut request, message, NLM_F_ECHO);
        self.socket.send(&request, 0).attempt(|| step)?;
        let datagram = self.receive(|| step)?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(datagram)
            .map_err(|error| KernelError::odd(step, error.to_string()))?;
        match answer.payload {
            NetlinkPayload::InnerMessage(object) => Ok(object),
            NetlinkPayload::Error(error) => {
                Err(KernelError::new(step, Errno::from_raw(-error.raw_code())))
            }
            _ => Err(KernelError::odd(step, "the kernel's answer is of another kind")),
        }
    }

    /// Has this socket hear of what a multicast group is told, and no more wait for it.
    pub(super) fn subscribe(&self, group: u32) -> io::Result<()> {
        self.socket.set_non_blocking(true)?;
        self.socket.add_membership(group)
    }

    /// The next messages that were not asked for.
    pub(super) fn notifications(&mut self) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.buffer.clear();
        self.socket.recv(&mut self.buffer, 0)?;
        let parsed = messages(&self.buffer)
            .filter_map(|message| NetlinkMessage::deserialize(message).ok())
            .filter_map(|message| match message.payload {
                NetlinkPayload::InnerMessage(message) => Some(message),
                _ => None,
            });
        Ok(parsed.collect())
    }

    /// Asks for changes without waiting for them; those that fail are reported among the notifications.
    pub(super) fn request(&mut self, changes: Vec<Change>) -> io::Result<()> {
        let mut batch = Vec::new();
        for change in changes {
            self.append(&mut batch, change.message, change.flags);
        }
        if batch.is_empty() { Ok(()) } else { self.socket.send(&batch, 0).map(|_| ()) }
    }

    fn receive<S: Into<String>>(&mut self, step: impl FnOnce() -> S) -> Result<&[u8], KernelError> {
        self.buffer.clear();
        self.socket.recv(&mut self.buffer, 0).attempt(step)?;
        Ok(&self.buffer)
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The messages in a datagram, by the length in their headers.
fn messages(mut datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(datagram.get(..4)?.try_into().ok()?) as usize;
        let message = datagram.get(..length).filter(|_| length >= 16)?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// The sequence number, error code and kernel's words of an NLMSG_ERROR message; `None` for others.
pub(super) fn acknowledgement(message: &[u8]) -> Option<(u32, i32, Option<String>)> {
    let field = |at: usize| message.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    if i32::from(kind) != libc::NLMSG_ERROR {
        return None;
    }
    let flags = u16::from_ne_bytes(message.get(6..8)?.try_into().ok()?);
    let sequence = u32::from_ne_bytes(field(8)?);
    let code = i32::from_ne_bytes(field(16)?);
    let said = if flags & ACK_TLVS == 0 {
        None
    } else {
        message.get(EXT_ACK_OFFSET..).and_then(message_attribute)
    };
    Some((sequence, code, said))
}

fn message_attribute(mut attributes: &[u8]) -> Option<String> {
    loop {
        let length = u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        let value = attributes.get(4..length)?;
        if kind == ATTR_MSG {
            return Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}
