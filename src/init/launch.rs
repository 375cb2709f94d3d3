//! This program, started again in another role; and the client's side of a lab's birth.

use std::{
    env,
    ffi::CStr,
    io,
    os::{fd::AsFd, unix::process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    sys::{prctl, stat::Mode},
    unistd::{dup2_stdin, dup2_stdout, setsid},
};

use super::{
    error::LabError,
    protocol::{Start, encode},
};
use crate::kernel::{self, Attempt, Channel, KernelError, connect_unix, pidfd_open};

/// Set in the environment of a program that is started again, to the name of its [`Role`].
const ROLE: &str = "LABNET_ROLE";

/// What this program becomes when it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Of a new lab.
    Supervisor,
    /// Of this machine.
    Doctor,
}

impl Role {
    const ALL: [Self; 2] = [Self::Supervisor, Self::Doctor];

    /// What the command line in the process table shows, after `labnet: `; init has its supervisor's.
    fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "lab",
            Self::Doctor => "doctor",
        }
    }

    /// What the process table shows as command; 15 bytes at most (PR_SET_NAME).
    fn process_name(self) -> &'static CStr {
        match self {
            Self::Supervisor => c"labnet-super",
            Self::Doctor => c"labnet-doctor",
        }
    }

    /// The role this process was started in, if it was started again.
    pub(super) fn of_this_process() -> Option<Self> {
        let name = env::var_os(ROLE)?;
        let role = Self::ALL.into_iter().find(|role| name == role.name())?;
        // A variable may also have strayed in from somewhere: then there is nobody to talk to.
        Channel::is_one(&io::stdin()).then_some(role)
    }

    /// Starts this program again in the role, and returns the conversation with it.
    pub(super) fn start(self) -> Result<(Channel, Child), KernelError> {
        let (ours, theirs) = Channel::pair().attempt(|| "make a pair of sockets")?;
        let name = self.name();
        let child = Command::new("/proc/self/exe")
            .arg0(format!("labnet: {name}"))
            .env(ROLE, name)
            .stdin(theirs.into_fd())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .attempt(|| format!("start this program again (/proc/self/exe) as `labnet: {name}`"))?;
        Ok((ours, child))
    }

    /// Cuts what ties this process to where it was started from, but for its folder, which files of a plan may be relative
    /// to; returns its end of the conversation, which was its standard input.
    pub(super) fn take_over(self) -> io::Result<Channel> {
        kernel::unset_variable(ROLE);
        // A lock, or the pipe of somebody who waits for its end, must not stay open as long as the lab is up.
        kernel::close_inherited();
        kernel::ignore_broken_pipes();
        prctl::set_name(self.process_name())?;
        setsid()?;
        let socket = kernel::own_fd(fcntl(io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(3))?);
        let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        Ok(Channel::from_fd(socket))
    }
}

/// A lab that is being brought up: the conversation with its init, and its supervisor.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) channel: Channel,
    /// Ends when everything of the lab is gone.
    pub(crate) supervisor: Child,
}

/// Starts the supervisor of a new lab and hands it the plan; init's first message tells how it went.
pub(crate) fn launch(start: &Start) -> Result<Launched, LabError> {
    let (channel, supervisor) = Role::Supervisor.start()?;
    let client = pidfd_open(std::process::id() as i32)?;
    channel
        .send(&encode(start)?, &[client.as_fd()])
        .attempt(|| "hand the plan to the supervisor")?;
    Ok(Launched { channel, supervisor })
}

/// Connects to the init of a public lab, given its directory.
pub(crate) fn connect(directory: &Path) -> Result<Channel, LabError> {
    let path = directory.join("socket");
    connect_unix(&path).map_err(|errno| match errno {
        // Nobody listens there any more: the lab is ending, or was killed.
        Errno::ENOENT | Errno::ECONNREFUSED => LabError::Gone,
        _ => KernelError::new(format!("connect to {}", path.display()), errno).into(),
    })
}
