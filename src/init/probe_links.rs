//! How the features are tried that links are bent with.

use super::{
    doctor::Finding,
    probe::{Attempted, LOOPBACK, enter_network},
};
use crate::kernel::{self, KernelError, qdisc::Features};

/// What of queueing disciplines the kernel has, tried at an interface that nothing else uses.
fn disciplines() -> Result<Features, KernelError> {
    Features::probe(&mut enter_network()?, LOOPBACK)
}

fn found(there: bool, step: &str, seen: &str, lacking: &str) -> Attempted {
    if there { Ok(Finding::ok(seen)) } else { Err(KernelError::odd(step, lacking)) }
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
