//! A command to run in a node.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    pty::{Winsize, openpty},
    unistd::pipe2,
};

use super::{
    Error, LabError, Node, Program, Terminal, Transcript,
    output::Stream,
    program::{Lease, Started},
};
use crate::init::{Request, SpawnRequest};

/// A command to run in a node; made by [`Node::command`].
///
/// It runs in a session of its own, in the node's home, with the environment of this process under that of the node, and
/// reads an empty standard input unless told otherwise. `labnet` is there whatever PATH says: in a node, it is the program that
/// made the lab.
///
/// ```
/// use labnet::{Exit, Lab};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let r2 = lab.node("R2");
/// let sorted = r2.command("sort -r").stdin("a\nb\n").run().await?.success()?;
/// assert_eq!(sorted.stdout(), "b\na\n");
/// let failed = r2.command("sh -c 'echo $WHAT >&2; exit 3'").env("WHAT", "no").run().await?;
/// assert_eq!((failed.stderr(), failed.exit()), ("no\n".into(), Some(Exit::Code(3))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is run or started"]
pub struct Command {
    node: Node,
    /// The words, or the line that could not be split into words.
    words: Result<Vec<String>, String>,
    env: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    timeout: Option<Duration>,
}

impl Command {
    pub(super) fn new(node: Node, words: Vec<String>) -> Self {
        Self {
            node,
            words: Ok(words),
            env: Vec::new(),
            cwd: None,
            stdin: Vec::new(),
            timeout: None,
        }
    }

    pub(super) fn parse(node: Node, line: &str) -> Self {
        let words = shlex::split(line).ok_or_else(|| line.to_owned());
        Self { words, ..Self::new(node, Vec::new()) }
    }

    /// Adds a word.
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        if let Ok(words) = &mut self.words {
            words.push(word.into());
        }
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Sets its working directory; relative paths start from the node's home.
    pub fn cwd(mut self, path: impl Into<PathBuf>) -> Self {
        self.cwd = Some(path.into());
        self
    }

    /// What [`Command::run`] gives it to read, then end of file.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long to wait for it: [`Command::run`] for its end, after which it is killed (without this, for ever), and
    /// [`Program::ready`] and [`Program::expect`] for what they want (without this, 10 seconds).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// If it can't be started ([`LabError::Spawn`]), or does not end in time ([`Error::TimedOut`]). How it ends is in the transcript; see [`Transcript::success`].
    pub async fn run(mut self) -> Result<Transcript, Error> {
        let (input, timeout) = (std::mem::take(&mut self.stdin), self.timeout);
        let mut program = self.spawn().await?;
        let whole = program.feed(&input);
        match timeout {
            None => whole.await?,
            Some(timeout) => match tokio::time::timeout(timeout, whole).await {
                Ok(ended) => ended?,
                Err(_) => {
                    program.kill();
                    program.ended().await?;
                    return Err(Error::TimedOut {
                        timeout,
                        transcript: Box::new(program.transcript()),
                    });
                }
            },
        };
        Ok(program.transcript())
    }

    /// Starts it with pipes to write to and read from; it is killed when the [`Program`] is dropped.
    ///
    /// # Errors
    ///
    /// If it can't be started ([`LabError::Spawn`]): no such program, not executable, no such folder.
    pub async fn spawn(self) -> Result<Program, Error> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::io("make a pipe", errno));
        let (stdin, our_stdin) = pipe()?;
        let (our_stdout, stdout) = pipe()?;
        let (our_stderr, stderr) = pipe()?;
        let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let started = self.launch(streams, false).await?;
        drop((stdin, stdout, stderr));
        Program::new(
            started,
            our_stdin,
            vec![(our_stdout, Stream::Stdout), (our_stderr, Stream::Stderr)],
        )
    }

    /// Starts it on a terminal of its own, 80 columns by 24 lines, to type into and read from.
    ///
    /// # Errors
    ///
    /// If it can't be started, or there is no terminal to be had.
    pub async fn terminal(mut self) -> Result<Terminal, Error> {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let open = || {
            let pty = openpty(&size, None)?;
            // Held by another program that this process starts, it would outlive the terminal's end.
            for end in [&pty.master, &pty.slave] {
                fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
            }
            Ok(pty)
        };
        let pty = open().map_err(|errno: Errno| Error::io("open a terminal", errno))?;
        // Colour and cursor movement would only be noise in a transcript.
        for (key, value) in [("TERM", "dumb"), ("NO_COLOR", "1")] {
            if !self.env.iter().any(|(known, _)| known == key) {
                self.env.push((key.to_owned(), value.to_owned()));
            }
        }
        let started = self.launch([pty.slave.as_fd(); 3], true).await?;
        drop(pty.slave);
        let reader = duplicate(&pty.master)?;
        Ok(Terminal::new(Program::new(started, pty.master, vec![(reader, Stream::Stdout)])?))
    }

    async fn launch(self, streams: [BorrowedFd<'_>; 3], terminal: bool) -> Result<Started, Error> {
        let (node, timeout) = (self.node, self.timeout);
        let refused = |why| LabError::Spawn { node: node.name.clone(), why, code: 125 };
        let argv = self.words.map_err(|line| {
            refused(format!("a quote is open at the end of the command line: {line}"))
        })?;
        // As in `A=B=value`, the value would begin somewhere else.
        if let Some((key, _)) = self.env.iter().find(|(key, _)| key.is_empty() || key.contains('='))
        {
            return Err(refused(format!("a variable cannot have the name `{key}`")).into());
        }
        let command =
            shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "));
        let (env, cwd) = (self.env, self.cwd);
        let request =
            Request::Spawn(SpawnRequest { node: node.name.clone(), argv, env, cwd, terminal });
        let (program, mut replies) = node.session.ask(request, &streams).await?;
        let lease = Lease { session: node.session.clone(), program };
        replies.next().await?;
        Ok(Started { node, lease, replies, command, timeout })
    }
}

fn duplicate(fd: &OwnedFd) -> Result<OwnedFd, Error> {
    let duplicate: io::Result<OwnedFd> = fd.try_clone();
    duplicate.map_err(|error| Error::io("duplicate a descriptor", error))
}
