//! What the process table says of processes (proc_pid_stat(5)).

use std::fs;

/// A line of the process table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    /// One letter: `R` runs, `S` sleeps, `T` is stopped, `Z` is a zombie.
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
}

impl Stat {
    /// The process's line, if it exists.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // pid (comm) state ppid pgrp session …; comm may hold anything, parentheses too.
        let mut fields = line.rsplit(") ").next()?.split(' ');
        let state = *fields.next()?.as_bytes().first()?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self { pid, state, parent: number()?, group: number()?, session: number()? })
    }

    /// All processes.
    pub(crate) fn all() -> Vec<Self> {
        pids().filter_map(Self::of).collect()
    }
}

/// The numbers of all processes.
pub(crate) fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process, all its descendants, and whoever else in `processes` is as `also` has it, with their descendants.
pub(crate) fn family(leader: i32, processes: &[Stat], also: impl Fn(&Stat) -> bool) -> Vec<i32> {
    let mut family = vec![leader];
    loop {
        let more = processes.iter().filter(|process| {
            !family.contains(&process.pid) && (also(process) || family.contains(&process.parent))
        });
        let more: Vec<i32> = more.map(|process| process.pid).collect();
        if more.is_empty() {
            return family;
        }
        family.extend(more);
    }
}
