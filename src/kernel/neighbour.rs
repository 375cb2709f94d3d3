//! Neighbours: the Ethernet addresses that a namespace has learned (arp(7)).

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use rtnetlink::packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState},
};

use super::{
    error::{Attempt, KernelError},
    netlink::{Change, Netlink},
};

/// RTNLGRP_NEIGH of `linux/rtnetlink.h`: changes of neighbours.
const GROUP: u32 = 3;

/// Hears of every neighbour that a namespace learns; does not block.
pub(crate) struct NeighbourMonitor(Netlink);

impl NeighbourMonitor {
    /// Takes over a socket of the namespace.
    pub(crate) fn new(netlink: Netlink) -> Result<Self, KernelError> {
        netlink.subscribe(GROUP).attempt(|| "subscribe to changes of neighbours")?;
        Ok(Self(netlink))
    }

    /// Takes what was learned since the last time out of the count of the machine's neighbour table.
    ///
    /// All namespaces share that table, and entries beyond its limit are refused in all of them; those that come from
    /// elsewhere than the kernel (NTF_EXT_LEARNED, as by `ip neigh replace … extern_learn`) do not count. They age and
    /// are probed and corrected as all others.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing more has been learned, which is how it always ends but for a failure.
    pub(crate) fn exempt(&mut self) -> io::Result<()> {
        loop {
            let heard = match self.0.notifications() {
                // Some were lost: those entries count until they change again.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => continue,
                other => other?,
            };
            self.0.request(heard.into_iter().filter_map(exemption).collect())?;
        }
    }
}

/// The request for an entry that counts and is resolved.
fn exemption(message: RouteNetlinkMessage) -> Option<Change> {
    let RouteNetlinkMessage::NewNeighbour(learned) = message else { return None };
    let header = learned.header;
    let internet = matches!(header.family, AddressFamily::Inet | AddressFamily::Inet6);
    let resolved = matches!(header.state, NeighbourState::Reachable | NeighbourState::Stale);
    if !internet || !resolved || header.flags.contains(NeighbourFlags::ExtLearned) {
        return None;
    }
    let mut entry = NeighbourMessage::default();
    entry.header = header;
    entry.header.flags = NeighbourFlags::ExtLearned;
    entry.attributes = learned.attributes;
    entry.attributes.retain(|attribute| {
        matches!(
            attribute,
            NeighbourAttribute::Destination(_) | NeighbourAttribute::LinkLayerAddress(_)
        )
    });
    let step = "take a neighbour out of the count".to_owned();
    Some(Change::replace(step, RouteNetlinkMessage::NewNeighbour(entry)))
}

impl AsFd for NeighbourMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for NeighbourMonitor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
