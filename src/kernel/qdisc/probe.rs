//! What of netem and tbf this kernel has, by trying.

use super::{
    Egress, Features,
    message::find,
    netem::{self, Netem},
};
use crate::{
    impairment::Impairment,
    kernel::{error::KernelError, netlink::Netlink},
    units::Rate,
};

/// A seed like no other.
const SEED: u64 = 0x6c61_626e_6574;

impl Features {
    /// Tries them at an interface that is plain, and is plain again afterwards.
    ///
    /// The kernel loads its modules for this, if it is one that does.
    ///
    /// # Errors
    ///
    /// If anything fails but for want of a module.
    pub(crate) fn probe(netlink: &mut Netlink, index: u32) -> Result<Self, KernelError> {
        let mut features = Self::default();
        let egress = Egress { index, mtu: 1500 };
        let step = "try netem";
        let seeded = Netem::of(&Impairment::default(), Some(SEED));
        if there(netlink.apply(vec![seeded.discipline().put(step, index)]))? {
            features.netem = true;
            let found = find(netlink, step, index, netem::HANDLE, netem::KIND)?;
            let options = found.map(|found| found.options).unwrap_or_default();
            let told = Netem::parse(&options, Default::default()).and_then(|netem| netem.seed);
            features.seed = told == Some(SEED);
            netlink.apply(vec![egress.straighten(step)])?;
        }
        let step = "try tbf";
        let rated = Impairment { rate: Rate::new(1_000_000).map(Into::into), ..Default::default() };
        if there(netlink.apply(egress.bend(step, None, &rated, 0, Self::default())))? {
            features.tbf = true;
            netlink.apply(vec![egress.straighten(step)])?;
        }
        Ok(features)
    }
}

/// Whether the kernel has a discipline; it knows no kind of which it has no module (`qdisc_create` in net/sched/sch_api.c).
fn there(result: Result<(), KernelError>) -> Result<bool, KernelError> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.errno == libc::ENOENT => Ok(false),
        Err(error) => Err(error),
    }
}
