//! The wires of a lab as the rest of the worker sees them.

use std::{
    cell::Cell,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread,
};

use super::{
    cable::Cable,
    forwarder::Forwarder,
    message::{WireReply, WireRequest},
    notice::Notifier,
};
use crate::kernel::{Attempt, Bell, KernelError};

/// Memory for frames that the thread has not come to yet. Even before all ordinary programs, the kernel may keep it from a
/// processor for 50 ms in a second (`sched_rt_runtime_us`, sched(7)), and without privilege others do. The first few wires get what
/// comes at 1 Gbit/s in that time.
const MEMORY: usize = 32 << 20;
/// The least and the most of it for one direction of a wire.
const SHARE: [usize; 2] = [1 << 20, 8 << 20];

/// What the thread of the wires is to do.
pub(super) enum Command {
    /// Take in the wire that was made for a request, or answer why it could not be.
    Join(u64, u32, Result<Box<Cable>, KernelError>),
    Ask(u64, Box<WireRequest>),
}

/// Where answers to requests go.
pub(super) struct Answers {
    answers: Sender<(u64, WireReply)>,
    bell: Arc<Bell>,
}

impl Answers {
    pub(super) fn give(&self, request: u64, reply: WireReply) {
        // Without a listener the thread is about to end.
        let _ = self.answers.send((request, reply));
        self.bell.ring();
    }
}

impl Drop for Answers {
    /// Has the listener notice that nothing will follow.
    fn drop(&mut self) {
        self.bell.ring();
    }
}

/// All wires of a lab: they are a thread of their own, which nothing else in this process delays.
///
/// The descriptor is readable while there are answers.
pub(crate) struct Wires {
    commands: Sender<Command>,
    /// Tells the thread that there are commands.
    bell: Arc<Bell>,
    answers: Receiver<(u64, WireReply)>,
    answered: Arc<Bell>,
    /// How many wires were asked for.
    made: Cell<usize>,
}

impl Wires {
    /// Starts the thread.
    pub(crate) fn start(notifier: Notifier) -> Result<Self, KernelError> {
        let (bell, answered) = (Arc::new(Bell::new()?), Arc::new(Bell::new()?));
        let (commands, receiver) = channel();
        let (sender, answers) = channel();
        let to = Answers { answers: sender, bell: answered.clone() };
        let forwarder = Forwarder::new(bell.clone(), receiver, to, notifier)?;
        let thread = thread::Builder::new().name("labnet-wires".to_owned());
        thread.spawn(move || forwarder.run()).attempt(|| "start a thread for wires")?;
        Ok(Self { commands, bell, answers, answered, made: Cell::new(0) })
    }

    /// Asks for something; the answer, with this number, comes among [`Wires::answers`].
    pub(crate) fn ask(&self, request: u64, what: WireRequest, fds: Vec<OwnedFd>) {
        let WireRequest::Add { id, wire } = what else {
            return send(&self.commands, &self.bell, Command::Ask(request, Box::new(what)));
        };
        let (commands, bell) = (self.commands.clone(), self.bell.clone());
        self.made.set(self.made.get() + 1);
        let memory = (MEMORY / self.made.get()).clamp(SHARE[0], SHARE[1]);
        // It takes the kernel some time, in which others go on.
        let make = move || {
            let made = Cable::new(wire, fds, memory).map(Box::new);
            send(&commands, &bell, Command::Join(request, id, made));
        };
        if let Err(error) = thread::Builder::new().spawn(make).attempt(|| "start a thread") {
            send(&self.commands, &self.bell, Command::Join(request, id, Err(error)));
        }
    }

    /// What has been answered by now.
    ///
    /// # Errors
    ///
    /// The thread has ended, which it does only if the kernel fails it.
    pub(crate) fn answers(&self) -> Result<Vec<(u64, WireReply)>, KernelError> {
        self.answered.hush();
        let mut answers = Vec::new();
        loop {
            match self.answers.try_recv() {
                Ok(answer) => answers.push(answer),
                Err(TryRecvError::Empty) => return Ok(answers),
                Err(TryRecvError::Disconnected) if answers.is_empty() => {
                    return Err(KernelError::odd("forward frames", "the thread has ended"));
                }
                // It is told the next time.
                Err(TryRecvError::Disconnected) => {
                    self.answered.ring();
                    return Ok(answers);
                }
            }
        }
    }
}

impl AsFd for Wires {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answered.as_fd()
    }
}

fn send(commands: &Sender<Command>, bell: &Bell, command: Command) {
    // A thread that has ended is noticed by its answers.
    let _ = commands.send(command);
    bell.ring();
}
