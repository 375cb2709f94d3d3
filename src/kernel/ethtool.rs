//! Offloads: what a network card would do for the kernel.

use std::os::fd::AsFd;

use super::{
    error::{Attempt, KernelError},
    sys::{EthtoolSet, ethtool_off},
};

/// Switches segmentation and checksum offloads off, as `ethtool -K IF tx off tso off gso off gro off`, so that frames
/// look as on a wire; `socket` is any socket of the interface's namespace, a netlink one too.
pub(crate) fn offload_off(socket: impl AsFd, name: &str) -> Result<(), KernelError> {
    for (what, text) in [
        (EthtoolSet::TxChecksum, "transmit checksum"),
        (EthtoolSet::Tso, "TCP segmentation"),
        (EthtoolSet::Gso, "generic segmentation"),
        (EthtoolSet::Gro, "generic receive"),
    ] {
        ethtool_off(socket.as_fd(), name, what)
            .attempt(|| format!("switch {text} offload of {name} off"))?;
    }
    Ok(())
}
