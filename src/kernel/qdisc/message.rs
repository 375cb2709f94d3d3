//! Queueing disciplines as the kernel is told of them, and as it tells of them.

use rtnetlink::{
    packet_core::{DefaultNla, Nla},
    packet_route::{
        RouteNetlinkMessage,
        tc::{TcAttribute, TcHandle, TcMessage, TcOption, TcStats2},
    },
};

use crate::kernel::{
    error::KernelError,
    netlink::{Change, Netlink},
};

/// TCA_OPTIONS of `linux/rtnetlink.h`.
const OPTIONS: u16 = 2;
/// TCA_STATS_PKT64 of `linux/gen_stats.h`: frames, where they are too many for the 32 bits of TCA_STATS_BASIC.
const PACKETS: u16 = 8;

/// A queueing discipline to be, or to be changed.
pub(super) struct Discipline {
    pub(super) kind: &'static str,
    pub(super) handle: u16,
    /// The handle of the one it is the only child of; the root of the interface's egress if there is none.
    pub(super) parent: Option<u16>,
    /// As TCA_OPTIONS has them.
    pub(super) options: Vec<u8>,
}

impl Discipline {
    /// As `tc qdisc replace dev IF …`: one with the same handle is changed with all that waits in it; another is replaced.
    pub(super) fn put(self, step: &str, index: u32) -> Change {
        let mut message = TcMessage::with_index(index as i32);
        message.header.handle = TcHandle { major: self.handle, minor: 0 };
        let class = |major| TcHandle { major, minor: 1 };
        message.header.parent = self.parent.map_or(TcHandle::ROOT, class);
        message.attributes.push(TcAttribute::Kind(self.kind.to_owned()));
        message.attributes.push(TcAttribute::Other(DefaultNla::new(OPTIONS, self.options)));
        let step = format!("{step} ({})", self.kind);
        Change::replace(step, RouteNetlinkMessage::NewQueueDiscipline(message))
    }
}

/// As `tc qdisc del dev IF root`: what waits there is gone.
pub(super) fn remove(step: &str, index: u32) -> Change {
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = TcHandle::ROOT;
    Change::set(step.to_owned(), RouteNetlinkMessage::DelQueueDiscipline(message))
}

/// A queueing discipline that is there.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) options: Vec<u8>,
    /// Frames and bytes that have left it.
    pub(super) passed: (u64, u64),
    /// Frames and bytes that wait in it and below it.
    pub(super) queued: (u32, u32),
    /// Frames that were dropped in it and below it.
    pub(super) dropped: u32,
    /// Frames that were put back, as netem calls those that skip the delay.
    pub(super) requeued: u32,
}

/// The discipline with this handle; none if there is none, or one of another kind.
pub(super) fn find(
    netlink: &mut Netlink,
    step: &str,
    index: u32,
    handle: u16,
    kind: &str,
) -> Result<Option<Found>, KernelError> {
    let mut message = TcMessage::with_index(index as i32);
    message.header.handle = TcHandle { major: handle, minor: 0 };
    let message = match netlink.get(step, RouteNetlinkMessage::GetQueueDiscipline(message)) {
        Ok(RouteNetlinkMessage::NewQueueDiscipline(message)) => message,
        Ok(_) => return Err(KernelError::odd(step, "the kernel's answer is of another kind")),
        Err(error) if error.errno == libc::ENOENT => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut found = Found::default();
    for attribute in message.attributes {
        match attribute {
            TcAttribute::Kind(other) if other != kind => return Ok(None),
            TcAttribute::Options(options) => {
                if let Some(TcOption::Other(options)) = options.first() {
                    found.options = value(options);
                }
            }
            TcAttribute::Stats2(statistics) => statistics.iter().for_each(|one| found.count(one)),
            _ => {}
        }
    }
    Ok(Some(found))
}

impl Found {
    fn count(&mut self, statistic: &TcStats2) {
        match statistic {
            TcStats2::Basic(basic) => {
                self.passed = (self.passed.0.max(basic.packets.into()), basic.bytes);
            }
            TcStats2::Queue(queue) => {
                self.queued = (queue.qlen, queue.backlog);
                (self.dropped, self.requeued) = (queue.drops, queue.requeues);
            }
            TcStats2::Other(other) if other.kind() == PACKETS => {
                self.passed.0 = u64_at(&value(other), 0).unwrap_or(self.passed.0);
            }
            _ => {}
        }
    }
}

fn value(attribute: &DefaultNla) -> Vec<u8> {
    let mut value = vec![0; attribute.value_len()];
    attribute.emit_value(&mut value);
    value
}

/// Adds an attribute (netlink(7)): its length and kind, its value, and what aligns the next one.
pub(super) fn append(options: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Values are of a size that is known where they are made: at most a distribution of 32 KiB.
    options.extend((value.len() as u16 + 4).to_ne_bytes());
    options.extend(kind.to_ne_bytes());
    options.extend(value);
    options.resize(options.len().next_multiple_of(4), 0);
}

/// The value of the first attribute of a kind.
pub(super) fn attribute(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    // The highest two bits are flags: NLA_F_NESTED, NLA_F_NET_BYTEORDER.
    const KIND: u16 = 0x3fff;
    loop {
        let length = usize::from(u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?));
        let found = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        let value = attributes.get(4..length)?;
        if found & KIND == kind {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
