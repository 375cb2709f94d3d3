//! Carriers: which interfaces of a namespace are up, and whether what they lead to is.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use rtnetlink::packet_route::{
    RouteNetlinkMessage,
    link::{LinkFlags, LinkMessage},
};

use super::{
    error::{Attempt, KernelError},
    netlink::Netlink,
};

/// RTNLGRP_LINK of `linux/rtnetlink.h`: changes of interfaces.
const GROUP: u32 = 1;

/// How an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkStatus {
    /// Whether it was raised (`ip link set IF up`).
    pub(crate) raised: bool,
    /// Whether what it leads to is raised, too.
    pub(crate) carrier: bool,
}

/// Hears of every interface of a namespace that changes; does not block.
pub(crate) struct LinkMonitor(Netlink);

impl LinkMonitor {
    /// Takes over a socket of the namespace.
    pub(crate) fn new(netlink: Netlink) -> Result<Self, KernelError> {
        netlink.subscribe(GROUP).attempt(|| "subscribe to changes of interfaces")?;
        Ok(Self(netlink))
    }

    /// The interfaces that have changed since the last time, by their indices.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if none has; ENOBUFS if there were too many to be told.
    pub(crate) fn changed(&mut self) -> io::Result<Vec<(u32, LinkStatus)>> {
        let told = self.0.notifications()?.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) => Some((link.header.index, status(&link))),
            // What leads to it has no carrier.
            RouteNetlinkMessage::DelLink(link) => {
                Some((link.header.index, LinkStatus { raised: true, carrier: false }))
            }
            _ => None,
        });
        Ok(told.collect())
    }
}

fn status(link: &LinkMessage) -> LinkStatus {
    let has = |flag| link.header.flags.contains(flag);
    LinkStatus { raised: has(LinkFlags::Up), carrier: has(LinkFlags::LowerUp) }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for LinkMonitor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
