//! A running lab.

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Error, Link, Node,
    hosts::Hosts,
    session::{Replies, Session},
};
use crate::{
    init::{
        Description, LabError, Launched, NodeDescription, PublicLab, Reply, Request, Start,
        Supervisor, connect, launch, launch_by_fork,
    },
    kernel::{pidfd_open, wait_readable},
    plan::{self, Plan},
    spec::{self, Builder},
};

/// How long a lab may take to end by itself before it is killed; it is a matter of milliseconds, some more a node.
const END: Duration = Duration::from_secs(10);

/// A running lab; when it is dropped, everything of it is gone.
///
/// Its nodes, links and processes, its namespaces and its directory are the kernel's to remove, which it does whether the
/// value is dropped, the test panics, or the process is killed. Dropping waits for it: it blocks the thread for some 10 ms,
/// which [`Lab::down`] does not.
///
/// Each lab has a network of its own: tests with the same addresses run side by side. A lab belongs to the tokio runtime that
/// it was brought up in.
///
/// ```
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("topology/sockets-lab.toml").await?;
/// let sent = lab.node("KALI").command("labnet echo send 10.10.10.2:5001 a SECRET of 42").run().await?.success()?;
/// assert_eq!(sent.stdout(), "Sent: a SECRET of 42\nReceived: Digits: 42, Total Digits: 2\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lab {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    lifeline: Lifeline,
    description: Description,
}

/// What a lab hangs on: its end is the lab's.
#[derive(Debug)]
struct Lifeline {
    session: Arc<Session>,
    /// Of a lab that ends with this client.
    supervisor: Mutex<Option<Supervisor>>,
}

impl Lifeline {
    /// Ends the conversation, and with it a lab that is this client's; returns when everything of it is gone.
    fn end(&self) -> std::io::Result<()> {
        self.session.close();
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(supervisor) = supervisor.take() else { return Ok(()) };
        if let Ok(pidfd) = pidfd_open(supervisor.pid()) {
            // The supervisor ends when init is gone and the host is clean. An init that can't end by itself, such as one
            // that a debugger has stopped, dies with its supervisor.
            if wait_readable(&[pidfd.as_fd()], Some(END))? == [false] {
                supervisor.kill()?;
            }
        }
        Ok(supervisor.wait()?)
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // A failure to wait leaves the end to the supervisor, which needs nobody.
        let _ = self.end();
    }
}

impl Lab {
    /// Brings up the lab of a topology file, from the current folder (in tests, the package's); `@sockets` is the sockets lab
    /// that labnet carries.
    ///
    /// When it returns, every node reaches its neighbours at the first packet and every program of the topology is ready.
    ///
    /// # Errors
    ///
    /// All problems of the file, or the step that the kernel refused.
    pub async fn up(topology: impl AsRef<Path>) -> Result<Self, Error> {
        let (plan, base) = load(topology.as_ref())?;
        Ok(Self::start(plan, base).await?)
    }

    /// Brings up the lab of a plan; relative sources of files start from `base`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses a step or a program does not get ready; then nothing is left.
    pub async fn start(plan: Plan, base: impl Into<PathBuf>) -> Result<Self, LabError> {
        Self::attach(launch(&Start { plan, base: base.into(), public: None })?).await
    }

    /// Describes a lab in code; [`Builder::up`] brings it up.
    ///
    /// ```
    /// use labnet::Lab;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> labnet::TestResult {
    /// let lab = Lab::builder("pair")
    ///     .node("a", |node| node.interface("eth0", "192.0.2.1/24"))
    ///     .node("b", |node| node.interface("eth0", "192.0.2.2/24"))
    ///     .link("a:eth0", "b:eth0")
    ///     .up()
    ///     .await?;
    /// let listener = lab.node("b").tcp_listen("192.0.2.2:80".parse()?).await?;
    /// let stream = lab.node("a").tcp_connect("192.0.2.2:80".parse()?).await?;
    /// assert_eq!(listener.accept().await?.1, stream.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(name: &str) -> Builder {
        Builder::new(name)
    }

    /// Starts to bring up a lab that other clients can find; [`Lab::attach`] awaits it. For processes with one thread, before
    /// the event loop runs: see [`launch_by_fork`].
    pub(crate) fn launch_public(
        plan: Plan,
        base: PathBuf,
        topology: String,
    ) -> Result<Launched, LabError> {
        let public = PublicLab { name: plan.name.clone(), topology };
        launch_by_fork(Start { plan, base, public: Some(public) })
    }

    /// Brings up a lab that other clients can find; it ends with this client unless it detaches.
    pub(crate) async fn start_public(
        plan: Plan,
        base: PathBuf,
        topology: String,
    ) -> Result<Self, LabError> {
        let public = PublicLab { name: plan.name.clone(), topology };
        Self::attach(launch(&Start { plan, base, public: Some(public) })?).await
    }

    /// Awaits a lab that is being brought up; it ends with this client unless it is public and detaches.
    pub(crate) async fn attach(launched: Launched) -> Result<Self, LabError> {
        let Launched { channel, supervisor } = launched;
        let (session, mut replies) = match Session::start(channel) {
            Ok(started) => started,
            Err(error) => {
                // It has lost its client, and ends.
                let _ = supervisor.wait();
                return Err(error);
            }
        };
        // If bring-up fails, or nobody waits for it any more, this goes, and the lab with it.
        let lifeline = Lifeline { session, supervisor: Mutex::new(Some(supervisor)) };
        let description = announcement(&mut replies).await?;
        lifeline.session.introduce(Hosts::of(&description.plan));
        Ok(Self { inner: Arc::new(Inner { lifeline, description }) })
    }

    /// Joins the conversation with a public lab.
    pub(crate) async fn connect(directory: &Path) -> Result<Self, LabError> {
        let (session, _) = Session::start(connect(directory)?)?;
        match session.call(Request::Describe).await? {
            (Reply::Described(description), _) => {
                session.introduce(Hosts::of(&description.plan));
                let lifeline = Lifeline { session, supervisor: Mutex::default() };
                Ok(Self { inner: Arc::new(Inner { lifeline, description }) })
            }
            (other, _) => Err(LabError::unexpected(&other)),
        }
    }

    /// The plan it was built from.
    pub fn plan(&self) -> &Plan {
        &self.inner.description.plan
    }

    /// What is not quite as usual on this machine, for people; mostly empty.
    pub fn notes(&self) -> &[String] {
        &self.inner.description.notes
    }

    pub(crate) fn description(&self) -> &Description {
        &self.inner.description
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.inner.lifeline.session
    }

    /// The node of this name.
    ///
    /// # Panics
    ///
    /// If there is none, with a suggestion; [`Lab::try_node`] returns an error instead.
    #[allow(clippy::panic, reason = "documented; a wrong name is a mistake in the test")]
    #[track_caller]
    pub fn node(&self, name: &str) -> Node {
        match self.try_node(name) {
            Ok(node) => node,
            Err(error) => panic!("{error}"),
        }
    }

    /// The node of this name.
    ///
    /// # Errors
    ///
    /// If there is none, with a suggestion.
    pub fn try_node(&self, name: &str) -> Result<Node, LabError> {
        let found = self.inner.description.nodes.iter().find(|node| node.name.as_str() == name);
        let found = found.ok_or_else(|| LabError::no_node(&self.inner.description.plan, name))?;
        Ok(self.handle(found))
    }

    /// The link or network of this name; `NODE--NODE` also names the only link between two nodes.
    ///
    /// # Panics
    ///
    /// If there is none, with a suggestion; [`Lab::try_link`] returns an error instead.
    #[allow(clippy::panic, reason = "documented; a wrong name is a mistake in the test")]
    #[track_caller]
    pub fn link(&self, name: &str) -> Link {
        match self.try_link(name) {
            Ok(link) => link,
            Err(error) => panic!("{error}"),
        }
    }

    /// The link or network of this name, as [`Lab::link`] finds it.
    ///
    /// # Errors
    ///
    /// If there is none, with a suggestion.
    pub fn try_link(&self, name: &str) -> Result<Link, LabError> {
        let (name, ends) =
            self.plan().segment(name).ok_or_else(|| LabError::no_link(self.plan(), name))?;
        Ok(Link::new(self.session().clone(), name, ends))
    }

    /// All nodes, in file order.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.inner.description.nodes.iter().map(|node| self.handle(node))
    }

    fn handle(&self, node: &NodeDescription) -> Node {
        Node::new(self.session().clone(), node.name.clone(), node.home.clone())
    }

    /// Ends the lab; returns when everything of it is gone.
    ///
    /// Dropping does the same, but blocks the thread meanwhile (some 10 ms).
    ///
    /// # Errors
    ///
    /// If the supervisor can't be waited for.
    pub async fn down(self) -> Result<(), Error> {
        let inner = self.inner.clone();
        let ended = tokio::task::spawn_blocking(move || inner.lifeline.end())
            .await
            .map_err(Into::into)
            .and_then(|ended| ended);
        ended.map_err(|error| Error::io("wait for the lab's end", error))
    }

    /// A second handle: the lab lives until both are dropped or one ends it.
    pub(super) fn share(&self) -> Self {
        Self { inner: self.inner.clone() }
    }

    /// Lets a public lab go on without this client.
    pub(crate) async fn detach(self) -> Result<(), LabError> {
        self.session().call(Request::Detach).await?;
        *self.inner.lifeline.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

impl Builder {
    /// Brings the lab up; relative sources of files start from the current folder.
    ///
    /// # Errors
    ///
    /// All problems of the description, or as for [`Lab::start`].
    pub async fn up(self) -> Result<Lab, Error> {
        let plan = plan::resolve(&self.build())?;
        Ok(Lab::start(plan, current_folder()?).await?)
    }
}

fn current_folder() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(|error| Error::io("find the current folder", error))
}

/// What init says first: the lab is up, or why not.
async fn announcement(replies: &mut Replies) -> Result<Description, LabError> {
    match replies.next().await? {
        (Reply::Ready(description), _) => Ok(description),
        (other, _) => Err(LabError::unexpected(&other)),
    }
}

/// The plan of a topology and the folder its files are relative to.
fn load(topology: &Path) -> Result<(Plan, PathBuf), Error> {
    let named = topology.to_str().and_then(|name| name.strip_prefix('@'));
    let spec = match named.and_then(spec::builtin) {
        Some(builtin) => builtin?,
        None => spec::load(topology)?,
    };
    // The supervisor's working directory is the client's, but a plan must not depend on when it is used.
    let base = current_folder()?.join(topology.parent().unwrap_or(Path::new("")));
    Ok((plan::resolve(&spec)?, base))
}
