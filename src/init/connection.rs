//! One client's conversation with init.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    ffi::OsString,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    rc::Rc,
    time::Duration,
};

use nix::{errno::Errno, fcntl::OFlag, sys::stat::Mode};
use tokio::{
    io::unix::AsyncFd,
    task::{JoinSet, spawn_local, yield_now},
};

use super::{
    bend::{BendReply, BendRequest},
    error::LabError,
    lab::Lab,
    node::Node,
    program::{Command, Started, signal},
    protocol::{
        CaptureRequest, Joined, Message, OpenMode, Reply, Request, SpawnRequest, WaitFor, decode,
        encode,
    },
    ready,
    supervisor::Notice,
};
use crate::{
    kernel::{
        Attempt, Channel, RecvError, Session, SpawnError, async_fd, enter, inet_socket, words,
    },
    name::NodeName,
    plan::Ready,
};

/// What a client is to the lab.
pub(super) enum Role {
    /// It brought the lab up, which ends with it unless it detaches; the supervisor is told of that.
    First(Channel),
    /// It came later.
    Guest,
}

/// A client's end; requests are served side by side.
pub(super) struct Connection {
    channel: AsyncFd<Channel>,
    lab: Rc<Lab>,
    role: Role,
    owns_lab: Cell<bool>,
    /// The programs it started and has not released, by the number of the request.
    started: RefCell<HashMap<u64, Started>>,
    /// What stops the captures it started and that have not ended, by the number of the request.
    capturing: RefCell<HashMap<u64, Box<dyn Fn()>>>,
    /// Overlays and faults that end with it.
    bent: RefCell<(Vec<u32>, Vec<u32>)>,
    /// Whether the client has ended.
    ended: Cell<bool>,
}

type Answer = Result<(Reply, Vec<OwnedFd>), LabError>;

impl Connection {
    pub(super) fn new(channel: Channel, lab: Rc<Lab>, role: Role) -> Result<Rc<Self>, LabError> {
        let step = || "watch a client's socket";
        channel.set_nonblocking().attempt(step)?;
        let owns_lab = Cell::new(matches!(role, Role::First(_)));
        let channel = async_fd(channel).attempt(step)?;
        let (started, capturing, bent, ended) = Default::default();
        Ok(Rc::new(Self { channel, lab, role, owns_lab, started, capturing, bent, ended }))
    }

    /// Serves requests until the client ends; then what it started ends, and the lab if it is the client's own.
    pub(super) async fn serve(self: Rc<Self>) {
        // Dropped with the client: what it waits for may never come, and would hold its socket for as long.
        let mut answers = JoinSet::new();
        while let Some((body, fds)) = self.receive().await {
            while answers.try_join_next().is_some() {}
            let Ok(Message { id, body: request }) = decode::<Message<Request>>(&body) else {
                break;
            };
            let connection = self.clone();
            answers.spawn_local(async move { connection.answer(id, request, fds).await });
        }
        // What it asked for last begins all the same.
        yield_now().await;
        self.started.borrow().values().for_each(kill);
        if self.owns_lab.get() {
            self.lab.end();
        }
        self.ended.set(true);
        self.straighten().await;
    }

    async fn receive(&self) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
        loop {
            let mut ready = self.channel.readable().await.ok()?;
            match self.channel.get_ref().recv() {
                Ok(message) => return Some(message),
                Err(RecvError::WouldBlock) => ready.clear_ready(),
                Err(RecvError::Closed | RecvError::Failed(_)) => return None,
            }
        }
    }

    /// Sends a reply; to a client that is gone, nothing.
    pub(super) async fn send(&self, id: u64, body: Reply, fds: &[BorrowedFd<'_>]) {
        let Ok(bytes) = encode(&Message { id, body }) else { return };
        loop {
            let Ok(mut ready) = self.channel.writable().await else { return };
            match self.channel.get_ref().send(&bytes, fds) {
                Err(Errno::EAGAIN) => ready.clear_ready(),
                _ => return,
            }
        }
    }

    async fn answer(self: Rc<Self>, id: u64, request: Request, fds: Vec<OwnedFd>) {
        let answer = match request {
            Request::Spawn(request) => return self.spawn(id, request, &fds).await,
            Request::Logs { node, program, follow } => {
                return self.logs(id, &node, program.as_str(), follow).await;
            }
            Request::Capture(request) => return self.capture(id, request, &fds).await,
            Request::Down => {
                self.send(id, Reply::Done, &[]).await;
                self.lab.end();
            }
            Request::Describe => Ok((Reply::Described(self.lab.describe()), Vec::new())),
            Request::Join { node } => self.join(&node),
            Request::Signal { program, signal } => self.signal(program, signal),
            Request::Release { program } => {
                if let Some(started) = self.started.borrow_mut().remove(&program) {
                    kill(&started);
                }
                Ok((Reply::Done, Vec::new()))
            }
            Request::Wait { node, ready, by, timeout } => {
                self.wait(&node, &ready, by, timeout).await
            }
            Request::Socket { node, socket } => self.lab.node(&node).and_then(|node| {
                let fd = enter(&node.net, &self.lab.home.net, || inet_socket(socket))??;
                Ok((Reply::Done, vec![fd]))
            }),
            Request::Open { node, path, mode } => {
                self.lab.node(&node).and_then(|node| open(node, &path, mode))
            }
            Request::StopCapture { capture } => {
                if let Some(stop) = self.capturing.borrow().get(&capture) {
                    stop();
                }
                Ok((Reply::Done, Vec::new()))
            }
            Request::Recording { of } => {
                let recording = self.lab.recording(&of).await;
                recording.map(|(file, end)| (Reply::Recorded(end), vec![file.into()]))
            }
            Request::Bend(request) => self.bend(request).await,
            Request::Detach => self.detach(),
        };
        let (reply, fds) = answer.unwrap_or_else(|error| (Reply::Failed(error), Vec::new()));
        let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
        self.send(id, reply, &fds).await;
    }

    /// What is asked of cables, which is done even if the client ends meanwhile; what is to end with it is remembered.
    async fn bend(self: &Rc<Self>, request: BendRequest) -> Answer {
        let reply = match request {
            // This may never be.
            BendRequest::AwaitHits { .. } => self.lab.cables.answer(request).await?,
            _ => {
                let done = spawn_local(self.clone().bend_all(request)).await;
                done.map_err(|_| LabError::Gone)??
            }
        };
        Ok((Reply::Bend(reply), Vec::new()))
    }

    async fn bend_all(self: Rc<Self>, request: BendRequest) -> Result<BendReply, LabError> {
        let (overlay, guarded) = match &request {
            BendRequest::Overlay { .. } => (true, false),
            BendRequest::Partition { guarded, .. } => (*guarded, false),
            BendRequest::AddFault { guarded, .. } => (false, *guarded),
            _ => (false, false),
        };
        let reply = self.lab.cables.answer(request).await?;
        if let BendReply::Number(number) = reply {
            self.bent.borrow_mut().0.extend(overlay.then_some(number));
            self.bent.borrow_mut().1.extend(guarded.then_some(number));
            if self.ended.get() {
                self.straighten().await;
            }
        }
        Ok(reply)
    }

    /// Ends what of cables is to end with the client.
    async fn straighten(&self) {
        let (overlays, faults) = self.bent.take();
        self.lab.cables.forget(&overlays, &faults).await;
    }

    fn detach(&self) -> Answer {
        self.owns_lab.set(false);
        if let Role::First(supervisor) = &self.role {
            supervisor
                .send(&encode(&Notice::Detached)?, &[])
                .attempt(|| "speak with the supervisor")?;
        }
        Ok((Reply::Done, Vec::new()))
    }

    fn join(&self, name: &NodeName) -> Answer {
        let lab = &self.lab;
        let node = lab.node(name)?;
        let namespaces = lab.user_namespace.iter().chain([
            &lab.pid_namespace,
            &node.mount,
            &node.uts,
            &node.net,
        ]);
        let fds = namespaces
            .map(|namespace| namespace.as_fd().try_clone_to_owned())
            .collect::<Result<_, _>>();
        let joined = Joined {
            env: node.variables(&lab.plan.name),
            bin: lab.files.bin(),
            home: node.home.clone(),
            user_namespace: lab.user_namespace.is_some(),
        };
        Ok((Reply::Joined(joined), fds.attempt(|| "duplicate a descriptor")?))
    }

    async fn spawn(&self, id: u64, request: SpawnRequest, fds: &[OwnedFd]) {
        let start = || {
            let node = self.lab.node(&request.node)?;
            let [input, output, errors] = fds else {
                return Err(LabError::Protocol {
                    what: "a program needs three descriptors".to_owned(),
                });
            };
            let command = Command {
                argv: request.argv.into_iter().map(OsString::from).collect(),
                env: request.env,
                cwd: &request.cwd.map_or_else(|| node.home.clone(), |cwd| node.home.join(cwd)),
                stdio: [input.as_fd(), output.as_fd(), errors.as_fd()],
                session: if request.terminal { Session::NewOnTerminal } else { Session::New },
            };
            self.lab.start(node, &command).map_err(|error| spawn_error(&node.plan.name, &error))
        };
        match start() {
            Err(error) => self.send(id, Reply::Failed(error), &[]).await,
            Ok(started) => {
                let mut ending = started.ending.clone();
                let pid = started.pid;
                self.started.borrow_mut().insert(id, started);
                self.send(id, Reply::Spawned { pid }, &[]).await;
                let exit = ending.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
                if let Some(exit) = exit {
                    self.send(id, Reply::Exited(exit), &[]).await;
                }
            }
        }
    }

    fn signal(&self, program: u64, number: i32) -> Answer {
        let started = self.started.borrow();
        let program = started
            .get(&program)
            .ok_or_else(|| LabError::Protocol { what: format!("no program {program}") })?;
        signal(program, number)
            .attempt(|| format!("send signal {number} to process {}", program.pid))?;
        Ok((Reply::Done, Vec::new()))
    }

    async fn wait(
        &self,
        name: &NodeName,
        ready: &Ready,
        by: Option<WaitFor>,
        timeout: Duration,
    ) -> Answer {
        let node = self.lab.node(name)?;
        let program = match by {
            None => None,
            Some(WaitFor::Spawned(id)) => {
                let started = self.started.borrow().get(&id).cloned();
                Some(
                    started
                        .ok_or_else(|| LabError::Protocol { what: format!("no program {id}") })?,
                )
            }
        };
        let owner = program.as_ref().and_then(|program| self.lab.owner(program.pid));
        let ended = async {
            match program.clone() {
                None => std::future::pending().await,
                Some(mut program) => {
                    program.ending.wait_for(Option::is_some).await.ok().and_then(|exit| *exit)
                }
            }
        };
        let (node_name, what) =
            (name.clone(), if program.is_some() { "the program is" } else { "nobody is" });
        tokio::select! {
            biased;
            result = ready::wait(node, &self.lab.home, ready, owner) => {
                result?;
                Ok((Reply::Done, Vec::new()))
            }
            Some(exit) = ended => Err(LabError::Ended {
                node: node_name, program: "command".to_owned(), exit, ready: ready.clone(), output: String::new(),
            }),
            () = tokio::time::sleep(timeout) => Err(LabError::NotReady {
                node: node_name, what: what.to_owned(), ready: ready.clone(), timeout, output: String::new(),
            }),
        }
    }

    async fn capture(&self, id: u64, request: CaptureRequest, fds: &[OwnedFd]) {
        let run = async {
            let what = || "a capture needs a descriptor".to_owned();
            let output = fds.first().ok_or_else(|| LabError::Protocol { what: what() })?;
            let mut capture = self.lab.start_capture(request, output).await?;
            self.capturing.borrow_mut().insert(id, Box::new(capture.stopper()));
            self.send(id, Reply::Capturing, &[]).await;
            let ended = capture.ended().await;
            self.capturing.borrow_mut().remove(&id);
            ended
        };
        let ended = run.await.map_or_else(Reply::Failed, Reply::Captured);
        self.send(id, ended, &[]).await;
    }

    async fn logs(&self, id: u64, node: &NodeName, program: &str, follow: bool) {
        let program = match self.lab.node(node).and_then(|node| self.lab.program(node, program)) {
            Ok(program) => program,
            Err(error) => return self.send(id, Reply::Failed(error), &[]).await,
        };
        let mut range = program.log.watch();
        loop {
            let now = *range.borrow_and_update();
            self.send(id, Reply::Log(now), &[program.log.file().as_fd()]).await;
            if !follow || now.ended || range.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Opens a file for a client; a folder is opened for reading whatever was asked, and said to be one.
fn open(node: &Node, path: &Path, mode: OpenMode) -> Answer {
    // O_NONBLOCK: opening a FIFO must not stop init.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let refused = |errno| LabError::Open {
        node: node.plan.name.clone(),
        path: path.to_owned(),
        why: words(errno),
    };
    let opened = match mode {
        OpenMode::Read => ready::open_in(node, path, flags | OFlag::O_RDONLY, Mode::empty()),
        OpenMode::Write(bits) => {
            let create = flags | OFlag::O_WRONLY | OFlag::O_CREAT;
            match ready::open_in(node, path, create, Mode::from_bits_truncate(bits & 0o777)) {
                Err(Errno::EISDIR) => {
                    ready::open_in(node, path, flags | OFlag::O_RDONLY, Mode::empty())
                }
                other => other,
            }
        }
    };
    let fd = opened.map_err(refused)?;
    let folder =
        nix::sys::stat::fstat(&fd).map_err(refused)?.st_mode & libc::S_IFMT == libc::S_IFDIR;
    Ok((Reply::Opened { folder }, vec![fd]))
}

/// Kills a started program and its group, unless it has ended.
fn kill(started: &Started) {
    // It may end in this moment.
    let _ = signal(started, libc::SIGKILL);
}

fn spawn_error(node: &NodeName, error: &SpawnError) -> LabError {
    LabError::Spawn { node: node.clone(), why: error.to_string(), code: error.exit_code() }
}
