//! The lab's worker as init sees it: started when it is needed first, asked, and heard.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    os::fd::BorrowedFd,
    rc::Rc,
};

use nix::errno::Errno;
use tokio::{
    io::unix::AsyncFd,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_local,
};

use super::{
    error::LabError,
    launch::Role,
    protocol::{CaptureEnd, Message, decode, encode},
    worker::{WorkerReply, WorkerRequest},
};
use crate::kernel::{Attempt, Channel, KernelError, RecvError, async_fd};

/// What a worker answers to one request.
pub(super) type Answers = UnboundedReceiver<WorkerReply>;

/// The worker of now, once there is one; one that has ended is replaced by the next.
#[derive(Default)]
pub(super) struct Workers {
    early: RefCell<Option<Early>>,
    first: RefCell<Option<Rc<Worker>>>,
    now: RefCell<Option<Rc<Worker>>>,
}

/// A worker while the lab comes up: its answers are waited for.
pub(super) struct Early {
    channel: Channel,
    next: u64,
    /// How captures ended that have ended already, as on a full disk.
    ended: HashMap<u64, CaptureEnd>,
}

pub(super) struct Worker {
    channel: AsyncFd<Channel>,
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, UnboundedSender<WorkerReply>>>,
    /// How captures ended that nobody waits for.
    pub(super) ended: RefCell<HashMap<u64, CaptureEnd>>,
    gone: Cell<bool>,
}

impl Workers {
    /// Does something with the worker before the event loop runs.
    pub(super) fn early<T>(
        &self,
        f: impl FnOnce(&mut Early) -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        let mut early = self.early.borrow_mut();
        let early = match early.take() {
            Some(worker) => early.insert(worker),
            None => early.insert(Early::start(1)?),
        };
        f(early)
    }

    /// The worker, which is started if there is none or it has ended.
    pub(super) fn get(&self) -> Result<Rc<Worker>, LabError> {
        if let Some(worker) = self.now.borrow().as_ref().filter(|worker| !worker.is_gone()) {
            return Ok(worker.clone());
        }
        let Early { channel, next, ended } = match self.early.take() {
            Some(early) => early,
            // Numbers go on, so that a new worker's captures are not taken for those of one that has ended.
            None => Early::start(self.now.borrow().as_ref().map_or(1, |worker| worker.next.get()))?,
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
        *self.now.borrow_mut() = Some(worker.clone());
        Ok(worker)
    }

    /// The first worker there was, which may have ended.
    pub(super) fn first(&self) -> Result<Rc<Worker>, LabError> {
        let first = self.first.borrow().clone();
        first.map_or_else(|| self.get(), Ok)
    }
}

impl Early {
    fn start(next: u64) -> Result<Self, LabError> {
        Ok(Self { channel: Role::Worker.start()?.0, next, ended: HashMap::new() })
    }

    /// Asks for something; the number of the request.
    pub(super) fn ask(
        &mut self,
        request: WorkerRequest,
        fds: &[BorrowedFd<'_>],
    ) -> Result<u64, LabError> {
        let id = self.next;
        self.next += 1;
        let bytes = encode(&Message { id, body: request })?;
        self.channel.send(&bytes, fds).attempt(|| "speak with the lab's worker process")?;
        Ok(id)
    }

    /// The first answers to so many requests, in whatever order they come.
    pub(super) fn answers(&mut self, count: usize) -> Result<Vec<WorkerReply>, LabError> {
        let mut answers = Vec::new();
        while answers.len() < count {
            match self.channel.recv().map(|(body, _)| decode::<Message<WorkerReply>>(&body)) {
                Ok(Ok(Message { id, body: WorkerReply::Ended(end) })) => {
                    self.ended.insert(id, end);
                }
                Ok(Ok(Message { body, .. })) => answers.push(body),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(gone()),
            }
        }
        Ok(answers)
    }
}

impl Worker {
    /// Whether it has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.get()
    }

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

    fn number(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// Asks for something; the number of the request and its answers to come.
    pub(super) async fn ask(
        &self,
        request: WorkerRequest,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(u64, Answers), LabError> {
        if self.is_gone() {
            return Err(gone());
        }
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
    pub(super) fn tell(self: &Rc<Self>, request: WorkerRequest) {
        let worker = self.clone();
        spawn_local(async move {
            // A worker that is gone has stopped.
            let _ = worker.send(&Message { id: worker.number(), body: request }, &[]).await;
        });
    }
}

/// The worker has ended, which it does not by itself.
pub(super) fn gone() -> LabError {
    KernelError::odd("go on", "the lab's worker process has ended").into()
}

/// The worker said what does not fit.
pub(super) fn odd(reply: &WorkerReply) -> LabError {
    LabError::Protocol { what: format!("unexpected reply {reply:?} of the worker") }
}
