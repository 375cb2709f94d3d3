//! Keeping a large lab's neighbours from filling the table that all namespaces of the machine share.
//!
//! The table holds 1024 entries unless set otherwise (`gc_thresh3`, arp(7)); when it is full, no namespace learns
//! another, the machine's own included. Two nodes that speak are two entries. In a lab whose nodes may have more than half of
//! that, init takes every entry out of the count as soon as it is learned; in smaller ones there is nothing to do.

use tokio::{io::unix::AsyncFd, task::spawn_local};

use super::{error::LabError, lab::Lab};
use crate::{
    kernel::{Attempt, NeighbourMonitor, async_fd},
    plan::Plan,
};

/// Half of the kernel's default limit.
const FEW: usize = 512;

/// Whether there may be so many that they must be taken out of the count.
pub(super) fn are_many(plan: &Plan) -> bool {
    let ports = plan.networks.iter().map(|network| network.ports.len());
    let on_networks: usize = ports.map(|ports| ports * ports.saturating_sub(1)).sum();
    on_networks + 2 * plan.links.len() > FEW
}

/// What people should know of a lab in which many may learn a neighbour at once.
pub(super) fn note(plan: &Plan) -> Option<String> {
    let nodes = plan.nodes.len();
    (are_many(plan) && nodes > FEW).then(|| {
        format!(
            "{nodes} nodes share the machine's neighbour table (net.ipv4.neigh.default.gc_thresh3, 1024 by default) with \
             all its namespaces; each entry is taken out of the count once it is learned, but more than that at the \
             same moment are refused, here and elsewhere"
        )
    })
}

/// Starts to take what nodes learn out of the count.
pub(super) fn watch(lab: &Lab) -> Result<(), LabError> {
    for netlink in lab.neighbour_sockets.take() {
        let step = || "watch a node's neighbours";
        let monitor = async_fd(NeighbourMonitor::new(netlink)?).attempt(step)?;
        spawn_local(exempt(monitor));
    }
    Ok(())
}

async fn exempt(mut monitor: AsyncFd<NeighbourMonitor>) {
    while let Ok(mut ready) = monitor.readable_mut().await {
        if let Ok(Err(_)) = ready.try_io(|monitor| monitor.get_mut().exempt()) {
            // The socket is of no more use; entries count from now on.
            return;
        }
    }
}
