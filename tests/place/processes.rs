//! The process table, as far as it is this test's.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::pause;

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
        stat(self.pid).first()?.chars().next()
    }

    /// Whether its group has the foreground of its terminal.
    pub(crate) fn in_foreground(&self) -> bool {
        let fields = stat(self.pid);
        fields.len() > TPGID && fields[PGRP] == fields[TPGID]
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state() == Some('T')
    }

    /// Whether it is there no more, or only for its parent to be reaped.
    pub(crate) fn has_ended(&self) -> bool {
        has_ended(&stat(self.pid))
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

/// What a process was started with (proc_pid_environ(5)); nothing if it is ending.
///
/// All of it is read in one call: of a process that ends between two, only what the first gave would come.
fn environment(process: &Path) -> Vec<u8> {
    let mut environment = vec![0; ENVIRONMENT];
    let file = File::open(process.join("environ"));
    let len = file.and_then(|mut file| file.read(&mut environment)).unwrap_or_default();
    environment.truncate(len);
    environment
}

/// More than any environment here has.
const ENVIRONMENT: usize = 1 << 18;

fn has_variable(environment: &[u8], variable: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

/// The living processes with this variable in the environment they were started with.
///
/// One that is about to end has no environment any more, so it can't be told whose it is, but may still hold locks and namespaces
/// (`do_exit` in kernel/exit.c): it is waited for, unless it takes long as it waits for others itself.
pub(crate) fn tagged(variable: &str) -> Vec<Process> {
    all()
        .filter(|(pid, path)| {
            let environment = environment(path);
            if environment.is_empty() {
                let deadline = Instant::now() + ENDING;
                while is_ending(*pid) && Instant::now() < deadline {
                    pause();
                }
            }
            has_variable(&environment, variable)
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

/// How long a process may take to end.
const ENDING: Duration = Duration::from_secs(2);

/// Whether it is about to end.
fn is_ending(pid: i32) -> bool {
    /// In include/linux/sched.h.
    const PF_EXITING: u32 = 4;
    let fields = stat(pid);
    number(&fields, FLAGS).is_some_and(|flags| flags & PF_EXITING != 0) && !has_ended(&fields)
}

/// Whether it has ended with all its threads, by what [`stat`] says.
fn has_ended(fields: &[String]) -> bool {
    fields.first().is_none_or(|state| state == "Z") && number(fields, THREADS) <= Some(1)
}

fn number(fields: &[String], place: usize) -> Option<u32> {
    fields.get(place)?.parse().ok()
}

/// What follows a process's name in proc_pid_stat(5), its state first; nothing if it has ended.
fn stat(pid: i32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split_whitespace().map(str::to_owned).collect()
}

/// Places of fields there.
const PGRP: usize = 2;
const TPGID: usize = 5;
const FLAGS: usize = 6;
const THREADS: usize = 17;

/// The living processes without this variable that are in one of these namespaces or hold it open, each with all of its own.
pub(crate) fn foreign_holders(
    namespaces: &BTreeSet<PathBuf>,
    variable: &str,
) -> Vec<(i32, BTreeSet<PathBuf>)> {
    let holder = |(pid, path): (i32, PathBuf)| {
        let own = namespaces_of(pid as u32);
        let environment = environment(&path);
        // One that is ending has no environment any more.
        let foreign = !environment.is_empty() && !has_variable(&environment, variable);
        (foreign && !own.is_disjoint(namespaces)).then_some((pid, own))
    };
    all().filter_map(holder).collect()
}

fn all() -> impl Iterator<Item = (i32, PathBuf)> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}
