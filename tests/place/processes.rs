//! The process table, as far as it is this test's.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Its `comm`.
    pub(crate) name: String,
    /// Its command line.
    pub(crate) words: Vec<String>,
}

impl Process {
    pub(crate) fn signal(&self, signal: Signal) {
        // It may have ended meanwhile.
        let _ = kill(Pid::from_raw(self.pid), signal);
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// One letter, as in proc_pid_stat(5); none if it has ended.
    pub(crate) fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        stat.rsplit(") ").next()?.chars().next()
    }

    /// Whether its group has the foreground of its terminal.
    pub(crate) fn in_foreground(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        // state ppid pgrp session tty_nr tpgid
        fields.len() > 5 && fields[2] == fields[5]
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state() == Some('T')
    }

    /// Whether it is there no more, or only for its parent to be reaped.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state(), None | Some('Z'))
    }

    /// What its descriptors are open on.
    pub(crate) fn open_files(&self) -> Vec<PathBuf> {
        open_files(&PathBuf::from(format!("/proc/{}", self.pid)))
    }

    /// Its namespaces, as in `net:[4026531840]`.
    pub(crate) fn namespaces(&self) -> BTreeSet<PathBuf> {
        namespaces_of(self.pid as u32)
    }
}

/// The namespaces that a process is in, or holds by descriptors.
pub(crate) fn namespaces_of(pid: u32) -> BTreeSet<PathBuf> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let kinds = ["net", "mnt", "pid", "uts", "user"];
    let own = kinds.iter().filter_map(|kind| fs::read_link(process.join("ns").join(kind)).ok());
    let mut namespaces = open_namespaces(&process);
    namespaces.extend(own);
    namespaces
}

/// The namespaces that a process holds by descriptors.
fn open_namespaces(process: &Path) -> BTreeSet<PathBuf> {
    open_files(process)
        .into_iter()
        .filter(|target| target.as_os_str().as_bytes().ends_with(b"]") && is_namespace(target))
        .collect()
}

fn open_files(process: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).collect()
}

fn is_namespace(link: &Path) -> bool {
    ["net:[", "mnt:[", "pid:[", "uts:[", "user:["]
        .iter()
        .any(|kind| link.as_os_str().as_bytes().starts_with(kind.as_bytes()))
}

fn has_variable(environment: &[u8], variable: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

/// The living processes with this variable in the environment they were started with.
pub(crate) fn tagged(variable: &str) -> Vec<Process> {
    all()
        .filter(|(_, path)| {
            fs::read(path.join("environ"))
                .is_ok_and(|environment| has_variable(&environment, variable))
        })
        .filter_map(|(pid, path)| {
            let words = fs::read(path.join("cmdline")).ok()?;
            let words = words.split(|byte| *byte == 0);
            let words = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            let name = fs::read_to_string(path.join("comm")).ok()?.trim_end().to_owned();
            let process = Process { pid, name, words };
            (!process.has_ended()).then_some(process)
        })
        .collect()
}

/// The living processes without this variable that are in one of these namespaces or hold it open.
pub(crate) fn foreign_holders(namespaces: &BTreeSet<PathBuf>, variable: &str) -> Vec<i32> {
    let holders = all().filter(|(pid, _)| !namespaces_of(*pid as u32).is_disjoint(namespaces));
    // One that is ending has no environment any more.
    let foreign = holders.filter(|(_, path)| {
        fs::read(path.join("environ")).is_ok_and(|environment| {
            !environment.is_empty() && !has_variable(&environment, variable)
        })
    });
    foreign.map(|(pid, _)| pid).collect()
}

fn all() -> impl Iterator<Item = (i32, PathBuf)> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}
