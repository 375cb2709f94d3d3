//! `labnet down`: end labs.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    exit::{BROKE, DONE, Failure, Outcome, print, tell},
    labs::Choice,
    runtime::block_on,
};
use crate::{
    init::{Registered, Request, registered, sweep},
    kernel::{pidfd_open, pids, wait_readable},
    lab::Lab,
};

/// How long a lab may take to answer before it is killed, and then to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(1);

/// End a lab: its programs, hosts and links; nothing stays
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The lab; need not be said if exactly one is up
    #[arg(value_name = "LAB", env = "LABNET_LAB")]
    lab: Option<String>,
    /// End all labs of this user
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    sweep();
    let labs = match (args.all, args.lab) {
        (true, _) => registered(),
        (false, None) if registered().is_empty() => {
            tell(format_args!("labnet: no lab is up"));
            return Ok(DONE);
        }
        (false, lab) => vec![Choice::named(lab).find()?],
    };
    // One that can't be ended, or a reader who has gone, must not keep the others up.
    let ended: Vec<_> = labs.iter().map(|(directory, state)| end(directory, state)).collect();
    let mut failures = Vec::new();
    for ((_, state), ended) in labs.iter().zip(ended) {
        match ended {
            Ok(survivors) => {
                for survivor in survivors {
                    tell(format_args!("labnet: note: {survivor}"));
                }
                print(format_args!("{} is down\n", state.lab.name))?;
            }
            Err(failure) => failures.push(failure.message),
        }
    }
    if failures.is_empty() { Ok(DONE) } else { Err(Failure::new(BROKE, failures.join("\n"))) }
}

/// Ends one lab, waits until it is gone, and tells what was handed out of it and lives on.
fn end(directory: &Path, state: &Registered) -> Result<Vec<String>, Failure> {
    let lock = File::open(directory);
    let nodes = block_on(async {
        let asked = tokio::time::timeout(PATIENCE, async {
            let lab = Lab::connect(directory).await?;
            let nodes = lab.description().nodes.clone();
            lab.session().call(Request::Down).await?;
            Ok::<_, crate::lab::LabError>(nodes)
        });
        asked.await
    })?;
    let nodes = match nodes {
        Ok(Ok(nodes)) => nodes,
        // It has ended, is ending, or can't answer. While its processes hold the lock, the pid is still init's.
        _ => {
            if lock.as_ref().is_ok_and(is_held) {
                let _ = kill(Pid::from_raw(state.init), Signal::SIGKILL);
            }
            Vec::new()
        }
    };
    let nodes = nodes.iter().map(|node| (node.net_inode, node.name.to_string())).collect();
    // Looking at every process takes as long as the lab's end, and is done meanwhile: who entered has done so before.
    let inside = inside(pids(), &nodes);
    if let Ok(directory) = lock {
        wait_until_gone(directory, state)?;
    }
    sweep();
    let survived = inside.iter().any(|(pid, _)| node_of(*pid, &nodes).is_some());
    // Those that they have started since count too.
    Ok(if survived { survivors(&nodes) } else { Vec::new() })
}

/// Whether somebody has the lock.
fn is_held(directory: &File) -> bool {
    let duplicate = directory.try_clone();
    duplicate.is_ok_and(|file| match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(_) => false,
        Err((_, errno)) => errno == Errno::EWOULDBLOCK,
    })
}

/// Waits for the lock that supervisor and init hold as long as they live.
fn wait_until_gone(mut directory: File, state: &Registered) -> Result<(), Failure> {
    // It ends last; if it has already, only the lock tells.
    let supervisor = pidfd_open(state.supervisor).ok();
    let mut watched: Vec<BorrowedFd<'_>> = supervisor.iter().map(AsFd::as_fd).collect();
    // Init has been told to end; a supervisor that does not end after it is stopped.
    for last_resort in [state.supervisor, state.init] {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
                Ok(_) => return Ok(()),
                Err((unlocked, _)) => directory = unlocked,
            }
            if wait_readable(&watched, Some(PAUSE)).is_ok_and(|ended| ended.contains(&true)) {
                watched.clear();
            }
        }
        let _ = kill(Pid::from_raw(last_resort), Signal::SIGKILL);
    }
    let (lab, init) = (&state.lab.name, state.init);
    let message = format!(
        "lab {lab} does not end: its init, process {init}, waits until every process of its PID namespace is reaped; one that entered from outside has a parent that is stopped or hangs"
    );
    Err(Failure::new(BROKE, message))
}

/// Nodes of a lab by the inode number of their network namespaces.
type Nodes = HashMap<u64, String>;

/// The node whose network namespace a process is in.
fn node_of(pid: i32, nodes: &Nodes) -> Option<&str> {
    let link = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
    let inode = link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?;
    nodes.get(&inode.parse().ok()?).map(String::as_str)
}

/// Those of the processes that are in a node, and in which.
fn inside(pids: impl Iterator<Item = i32>, nodes: &Nodes) -> Vec<(i32, &str)> {
    pids.filter_map(|pid| Some((pid, node_of(pid, nodes)?))).collect()
}

/// What is told of the processes that are in nodes of the lab, which has ended: they entered from outside.
fn survivors(nodes: &Nodes) -> Vec<String> {
    let tell = |(pid, node)| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let name = name.trim_end();
        format!(
            "process {pid} ({name}) entered {node} from outside, lives on and keeps its network namespace"
        )
    };
    inside(pids(), nodes).into_iter().map(tell).collect()
}
