//! The supervisor: starts init, waits, and removes from the host what the kernel does not.

use std::{
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    process,
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::{
        resource::{Resource, getrlimit},
        signal::{Signal, kill},
        stat::{Mode, umask},
        wait::waitpid,
    },
    unistd::{Pid, chdir, getppid},
};
use serde::{Deserialize, Serialize};

use super::{
    error::LabError,
    launch::Role,
    protocol::{Message, PublicLab, Reply, Start, decode, encode},
    runtime::{LabDir, add_netns_names, register},
    serve,
};
use crate::kernel::{
    self, Attempt, Channel, KernelError, Namespace, NamespaceKind, RecvError, fork, has_capability,
    map_root, pidfd_open, wait_readable,
};

/// What init tells its supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Notice {
    /// A public lab is complete: record it, and name each node for `ip netns` by the number of init's descriptor of its
    /// namespace. Answered by [`Published`].
    Publish(Vec<(String, i32)>),
    /// The client may go.
    Detached,
}

/// The names made, in the order asked for, or why there are none; or why the lab can't be public.
pub(super) type Published = Result<Result<Vec<Option<String>>, KernelError>, LabError>;

/// What init is born with.
pub(super) struct Birth {
    pub(super) start: Start,
    pub(super) dir: LabDir,
    /// The conversation with the supervisor.
    pub(super) supervisor: Channel,
    pub(super) supervisor_pidfd: OwnedFd,
    /// Where clients of a public lab connect.
    pub(super) listener: Option<UnixListener>,
    /// The user namespace of a lab without root.
    pub(super) user_namespace: Option<Namespace>,
    /// The user's own limit of open files, soft and hard.
    pub(super) nofile: (u64, u64),
    /// The user's own file mode creation mask, for programs.
    pub(super) mask: Mode,
}

/// Which of the two processes this one is after the fork.
enum Side {
    Supervisor(Init),
    Init(Box<Birth>),
}

/// The lab's init as its supervisor sees it.
struct Init {
    pid: i32,
    pidfd: OwnedFd,
    channel: Channel,
    public: Option<PublicLab>,
    client: OwnedFd,
    dir: LabDir,
}

/// The whole life of a supervisor, in a process that [`launch`](super::launch::launch) started.
pub(super) fn main() -> ! {
    let Ok(client) = Role::Supervisor.take_over() else { process::exit(1) };
    let received = receive(&client);
    run(client, received)
}

/// The whole life of a supervisor that is a fork of its client, whose socket is its standard input.
pub(super) fn forked(start: Start, client: i32) -> ! {
    let Ok(channel) = Role::Supervisor.take_over() else { process::exit(1) };
    let pidfd = pidfd_open(client).map_err(LabError::from);
    // If it has ended, its number may be another's by now.
    let pidfd = if getppid().as_raw() == client { pidfd } else { Err(LabError::Gone) };
    run(channel, pidfd.map(|pidfd| (start, pidfd)))
}

/// The plan, and the client's pidfd.
fn receive(channel: &Channel) -> Result<(Start, OwnedFd), LabError> {
    let (body, mut fds) = channel.recv().map_err(|error| match error {
        RecvError::Failed(errno) => KernelError::new("receive the plan", errno).into(),
        _ => LabError::Gone,
    })?;
    Ok((decode(&body)?, fds.pop().ok_or(LabError::Gone)?))
}

fn run(client: Channel, received: Result<(Start, OwnedFd), LabError>) -> ! {
    match received.and_then(|(start, pidfd)| begin(start, pidfd)) {
        Ok(Side::Init(birth)) => serve::main(*birth, client),
        Ok(Side::Supervisor(init)) => {
            // Init alone speaks with the client from here on: its end must be the conversation's end.
            drop(client);
            init.watch();
            process::exit(0)
        }
        Err(error) => {
            if let Ok(bytes) = encode(&Message { id: 0, body: Reply::Failed(error) }) {
                // If the client is gone, nobody needs to know.
                let _ = client.send(&bytes, &[]);
            }
            process::exit(1)
        }
    }
}

fn begin(start: Start, client: OwnedFd) -> Result<Side, LabError> {
    // Programs of any user must be able to use what the lab makes; the caller's mask is for them and what they make.
    let mask = umask(Mode::from_bits_truncate(0o022));
    let dir = LabDir::claim(start.public.as_ref().map(|public| &public.name))?;
    let public = start.public.clone();
    match prepare(start, &dir, mask).and_then(|prepared| Ok((prepared, fork()?))) {
        Ok(((birth, _), None)) => Ok(Side::Init(Box::new(birth(dir)))),
        Ok(((_, channel), Some(pid))) => {
            let pidfd = pidfd_open(pid)?;
            Ok(Side::Supervisor(Init { pid, pidfd, channel, public, client, dir }))
        }
        Err(error) => {
            dir.remove(None);
            Err(error)
        }
    }
}

/// Makes all that must exist before the fork: what init is born with, but for the directory, and the supervisor's end.
fn prepare(
    start: Start,
    dir: &LabDir,
    mask: Mode,
) -> Result<(impl FnOnce(LabDir) -> Birth + use<>, Channel), LabError> {
    let listener = match &start.public {
        Some(_) => Some(listen(dir)?),
        None => None,
    };
    let nofile = getrlimit(Resource::RLIMIT_NOFILE).attempt(|| "read the limit of open files")?;
    let user_namespace = if has_capability() {
        None
    } else {
        map_root()?;
        Some(Namespace::current(NamespaceKind::User)?)
    };
    unshare(CloneFlags::CLONE_NEWPID).attempt(|| "create a PID namespace")?;
    let (ours, theirs) = Channel::pair().attempt(|| "make a pair of sockets")?;
    let supervisor_pidfd = pidfd_open(process::id() as i32)?;
    let birth = move |dir| Birth {
        start,
        dir,
        supervisor: theirs,
        supervisor_pidfd,
        listener,
        user_namespace,
        nofile,
        mask,
    };
    Ok((birth, ours))
}

fn listen(dir: &LabDir) -> Result<UnixListener, LabError> {
    let path = dir.socket();
    // Born so that nobody else can connect, not even for a moment.
    let before = umask(Mode::from_bits_truncate(0o177));
    let listener = kernel::listen_unix(&path);
    umask(before);
    let listener = listener.attempt(|| format!("listen on {}", path.display()))?;
    Ok(listener.into())
}

impl Init {
    /// Sleeps until init has ended, kills it if its only client ends, then removes what is left on the host.
    fn watch(self) {
        // The folder it was started from may be on a file system that is to be unmounted. This can't fail.
        let _ = chdir("/");
        let (mut attached, mut heard) = (true, true);
        loop {
            let mut fds = vec![self.pidfd.as_fd()];
            fds.extend(heard.then(|| self.channel.as_fd()));
            fds.extend(attached.then(|| self.client.as_fd()));
            let Ok(ready) = wait_readable(&fds, None) else { break };
            if ready[0] {
                break;
            }
            if heard && ready[1] {
                match self.channel.recv().ok().and_then(|(body, _)| decode(&body).ok()) {
                    Some(Notice::Detached) => attached = false,
                    Some(Notice::Publish(nodes)) => self.answer(&self.publish(&nodes)),
                    None => heard = false,
                }
            } else if attached && ready.last() == Some(&true) {
                attached = false;
                let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
            }
        }
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
        let _ = waitpid(Pid::from_raw(self.pid), None);
        self.dir.remove(Some(self.pid));
    }

    fn publish(&self, nodes: &[(String, i32)]) -> Published {
        let Some(public) = &self.public else { return Ok(Ok(Vec::new())) };
        self.dir.record(&register(public.clone(), self.pid))?;
        Ok(add_netns_names(&public.name, self.pid, nodes)
            .attempt(|| "name the nodes in /run/netns"))
    }

    fn answer(&self, published: &Published) {
        if let Ok(bytes) = encode(published) {
            // Init may have ended meanwhile, which the loop sees next.
            let _ = self.channel.send(&bytes, &[]);
        }
    }
}
