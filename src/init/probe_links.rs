//! How the features are tried that links are bent with.

use super::{
    doctor::Finding,
    probe::{Attempted, LOOPBACK, enter_network},
};
use crate::kernel::{self, Hook, KernelError, Matching, Onward, hooks, qdisc::Features, redirect};

/// What of queueing disciplines the kernel has, tried at an interface that nothing else uses.
fn disciplines() -> Result<Features, KernelError> {
    Features::probe(&mut enter_network()?, LOOPBACK)
}

fn found(there: bool, step: &str, seen: &str, lacking: &str) -> Attempted {
    if there { Ok(Finding::ok(seen)) } else { Err(KernelError::odd(step, lacking)) }
}

pub(super) fn redirection() -> Attempted {
    let step = || "redirect what arrives at lo".to_owned();
    let back = Onward::SentBy(LOOPBACK);
    let filter = redirect(step(), LOOPBACK, Hook::Ingress, Matching::Mark(1), back);
    enter_network()?.apply(vec![hooks(step(), LOOPBACK), filter])?;
    Ok(Finding::ok("accepted for an interface"))
}

pub(super) fn netem() -> Attempted {
    let step = "put a netem queueing discipline on lo";
    found(disciplines()?.netem, step, "accepted for an interface", "the kernel has none")
}

pub(super) fn netem_seed() -> Attempted {
    let Features { netem, seed, .. } = disciplines()?;
    let lacking = if netem { "netem ignores it" } else { "the kernel has no netem" };
    found(seed, "give netem a seed", "taken", lacking)
}

pub(super) fn tbf() -> Attempted {
    let step = "put a tbf queueing discipline on lo";
    found(disciplines()?.tbf, step, "accepted for an interface", "the kernel has none")
}

pub(super) fn ifb() -> Attempted {
    let change = kernel::ifb("create an ifb interface".into(), "ifb0", LOOPBACK + 1, 1500);
    enter_network()?.apply(vec![change])?;
    Ok(Finding::ok("created"))
}
