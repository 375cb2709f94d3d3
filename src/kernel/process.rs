//! Processes: started in namespaces, watched by pidfd (pidfd_open(2)).

use std::{
    ffi::{CString, OsStr, OsString},
    fmt, io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    sys::{prctl, signal::Signal, stat::Mode},
};

use super::{
    error::{Attempt, KernelError, words},
    namespace::Namespace,
    sys::{self, Child, Identity, Stage},
};

/// How a program stands to the terminal and its process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// The caller's own group and terminal.
    Inherit,
    /// The caller's session, a group of its own, which gets the terminal at descriptor 0 if there is one.
    Foreground,
    /// A session without a terminal.
    New,
    /// A session whose terminal is descriptor 0.
    NewOnTerminal,
}

/// A program to start.
pub(crate) struct Spawn<'a> {
    /// Joined in this order before all else.
    pub(crate) namespaces: Vec<&'a Namespace>,
    /// The words of its command line, at least one.
    pub(crate) argv: &'a [OsString],
    /// Its whole environment.
    pub(crate) env: &'a [(OsString, OsString)],
    /// As seen in its mount namespace.
    pub(crate) cwd: &'a Path,
    /// Its descriptors 0, 1, 2; the numbers themselves must be above 2, or equal to their place.
    pub(crate) stdio: [BorrowedFd<'a>; 3],
    pub(crate) session: Session,
    /// Killed when the calling thread ends; for programs in a PID namespace below this process's.
    pub(crate) die_with_parent: bool,
    /// Soft and hard limit of open files; as the caller's if none.
    pub(crate) nofile: Option<(u64, u64)>,
    /// Whom to become; the caller stays who he is if none.
    pub(crate) user: Option<&'a Identity>,
}

/// Why a program did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SpawnError {
    /// There is no such program.
    NotFound(String),
    /// There is, but it can't be executed.
    NotExecutable(String, Errno),
    /// Its working directory can't be entered.
    WorkingDirectory(String, Errno),
    /// A word or variable holds a NUL byte.
    Nul,
    /// A step before that failed.
    Step(KernelError),
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(name) if name.contains('/') => write!(f, "`{name}`: no such program"),
            Self::NotFound(name) => write!(f, "`{name}`: no such program in the node's PATH"),
            Self::NotExecutable(name, errno) => {
                write!(f, "cannot execute `{name}`: {}", words(*errno))
            }
            Self::WorkingDirectory(path, errno) => {
                write!(f, "cannot change to folder `{path}`: {}", words(*errno))
            }
            Self::Nul => {
                f.write_str("a word or variable holds a NUL byte, which no program can be given")
            }
            Self::Step(error) => error.fmt(f),
        }
    }
}

impl SpawnError {
    /// The exit code that stands for it, as shells and docker have it: 127, 126, or 125 for labnet's own failures.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::NotExecutable(..) => 126,
            Self::WorkingDirectory(..) | Self::Nul | Self::Step(_) => 125,
        }
    }
}

fn c_string(text: &OsStr) -> Result<CString, SpawnError> {
    CString::new(text.as_bytes()).map_err(|_| SpawnError::Nul)
}

impl Spawn<'_> {
    /// Starts it and returns its pid.
    pub(crate) fn start(&self) -> Result<i32, SpawnError> {
        let argv: Vec<CString> =
            self.argv.iter().map(|word| c_string(word)).collect::<Result<_, _>>()?;
        let variable = |(key, value): &(OsString, OsString)| {
            let mut text = key.clone();
            text.push("=");
            text.push(value);
            c_string(&text)
        };
        let env = self.env.iter().map(variable).collect::<Result<Vec<_>, _>>()?;
        let cwd = c_string(self.cwd.as_os_str())?;
        let namespaces: Vec<RawFd> =
            self.namespaces.iter().map(|namespace| namespace.as_raw_fd()).collect();
        let candidates: Vec<CString> =
            self.candidates().iter().map(|path| c_string(path)).collect::<Result<_, _>>()?;
        let child = Child {
            namespaces: &namespaces,
            candidates: &candidates,
            argv: &argv,
            env: &env,
            cwd: &cwd,
            stdio: self.stdio.map(|fd| fd.as_raw_fd()),
            new_session: matches!(self.session, Session::New | Session::NewOnTerminal),
            controlling_terminal: self.session == Session::NewOnTerminal,
            foreground: self.session == Session::Foreground,
            default_signals: matches!(self.session, Session::New | Session::NewOnTerminal),
            die_with_parent: self.die_with_parent,
            nofile: self.nofile.map(|(rlim_cur, rlim_max)| libc::rlimit { rlim_cur, rlim_max }),
            user: self.user,
        };
        sys::spawn(&child).map_err(|(stage, errno)| self.explain(stage, errno))
    }

    /// The paths to try for the program's name, as execvp(3) does.
    fn candidates(&self) -> Vec<OsString> {
        let Some(name) = self.argv.first().filter(|name| !name.is_empty()) else {
            return Vec::new();
        };
        if name.as_bytes().contains(&b'/') {
            return vec![name.clone()];
        }
        let path = self
            .env
            .iter()
            .find(|(key, _)| key == "PATH")
            .map_or(OsStr::new("/usr/bin:/bin"), |(_, value)| value);
        let candidate = |folder: &[u8]| {
            let folder =
                if folder.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(folder) };
            Path::new(folder).join(name).into_os_string()
        };
        path.as_bytes().split(|byte| *byte == b':').map(candidate).collect()
    }

    fn explain(&self, stage: Stage, errno: Errno) -> SpawnError {
        let name =
            self.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let step = |what: &str| SpawnError::Step(KernelError::new(what, errno));
        match stage {
            Stage::Exec
                if matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::UnknownErrno) =>
            {
                SpawnError::NotFound(name)
            }
            Stage::Exec => SpawnError::NotExecutable(name, errno),
            Stage::WorkingDirectory => {
                SpawnError::WorkingDirectory(self.cwd.display().to_string(), errno)
            }
            Stage::Clone => step("start a process"),
            Stage::JoinNamespaces => step("join the node's namespaces"),
            Stage::StandardStreams => step("set up the standard streams"),
            Stage::Terminal => step("set up the session, group or terminal"),
            Stage::Limits => step("set the limit of open files"),
            Stage::User => step("become the user"),
        }
    }
}

/// Opens /dev/null where a standard stream is closed, as the standard library does before `main`: else the next file or
/// socket to be opened would be taken for that stream.
pub(crate) fn open_standard_streams() {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for stream in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        if fcntl(stream, FcntlArg::F_GETFD) == Err(Errno::EBADF)
            && let Ok(null) = open("/dev/null", OFlag::O_RDWR, Mode::empty())
        {
            // The lowest free number, which this is, must stay open.
            let _ = null.into_raw_fd();
        }
    }
}

/// fork(2) for a process with one thread; `None` in the child.
pub(crate) fn fork() -> Result<Option<i32>, KernelError> {
    sys::fork().attempt(|| "start a process")
}

/// Has the kernel kill this process when `parent` ends; if it already has, ends now.
pub(crate) fn die_with_parent(parent: BorrowedFd<'_>) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if super::poll::wait_readable(&[parent], Some(std::time::Duration::ZERO))?[0] {
        std::process::exit(1);
    }
    Ok(())
}

/// A descriptor that becomes readable when the process ends.
pub(crate) fn pidfd_open(pid: i32) -> Result<OwnedFd, KernelError> {
    sys::pidfd_open(pid).attempt(|| format!("watch process {pid}"))
}
