//! The worker of a lab: the process that handles frames, so that init, which starts programs, need not.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, OwnedFd},
    process,
    thread::{self, ScopedJoinHandle},
    time::Instant,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{getsockopt, sockopt::SocketError},
};
use serde::{Deserialize, Serialize};

use super::{
    error::LabError,
    fates::{Wired, now},
    launch::Role,
    protocol::{CaptureEnd, EndReason, Message, decode, encode},
    recorder::{Recorder, Recording},
};
use crate::{
    kernel::{Attempt, Backlog, Channel, KernelError, QUEUES, RecvError},
    wire::{Notices, Notifier, WireReply, WireRequest, Wires, notices},
};

/// What init asks of the worker; a capture is called by the number of the request that started it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WorkerRequest {
    /// Records into the first descriptor what the others, a packet socket an interface, receive:
    /// [`WorkerReply::Started`], later [`WorkerReply::Ended`].
    Start(Recording),
    /// [`WorkerReply::Flushed`] when what passed before this is written.
    Flush(u64),
    /// Ends a capture when what passed before this is written.
    Stop(u64),
    /// [`WorkerReply::Wire`].
    Wire(Box<WireRequest>),
    /// [`WorkerReply::Settled`] when what nodes sent before this has gone the way that their cables led it. At a switch it may still be in
    /// the wire of the port that it came by.
    Settle,
}

/// What the worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WorkerReply {
    Started,
    NotStarted(KernelError),
    Flushed,
    Ended(CaptureEnd),
    Wire(WireReply),
    Settled(Result<(), KernelError>),
}

/// The queues in which a frame may stand between its sender and a wire: into the hub, and through the pair that leads it here.
const QUEUES_TO_WIRE: usize = 2;

/// The whole life of a worker, in a process that init started.
pub(super) fn main() -> ! {
    let Ok(init) = Role::Worker.take_over() else { process::exit(1) };
    // If init has ended, this process ends with it; init notices that it has ended, whatever the reason.
    let failed = Worker::new(init).run();
    process::exit(i32::from(failed.is_err()))
}

struct Worker {
    init: Channel,
    recorders: BTreeMap<u64, Recorder>,
    /// Requests to flush, each with its capture.
    flushes: Vec<(u64, u64)>,
    /// Made when it is needed first.
    backlog: Option<Backlog>,
    /// Of wires, and what is given to them to tell.
    notices: Notices,
    notifier: Notifier,
    /// Made when there is to be one.
    wires: Option<Wires>,
    wired: Wired,
}

impl Worker {
    fn new(init: Channel) -> Self {
        let (notifier, notices) = notices();
        let (recorders, flushes, wired) = (BTreeMap::new(), Vec::new(), Wired::new());
        let (backlog, wires) = (None, None);
        Self { init, recorders, flushes, backlog, notices, notifier, wires, wired }
    }

    fn run(mut self) -> Result<(), LabError> {
        self.init.set_nonblocking().attempt(|| "watch init's socket")?;
        loop {
            self.wait()?;
            let mut starts = Vec::new();
            while let Some((id, request, fds)) = self.receive()? {
                match request {
                    WorkerRequest::Start(recording) => starts.push((id, recording, fds)),
                    WorkerRequest::Flush(capture) => self.flush(id, capture),
                    WorkerRequest::Stop(capture) => self.stop(capture),
                    WorkerRequest::Wire(request) => self.ask_wires(id, *request, fds)?,
                    WorkerRequest::Settle => {
                        let settled = self.arrive(QUEUES_TO_WIRE);
                        self.reply(id, WorkerReply::Settled(settled))?;
                    }
                }
            }
            self.answer_for_wires()?;
            self.start(starts)?;
            self.tell();
            self.recorders.values_mut().for_each(Recorder::advance);
            self.report()?;
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&self) -> Result<(), LabError> {
        let mut polled = vec![PollFd::new(self.init.as_fd(), PollFlags::POLLIN)];
        polled.extend(self.wires.iter().map(|wires| PollFd::new(wires.as_fd(), PollFlags::POLLIN)));
        let recorders = self.recorders.values();
        let until = recorders.filter_map(|recorder| recorder.wait_for(&mut polled)).min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut polled, timeout) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(()),
            Err(errno) => return Err(KernelError::new("wait for frames", errno).into()),
        }
        for fd in polled {
            // A socket says that its interface is down until it is asked for this error; the interface may come up again.
            if fd.revents().is_some_and(|events| events.contains(PollFlags::POLLERR)) {
                // Of outputs, which are no sockets, their recorders see to it.
                let _ = getsockopt(&fd, SocketError);
            }
        }
        Ok(())
    }

    fn receive(&self) -> Result<Option<(u64, WorkerRequest, Vec<OwnedFd>)>, LabError> {
        match self.init.recv() {
            Ok((body, fds)) => {
                let Message { id, body } = decode(&body)?;
                Ok(Some((id, body, fds)))
            }
            Err(RecvError::WouldBlock) => Ok(None),
            Err(RecvError::Closed) => Err(LabError::Gone),
            Err(RecvError::Failed(errno)) => {
                Err(KernelError::new("receive from init", errno).into())
            }
        }
    }

    /// Tells recorders what wires told.
    fn tell(&mut self) {
        for notice in self.notices.take() {
            self.recorders.values_mut().for_each(|recorder| recorder.hear(&notice));
        }
        self.notices.want(self.recorders.values().any(Recorder::is_concerned));
    }

    /// Passes a request on to the wires.
    fn ask_wires(
        &mut self,
        id: u64,
        request: WireRequest,
        fds: Vec<OwnedFd>,
    ) -> Result<(), LabError> {
        if self.wires.is_some() && request.looks_back() {
            match self.arrive(QUEUES_TO_WIRE) {
                // The wire's own grace must do.
                Err(_) if matches!(request, WireRequest::Remove { .. }) => {}
                Err(error) => return self.reply(id, WorkerReply::Wire(WireReply::Failed(error))),
                Ok(()) => {}
            }
        }
        let wires = match self.wires.take() {
            Some(wires) => Ok(wires),
            None => Wires::start(self.notifier.clone()),
        };
        match wires {
            Ok(wires) => {
                self.wires.insert(wires).ask(id, request, fds);
                Ok(())
            }
            Err(error) => self.reply(id, WorkerReply::Wire(WireReply::Failed(error))),
        }
    }

    /// Tells init what the wires answered.
    fn answer_for_wires(&mut self) -> Result<(), LabError> {
        let answers = self.wires.as_ref().map_or_else(|| Ok(Vec::new()), Wires::answers)?;
        for (id, answer) in answers {
            match &answer {
                WireReply::Added { id, .. } => self.wire(*id),
                WireReply::Removed { id } => self.unwire(*id),
                _ => {}
            }
            self.reply(id, WorkerReply::Wire(answer))?;
        }
        Ok(())
    }

    /// Frames that are sent over a cable from now on may go through a wire, which tells what becomes of them.
    ///
    /// To be called before the wire's `Added` is sent, for init puts frames on it right after.
    fn wire(&mut self, cable: u32) {
        self.wired.insert(cable, now());
        self.recorders.values_mut().for_each(|recorder| recorder.wired(&self.wired));
    }

    /// Nothing goes through a cable's wire any more: to be called when it is drained.
    fn unwire(&mut self, cable: u32) {
        self.wired.remove(&cable);
        self.tell();
        self.recorders.values_mut().for_each(|recorder| recorder.wired(&self.wired));
    }

    /// Starts captures, all at once: it takes the kernel some time.
    fn start(&mut self, starts: Vec<(u64, Recording, Vec<OwnedFd>)>) -> Result<(), LabError> {
        if !starts.is_empty() {
            // What is recorded from here on is told of, perhaps before its recorder can hear it.
            self.notices.want(true);
        }
        let started = thread::scope(|scope| {
            let start = |(id, what, fds)| (id, scope.spawn(move || Recorder::start(what, fds)));
            let started: Vec<_> = starts.into_iter().map(start).collect();
            let lost = |_| Err(KernelError::odd("start a capture", "a thread failed"));
            let join = |(id, thread): (u64, ScopedJoinHandle<'_, _>)| {
                (id, thread.join().unwrap_or_else(lost))
            };
            started.into_iter().map(join).collect::<Vec<_>>()
        });
        for (id, recorder) in started {
            match recorder {
                Ok(mut recorder) => {
                    recorder.wired(&self.wired);
                    // A recording that is said to be on has its head, even if this process ends now.
                    recorder.advance();
                    self.recorders.insert(id, recorder);
                    self.reply(id, WorkerReply::Started)?;
                }
                Err(error) => self.reply(id, WorkerReply::NotStarted(error))?,
            }
        }
        Ok(())
    }

    fn flush(&mut self, id: u64, capture: u64) {
        self.flushes.push((id, capture));
        let arrived = self.arrive(QUEUES);
        if let Some(recorder) = self.recorders.get_mut(&capture) {
            match arrived {
                Ok(()) => recorder.flush(),
                Err(error) => recorder.stop(EndReason::Failed(error)),
            }
        }
    }

    fn stop(&mut self, capture: u64) {
        let arrived = self.arrive(QUEUES);
        if let Some(recorder) = self.recorders.get_mut(&capture) {
            recorder.stop(arrived.map_or_else(EndReason::Failed, |()| EndReason::Asked));
        }
    }

    /// Waits until what has been sent has left so many queues behind; then it is in the rings there.
    fn arrive(&mut self, queues: usize) -> Result<(), KernelError> {
        let backlog = match self.backlog.take() {
            Some(backlog) => backlog,
            None => Backlog::open()?,
        };
        self.backlog.insert(backlog).flush(queues)
    }

    /// Tells init what is done.
    fn report(&mut self) -> Result<(), LabError> {
        let flushed = |recorders: &BTreeMap<u64, Recorder>, capture: u64| {
            recorders.get(&capture).is_none_or(Recorder::is_flushed)
        };
        let done: Vec<u64> = self
            .flushes
            .iter()
            .filter(|(_, capture)| flushed(&self.recorders, *capture))
            .map(|(id, _)| *id)
            .collect();
        self.flushes.retain(|(id, _)| !done.contains(id));
        for id in done {
            self.reply(id, WorkerReply::Flushed)?;
        }
        let ended: Vec<(u64, CaptureEnd)> = self
            .recorders
            .iter()
            .filter_map(|(id, recorder)| Some((*id, recorder.end()?.clone())))
            .collect();
        for (id, end) in ended {
            self.reply(id, WorkerReply::Ended(end))?;
            // As to make a ring, to close one takes the kernel some time, in which others go on.
            let recorder = self.recorders.remove(&id);
            thread::spawn(move || drop(recorder));
        }
        Ok(())
    }

    /// Replies are small and few: init, which reads whatever else it does, is waited for.
    fn reply(&self, id: u64, body: WorkerReply) -> Result<(), LabError> {
        let bytes = encode(&Message { id, body })?;
        loop {
            match self.init.send(&bytes, &[]) {
                Err(Errno::EAGAIN) => {
                    let mut polled = [PollFd::new(self.init.as_fd(), PollFlags::POLLOUT)];
                    let _ = poll(&mut polled, PollTimeout::NONE);
                }
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(LabError::Gone),
                sent => return sent.attempt(|| "answer init").map_err(Into::into),
            }
        }
    }
}
