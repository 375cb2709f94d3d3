//! Changing the way of frames in the hub: a cable's two directions are led through a pair of interfaces, at which the
//! worker takes them, or directly again.
//!
//! ```text
//! link  R2 ═ l1a → far ═ near → worker → l1b ═ KALI        what R2 sends; what KALI sends goes the other way,
//!                                                          from l1b by near to far
//! port  R1 ═ p1 → far ═ near → worker → near → p1 → switch what R1 sends
//!       switch → p1 → near ═ far → worker → p1 ═ R1        what is sent to it
//! ```
//!
//! What the worker has had of a port comes to it again, from the pair, and must pass: it bears a mark, the port's
//! index, and frames from a node bear none. Towards nodes the worker sends past the hooks.
//!
//! Each way is changed by replacing a filter, so every frame goes one way or the other, and those on the old way arrive.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    os::fd::OwnedFd,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{build::wait_up, error::LabError, indices::Indices};
use crate::kernel::{
    Hook, KernelError, Matching, Netlink, NetlinkChange, Onward, VethEnd, capture_socket, hooks,
    no_redirect, offload_off, redirect, set_up, veth_here,
};

/// The greatest there is: a frame of any link fits (ETH_MAX_MTU of `linux/if_ether.h`).
const MTU: u32 = 65_535;
/// How long the kernel may take to report a new pair as usable; it is a matter of a millisecond.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a cable passes the hub.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Between these interfaces, to which its ends lead.
    Link([u32; 2]),
    /// At this port of a switch.
    Port(u32),
}

/// A pair of interfaces in the hub through which a cable is led.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    near: u32,
    far: u32,
}

/// The interfaces of one direction at the worker.
pub(super) struct Stretch {
    /// Where its frames arrive.
    pub(super) receive: u32,
    /// Where they are sent on.
    pub(super) send: u32,
    /// With this mark, through the interface's hook; without one, past it.
    pub(super) mark: Option<u32>,
}

/// Changes ways in the hub.
pub(super) struct Splicer {
    netlink: RefCell<Netlink>,
    indices: Rc<Indices>,
    /// Pairs that are not in use: to remove one takes the kernel 10 ms and more, in which nobody could be served.
    spare: RefCell<Vec<Pair>>,
    made: Cell<usize>,
    /// Interfaces that have hooks, besides the ends of links, which have them from the start.
    hooked: RefCell<HashSet<u32>>,
}

impl Place {
    /// The interfaces of both directions, if they are led through a pair.
    pub(super) fn stretches(self, pair: Pair) -> [Stretch; 2] {
        let Pair { near, far } = pair;
        match self {
            Self::Link([a, b]) => [
                Stretch { receive: near, send: b, mark: None },
                Stretch { receive: far, send: a, mark: None },
            ],
            Self::Port(port) => [
                Stretch { receive: near, send: near, mark: Some(port) },
                Stretch { receive: far, send: port, mark: None },
            ],
        }
    }
}

impl Splicer {
    /// Of the hub's socket.
    pub(super) fn new(netlink: Netlink, indices: Rc<Indices>) -> Self {
        Self {
            netlink: RefCell::new(netlink),
            indices,
            spare: RefCell::default(),
            made: Cell::new(0),
            hooked: RefCell::default(),
        }
    }

    /// A pair that carries frames, though none are led there yet.
    pub(super) fn pair(&self) -> Result<Pair, LabError> {
        if let Some(pair) = self.spare.borrow_mut().pop() {
            return Ok(pair);
        }
        let number = self.made.replace(self.made.get() + 1) + 1;
        let names = [format!("w{number}a"), format!("w{number}b")];
        let pair = Pair { near: self.indices.another(), far: self.indices.another() };
        let end = |name, index| VethEnd { name, index, mtu: MTU, mac: None, bridge: None };
        let step = || format!("make the pair of interfaces {} and {}", names[0], names[1]);
        let mut netlink = self.netlink.borrow_mut();
        let made = veth_here(step(), &end(&names[0], pair.near), &end(&names[1], pair.far));
        netlink.apply(vec![made])?;
        // So the kernel cuts what nodes with offloads send into frames, and completes their checksums.
        for name in &names {
            offload_off(&*netlink, name)?;
        }
        let raised = [pair.near, pair.far].map(|index| set_up(step(), index));
        netlink.apply(raised.into())?;
        let deadline = Instant::now() + PATIENCE;
        for (index, name) in [pair.near, pair.far].into_iter().zip(&names) {
            wait_up(&mut netlink, index, deadline, || name.clone())?;
        }
        Ok(pair)
    }

    /// Nothing is led through the pair, and nothing is in it.
    pub(super) fn give_back(&self, pair: Pair) {
        self.spare.borrow_mut().push(pair);
    }

    /// Sockets for a worker that is to forward through a pair: to receive and to send, for each direction.
    pub(super) fn sockets() -> Result<Vec<OwnedFd>, KernelError> {
        (0..4).map(|_| capture_socket()).collect()
    }

    /// Leads a cable through a pair, from the next frame on.
    pub(super) fn divert(&self, what: &str, place: Place, pair: Pair) -> Result<(), KernelError> {
        let step = || format!("lead {what} through the lab's worker");
        let Pair { near, far } = pair;
        let mut changes = Vec::new();
        match place {
            Place::Link([a, b]) => {
                let mut lead = |from, to| changes.push(lead(step(), from, Hook::Ingress, to));
                lead(a, Onward::SentBy(far));
                lead(b, Onward::SentBy(near));
            }
            Place::Port(port) => {
                changes.extend(self.hooks(&step(), near));
                changes.extend(self.hooks(&step(), port));
                let back = (Matching::Mark(port), Onward::ArriveAt(port));
                changes.push(redirect(step(), near, Hook::Egress, back.0, back.1));
                let taken = (Matching::Mark(0), Onward::SentBy(far));
                changes.push(redirect(step(), port, Hook::Ingress, taken.0, taken.1));
                changes.push(lead(step(), port, Hook::Egress, Onward::SentBy(near)));
            }
        }
        self.netlink.borrow_mut().apply(changes)
    }

    /// Leads a cable that goes through a pair directly again, from the next frame on.
    pub(super) fn join(&self, what: &str, place: Place) -> Result<(), KernelError> {
        let step = || format!("join the ends of {what}");
        let changes = match place {
            Place::Link([a, b]) => [(a, b), (b, a)]
                .map(|(from, to)| lead(step(), from, Hook::Ingress, Onward::SentBy(to))),
            Place::Port(port) => {
                [Hook::Ingress, Hook::Egress].map(|hook| no_redirect(step(), port, hook))
            }
        };
        self.netlink.borrow_mut().apply(changes.into())
    }

    /// Hooks at an interface that has none yet.
    fn hooks(&self, step: &str, index: u32) -> Option<NetlinkChange> {
        self.hooked.borrow_mut().insert(index).then(|| hooks(step.to_owned(), index))
    }
}

/// A filter that takes every frame.
fn lead(step: String, index: u32, hook: Hook, onward: Onward) -> NetlinkChange {
    redirect(step, index, hook, Matching::All, onward)
}
