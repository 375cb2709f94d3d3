//! What a program prints, collected while it runs.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
};
use tokio::{io::unix::AsyncFd, sync::watch};

use crate::kernel::async_fd;

/// More than this of one stream is counted but not kept.
const KEPT: usize = 16 << 20;
/// How much of the screen is kept for evidence once nobody else can ask for it.
const EVIDENCE: usize = 64 << 10;

/// The beginning and the end of a text, so many bytes of each, if it is longer.
pub(crate) fn excerpt(text: String, told: usize) -> String {
    let Some(omitted) = text.len().checked_sub(2 * told).filter(|omitted| *omitted > 0) else {
        return text;
    };
    let boundary = |at: usize| (at..text.len()).find(|at| text.is_char_boundary(*at));
    let (head, tail) = (boundary(told).unwrap_or(0), boundary(text.len() - told));
    let tail = tail.map_or("", |at| &text[at..]);
    format!("{}\n[about {omitted} bytes are left out here]\n{tail}", &text[..head])
}

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// The output so far.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// Both, in the order of arrival.
    pub(super) screen: Vec<u8>,
    /// Bytes that were not kept.
    pub(super) omitted: u64,
    /// Streams that are still open.
    open: usize,
    /// How much of a stream is kept.
    most: usize,
}

impl Default for Collected {
    fn default() -> Self {
        let (stdout, stderr, screen) = (Vec::new(), Vec::new(), Vec::new());
        Self { stdout, stderr, screen, omitted: 0, open: 0, most: KEPT }
    }
}

/// Output that grows while others look at it.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    collected: Arc<Mutex<Collected>>,
    changed: watch::Sender<()>,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { collected: Arc::default(), changed: watch::Sender::new(()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Collects from `fd` until its end; once `exited` says so, only what is already there.
    pub(super) fn collect(
        &self,
        fd: OwnedFd,
        stream: Stream,
        exited: watch::Receiver<bool>,
    ) -> io::Result<()> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let fd = async_fd(fd)?;
        self.lock().open += 1;
        let output = self.clone();
        tokio::spawn(async move {
            output.read_all(&fd, stream, exited).await;
            output.lock().open -= 1;
            output.changed.send_replace(());
        });
        Ok(())
    }

    async fn read_all(
        &self,
        fd: &AsyncFd<OwnedFd>,
        stream: Stream,
        mut exited: watch::Receiver<bool>,
    ) {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            // Asked before reading: what was printed before the exit is there by then.
            let last = *exited.borrow();
            match nix::unistd::read(fd.as_fd(), &mut buffer) {
                Ok(0) => return,
                Ok(length) => self.add(stream, &buffer[..length]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if last => return,
                Err(Errno::EAGAIN) => {
                    tokio::select! {
                        // Readiness may be stale by one round: reading again tells.
                        ready = fd.readable() => match ready {
                            Ok(mut ready) => ready.clear_ready(),
                            Err(_) => return,
                        },
                        changed = exited.changed() => if changed.is_err() { return },
                    }
                }
                // EIO is a terminal's way to say that nobody is at its other side any more.
                Err(_) => return,
            }
        }
    }

    fn add(&self, stream: Stream, bytes: &[u8]) {
        let mut collected = self.lock();
        let most = collected.most;
        let kept = match stream {
            Stream::Stdout => &mut collected.stdout,
            Stream::Stderr => &mut collected.stderr,
        };
        let room = bytes.len().min(most.saturating_sub(kept.len()));
        kept.extend_from_slice(&bytes[..room]);
        collected.screen.extend_from_slice(&bytes[..room]);
        collected.omitted += (bytes.len() - room) as u64;
        drop(collected);
        self.changed.send_replace(());
    }

    /// Keeps no more than this of a stream from here on.
    pub(super) fn keep(&self, most: usize) {
        self.lock().most = most;
    }

    /// Gives most of the memory back; the end of the screen stays.
    pub(super) fn shrink(&self) {
        let mut collected = self.lock();
        (collected.stdout, collected.stderr) = (Vec::new(), Vec::new());
        let older = collected.screen.len().saturating_sub(EVIDENCE);
        collected.screen = collected.screen.split_off(older);
        collected.omitted += older as u64;
    }

    /// Returns when `found` does, given the output so far, or with `None` when nothing can come any more.
    pub(super) async fn wait_for<T>(
        &self,
        mut found: impl FnMut(&Collected) -> Option<T>,
    ) -> Option<T> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            {
                let collected = self.lock();
                if let Some(found) = found(&collected) {
                    return Some(found);
                }
                if collected.open == 0 {
                    return None;
                }
            }
            if changed.changed().await.is_err() {
                return None;
            }
        }
    }
}
