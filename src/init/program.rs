//! Programs that init starts in nodes, and the reaping of everything that ends in the lab.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    rc::Rc,
};

use nix::unistd::Pid;
use tokio::{io::AsyncReadExt, net::unix::pipe, sync::watch};

use super::{log::Log, node::Node, protocol::Exit};
use crate::{
    kernel::{Change, Session, Spawn, SpawnError, poll_child},
    name::{LabName, NodeName},
    plan,
};

/// How a started program ended; `None` while it runs.
pub(super) type Ending = watch::Receiver<Option<Exit>>;

/// A process that init has started.
#[derive(Debug, Clone)]
pub(super) struct Started {
    pub(super) pid: i32,
    pub(super) ending: Ending,
}

/// A program of the topology, running or ended.
pub(super) struct Program {
    pub(super) node: NodeName,
    pub(super) plan: plan::Program,
    pub(super) started: Started,
    pub(super) log: Rc<Log>,
}

/// A command to start in a node.
pub(super) struct Command<'a> {
    pub(super) argv: Vec<OsString>,
    /// Over the node's variables.
    pub(super) env: Vec<(String, String)>,
    pub(super) cwd: &'a Path,
    pub(super) stdio: [BorrowedFd<'a>; 3],
    pub(super) session: Session,
}

/// The processes that init has started and not yet reaped.
#[derive(Default)]
pub(super) struct Children(RefCell<HashMap<i32, watch::Sender<Option<Exit>>>>);

impl Children {
    /// Starts a command in a node, in a session of its own.
    pub(super) fn start(
        &self,
        lab: &LabName,
        node: &Node,
        bin: &Path,
        command: &Command<'_>,
        nofile: (u64, u64),
    ) -> Result<Started, SpawnError> {
        let env = environment(&node.variables(lab), &command.env, bin);
        let spawn = Spawn {
            namespaces: vec![&node.net, &node.uts, &node.mount],
            argv: &command.argv,
            env: &env,
            cwd: command.cwd,
            stdio: command.stdio,
            session: command.session,
            die_with_parent: false,
            nofile: Some(nofile),
            user: None,
        };
        let pid = spawn.start()?;
        let (sender, ending) = watch::channel(None);
        self.0.borrow_mut().insert(pid, sender);
        Ok(Started { pid, ending })
    }

    /// Reaps every process that has ended: those started here and orphans that the kernel handed over.
    pub(super) fn reap(&self) {
        while let Ok(Some((pid, change))) = poll_child(-1, false) {
            let exit = match change {
                Change::Exited(code) => Exit::Code(code),
                Change::Killed(signal) => Exit::Signal(signal),
                Change::Stopped => continue,
            };
            if let Some(sender) = self.0.borrow_mut().remove(&pid) {
                sender.send_replace(Some(exit));
            }
        }
    }
}

/// Sends a signal to a started program and its group, unless it has ended.
pub(super) fn signal(started: &Started, signal: i32) -> nix::Result<()> {
    if started.ending.borrow().is_some() {
        return Ok(());
    }
    let signal = nix::sys::signal::Signal::try_from(signal)?;
    nix::sys::signal::kill(Pid::from_raw(-started.pid), signal)
}

/// This process's environment, then the node's variables, then `extra`, with `bin` first in PATH.
fn environment(
    node: &[(String, String)],
    extra: &[(String, String)],
    bin: &Path,
) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> =
        std::env::vars_os().filter(|(key, _)| key != "PWD" && key != "OLDPWD").collect();
    for (key, value) in node.iter().chain(extra) {
        env.retain(|(known, _)| known != key.as_str());
        env.push((key.into(), value.into()));
    }
    add_to_path(&mut env, bin);
    env
}

/// Puts a folder first in PATH.
pub(crate) fn add_to_path(env: &mut Vec<(OsString, OsString)>, bin: &Path) {
    let mut path = bin.as_os_str().to_owned();
    let rest = env.iter().position(|(key, _)| key == "PATH").map(|place| env.swap_remove(place).1);
    path.push(":");
    path.push(
        rest.unwrap_or_else(|| {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()
        }),
    );
    env.push(("PATH".into(), path));
}

/// Records what a program prints until nobody can print any more.
pub(super) async fn record(output: OwnedFd, log: Rc<Log>) {
    // A pipe that can't be read has nothing to record.
    let _ = read_all(output, &log).await;
    log.end();
}

/// Reads on whatever becomes of the record: without its reader a program would be killed when it prints.
async fn read_all(output: OwnedFd, log: &Log) -> io::Result<()> {
    let mut output = pipe::Receiver::from_owned_fd(output)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = output.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        log.append(&buffer[..length]);
    }
}

/// The three standard streams of a program that reads nothing and whose output is recorded.
pub(super) fn recorded_streams<'a>(
    null: &'a impl AsFd,
    output: &'a OwnedFd,
) -> [BorrowedFd<'a>; 3] {
    [null.as_fd(), output.as_fd(), output.as_fd()]
}
