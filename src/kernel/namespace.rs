//! Namespaces, held by descriptors.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::{
    sched::{CloneFlags, setns},
    sys::stat::fstat,
};

use super::error::{Attempt, KernelError};

/// A kind of namespace that nodes have of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamespaceKind {
    Net,
    Mount,
    Uts,
    Pid,
    User,
}

impl NamespaceKind {
    /// Its file below `/proc/self/ns`.
    fn file(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Mount => "mnt",
            Self::Uts => "uts",
            Self::Pid => "pid",
            Self::User => "user",
        }
    }
}

/// A namespace; it lives at least as long as this value.
#[derive(Debug)]
pub(crate) struct Namespace(OwnedFd);

impl Namespace {
    /// The namespace of this kind that the calling thread is in.
    pub(crate) fn current(kind: NamespaceKind) -> Result<Self, KernelError> {
        let path = format!("/proc/thread-self/ns/{}", kind.file());
        let file = File::open(&path).attempt(|| format!("open {path}"))?;
        Ok(Self(file.into()))
    }

    /// Whether the calling thread is in it, which is of this kind.
    pub(crate) fn is_current(&self, kind: NamespaceKind) -> bool {
        let inode = |namespace: &Self| fstat(&namespace.0).map(|stat| stat.st_ino);
        Self::current(kind).is_ok_and(|current| inode(&current) == inode(self))
    }

    /// Moves the calling thread into it.
    pub(crate) fn join(&self) -> nix::Result<()> {
        setns(&self.0, CloneFlags::empty())
    }
}

impl From<OwnedFd> for Namespace {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Namespace {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Runs `f` with the calling thread in the network namespace `inside`, then returns to `home`.
///
/// # Errors
///
/// If the thread can't join, or can't return: then it must not go on.
pub(crate) fn enter<T>(
    inside: &Namespace,
    home: &Namespace,
    f: impl FnOnce() -> T,
) -> Result<T, KernelError> {
    inside.join().attempt(|| "enter a network namespace")?;
    let result = f();
    home.join().attempt(|| "return from a network namespace")?;
    Ok(result)
}
