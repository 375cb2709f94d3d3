//! This program, started again in another role; and the client's side of a lab's birth.

use std::{
    env,
    ffi::CStr,
    io,
    os::{fd::AsFd, unix::process::CommandExt},
    path::Path,
    process::{self, Child, Command, Stdio},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    sys::{
        prctl,
        signal::{SigSet, Signal, kill},
        stat::Mode,
        wait::waitpid,
    },
    unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid},
};

use super::{
    error::LabError,
    protocol::{Start, encode},
    supervisor,
};
use crate::kernel::{self, Attempt, Channel, KernelError, connect_unix, fork, pidfd_open};

/// Set in the environment of a program that is started again, to the name of its [`Role`].
const ROLE: &str = "LABNET_ROLE";

/// What this program becomes when it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Of a new lab.
    Supervisor,
    /// Of a lab, beside its init.
    Worker,
    /// Of this machine.
    Doctor,
}

impl Role {
    const ALL: [Self; 3] = [Self::Supervisor, Self::Worker, Self::Doctor];

    /// What the command line in the process table shows, after `labnet: `; init has its supervisor's.
    fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "lab",
            Self::Worker => "worker",
            Self::Doctor => "doctor",
        }
    }

    /// What the process table shows as command; 15 bytes at most (PR_SET_NAME).
    fn process_name(self) -> &'static CStr {
        match self {
            Self::Supervisor => c"labnet-super",
            Self::Worker => c"labnet-worker",
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
        dup2_stderr(&null)?;
        Ok(Channel::from_fd(socket))
    }
}

/// The supervisor of a lab that this process brought up; its child.
#[derive(Debug)]
pub(crate) struct Supervisor(Pid);

impl Supervisor {
    pub(crate) fn pid(&self) -> i32 {
        self.0.as_raw()
    }

    pub(crate) fn kill(&self) -> nix::Result<()> {
        kill(self.0, Signal::SIGKILL)
    }

    /// Returns when it has ended; from then on its number may be another process's.
    pub(crate) fn wait(self) -> nix::Result<()> {
        loop {
            match waitpid(self.0, None) {
                Err(Errno::EINTR) => {}
                ended => return ended.map(|_| ()),
            }
        }
    }
}

/// A lab that is being brought up: the conversation with its init, and its supervisor.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) channel: Channel,
    /// Ends when everything of the lab is gone.
    pub(crate) supervisor: Supervisor,
}

/// Starts the supervisor of a new lab and hands it the plan; init's first message tells how it went.
pub(crate) fn launch(start: &Start) -> Result<Launched, LabError> {
    let (channel, supervisor) = Role::Supervisor.start()?;
    let client = pidfd_open(process::id() as i32)?;
    channel
        .send(&encode(start)?, &[client.as_fd()])
        .attempt(|| "hand the plan to the supervisor")?;
    let supervisor = Supervisor(Pid::from_raw(supervisor.id() as i32));
    Ok(Launched { channel, supervisor })
}

/// As [`launch`], for a process with one thread and no event loop: its child goes on as the supervisor. Executing the program
/// once more would take as long as making a node.
pub(crate) fn launch_by_fork(start: Start) -> Result<Launched, LabError> {
    let (channel, theirs) = Channel::pair().attempt(|| "make a pair of sockets")?;
    let client = process::id() as i32;
    match fork()? {
        Some(pid) => Ok(Launched { channel, supervisor: Supervisor(Pid::from_raw(pid)) }),
        None => {
            // As a program that is executed finds it. Nothing here can fail; what could would show as a lab that is gone.
            let _ = SigSet::empty().thread_set_mask();
            let _ = dup2_stdin(theirs);
            supervisor::forked(start, client)
        }
    }
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
