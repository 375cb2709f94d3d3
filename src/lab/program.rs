//! A program running in a node.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::termios::{Termios, tcgetattr},
};
use tokio::{io::unix::AsyncFd, sync::watch};

use super::{
    Error, Exit, LabError, Node, Signal, Transcript,
    output::{Collected, Output, Stream, excerpt},
    session::{Replies, Session},
};
use crate::{
    init::{Reply, Request, WaitFor},
    kernel::async_fd,
    name::NodeName,
};

/// How long [`Program::ready`] and [`Program::expect`] wait unless [`Command::timeout`](super::Command::timeout) says.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of what was printed an error tells, of its beginning and of its end.
const TOLD: usize = 8 << 10;

/// A program that init was asked to start; dropping this ends it, also before init has answered.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) session: Arc<Session>,
    /// The number of the request.
    pub(super) program: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.session.tell(Request::Release { program: self.program });
    }
}

/// A command that init has just started.
pub(super) struct Started {
    pub(super) node: Node,
    pub(super) lease: Lease,
    pub(super) replies: Replies,
    pub(super) command: String,
    pub(super) timeout: Option<Duration>,
}

/// What is known of a started program, while it runs and after.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) node: NodeName,
    command: String,
    output: Output,
    ending: watch::Receiver<Option<Result<Exit, LabError>>>,
}

impl Record {
    /// Waits until it has ended and all it printed has been collected.
    async fn ended(&self) -> Result<Exit, LabError> {
        let mut ending = self.ending.clone();
        let ended = ending.wait_for(Option::is_some).await.map_err(|_| LabError::Gone)?.clone();
        let exit = ended.unwrap_or(Err(LabError::Gone))?;
        self.output.wait_for(|_| None::<()>).await;
        Ok(exit)
    }

    /// What it has done so far.
    pub(super) fn transcript(&self) -> Transcript {
        let exit = self.ending.borrow().as_ref().and_then(|ending| ending.as_ref().ok().copied());
        Transcript::new(self.node.clone(), self.command.clone(), &self.output.lock(), exit)
    }
}

/// A program running in a node; it and its process group are killed when this is dropped.
///
/// Once it has ended, there is nothing to kill: what it left in the background runs on, until the lab ends.
///
/// ```
/// use labnet::{Exit, Lab, Signal};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("topology/sockets-lab.toml").await?;
/// let server = lab.node("R2").command("labnet nc -k -l 5000").spawn().await?;
/// server.ready("tcp:5000").await?;
///
/// let mut client = lab.node("KALI").command("labnet nc R2 5000").spawn().await?;
/// client.write("hello\n").await?;
/// let mut server = server;
/// server.expect("hello\n").await?;
///
/// server.signal(Signal::Term).await?;
/// assert_eq!(server.wait().await?.exit(), Some(Exit::Signal(Signal::Term as i32)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    node: Node,
    lease: Lease,
    record: Record,
    stdin: Option<AsyncFd<OwnedFd>>,
    timeout: Option<Duration>,
    /// How much of what it printed [`Program::expect`] has gone past.
    expected: usize,
}

impl Program {
    pub(super) fn new(
        started: Started,
        stdin: OwnedFd,
        outputs: Vec<(OwnedFd, Stream)>,
    ) -> Result<Self, Error> {
        let Started { node, lease, mut replies, command, timeout } = started;
        let output = Output::new();
        let (exited, exited_watch) = watch::channel(false);
        let collect = || {
            fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            for (fd, stream) in outputs {
                output.collect(fd, stream, exited_watch.clone())?;
            }
            async_fd(stdin)
        };
        let stdin = collect().map_err(|error| Error::io("watch a program's streams", error))?;
        let (sender, ending) = watch::channel(None);
        let record = Record { node: node.name.clone(), command, output, ending };
        node.session.note(record.clone());
        tokio::spawn(async move {
            let exit = match replies.next().await {
                Ok((Reply::Exited(exit), _)) => Ok(exit),
                Ok((other, _)) => Err(LabError::unexpected(&other)),
                Err(error) => Err(error),
            };
            // The order matters: who sees the end may rely on the collection's.
            exited.send_replace(true);
            sender.send_replace(Some(exit));
        });
        Ok(Self { node, lease, record, stdin: Some(stdin), timeout, expected: 0 })
    }

    /// Waits until the program, or a descendant of it, has a listening TCP socket (`tcp:5001`) or a bound UDP socket
    /// (`udp:5001`), or a file is there (`file:PATH`, from the node's home).
    ///
    /// A socket of anybody else does not count.
    ///
    /// # Errors
    ///
    /// If the text is no condition, the program ends first, or it takes more than 10 seconds or
    /// [`Command::timeout`](super::Command::timeout); the error shows what the program printed.
    pub async fn ready(&self, condition: &str) -> Result<(), Error> {
        let request = Request::Wait {
            node: self.node.name.clone(),
            ready: condition.parse()?,
            by: Some(WaitFor::Spawned(self.lease.program)),
            timeout: self.patience(),
        };
        match self.node.session.call(request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.in_its_words(error).await.into()),
        }
    }

    /// Puts this program's words into an error from init, which has not seen them.
    async fn in_its_words(&self, error: LabError) -> LabError {
        let command = &self.record.command;
        match error {
            LabError::Ended { node, exit, ready, .. } => {
                // Its last words may still be on their way; if the lab ends meanwhile, they are all there is.
                let _ = self.record.ended().await;
                LabError::Ended {
                    node,
                    program: command.clone(),
                    exit,
                    ready,
                    output: self.printed(),
                }
            }
            LabError::NotReady { node, ready, timeout, .. } => LabError::NotReady {
                node,
                what: format!("`{command}` is"),
                ready,
                timeout,
                output: self.printed(),
            },
            other => other,
        }
    }

    fn printed(&self) -> String {
        excerpt(self.record.transcript().screen(), TOLD)
    }

    fn patience(&self) -> Duration {
        self.timeout.unwrap_or(PATIENCE)
    }

    /// Waits until the program prints a text, on either stream, after what the last call found; line ends match a
    /// terminal's too.
    ///
    /// # Errors
    ///
    /// If it ends first, or takes more than 10 seconds or [`Command::timeout`](super::Command::timeout); the error shows
    /// what it printed instead.
    pub async fn expect(&mut self, text: &str) -> Result<(), Error> {
        let spellings = [text.to_owned(), text.replace('\n', "\r\n")];
        let (start, mut searched) = (self.expected, self.expected);
        let find = |collected: &Collected| {
            let screen = &collected.screen;
            let ends =
                spellings.iter().filter_map(|text| find(&screen[searched..], text.as_bytes()));
            let end = ends.min().map(|end| searched + end);
            // What is found next time may begin in what is here now.
            searched = screen.len().saturating_sub(spellings[1].len()).max(start);
            end
        };
        self.expected = self.seen(text, find).await?;
        Ok(())
    }

    /// Returns when `found` does, given the output so far, or with `None` when nothing can come any more.
    pub(super) async fn watch<T>(&self, found: impl FnMut(&Collected) -> Option<T>) -> Option<T> {
        self.record.output.wait_for(found).await
    }

    /// Both streams so far, byte for byte.
    pub(super) fn screen(&self) -> Vec<u8> {
        self.record.output.lock().screen.clone()
    }

    /// Keeps no more than so many bytes of each stream from here on.
    pub(super) fn keep(&self, most: usize) {
        self.record.output.keep(most);
    }

    /// How many bytes were not kept.
    pub(super) fn omitted(&self) -> u64 {
        self.record.output.lock().omitted
    }

    /// That it printed more than is kept.
    pub(super) fn too_much(&self) -> LabError {
        LabError::TooMuch(self.node.name.clone(), self.record.command.clone())
    }

    /// The modes of the terminal it is on.
    pub(super) fn termios(&self) -> Option<Termios> {
        tcgetattr(self.stdin.as_ref()?.get_ref()).ok()
    }

    pub(super) async fn seen<T>(
        &self,
        wanted: &str,
        found: impl FnMut(&Collected) -> Option<T>,
    ) -> Result<T, Error> {
        let error = |why: String| Error::NotSeen {
            node: self.node.name.clone(),
            wanted: wanted.to_owned(),
            why,
            output: self.printed(),
        };
        let patience = self.patience();
        match tokio::time::timeout(patience, self.record.output.wait_for(found)).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(error(format!("`{}` ended", self.record.command))),
            Err(_) => Err(error(format!("{patience:?} passed"))),
        }
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    ///
    /// If it has closed it, or [`Program::close_stdin`] has.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        let error =
            |error: std::io::Error| Error::io(format!("write to `{}`", self.record.command), error);
        let stdin = self.stdin.as_ref().ok_or_else(|| error(Errno::EPIPE.into()))?;
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            match nix::unistd::write(stdin, rest) {
                Ok(length) => rest = &rest[length..],
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => stdin.writable().await.map_err(error)?.clear_ready(),
                Err(errno) => return Err(error(errno.into())),
            }
        }
        Ok(())
    }

    /// Closes its standard input: it reads end of file.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal to it and its process group, unless it has ended.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn signal(&self, signal: Signal) -> Result<(), Error> {
        let request = Request::Signal { program: self.lease.program, signal: signal as i32 };
        Ok(self.node.session.call(request).await.map(|_| ())?)
    }

    /// Kills it and its process group.
    pub(super) fn kill(&self) {
        let (program, signal) = (self.lease.program, Signal::Kill as i32);
        self.node.session.tell(Request::Signal { program, signal });
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&self) -> Result<Exit, LabError> {
        self.record.ended().await
    }

    /// Writes `input`, closes the program's standard input, and waits until it has ended, perhaps without reading.
    pub(super) async fn feed(&mut self, input: &[u8]) -> Result<Exit, LabError> {
        let record = self.record.clone();
        let write = async {
            // It may well close its input before it has read everything.
            let _ = self.write(input).await;
            self.close_stdin();
            std::future::pending().await
        };
        tokio::select! {
            exit = record.ended() => exit,
            never = write => never,
        }
    }

    /// Closes its standard input, waits until it has ended, and tells what it did.
    ///
    /// # Errors
    ///
    /// If the lab ends first.
    pub async fn wait(mut self) -> Result<Transcript, Error> {
        self.close_stdin();
        self.ended().await?;
        Ok(self.transcript())
    }

    /// What it has done so far.
    pub fn transcript(&self) -> Transcript {
        self.record.transcript()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.record.output.shrink();
    }
}

/// The end of the first place where `text` stands in `bytes`.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    bytes.windows(text.len()).position(|window| window == text).map(|start| start + text.len())
}
