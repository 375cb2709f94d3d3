//! Init's life: bring-up, then serving clients until the lab ends.

use std::{
    env,
    os::fd::{AsFd, AsRawFd},
    os::unix::net::UnixListener,
    process,
    rc::Rc,
};

use nix::{sys::prctl, unistd::setsid};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    task::{LocalSet, spawn_local},
};

use super::{
    NODE_VARIABLE, carriers,
    connection::{Connection, Role},
    error::LabError,
    lab::Lab,
    neighbours,
    protocol::{Message, Reply, decode, encode},
    supervisor::{Birth, Notice, Published},
};
use crate::kernel::{self, Attempt, Channel, RecvError, async_fd, die_with_parent};

/// The whole life of init, in the process that the supervisor forked.
pub(super) fn main(birth: Birth, client: Channel) -> ! {
    if die_with_parent(birth.supervisor_pidfd.as_fd()).is_err() {
        process::exit(1);
    }
    // Both only for people who look at the process table.
    let _ = prctl::set_name(c"labnet-init");
    let _ = setsid();
    match run(birth, &client) {
        Ok(()) => process::exit(0),
        Err(error) => {
            if let Ok(bytes) = encode(&Message { id: 0, body: Reply::Failed(error) }) {
                let _ = client.send(&bytes, &[]);
            }
            process::exit(1)
        }
    }
}

fn run(mut birth: Birth, client: &Channel) -> Result<(), LabError> {
    let supervisor = std::mem::replace(
        &mut birth.supervisor,
        Channel::pair().attempt(|| "make a pair of sockets")?.0,
    );
    let listener = birth.listener.take();
    let lab = Rc::new(Lab::build(birth)?);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .attempt(|| "start the event loop")?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        watch_signals(&lab)?;
        neighbours::watch(&lab)?;
        lab.cables.serve().await?;
        carriers::follow(&lab.cables)?;
        tokio::select! {
            started = lab.start_programs() => started?,
            gone = client_gone(client) => {
                gone?;
                lab.end();
            }
        }
        lab.cables.begin().await?;
        if listener.is_some() {
            publish(&lab, &supervisor)?;
        }
        let client = client.try_clone().attempt(|| "duplicate a socket")?;
        let first = Connection::new(client, lab.clone(), Role::First(supervisor))?;
        first.send(0, Reply::Ready(lab.describe()), &[]).await;
        spawn_local(first.serve());
        match listener {
            Some(listener) => accept(&lab, listener).await,
            None => std::future::pending().await,
        }
    })
}

/// Returns when a client ends the conversation before it has begun: it says nothing until the lab is up.
async fn client_gone(client: &Channel) -> Result<(), LabError> {
    let step = || "watch the client's socket";
    let socket = async_fd(client.as_fd()).attempt(step)?;
    socket.readable().await.attempt(step)?.retain_ready();
    Ok(())
}

/// Reaps what ends in the lab, and ends the lab when asked to by a signal: PID 1 gets none that it does not handle.
fn watch_signals(lab: &Rc<Lab>) -> Result<(), LabError> {
    let step = || "handle signals";
    let mut ended = signal(SignalKind::child()).attempt(step)?;
    let mut terminate = signal(SignalKind::terminate()).attempt(step)?;
    let lab = lab.clone();
    spawn_local(async move {
        loop {
            lab.children.reap();
            tokio::select! {
                _ = ended.recv() => {}
                _ = terminate.recv() => lab.end(),
            }
        }
    });
    Ok(())
}

/// Has the supervisor record the lab and name its nodes.
fn publish(lab: &Lab, supervisor: &Channel) -> Result<(), LabError> {
    // Without root there is no place for names; within a node, init's pid is another to whoever reads them on the host.
    let nodes = if lab.user_namespace.is_some() || env::var_os(NODE_VARIABLE).is_some() {
        Vec::new()
    } else {
        let nodes = lab.nodes().iter();
        nodes.map(|node| (node.plan.name.to_string(), node.net.as_raw_fd())).collect()
    };
    let step = || "speak with the supervisor";
    supervisor.send(&encode(&Notice::Publish(nodes))?, &[]).attempt(step)?;
    let (body, _) = supervisor.recv().map_err(|error| match error {
        RecvError::Failed(errno) => kernel::KernelError::new(step(), errno).into(),
        _ => LabError::Gone,
    })?;
    lab.set_netns_names(decode::<Published>(&body)??);
    Ok(())
}

async fn accept(lab: &Rc<Lab>, listener: UnixListener) -> Result<(), LabError> {
    let step = || "accept a client";
    listener.set_nonblocking(true).attempt(step)?;
    let listener = async_fd(listener).attempt(step)?;
    loop {
        let mut ready = listener.readable().await.attempt(step)?;
        let accepted = ready.try_io(|listener| kernel::accept_unix(listener.get_ref()));
        match accepted {
            Err(_would_block) => {}
            Ok(Ok(channel)) => {
                if let Ok(connection) = Connection::new(channel, lab.clone(), Role::Guest) {
                    spawn_local(connection.serve());
                }
            }
            // The client is gone already, or descriptors are short for now: others must go on being served.
            Ok(Err(_)) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
        }
    }
}
