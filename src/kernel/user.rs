//! Capabilities and user namespaces (capabilities(7), user_namespaces(7)).

use std::fs;

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use super::error::{Attempt, KernelError};

/// CAP_NET_ADMIN and CAP_SYS_ADMIN of `linux/capability.h`.
const NEEDED: u64 = 1 << 12 | 1 << 21;

/// Whether this process may make namespaces and networks as it is, without a user namespace.
pub(crate) fn has_capability() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|set| set & NEEDED == NEEDED)
}

/// Moves this process, which must have one thread, into a new user namespace in which it is root and nobody else exists.
pub(crate) fn map_root() -> Result<(), KernelError> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).attempt(|| "create a user namespace")?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), &text)
            .attempt(|| format!("write `{text}` to /proc/self/{file}"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {uid} 1"))?;
    write("gid_map", format!("0 {gid} 1"))
}

/// Puts a program that may not enter nodes into a user namespace in which it may, when it is loaded.
///
/// Closures in nodes ([`Node::spawn`](crate::Node::spawn)) need this without root: only a process with one thread can enter
/// a user namespace (setns(2)), and a test program has many by the time a test runs. As root it does nothing. Files that
/// the program makes still belong to the user; inside, it believes to be root.
#[macro_export]
macro_rules! userns {
    () => {
        $crate::at_load!($crate::enter_user_namespace);
    };
}

/// What [`userns!`](crate::userns) runs; where the kernel or its policy refuses, the lab's own attempt tells why.
#[doc(hidden)]
pub fn enter_user_namespace() {
    if !has_capability() {
        let _ = map_root();
    }
}
