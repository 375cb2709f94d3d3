//! How the features are tried that links are bent with.

use super::{
    doctor::{Finding, apart},
    probe::{Attempted, LOOPBACK, enter_network},
};
use crate::kernel::{self, Hook, KernelError, Matching, Onward, hooks, qdisc::Features, redirect};

const IFB: u32 = LOOPBACK + 1;

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
    let change = kernel::ifb("create an ifb interface".into(), "ifb0", IFB, 1500);
    enter_network()?.apply(vec![change])?;
    Ok(Finding::ok("created"))
}

/// What `backend = "auto"` comes to.
pub(super) fn backend() -> Attempted {
    let does = |what: &str| Ok(Finding::ok(format!("auto: {what}")));
    match (disciplines()?, apart(ifb)) {
        (_, Err(_)) => does("labnet carries all frames itself: the kernel has no ifb"),
        (Features { netem: true, seed: true, .. }, _) => {
            does("the kernel, for all that it does exactly; labnet carries the other frames itself")
        }
        (Features { netem: true, .. }, _) => does(
            "the kernel, for what is not left to chance, as its netem takes no seed; labnet carries the other frames itself",
        ),
        (Features { tbf: true, .. }, _) => does(
            "the kernel, for rates alone, as it has no netem; labnet carries the other frames itself",
        ),
        _ => does("labnet carries all frames itself: the kernel has neither netem nor tbf"),
    }
}
