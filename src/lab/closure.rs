//! Closures that run in a node, on a thread and a runtime of their own.

use std::{
    future::Future,
    os::fd::OwnedFd,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    thread,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns, unshare},
};
use tokio::{runtime, sync::oneshot};

use super::{Error, LabError, Node};
use crate::init::{Reply, Request};

/// Code running in a node; await [`Task::join`] for its result. Dropped, it goes on by itself.
#[derive(Debug)]
pub struct Task<T> {
    node: Node,
    result: oneshot::Receiver<Result<thread::Result<T>, String>>,
}

/// The namespaces of a node that a thread can enter, and where to be there.
struct Place {
    net: OwnedFd,
    mount: OwnedFd,
    uts: OwnedFd,
    home: PathBuf,
}

impl Node {
    /// Runs code in the node: the closure is called on a new thread there, its future on a runtime born there, so every
    /// socket it makes is the node's. It sees the node's files and name too, and starts in its home. For a few sockets,
    /// [`Node::tcp_listen`], [`Node::tcp_connect`] and [`Node::udp_bind`] do without all this.
    ///
    /// As root this works as it is; without, only in programs that say [`labnet::userns!()`](crate::userns!).
    ///
    /// When the lab ends, the future is dropped where it awaits; code that blocks its thread instead keeps the node's network
    /// in being until it returns.
    ///
    /// ```
    /// use labnet::Lab;
    /// use tokio::io::AsyncReadExt;
    ///
    /// labnet::userns!();
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> labnet::TestResult {
    /// let lab = Lab::up("@sockets").await?;
    /// let r2 = lab.node("R2");
    /// let (sender, listening) = tokio::sync::oneshot::channel();
    /// let server = r2.spawn(async || {
    ///     let listener = tokio::net::TcpListener::bind("10.10.10.2:80").await?;
    ///     let _ = sender.send(());
    ///     let mut text = String::new();
    ///     listener.accept().await?.0.read_to_string(&mut text).await.map(|_| text)
    /// });
    /// let server = server.await?;
    /// listening.await?;
    /// lab.node("KALI").command("labnet nc -N R2 80").stdin("hi").run().await?.success()?;
    /// assert_eq!(server.join().await??, "hi");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If this program may not enter the node.
    pub async fn spawn<T, F>(
        &self,
        code: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Task<T>, Error>
    where
        F: Future<Output = T>,
        T: Send + 'static,
    {
        let (joined, fds) =
            match self.session.call(Request::Join { node: self.name.clone() }).await? {
                (Reply::Joined(joined), fds) => (joined, fds),
                (other, _) => return Err(LabError::unexpected(&other).into()),
            };
        let refused = |why: &str| Error::Closure { node: self.name.clone(), why: why.to_owned() };
        if joined.user_namespace {
            return Err(refused(
                "without root, closures can run in a node only if the program says `labnet::userns!()` outside of any function",
            ));
        }
        let [_pid, mount, uts, net] =
            <[OwnedFd; 4]>::try_from(fds).map_err(|_| refused("the lab sent no namespaces"))?;
        let place = Place { net, mount, uts, home: joined.home };
        let (sender, result) = oneshot::channel();
        let (entered, has_entered) = oneshot::channel();
        let lab_ended = self.session.ended();
        let body = move || {
            // Who asked for it may not wait any more.
            let runtime = match place.enter() {
                Ok(runtime) => runtime,
                Err(why) => return drop(entered.send(Err(why))),
            };
            let _ = entered.send(Ok(()));
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        value = async { code().await } => Some(value),
                        () = lab_ended => None,
                    }
                })
            }));
            let result = match outcome {
                Err(panic) => Ok(Err(panic)),
                Ok(Some(value)) => Ok(Ok(value)),
                Ok(None) => Err("the lab ended before the closure did".to_owned()),
            };
            // Whoever started it may not care for the result.
            let _ = sender.send(result);
        };
        thread::Builder::new()
            .name(format!("labnet-{}", self.name))
            .spawn(body)
            .map_err(|error| Error::io("start a thread", error))?;
        match has_entered.await {
            Ok(Ok(())) => Ok(Task { node: self.clone(), result }),
            Ok(Err(why)) => Err(refused(&why)),
            Err(_) => Err(refused("its thread ended at once")),
        }
    }
}

impl Place {
    /// Moves the calling thread there for good, and starts a runtime.
    fn enter(self) -> Result<runtime::Runtime, String> {
        let step = |what: &'static str| move |errno: Errno| format!("cannot {what}: {errno}");
        // Mount namespaces can't be changed while file system state is shared with other threads (setns(2)).
        unshare(CloneFlags::CLONE_FS).map_err(step("separate a thread's file system state"))?;
        setns(self.net, CloneFlags::CLONE_NEWNET)
            .map_err(step("enter the node's network namespace"))?;
        setns(self.uts, CloneFlags::CLONE_NEWUTS)
            .map_err(step("enter the node's UTS namespace"))?;
        setns(self.mount, CloneFlags::CLONE_NEWNS)
            .map_err(step("enter the node's mount namespace"))?;
        nix::unistd::chdir::<Path>(&self.home).map_err(step("change to the node's home"))?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| format!("cannot start a runtime: {error}"))
    }
}

impl<T> Task<T> {
    /// Waits for the result; a panic in the closure goes on here.
    ///
    /// # Errors
    ///
    /// If the lab ended first.
    pub async fn join(self) -> Result<T, Error> {
        let error = |why: String| Error::Closure { node: self.node.name.clone(), why };
        match self.result.await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(panic))) => resume_unwind(panic),
            Ok(Err(why)) => Err(error(why)),
            Err(_) => Err(error("its thread ended without a result".to_owned())),
        }
    }
}
