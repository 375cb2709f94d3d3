//! How `exec` and `shell` run a program in a node from outside, as nsenter(1) does.
//!
//! ```text
//! labnet (in the caller's process group) ─ middle (joins, starts, reaps) ─ the program, in the node
//! ```
//!
//! The program has the caller's own standard streams: no byte is relayed. The middle process is in a group of its own, so
//! that a stopped or interrupted job never stops it: a process in the lab's PID namespace that nobody reaps would pin the
//! lab. When `labnet` dies, the middle ends the program; when the middle dies, the kernel does.

use std::{
    env,
    ffi::OsString,
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    process,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, Signal, kill, raise},
        signalfd::{SfdFlags, SignalFd},
        wait::waitpid,
    },
    unistd::{Pid, setpgid},
};
use serde::{Deserialize, Serialize};

use super::{
    exit::{Failure, LABNET_FAILED, Outcome, TIMED_OUT},
    terminal::Terminal,
};
use crate::{
    init::{Exit, Joined, NODE_VARIABLE, decode, encode},
    kernel::{
        Change, Channel, Identity, KernelError, Namespace, NamespaceKind, Session, Spawn, Stat,
        catch_signals, family, fork, pidfd_open, poll_child, wait_readable,
    },
};

/// How long a program that is told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// A program to run in a node.
pub(super) struct Visit {
    pub(super) joined: Joined,
    /// As they came with `joined`.
    pub(super) namespaces: Vec<OwnedFd>,
    pub(super) argv: Vec<OsString>,
    /// Its whole environment.
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) cwd: PathBuf,
    /// Whom to become.
    pub(super) user: Option<Identity>,
    pub(super) timeout: Option<Duration>,
    /// Whether it gets a process group of its own, in the terminal's foreground; else it is in the caller's.
    pub(super) own_group: bool,
}

/// What the middle process tells `labnet`.
#[derive(Debug, Serialize, Deserialize)]
enum Report {
    Started(i32),
    Stopped,
    Ended(Exit),
    TimedOut,
    NotStarted { code: u8, why: String },
}

impl Visit {
    /// Runs the program to its end and passes its exit code on: 128 + n for signal n, 124 if its time ran out.
    pub(super) fn run(self) -> Outcome {
        let failed = |error: &dyn std::fmt::Display| Failure::new(LABNET_FAILED, error);
        let own_group = self.own_group;
        let mut terminal = Terminal::open(own_group);
        let (ours, theirs) = Channel::pair().map_err(|errno| failed(&errno))?;
        let outer = pidfd_open(process::id() as i32).map_err(|error| failed(&error))?;
        // What the terminal says to a foreground group is for the program to judge. A shell in a group of its own does not
        // hear that the terminal is closed: then this process ends, which the middle passes on.
        let foreground = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGHUP];
        catch_signals(&foreground[..if own_group { 3 } else { 4 }]);
        match fork().map_err(|error| failed(&error))? {
            None => {
                drop(ours);
                process::exit(self.middle(&theirs, &outer))
            }
            Some(middle) => {
                // The lab must not be held by descriptors here when it ends.
                drop((self, theirs));
                let outcome = attend(&ours, &mut terminal, own_group);
                terminal.take_back();
                // It ends now, or has been killed.
                let _ = waitpid(Pid::from_raw(middle), None);
                outcome
            }
        }
    }

    /// The middle process.
    fn middle(&self, reports: &Channel, outer: &OwnedFd) -> i32 {
        // Only for people who look at the process table.
        let _ = prctl::set_name(c"labnet-join");
        let pid = match self.start() {
            Ok(pid) => pid,
            Err((code, why)) => {
                report(reports, &Report::NotStarted { code, why });
                return 1;
            }
        };
        report(reports, &Report::Started(pid));
        // From here on the terminal's signals are for the program and `labnet` alone.
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        let last = self.reap(Pid::from_raw(pid), reports, outer).unwrap_or_else(|error| {
            let why = format!("cannot wait for the program: {error}");
            Report::NotStarted { code: LABNET_FAILED, why }
        });
        report(reports, &last);
        0
    }

    /// Joins the node and starts the program there.
    fn start(&self) -> Result<i32, (u8, String)> {
        let odd = || (LABNET_FAILED, "the lab sent no namespaces".to_owned());
        let mut namespaces = Vec::new();
        for fd in &self.namespaces {
            let fd = fd.try_clone().map_err(|error| (LABNET_FAILED, error.to_string()))?;
            namespaces.push(Namespace::from(fd));
        }
        // As init lists them: perhaps the user namespace, then pid, mount, uts, net.
        let first = usize::from(self.joined.user_namespace);
        let (before, rest) = namespaces.split_at_checked(first + 1).ok_or_else(odd)?;
        for namespace in before {
            // From a node of the lab, nobody may enter again the user namespace that he is in (setns(2)).
            if namespace.is_current(NamespaceKind::User) {
                continue;
            }
            namespace.join().map_err(|errno| {
                let error = KernelError::new("join the lab's user and PID namespaces", errno);
                // A process moves into user and PID namespaces below its own only (setns(2)).
                let why = match errno {
                    Errno::EINVAL | Errno::EPERM if env::var_os(NODE_VARIABLE).is_some() => {
                        "from inside a node, only nodes of its own lab can be entered".to_owned()
                    }
                    _ => error.to_string(),
                };
                (LABNET_FAILED, why)
            })?;
        }
        let [mount, uts, net] = rest else { return Err(odd()) };
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let spawn = Spawn {
            namespaces: vec![net, uts, mount],
            argv: &self.argv,
            env: &self.env,
            cwd: &self.cwd,
            stdio: [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
            session: if self.own_group { Session::Foreground } else { Session::Inherit },
            die_with_parent: true,
            nofile: None,
            user: self.user.as_ref(),
        };
        spawn.start().map_err(|error| (error.exit_code(), error.to_string()))
    }

    /// Waits for the program, tells of its stops, and ends it when its time is over or `labnet` is gone.
    fn reap(&self, pid: Pid, reports: &Channel, outer: &OwnedFd) -> io::Result<Report> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let mut deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // Whether it has been told to end, and whether because of its time.
        let (mut told, mut timed_out) = (false, false);
        loop {
            while let Ok(Some(_)) = signals.read_signal() {}
            match poll_child(pid.as_raw(), true)?.map(|(_, change)| change) {
                Some(Change::Exited(_) | Change::Killed(_)) if timed_out => {
                    return Ok(Report::TimedOut);
                }
                Some(Change::Exited(code)) => return Ok(Report::Ended(Exit::Code(code))),
                Some(Change::Killed(signal)) => return Ok(Report::Ended(Exit::Signal(signal))),
                Some(Change::Stopped) => report(reports, &Report::Stopped),
                None => {}
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let mut watched = vec![signals.as_fd()];
            watched.extend((!told).then(|| outer.as_fd()));
            let ready = wait_readable(&watched, left)?;
            let gone = ready.get(1) == Some(&true);
            if gone || ready.iter().all(|ready| !ready) {
                timed_out |= !gone && !told;
                self.end(pid, told);
                told = true;
                deadline = Some(Instant::now() + GRACE);
            }
        }
    }

    /// Tells the program to end, or kills it if it has been told; with it, those of its children that are still in its
    /// group, as timeout(1) does.
    ///
    /// A shell in a group of its own is killed at once and its jobs are hung up on, as it would do itself: left to it, it
    /// would also reset the modes of a terminal that is the caller's shell's again.
    fn end(&self, pid: Pid, told: bool) {
        let group = Stat::of(pid.as_raw()).map(|stat| stat.group);
        let mut processes = Stat::all();
        processes.retain(|process| self.own_group || Some(process.group) == group);
        for process in family(pid.as_raw(), &processes, |_| false) {
            let signal = match (told, self.own_group) {
                (false, true) if process != pid.as_raw() => Signal::SIGHUP,
                (false, false) => Signal::SIGTERM,
                _ => Signal::SIGKILL,
            };
            // It may have ended in this moment; a stopped one must go on to be able to end.
            let _ = kill(Pid::from_raw(process), signal);
            let _ = kill(Pid::from_raw(process), Signal::SIGCONT);
        }
    }
}

fn report(reports: &Channel, report: &Report) {
    if let Ok(bytes) = encode(report) {
        // `labnet` may be gone, which the middle notices by other means.
        let _ = reports.send(&bytes, &[]);
    }
}

/// `labnet`'s part: stops when the program stops, and learns how it ends.
fn attend(reports: &Channel, terminal: &mut Terminal, own_group: bool) -> Outcome {
    let mut program = None;
    loop {
        let report = reports.recv().ok().and_then(|(body, _)| decode(&body).ok());
        match report {
            Some(Report::Started(pid)) => program = Some(Pid::from_raw(pid)),
            Some(Report::Stopped) => {
                if let Some(program) = program.filter(|program| is_stopped(*program)) {
                    stop_with(program, terminal, own_group);
                }
            }
            Some(Report::Ended(Exit::Code(code))) => return Ok(code as u8),
            Some(Report::Ended(Exit::Signal(signal))) => return Ok(128 + signal as u8),
            Some(Report::TimedOut) => {
                return Err(Failure::new(TIMED_OUT, "the program's time is over; it was ended"));
            }
            Some(Report::NotStarted { code, why }) => return Err(Failure::new(code, why)),
            None => {
                let why = "the process between labnet and the program was killed, and the program with it";
                return Err(Failure::new(LABNET_FAILED, why));
            }
        }
    }
}

/// Whether it is still stopped: the signals that stop and continue a job reach `labnet` too, so the news of a stop may be
/// older than the shell's `fg`.
fn is_stopped(program: Pid) -> bool {
    Stat::of(program.as_raw()).is_some_and(|stat| stat.state == b'T')
}

/// Stops this process as the program has stopped, so that the caller's shell sees it; goes on when the shell says so.
fn stop_with(program: Pid, terminal: &mut Terminal, own_group: bool) {
    let modes = terminal.modes();
    if own_group {
        terminal.take_back();
    }
    // SIGSTOP can't fail or be caught; the call returns when the job is continued.
    let _ = raise(Signal::SIGSTOP);
    if own_group {
        terminal.lend(program, modes.as_ref());
        let _ = kill(Pid::from_raw(-program.as_raw()), Signal::SIGCONT);
    } else {
        let _ = kill(program, Signal::SIGCONT);
    }
}
