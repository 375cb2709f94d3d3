//! The same for tests, which compare it with what tc(8) tells.

use nix::net::if_::if_nametoindex;

use super::{Counters, Egress, Features, can};
use crate::{
    impairment::Impairment,
    kernel::{
        error::{Attempt, KernelError},
        netlink::Netlink,
    },
};

/// For tests of this crate: the egress of an interface in the calling thread's network namespace.
pub struct EgressTrial {
    netlink: Netlink,
    egress: Egress,
    features: Features,
    asked: Option<Impairment>,
}

impl EgressTrial {
    /// Tries what the kernel has at this interface of an MTU of 1500.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the kernel refuses what it should not.
    pub fn new(interface: &str) -> Result<Self, KernelError> {
        let index = if_nametoindex(interface).attempt(|| format!("find {interface}"))?;
        let mut netlink = Netlink::open()?;
        let features = Features::probe(&mut netlink, index)?;
        Ok(Self { netlink, egress: Egress { index, mtu: 1500 }, features, asked: None })
    }

    /// Whether the kernel does exactly this.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn exact(&self, to: &Impairment) -> Result<(), String> {
        can(to, false, self.features).map_err(|reason| reason.to_string())
    }

    /// Has the interface do this to what it sends, and tells whether all that it held goes on.
    ///
    /// # Errors
    ///
    /// Why it can't, or the kernel's refusal.
    pub fn bend(&mut self, to: &Impairment, seed: u64) -> Result<bool, String> {
        match can(to, false, self.features) {
            Err(reason) if !reason.is_near() => return Err(reason.to_string()),
            _ => {}
        }
        let before = self.asked.as_ref();
        let changes = self.egress.bend("bend the link", before, to, seed, self.features);
        self.netlink.apply(changes).map_err(|error| error.to_string())?;
        let keeps = before.is_none_or(|before| Egress::keeps(before, to));
        self.asked = Some(to.clone());
        Ok(keeps)
    }

    /// What it does, and what became of frames; none if it is plain.
    ///
    /// # Errors
    ///
    /// If the kernel does not tell.
    pub fn read(&mut self) -> Result<Option<(Impairment, Counters)>, KernelError> {
        let asked = self.asked.clone().unwrap_or_default();
        self.egress.read(&mut self.netlink, "read what the link does", &asked)
    }

    /// Has it send everything at once again.
    ///
    /// # Errors
    ///
    /// If it is plain already.
    pub fn straighten(&mut self) -> Result<(), KernelError> {
        self.asked = None;
        self.netlink.apply(vec![self.egress.straighten("straighten the link")])
    }
}
