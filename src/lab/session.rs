//! The conversation with a lab's init, many requests at once.

use std::{
    collections::{HashMap, VecDeque},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use nix::errno::Errno;
use tokio::{
    io::unix::AsyncFd,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
};

use super::{capture::CaptureRecord, hosts::Hosts, program::Record};
use crate::{
    init::{BendReply, BendRequest, LabError, Message, Reply, Request, decode, encode},
    kernel::{Attempt, Channel, RecvError, async_fd, wait_writable},
};

type Answer = (Reply, Vec<OwnedFd>);

/// Of how many programs evidence is kept: the newest.
const JOURNAL: usize = 1000;
/// Of how many captures: each keeps a file open.
const CAPTURES: usize = 100;
/// How long [`Session::tell`] waits for a lab that is busy.
const BUSY: Duration = Duration::from_secs(1);

/// A conversation with init.
#[derive(Debug)]
pub(crate) struct Session {
    channel: AsyncFd<Channel>,
    /// Who waits for replies to which request; `None` once the peer is gone.
    waiting: Mutex<Option<HashMap<u64, UnboundedSender<Answer>>>>,
    next: AtomicU64,
    ended: watch::Sender<bool>,
    /// What ran in the lab, for the evidence of a failed test.
    journal: Mutex<VecDeque<Record>>,
    /// What was captured, likewise.
    captures: Mutex<VecDeque<CaptureRecord>>,
    hosts: OnceLock<Arc<Hosts>>,
}

/// The replies to one request.
#[derive(Debug)]
pub(crate) struct Replies(UnboundedReceiver<Answer>);

impl Replies {
    /// The next reply; a failure is an error, and so is the lab's end.
    pub(crate) async fn next(&mut self) -> Result<Answer, LabError> {
        match self.0.recv().await {
            None => Err(LabError::Gone),
            Some((Reply::Failed(error), _)) => Err(error),
            Some(answer) => Ok(answer),
        }
    }
}

impl Session {
    /// Takes over a channel; the replies returned are those that nobody asked for: the lab's own announcement.
    pub(crate) fn start(channel: Channel) -> Result<(Arc<Self>, Replies), LabError> {
        let step = || "watch the lab's socket";
        channel.set_nonblocking().attempt(step)?;
        let (sender, receiver) = unbounded_channel();
        let session = Arc::new(Self {
            channel: async_fd(channel).attempt(step)?,
            waiting: Mutex::new(Some(HashMap::from([(0, sender)]))),
            next: AtomicU64::new(1),
            ended: watch::Sender::new(false),
            journal: Mutex::default(),
            captures: Mutex::default(),
            hosts: OnceLock::new(),
        });
        tokio::spawn(session.clone().receive());
        Ok((session, Replies(receiver)))
    }

    async fn receive(self: Arc<Self>) {
        /// Answers nobody any more, at the conversation's end and at that of the runtime.
        struct End<'a>(&'a Session);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.0.ended.send_replace(true);
            }
        }
        let _end = End(&self);
        while let Ok(mut ready) = self.channel.readable().await {
            match self.channel.get_ref().recv() {
                Ok((body, fds)) => {
                    let Ok(Message { id, body }) = decode::<Message<Reply>>(&body) else { break };
                    let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(sender) = waiting.as_ref().and_then(|waiting| waiting.get(&id)) {
                        // Whoever asked may have lost interest.
                        let _ = sender.send((body, fds));
                    }
                }
                Err(RecvError::WouldBlock) => ready.clear_ready(),
                Err(RecvError::Closed | RecvError::Failed(_)) => break,
            }
        }
    }

    /// Sends a request and returns its number and its replies to come.
    pub(crate) async fn ask(
        &self,
        request: Request,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(u64, Replies), LabError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = unbounded_channel();
        if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            // Requests whose asker is gone are forgotten here, where the table grows.
            waiting.retain(|_, sender| !sender.is_closed());
            waiting.insert(id, sender);
        } else {
            return Err(LabError::Gone);
        }
        let bytes = encode(&Message { id, body: request })?;
        loop {
            let mut ready =
                self.channel.writable().await.attempt(|| "wait for the lab's socket")?;
            match self.channel.get_ref().send(&bytes, fds) {
                Ok(()) => return Ok((id, Replies(receiver))),
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(LabError::Gone),
                Err(errno) => {
                    return Err(errno).attempt(|| "send a request to the lab").map_err(Into::into);
                }
            }
        }
    }

    /// Sends a request that has one reply.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, LabError> {
        self.ask(request, &[]).await?.1.next().await
    }

    /// Sends a request about links.
    pub(crate) async fn bend(&self, request: BendRequest) -> Result<BendReply, LabError> {
        match self.call(Request::Bend(request)).await? {
            (Reply::Bend(reply), _) => Ok(reply),
            (other, _) => Err(LabError::unexpected(&other)),
        }
    }

    /// Sends a request nobody waits for.
    pub(crate) fn tell(&self, request: Request) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let Ok(bytes) = encode(&Message { id, body: request }) else { return };
        let channel = self.channel.get_ref();
        while channel.send(&bytes, &[]) == Err(Errno::EAGAIN) {
            // Init reads whatever else it does. It may be gone; then there is nobody to tell.
            if !wait_writable(channel.as_fd(), BUSY).unwrap_or(false) {
                return;
            }
        }
    }

    /// Remembers a program that was started.
    pub(super) fn note(&self, record: Record) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.push_back(record);
        if journal.len() > JOURNAL {
            journal.pop_front();
        }
    }

    /// The programs that were started, in order.
    pub(super) fn journal(&self) -> Vec<Record> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Learns the names of the nodes, once they are known.
    pub(super) fn introduce(&self, hosts: Hosts) {
        // Nobody introduces a lab twice.
        let _ = self.hosts.set(Arc::new(hosts));
    }

    /// The names of the nodes.
    pub(super) fn hosts(&self) -> Arc<Hosts> {
        self.hosts.get().cloned().unwrap_or_default()
    }

    /// Remembers a capture that was started.
    pub(super) fn note_capture(&self, record: CaptureRecord) {
        let mut captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
        captures.push_back(record);
        if captures.len() > CAPTURES {
            captures.pop_front();
        }
    }

    /// The captures that were started, in order.
    pub(super) fn captures(&self) -> Vec<CaptureRecord> {
        self.captures.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Returns when the conversation has ended, on any runtime.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            // Without a sender there is no conversation either.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Ends the conversation, whoever else holds its socket.
    pub(crate) fn close(&self) {
        self.channel.get_ref().shut_down();
        self.ended.send_replace(true);
    }
}
