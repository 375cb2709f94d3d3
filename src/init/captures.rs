//! Captures as init sees them: sockets made in nodes, handed to the worker, and what the worker says of them.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs::{File, OpenOptions},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    rc::Rc,
};

use nix::{errno::Errno, net::if_::if_nametoindex};
use tokio::{
    io::unix::AsyncFd,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_local,
};

use super::{
    error::LabError,
    files::LabFiles,
    launch::Role,
    node::{Home, Node},
    protocol::{CaptureEnd, CaptureRequest, EndReason, Message, decode, encode},
    recorder::{RecordedInterface, Recording},
    worker::{WorkerReply, WorkerRequest},
};
use crate::{
    kernel::{Attempt, Channel, KernelError, RecvError, async_fd, capture_socket, enter},
    name::Endpoint,
    plan::Plan,
};

/// What is kept of a link that is captured from the start; what comes later is not.
const LIMIT: u64 = 256 << 20;
/// Memory for the frames of an interface that the worker has not come to yet.
const MEMORY: usize = 8 << 20;
/// The same where a frame may be as long as [`LONGEST`].
const OFFLOAD_MEMORY: usize = 32 << 20;
/// An IP packet of the greatest length with all that comes before it.
const LONGEST: u32 = 65_535 + ETHERNET;
/// An Ethernet header with a VLAN tag, for which the MTU leaves room (`packet_snd` in net/packet/af_packet.c).
const ETHERNET: u32 = 18;
/// Descriptors in a message (SCM_MAX_FD), less the output and one for a long body.
const MOST: usize = 251;

type Answers = UnboundedReceiver<WorkerReply>;

/// The worker, once there is one, and what it records for the lab itself.
#[derive(Default)]
pub(super) struct Captures {
    worker: RefCell<Option<Rc<Worker>>>,
    early: Cell<Option<Early>>,
    /// The worker that records for the lab itself: the first.
    first: RefCell<Option<Rc<Worker>>>,
    recorded: Vec<Recorded>,
}

/// A link or network that is captured from the start.
struct Recorded {
    of: String,
    path: PathBuf,
    capture: u64,
}

/// A worker that nobody listens to yet.
struct Early {
    channel: Channel,
    next: u64,
    /// How captures ended that have ended already, as on a full disk.
    ended: HashMap<u64, CaptureEnd>,
}

struct Worker {
    channel: AsyncFd<Channel>,
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, UnboundedSender<WorkerReply>>>,
    /// How captures ended that nobody waits for.
    ended: RefCell<HashMap<u64, CaptureEnd>>,
    gone: Cell<bool>,
}

/// A capture that ends with this value.
pub(super) struct Capture {
    worker: Rc<Worker>,
    id: u64,
    answers: Answers,
    on: bool,
}

impl Captures {
    /// Starts the captures that the plan asks for; no interface is up yet.
    pub(super) fn of_plan(
        plan: &Plan,
        nodes: &[Node],
        home: &Home,
        files: &LabFiles,
    ) -> Result<Self, LabError> {
        let wanted: Vec<(String, Vec<Endpoint>)> = plan.captured().collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let (channel, _) = Role::Worker.start()?;
        let mut recorded = Vec::new();
        for (capture, (of, interfaces)) in (1..).zip(wanted) {
            let path = files.recording(&of);
            let step = || format!("record {of} in {}", path.display());
            let file = OpenOptions::new().write(true).create_new(true).open(&path).attempt(step)?;
            let request = CaptureRequest {
                interfaces,
                filter: None,
                snap_length: 0,
                count: None,
                only_sent: false,
            };
            let (mut recording, sockets) = prepare(plan, nodes, home, request)?;
            recording.limit = Some(LIMIT);
            let body = Message { id: capture, body: WorkerRequest::Start(recording) };
            channel.send(&encode(&body)?, &all(&file, &sockets)).attempt(step)?;
            recorded.push(Recorded { of, path, capture });
        }
        let (mut started, mut ended) = (0, HashMap::new());
        while started < recorded.len() {
            match channel.recv().map(|(body, _)| decode::<Message<WorkerReply>>(&body)) {
                Ok(Ok(Message { body: WorkerReply::Started, .. })) => started += 1,
                Ok(Ok(Message { id, body: WorkerReply::Ended(end) })) => {
                    ended.insert(id, end);
                }
                Ok(Ok(Message { body: WorkerReply::NotStarted(error), .. })) => {
                    return Err(error.into());
                }
                Ok(Ok(Message { body, .. })) => return Err(odd(&body)),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(gone()),
            }
        }
        let next = recorded.len() as u64 + 1;
        let early = Cell::new(Some(Early { channel, next, ended }));
        Ok(Self { early, recorded, ..Self::default() })
    }

    /// Starts a capture; it is on when this returns.
    pub(super) async fn start(
        &self,
        (plan, nodes, home): (&Plan, &[Node], &Home),
        request: CaptureRequest,
        output: &OwnedFd,
    ) -> Result<Capture, LabError> {
        let (recording, sockets) = prepare(plan, nodes, home, request)?;
        let worker = self.worker()?;
        let (id, answers) =
            worker.ask(WorkerRequest::Start(recording), &all(output, &sockets)).await?;
        let mut capture = Capture { worker, id, answers, on: true };
        match capture.answers.recv().await.ok_or_else(gone)? {
            WorkerReply::Started => Ok(capture),
            WorkerReply::NotStarted(error) => Err(error.into()),
            other => Err(odd(&other)),
        }
    }

    /// What is recorded of a link or network until now, and how the recording ended if it has.
    pub(super) async fn recording(
        &self,
        plan: &Plan,
        of: &str,
    ) -> Result<(File, Option<CaptureEnd>), LabError> {
        let recorded = self.recorded.iter().find(|recorded| recorded.of == of);
        let recorded = recorded.ok_or_else(|| LabError::no_recording(plan, of))?;
        if self.first.borrow().is_none() {
            self.worker()?;
        }
        let first = self.first.borrow().clone().ok_or_else(gone)?;
        let flushed = first.flush(recorded.capture).await;
        let file = File::open(&recorded.path).attempt(|| format!("open the recording of {of}"))?;
        let end = first.ended.borrow().get(&recorded.capture).cloned();
        let lost =
            |error| CaptureEnd { interfaces: Vec::new(), frames: 0, why: EndReason::Failed(error) };
        Ok((file, end.or_else(|| flushed.err().map(lost))))
    }

    fn worker(&self) -> Result<Rc<Worker>, LabError> {
        if let Some(worker) = self.worker.borrow().as_ref().filter(|worker| !worker.gone.get()) {
            return Ok(worker.clone());
        }
        let Early { channel, next, ended } = match self.early.take() {
            Some(early) => early,
            // Numbers go on, so that a new worker's captures are not taken for those of one that has ended.
            None => {
                let next = self.worker.borrow().as_ref().map_or(1, |worker| worker.next.get());
                Early { channel: Role::Worker.start()?.0, next, ended: HashMap::new() }
            }
        };
        let step = || "watch the worker's socket";
        channel.set_nonblocking().attempt(step)?;
        let worker = Rc::new(Worker {
            channel: async_fd(channel).attempt(step)?,
            next: Cell::new(next),
            waiting: RefCell::default(),
            ended: RefCell::new(ended),
            gone: Cell::new(false),
        });
        spawn_local(worker.clone().listen());
        self.first.borrow_mut().get_or_insert_with(|| worker.clone());
        *self.worker.borrow_mut() = Some(worker.clone());
        Ok(worker)
    }
}

impl Capture {
    /// What ends it, when what has passed is recorded.
    pub(super) fn stopper(&self) -> impl Fn() + use<> {
        let (worker, id) = (self.worker.clone(), self.id);
        move || worker.tell(WorkerRequest::Stop(id))
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) -> Result<CaptureEnd, LabError> {
        let answer = self.answers.recv().await.ok_or_else(gone)?;
        self.on = false;
        match answer {
            WorkerReply::Ended(end) => Ok(end),
            other => Err(odd(&other)),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.on {
            self.worker.tell(WorkerRequest::Stop(self.id));
        }
    }
}

impl Worker {
    async fn listen(self: Rc<Self>) {
        while let Ok(mut ready) = self.channel.readable().await {
            match self.channel.get_ref().recv() {
                Ok((body, _)) => {
                    let Ok(Message { id, body }) = decode::<Message<WorkerReply>>(&body) else {
                        break;
                    };
                    self.hear(id, body);
                }
                Err(RecvError::WouldBlock) => ready.clear_ready(),
                Err(RecvError::Closed | RecvError::Failed(_)) => break,
            }
        }
        self.gone.set(true);
        self.waiting.borrow_mut().clear();
    }

    fn hear(&self, id: u64, reply: WorkerReply) {
        let mut waiting = self.waiting.borrow_mut();
        let last = !matches!(reply, WorkerReply::Started);
        if let Some(sender) = waiting.get(&id) {
            // Whoever asked may have lost interest.
            let _ = sender.send(reply);
        } else if let WorkerReply::Ended(end) = reply {
            self.ended.borrow_mut().insert(id, end);
        }
        if last {
            waiting.remove(&id);
        }
    }

    /// Returns when what passed before this is written.
    async fn flush(&self, capture: u64) -> Result<(), KernelError> {
        let lost = || KernelError::odd("record on", "the lab's worker process has ended");
        if self.gone.get() {
            return Err(lost());
        }
        let asked = self.ask(WorkerRequest::Flush(capture), &[]).await;
        let (_, mut answers) = asked.map_err(|_| lost())?;
        // Nothing else answers this.
        answers.recv().await.map(drop).ok_or_else(lost)
    }

    fn number(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    async fn ask(
        &self,
        request: WorkerRequest,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(u64, Answers), LabError> {
        let id = self.number();
        let (sender, answers) = unbounded_channel();
        self.waiting.borrow_mut().insert(id, sender);
        self.send(&Message { id, body: request }, fds).await?;
        Ok((id, answers))
    }

    async fn send(
        &self,
        message: &Message<WorkerRequest>,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), LabError> {
        let bytes = encode(message)?;
        loop {
            let mut ready =
                self.channel.writable().await.attempt(|| "wait for the worker's socket")?;
            match self.channel.get_ref().send(&bytes, fds) {
                Err(Errno::EAGAIN) => ready.clear_ready(),
                sent => return sent.map_err(|_| gone()),
            }
        }
    }

    /// Asks for something that is not answered.
    fn tell(self: &Rc<Self>, request: WorkerRequest) {
        let worker = self.clone();
        spawn_local(async move {
            // A worker that is gone has stopped.
            let _ = worker.send(&Message { id: worker.number(), body: request }, &[]).await;
        });
    }
}

/// The output and the sockets, as they travel to the worker.
fn all<'a>(output: &'a impl AsFd, sockets: &'a [OwnedFd]) -> Vec<BorrowedFd<'a>> {
    std::iter::once(output.as_fd()).chain(sockets.iter().map(AsFd::as_fd)).collect()
}

/// Makes a socket in the node of each interface.
fn prepare(
    plan: &Plan,
    nodes: &[Node],
    home: &Home,
    request: CaptureRequest,
) -> Result<(Recording, Vec<OwnedFd>), LabError> {
    let CaptureRequest { interfaces, filter, snap_length, count, only_sent } = request;
    if interfaces.len() > MOST {
        let said = format!("{} interfaces; {MOST} can be", interfaces.len());
        return Err(KernelError::odd("capture on all of them at once", said).into());
    }
    let (mut recorded, mut sockets) = (Vec::new(), Vec::new());
    for endpoint in interfaces {
        let node = nodes.iter().find(|node| node.plan.name == endpoint.node);
        let node = node.ok_or_else(|| LabError::no_node(plan, endpoint.node.as_str()))?;
        let name = endpoint.interface.as_str();
        let (index, socket) =
            enter(&node.net, &home.net, || (if_nametoindex(name), capture_socket()))?;
        let index = index.map_err(|_| LabError::no_interface(&node.plan, name))?;
        sockets.push(socket?);
        let planned = node.plan.interfaces.iter().find(|known| known.name == endpoint.interface);
        let plain = planned.filter(|planned| !planned.offload);
        recorded.push(RecordedInterface {
            name: endpoint.to_string(),
            index,
            offload: planned.is_some_and(|planned| planned.offload),
            longest: plain.map_or(LONGEST, |plain| plain.mtu + ETHERNET),
            memory: if plain.is_some() { MEMORY } else { OFFLOAD_MEMORY },
            // With offload a wire has segments where this has what is cut into them.
            cable: plain.and_then(|_| plan.cable(&endpoint)),
        });
    }
    let interfaces = recorded;
    Ok((Recording { interfaces, filter, snap_length, count, only_sent, limit: None }, sockets))
}

fn gone() -> LabError {
    KernelError::odd("capture", "the lab's worker process has ended").into()
}

fn odd(reply: &WorkerReply) -> LabError {
    LabError::Protocol { what: format!("unexpected reply {reply:?} of the worker") }
}
