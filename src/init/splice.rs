//! What bends cables in the hub: pairs of interfaces that lead to the worker, ifbs that do in the kernel what is asked, and the
//! ways to them.
//!
//! A way is changed by replacing filters, so every frame goes one way or the other, and those on the old way arrive. Neither pairs nor
//! ifbs are removed before the lab ends, but used again: to remove an interface takes the kernel 10 ms and more, in which nobody
//! could be served.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    os::fd::OwnedFd,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    build::wait_up,
    error::LabError,
    indices::Indices,
    ways::{Pair, Place, Way},
};
use crate::{
    impairment::Impairment,
    kernel::{
        Hook, KernelError, Netlink, NetlinkChange, VethEnd, capture_socket, hooks, ifb,
        no_redirect, offload_off,
        qdisc::{self, Egress, Features},
        redirect, set_up, veth_here,
    },
};

/// The greatest there is: a frame of any link fits (ETH_MAX_MTU of `linux/if_ether.h`).
const MTU: u32 = 65_535;
/// How long the kernel may take to report a new interface as usable; it is a matter of a millisecond.
const PATIENCE: Duration = Duration::from_secs(10);

/// Changes what is in the hub.
pub(super) struct Splicer {
    netlink: RefCell<Netlink>,
    indices: Rc<Indices>,
    spare_pairs: RefCell<Vec<Pair>>,
    spare_ifbs: RefCell<Vec<u32>>,
    pairs: Cell<usize>,
    ifbs: Cell<usize>,
    /// Interfaces that have hooks.
    hooked: RefCell<HashSet<u32>>,
    /// Hooks that do something.
    set: RefCell<HashSet<(u32, Hook)>>,
    features: Cell<Option<Features>>,
}

impl Splicer {
    /// Of the hub's socket; the ends of `links` have hooks, and what arrives there is redirected.
    pub(super) fn new(netlink: Netlink, indices: Rc<Indices>, links: HashSet<u32>) -> Self {
        let set = links.iter().map(|index| (*index, Hook::Ingress)).collect();
        Self {
            netlink: RefCell::new(netlink),
            indices,
            spare_pairs: RefCell::default(),
            spare_ifbs: RefCell::default(),
            pairs: Cell::new(0),
            ifbs: Cell::new(0),
            hooked: RefCell::new(links),
            set: RefCell::new(set),
            features: Cell::new(None),
        }
    }

    /// What this kernel can do to frames itself.
    pub(super) fn features(&self) -> Result<Features, KernelError> {
        if let Some(features) = self.features.get() {
            return Ok(features);
        }
        let mut features = Features::default();
        match self.ifb() {
            Ok(index) => {
                features = Features::probe(&mut self.netlink.borrow_mut(), index)?;
                self.give_back_ifb(index);
            }
            // Without an ifb nothing of it is of use.
            Err(error) if error.errno == libc::EOPNOTSUPP => {}
            Err(error) => return Err(error),
        }
        self.features.set(Some(features));
        Ok(features)
    }

    /// A pair that carries frames, though none are led there yet.
    pub(super) fn pair(&self) -> Result<Pair, LabError> {
        if let Some(pair) = self.spare_pairs.borrow_mut().pop() {
            return Ok(pair);
        }
        let number = self.pairs.replace(self.pairs.get() + 1) + 1;
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
    pub(super) fn give_back_pair(&self, pair: Pair) {
        self.spare_pairs.borrow_mut().push(pair);
    }

    /// Sockets for a worker that is to forward through a pair: to receive and to send, for each direction.
    pub(super) fn sockets() -> Result<Vec<OwnedFd>, KernelError> {
        (0..4).map(|_| capture_socket()).collect()
    }

    /// An ifb that does nothing to frames, and to which none are led yet.
    fn ifb(&self) -> Result<u32, KernelError> {
        if let Some(index) = self.spare_ifbs.borrow_mut().pop() {
            return Ok(index);
        }
        let number = self.ifbs.replace(self.ifbs.get() + 1) + 1;
        let (name, index) = (format!("k{number}"), self.indices.another());
        let step = || format!("make the interface {name}");
        self.netlink
            .borrow_mut()
            .apply(vec![ifb(step(), &name, index, MTU), set_up(step(), index)])?;
        Ok(index)
    }

    fn give_back_ifb(&self, index: u32) {
        self.spare_ifbs.borrow_mut().push(index);
    }

    /// An ifb that does this to frames.
    pub(super) fn bent_ifb(
        &self,
        what: &str,
        mtu: u32,
        to: &Impairment,
        seed: u64,
    ) -> Result<u32, LabError> {
        let index = self.ifb()?;
        self.bend_ifb(what, Egress { index, mtu }, None, to, seed)?;
        Ok(index)
    }

    /// Has an ifb do something else to frames than before.
    pub(super) fn bend_ifb(
        &self,
        what: &str,
        ifb: Egress,
        before: Option<&Impairment>,
        to: &Impairment,
        seed: u64,
    ) -> Result<(), LabError> {
        let features = self.features()?;
        let changes = ifb.bend(&format!("bend {what}"), before, to, seed, features);
        self.netlink.borrow_mut().apply(changes).map_err(Into::into)
    }

    /// What an ifb does, and what became of the frames; what the kernel doesn't tell is as in `asked`.
    pub(super) fn read_ifb(
        &self,
        what: &str,
        ifb: Egress,
        asked: &Impairment,
    ) -> Result<(Impairment, qdisc::Counters), LabError> {
        let step = format!("read what is done to {what}");
        let read = ifb.read(&mut self.netlink.borrow_mut(), &step, asked)?;
        Ok(read.unwrap_or_default())
    }

    /// Has an ifb that nothing is led to do nothing any more; what is in it is lost.
    pub(super) fn straighten_ifb(&self, ifb: Egress) -> Result<(), LabError> {
        let change = ifb.straighten("clear an ifb");
        self.netlink.borrow_mut().apply(vec![change])?;
        self.give_back_ifb(ifb.index);
        Ok(())
    }

    /// Leads a cable this way from the next frame on.
    pub(super) fn lead(&self, what: &str, place: Place, way: Way) -> Result<(), KernelError> {
        let step = || match way {
            Way::Direct => format!("join the ends of {what}"),
            Way::Worker(_) => format!("lead {what} through the lab's worker"),
            Way::Kernel(_) => format!("lead {what} through the kernel's queues"),
        };
        let (mut hooked, mut set) = (self.hooked.borrow_mut(), self.set.borrow_mut());
        let (mut changes, mut removed): (Vec<NetlinkChange>, Vec<NetlinkChange>) =
            Default::default();
        for ((index, hook), filter) in place.filters(way) {
            match filter {
                Some((matching, onward)) => {
                    changes.extend(hooked.insert(index).then(|| hooks(step(), index)));
                    set.insert((index, hook));
                    changes.push(redirect(step(), index, hook, matching, onward));
                }
                None if set.remove(&(index, hook)) => {
                    removed.push(no_redirect(step(), index, hook));
                }
                None => {}
            }
        }
        changes.extend(removed);
        self.netlink.borrow_mut().apply(changes)
    }
}
