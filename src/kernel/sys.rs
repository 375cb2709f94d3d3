//! The one module with `unsafe`: system calls that have no safe wrapper, each with the reason why it is sound.
#![allow(unsafe_code)]

mod batch;
mod interface;
mod ring;

pub(crate) use batch::{BATCH, in_real_time, send_frames};
pub(crate) use interface::{EthtoolSet, ethtool_off};
pub(crate) use ring::{
    RingMemory, attach_filter, bind_to_interface, bind_to_send, interface_kind, make_ring,
    packet_statistics, set_packet_number,
};

use std::{
    ffi::{CStr, CString, c_int, c_void},
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use nix::{errno::Errno, sys::signal::Signal};
use tokio::io::unix::AsyncFd;

/// Runs a function when the program is loaded, before `main` and before any thread exists.
///
/// A program may need this for namespaces that only a process with one thread can enter.
#[doc(hidden)]
#[macro_export]
macro_rules! at_load {
    ($(#[$attribute:meta])* $function:path) => {
        // No `allow(unsafe_code)` of its own: within a crate that forbids unsafe code, that would be an error, while what
        // another crate's macro does is not held against it.
        $(#[$attribute])*
        const _: () = {
            #[used]
            // SAFETY: the C runtime calls each function listed in this section once, in the only thread, with the
            // standard library's needs (allocator, environment) in place.
            #[unsafe(link_section = ".init_array")]
            static AT_LOAD: extern "C" fn() = {
                extern "C" fn run() {
                    $function();
                }
                run
            };
        };
    };
}

/// As [`at_load!`](crate::at_load), for this crate's own modules, where the lint counts.
macro_rules! at_own_load {
    ($function:path) => {
        $crate::at_load!(
            #[allow(unsafe_code)]
            $function
        );
    };
}
pub(crate) use at_own_load;

/// Takes ownership of a descriptor that the kernel has just handed to this process.
pub(crate) fn own_fd(fd: RawFd) -> OwnedFd {
    // SAFETY: callers pass descriptors received by SCM_RIGHTS or from a call that returned them; nobody else owns them.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Watches a descriptor by the running event loop.
pub(crate) fn async_fd<T: AsFd + AsRawFd>(inner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: callers pass owners of one descriptor, which they keep open and the same for as long as they live.
    unsafe { AsyncFd::register(inner) }.map_err(io::Error::from)
}

/// Removes a variable from the environment, so that programs started from here do not inherit it.
pub(crate) fn unset_variable(name: &str) {
    // SAFETY: called before any other thread exists, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) }
}

/// Has writes to a closed pipe or socket return EPIPE instead of ending the process, as Rust programs expect.
pub(crate) fn ignore_broken_pipes() {
    // SAFETY: SIG_IGN runs no code, and SIGPIPE may be ignored: this can't fail.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Has these signals wake this process without ending or stopping it, unless it ignores them; programs it starts have them
/// as it had. Lets it wait for children, which whoever started it may have had ignored.
pub(crate) fn catch_signals(signals: &[Signal]) {
    extern "C" fn nothing(_: c_int) {}
    // SAFETY: SIG_DFL runs no code, and SIGCHLD may be reset.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    for signal in signals.iter().map(|signal| *signal as c_int) {
        // SAFETY: the handler does nothing, which is safe at any moment; sigaction is plain data.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, ptr::null(), &raw mut action);
            if action.sa_sigaction != libc::SIG_IGN {
                action = std::mem::zeroed();
                action.sa_sigaction = nothing as *const () as usize;
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
    }
}

/// Closes every descriptor above 2 that whoever started this program left open in it.
pub(crate) fn close_inherited() {
    // SAFETY: called before anything in this process has opened a descriptor, or where whatever has will not run any more
    // (after a fork). A kernel without it (before 5.9) leaves them open, which harms only those who wait for their end.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

/// Has writes to a closed pipe end this process, as people expect of a program in a pipeline.
pub(crate) fn die_of_broken_pipes() {
    // SAFETY: SIG_DFL runs no code, and SIGPIPE may be reset: this can't fail.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// What waitpid(2) tells of a child; signals are numbers, as real-time ones have no other name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Exited(i32),
    Killed(i32),
    Stopped,
}

/// What has changed with a child since it was last asked for, without waiting; -1 is any child. Stops count if `stops`.
pub(crate) fn poll_child(pid: i32, stops: bool) -> nix::Result<Option<(i32, Change)>> {
    let flags = libc::WNOHANG | if stops { libc::WUNTRACED } else { 0 };
    let mut status = 0;
    // SAFETY: `status` lives through the call.
    let pid = Errno::result(unsafe { libc::waitpid(pid, &raw mut status, flags) })?;
    let change = if libc::WIFEXITED(status) {
        Change::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Change::Killed(libc::WTERMSIG(status))
    } else {
        Change::Stopped
    };
    Ok((pid != 0).then_some((pid, change)))
}

/// pidfd_open(2).
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: a plain system call on integers; a non-negative result is a new descriptor that we own.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(own_fd(fd as RawFd)) }
}

/// fork(2), for processes with one thread; the child's pid in the parent, `None` in the child.
pub(crate) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: callers have one thread (`up` and a supervisor before a runtime exists, `exec` after its runtime has ended), so
    // no lock can be held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        ..0 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid)),
    }
}

/// Makes the terminal at descriptor 0 the controlling one of this session (TIOCSCTTY), within [`spawn`]'s child.
unsafe fn set_controlling_terminal() -> c_int {
    // SAFETY: an ioctl on an integer argument.
    unsafe { libc::ioctl(0, libc::TIOCSCTTY as libc::Ioctl, 0) }
}

/// A user as the kernel knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// All groups, `gid` among them.
    pub(crate) groups: Vec<u32>,
}

/// What [`spawn`] does between clone and exec, all prepared: the child allocates nothing.
pub(crate) struct Child<'a> {
    /// Joined in this order.
    pub(crate) namespaces: &'a [RawFd],
    /// Tried in this order, as execvp(3) does.
    pub(crate) candidates: &'a [CString],
    pub(crate) argv: &'a [CString],
    pub(crate) env: &'a [CString],
    pub(crate) cwd: &'a CStr,
    /// Become descriptors 0, 1, 2.
    pub(crate) stdio: [RawFd; 3],
    pub(crate) new_session: bool,
    pub(crate) controlling_terminal: bool,
    /// A group of its own, in the foreground of the terminal at descriptor 0, if that is one.
    pub(crate) foreground: bool,
    /// Whether ignored signals are reset too; else the program inherits them, as under nohup(1).
    pub(crate) default_signals: bool,
    /// For a child in a PID namespace below this process's.
    pub(crate) die_with_parent: bool,
    pub(crate) nofile: Option<libc::rlimit>,
    pub(crate) user: Option<&'a Identity>,
}

/// The steps of the child that can fail, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Clone,
    JoinNamespaces,
    StandardStreams,
    Terminal,
    Limits,
    WorkingDirectory,
    User,
    Exec,
}

struct Shared<'a> {
    child: &'a Child<'a>,
    argv: Vec<*const libc::c_char>,
    env: Vec<*const libc::c_char>,
    /// The signals that are blocked in the program.
    mask: libc::sigset_t,
    failed: Option<(Stage, c_int)>,
}

fn blocked_signals() -> libc::sigset_t {
    // SAFETY: sigset_t is plain data, filled by the call, which changes nothing without a new set.
    unsafe {
        let mut mask = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &raw mut mask);
        mask
    }
}

/// Starts a program with vfork semantics: the child borrows this process's memory and this thread waits until it has
/// executed its program or failed, so nothing is copied and nothing can be seen half-way.
pub(crate) fn spawn(child: &Child<'_>) -> Result<i32, (Stage, Errno)> {
    const STACK: usize = 64 * 1024;
    let pointers = |words: &[CString]| {
        words
            .iter()
            .map(|word| word.as_ptr())
            .chain([ptr::null()])
            .collect::<Vec<*const libc::c_char>>()
    };
    let mut shared = Shared {
        child,
        argv: pointers(child.argv),
        env: pointers(child.env),
        mask: blocked_signals(),
        failed: None,
    };
    let mut stack = vec![0u128; STACK / 16];
    let top = stack.as_mut_ptr_range().end.cast::<c_void>();
    // SAFETY: sigset_t is plain data filled by sigfillset. All signals are blocked around the clone, so that no handler
    // of this process runs in the child. With CLONE_VM | CLONE_VFORK this thread sleeps until the child execs or
    // exits, so `shared` and `stack` outlive its use of them and are not used from two sides at once.
    let pid = unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        let before = shared.mask;
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let pid = libc::clone(run_child, top, flags, (&raw mut shared).cast());
        let errno = Errno::last();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        if pid < 0 { Err((Stage::Clone, errno)) } else { Ok(pid) }
    }?;
    match shared.failed {
        None => Ok(pid),
        Some((stage, errno)) => {
            // SAFETY: reaps the child that has just exited; no pointer is passed but a null one.
            unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
            Err((stage, Errno::from_raw(errno)))
        }
    }
}

extern "C" fn run_child(argument: *mut c_void) -> c_int {
    // SAFETY: `argument` is the `Shared` of the sleeping parent; nothing else uses it now.
    let shared = unsafe { &mut *argument.cast::<Shared<'_>>() };
    let stage = prepare_and_exec(shared);
    shared.failed = Some((stage, Errno::last_raw()));
    // SAFETY: leaves without running exit handlers of the memory's owner.
    unsafe { libc::_exit(127) }
}

/// Returns only if a step failed; errno tells why.
fn prepare_and_exec(shared: &Shared<'_>) -> Stage {
    let child = shared.child;
    // SAFETY: only async-signal-safe calls, on integers and on memory that `spawn` prepared and keeps.
    unsafe {
        for &namespace in child.namespaces {
            if libc::setns(namespace, 0) != 0 {
                return Stage::JoinNamespaces;
            }
        }
        for (to, &from) in child.stdio.iter().enumerate() {
            if libc::dup2(from, to as c_int) < 0 {
                return Stage::StandardStreams;
            }
        }
        if child.new_session && libc::setsid() < 0 {
            return Stage::Terminal;
        }
        if child.controlling_terminal && set_controlling_terminal() != 0 {
            return Stage::Terminal;
        }
        if child.foreground {
            if libc::setpgid(0, 0) != 0 {
                return Stage::Terminal;
            }
            // SIGTTOU is blocked here; without a terminal this fails and nothing is lost.
            libc::tcsetpgrp(0, libc::getpgrp());
        }
        if let Some(limit) = &child.nofile
            && libc::setrlimit(libc::RLIMIT_NOFILE, limit) != 0
        {
            return Stage::Limits;
        }
        if libc::chdir(child.cwd.as_ptr()) != 0 {
            return Stage::WorkingDirectory;
        }
        if let Some(Identity { uid, gid, groups }) = child.user {
            // The C library's own functions of these names change all threads of the memory's owner.
            let groups = libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr());
            let ids = groups | libc::syscall(libc::SYS_setgid, *gid);
            if (ids | libc::syscall(libc::SYS_setuid, *uid)) != 0 {
                return Stage::User;
            }
        }
        if child.die_with_parent {
            // Becoming another user would clear it (PR_SET_PDEATHSIG(2const)).
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() == 1 {
                // The parent has ended already: this process is init's.
                libc::_exit(127);
            }
        }
        for signal in 1..65 {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, ptr::null(), &raw mut action);
            // A handler must not run here, in the memory of its owner; exec would reset it anyway.
            if child.default_signals || action.sa_sigaction != libc::SIG_IGN {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const shared.mask, ptr::null_mut());
        let mut denied = false;
        for candidate in child.candidates {
            libc::execve(candidate.as_ptr(), shared.argv.as_ptr(), shared.env.as_ptr());
            match Errno::last() {
                Errno::ENOENT | Errno::ENOTDIR => {}
                // A folder of PATH that may not be searched holds no program for this user.
                Errno::EACCES => {
                    denied |= child.candidates.len() == 1
                        || libc::access(candidate.as_ptr(), libc::F_OK) == 0;
                }
                _ => return Stage::Exec,
            }
        }
        Errno::set_raw(if denied { libc::EACCES } else { libc::ENOENT });
        Stage::Exec
    }
}
