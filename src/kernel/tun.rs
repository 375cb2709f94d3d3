//! Ethernet interfaces whose other end is a program (`Documentation/networking/tuntap.rst`).

use std::{fs::OpenOptions, os::fd::OwnedFd};

use super::{
    error::{Attempt, KernelError},
    sys::attach_tap,
};

/// As `ip tuntap add dev NAME mode tap`, in the calling thread's network namespace, for as long as the descriptor is open.
pub(crate) fn tap(name: &str) -> Result<OwnedFd, KernelError> {
    const DEVICE: &str = "/dev/net/tun";
    let file = OpenOptions::new().read(true).write(true).open(DEVICE);
    let fd = OwnedFd::from(file.attempt(|| format!("open {DEVICE}"))?);
    attach_tap(&fd, name).attempt(|| format!("create the TAP interface {name}"))?;
    Ok(fd)
}
