//! Waiting for conditions in a node by looking at the kernel's own tables.

use std::{
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::Mode,
};

use super::node::{Home, Node};
use crate::{
    kernel::{BoundSocket, KernelError, Stat, Which, enter, family, sockets},
    plan::Ready,
};

/// The kernel tells nobody of a socket that starts to listen, so its tables are read again after a pause that grows.
const FIRST_PAUSE: Duration = Duration::from_micros(300);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Returns when the condition holds; with `owner`, a socket counts only if that process or one of its descendants has it.
pub(super) async fn wait(
    node: &Node,
    home: &Home,
    ready: &Ready,
    owner: Option<i32>,
) -> Result<(), KernelError> {
    let mut pause = FIRST_PAUSE;
    while !holds(node, home, ready, owner)? {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

fn holds(node: &Node, home: &Home, ready: &Ready, owner: Option<i32>) -> Result<bool, KernelError> {
    let (which, port): (&[Which], _) = match ready {
        Ready::Tcp(port) => (&[Which::Listening], Some(*port)),
        Ready::Udp(port) => (&[Which::BoundUdp], Some(*port)),
        Ready::Socket => (&[Which::Listening, Which::BoundUdp, Which::Connected], None),
        Ready::File(path) => return Ok(open_in(node, path, OFlag::O_PATH, Mode::empty()).is_ok()),
    };
    let list = || which.iter().map(|which| sockets(*which)).collect::<Result<Vec<_>, _>>();
    let sockets = enter(&node.net, &home.net, list)??;
    let wanted = |socket: &&BoundSocket| port.is_none_or(|port| socket.port == port);
    let inodes: Vec<u32> =
        sockets.iter().flatten().filter(wanted).map(|socket| socket.inode).collect();
    Ok(match owner {
        None => !inodes.is_empty(),
        Some(owner) => {
            !inodes.is_empty() && session_of(owner).iter().any(|pid| has_socket(*pid, &inodes))
        }
    })
}

/// The process and all its descendants, and whoever else is in the session it leads.
fn session_of(leader: i32) -> Vec<i32> {
    family(leader, &Stat::all(), |process| process.session == leader)
}

fn has_socket(pid: i32, inodes: &[u32]) -> bool {
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| wanted.iter().any(|w| target.as_os_str() == w.as_str()))
}

/// Opens a path as the node's programs see it, relative ones from its home.
pub(super) fn open_in(node: &Node, path: &Path, flags: OFlag, mode: Mode) -> nix::Result<OwnedFd> {
    let absolute: PathBuf = node.home.join(path);
    let relative = absolute
        .as_os_str()
        .as_bytes()
        .iter()
        .skip_while(|byte| **byte == b'/')
        .copied()
        .collect::<Vec<u8>>();
    let relative = if relative.is_empty() { b".".to_vec() } else { relative };
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(mode)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT);
    loop {
        match openat2(&node.root, relative.as_slice(), how) {
            // EAGAIN: a name on the way was being renamed (openat2(2)).
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            other => return other,
        }
    }
}
