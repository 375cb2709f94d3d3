//! What tests of labs share.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use labnet::{Lab, TestResult, spec::Builder};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// R2 and KALI on one link, with the sockets lab's addresses and no programs.
pub(crate) fn pair() -> Builder {
    Lab::builder("pair")
        .node("R2", |node| node.interface("eth0", "10.10.10.2/24"))
        .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
        .link("R2:eth0", "KALI:eth0")
}

/// Keeps this thread on one processor as long as it is held. Each processor has a queue of its own for what veths hand on, so
/// frames of a thread that goes to another one can overtake those it sent before.
pub(crate) struct OneProcessor {
    before: CpuSet,
}

impl OneProcessor {
    pub(crate) fn new() -> Self {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this).unwrap();
        let allowed = |processor: &usize| before.is_set(*processor).unwrap();
        let mut one = CpuSet::new();
        one.set((0..CpuSet::count()).find(allowed).unwrap()).unwrap();
        sched_setaffinity(this, &one).unwrap();
        Self { before }
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        sched_setaffinity(Pid::from_raw(0), &self.before).unwrap();
    }
}

/// What a lab is to the machine: to be gone with it.
pub(crate) struct Footprint {
    pub(crate) directory: PathBuf,
    pub(crate) supervisor: u32,
    /// All of the lab's processes at that moment. Their namespaces tell them, but not afterwards: the kernel gives the
    /// numbers of namespaces that are gone to new ones at once.
    processes: Vec<Process>,
}

/// A process that no other can be taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    started: u64,
}

impl Footprint {
    pub(crate) async fn of(lab: &Lab) -> TestResult<Self> {
        let mut namespaces = BTreeSet::new();
        for node in lab.nodes() {
            let list = "cd /proc/self/ns && readlink net mnt uts pid";
            let listed = node.command_from(["sh", "-c", list]).run().await?.success()?;
            namespaces.extend(listed.stdout().lines().map(str::to_owned));
        }
        // DIRECTORY/fs/nodes/R2/home, and the directory is .PID-N, the pid of the supervisor.
        let home = lab.nodes().next().ok_or("no nodes")?.home().to_owned();
        let directory = home.ancestors().nth(4).ok_or("the home is too high up")?.to_owned();
        let name = directory.file_name().and_then(|name| name.to_str()).ok_or("no name")?;
        let numbers = name.strip_prefix('.').and_then(|name| name.split_once('-'));
        let supervisor = numbers.ok_or("not a private lab")?.0.parse()?;
        let inside = |pid: u32| {
            ["net", "mnt", "uts", "pid"].iter().any(|kind| {
                let namespace = fs::read_link(format!("/proc/{pid}/ns/{kind}"));
                namespace.is_ok_and(|name| namespaces.contains(&*name.to_string_lossy()))
            })
        };
        let mut processes: Vec<Process> =
            pids().filter(|pid| inside(*pid)).filter_map(process).collect();
        assert!(directory.exists() && processes.iter().any(|process| process.parent == supervisor));
        processes.extend(process(supervisor));
        Ok(Self { directory, supervisor, processes })
    }

    /// The lab's init, the supervisor's only child.
    pub(crate) fn init(&self) -> &Process {
        self.processes.iter().find(|process| process.parent == self.supervisor).unwrap()
    }

    /// The processes that are still there, if only as zombies.
    pub(crate) fn left(&self) -> Vec<&Process> {
        let left =
            |known: &&Process| process(known.pid).is_some_and(|now| now.started == known.started);
        self.processes.iter().filter(left).collect()
    }

    pub(crate) fn assert_gone(&self) {
        assert_eq!(self.left(), Vec::<&Process>::new(), "processes are left");
        assert!(!self.directory.exists(), "{} is left", self.directory.display());
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc_pid_stat(5): pid (comm) state ppid … starttime is field 22; comm may hold anything.
    let mut fields = stat.rsplit(") ").next()?.split(' ').skip(1);
    let parent = fields.next()?.parse().ok()?;
    Some(Process { pid, parent, started: fields.nth(17)?.parse().ok()? })
}

/// Bytes without a pattern, the same in every run (xorshift64).
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2755_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}
