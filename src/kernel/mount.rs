//! Mounts of a lab and its nodes, each in a mount namespace of their own (mount_namespaces(7)).

use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::error::{Attempt, KernelError};

const NONE: Option<&str> = None;

/// Stops mounts of this namespace from reaching the host; the host's own changes still arrive.
pub(crate) fn mount_private() -> Result<(), KernelError> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)
        .attempt(|| "separate the lab's mounts from the host's")
}

/// A new tmpfs on `target`, with huge pages for what is written in large pieces.
pub(crate) fn tmpfs(target: &Path) -> Result<(), KernelError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let tmpfs = |options| mount(Some("labnet"), target, Some("tmpfs"), flags, Some(options));
    // Only within a file's size, so that small files stay small; what is written into a hole fills as much of the hole (tmpfs(5)).
    // Since Linux 6.14 also for files that grow; unknown to kernels without CONFIG_TRANSPARENT_HUGEPAGE.
    tmpfs("mode=0755,huge=within_size")
        .or_else(|_| tmpfs("mode=0755"))
        .attempt(|| format!("mount a tmpfs on {}", target.display()))
}

/// The file or folder `source` shown at `target` too.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<(), KernelError> {
    mount(Some(source), target, NONE, MsFlags::MS_BIND, NONE)
        .attempt(|| format!("bind {} to {}", source.display(), target.display()))
}

/// A /proc of the calling process's PID namespace.
pub(crate) fn proc() -> Result<(), KernelError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, NONE).attempt(|| "mount the lab's own /proc")
}

/// Replaces the /proc of [`proc`] by a new one.
pub(crate) fn renew_proc() -> Result<(), KernelError> {
    umount2("/proc", MntFlags::MNT_DETACH).attempt(|| "unmount the lab's own /proc")?;
    proc()
}

/// A /sys of the calling thread's network namespace.
pub(crate) fn sysfs() -> Result<(), KernelError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("sysfs"), "/sys", Some("sysfs"), flags, NONE).attempt(|| "mount the node's own /sys")
}

/// An overlay on /etc: `own` (the lab's files) over the host's, with `upper` taking changes and `work` for the kernel.
pub(crate) fn overlay_etc(own: &Path, upper: &Path, work: &Path) -> Result<(), KernelError> {
    let options = |extra: &str| {
        let (own, upper, work) = (own.display(), upper.display(), work.display());
        format!("lowerdir={own}:/etc,upperdir={upper},workdir={work}{extra}")
    };
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let overlay = |extra| {
        mount(Some("labnet"), "/etc", Some("overlay"), flags, Some(options(extra).as_str()))
    };
    // `userxattr` is needed in a user namespace (since Linux 5.11) and unknown before.
    overlay(",userxattr").or_else(|_| overlay("")).attempt(|| "mount an overlay on /etc")
}
