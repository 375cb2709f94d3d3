//! Programs under test: started, talked to through pipes, and watched until what is waited for is there.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program has written so far.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

/// A stream of a program, collected by a thread.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<(Mutex<Written>, Condvar)>);

impl Screen {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let screen = Self::default();
        let filled = screen.clone();
        thread::spawn(move || {
            let mut chunk = [0; 64 * 1024];
            loop {
                let count = stream.read(&mut chunk).unwrap_or(0);
                let (written, changed) = &*filled.0;
                let mut written = written.lock().unwrap();
                written.bytes.extend_from_slice(&chunk[..count]);
                written.ended = count == 0;
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        screen
    }
    /// All of it once `enough` holds; panics where it doesn't in time, or can't any more.
    fn wait(&self, what: &str, enough: impl Fn(&Written) -> bool) -> Vec<u8> {
        let (written, changed) = &*self.0;
        let deadline = Instant::now() + PATIENCE;
        let mut written = written.lock().unwrap();
        while !enough(&written) {
            let left = deadline.saturating_duration_since(Instant::now());
            let shown = String::from_utf8_lossy(&written.bytes).into_owned();
            assert!(!left.is_zero() && !written.ended, "no {what} in: {shown}");
            written = changed.wait_timeout(written, left).unwrap().0;
        }
        written.bytes.clone()
    }

    /// Waits until `text` is on the screen and returns all that is there then.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let holds = |written: &Written| String::from_utf8_lossy(&written.bytes).contains(text);
        String::from_utf8_lossy(&self.wait(&format!("{text:?}"), holds)).into_owned()
    }

    /// Waits until `count` bytes have been written.
    pub(crate) fn wait_for_bytes(&self, count: usize) -> Vec<u8> {
        self.wait(&format!("{count} bytes"), |written| written.bytes.len() >= count)
    }

    /// How many bytes have been written so far.
    pub(crate) fn len(&self) -> usize {
        self.0.0.lock().unwrap().bytes.len()
    }

    /// Everything, once the program has closed the stream.
    pub(crate) fn all(&self) -> Vec<u8> {
        self.wait("end", |written| written.ended)
    }
}

/// A program that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) stdout: Screen,
    pub(crate) stderr: Screen,
}

/// What a program left behind.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Panics with the program's errors unless it ended well.
    pub(crate) fn success(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.status, self.stderr);
        self
    }
}

impl Running {
    /// Writes to the program's standard input.
    pub(crate) fn type_in(&mut self, bytes: impl AsRef<[u8]>) {
        self.stdin.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
    }

    /// Ends the program's standard input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The program's standard input, to be written from a thread.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// The port in the first line of standard error that ends in one, after a colon or a space.
    pub(crate) fn port(&self) -> u16 {
        let line = self.stderr.wait_for("\n");
        let line = line.lines().find(|line| line.to_lowercase().contains(" on ")).unwrap();
        line.rsplit([':', ' ']).next().unwrap().parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program ends by itself.
    pub(crate) fn finish(mut self) -> Finished {
        let stdout = self.stdout.all();
        let stderr = String::from_utf8(self.stderr.all()).unwrap();
        Finished { status: self.child.wait().unwrap(), stdout, stderr }
    }

    /// Kills the program, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts any program with pipes for all its streams.
pub(crate) fn start<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Running {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Running {
        stdin: child.stdin.take(),
        stdout: Screen::of(child.stdout.take().unwrap()),
        stderr: Screen::of(child.stderr.take().unwrap()),
        child,
    }
}

/// Starts `labnet` with the words of `line` as arguments.
pub(crate) fn labnet(line: &str) -> Running {
    start(env!("CARGO_BIN_EXE_labnet"), line.split_whitespace())
}

/// Starts `labnet` with the words of `line` and then `more` as arguments.
pub(crate) fn labnet_with(line: &str, more: &[&str]) -> Running {
    start(env!("CARGO_BIN_EXE_labnet"), line.split_whitespace().chain(more.iter().copied()))
}

/// Whether a program of that name is on the search path.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A port of 127.0.0.1 that was free a moment ago, for programs that can't choose one and tell.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a socket of `protocol` (`tcp`: listening; `udp`: bound) has the port, by the kernel's own table.
pub(crate) fn wait_for_port(protocol: &str, port: u16) {
    let state = if protocol == "tcp" { "0A" } else { "07" };
    let wanted = format!(":{port:04X}");
    let deadline = Instant::now() + PATIENCE;
    let is_open = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.get(1).is_some_and(|local| local.ends_with(&wanted)) && fields.get(3) == Some(&state)
    };
    while !["", "6"].iter().any(|version| {
        let table = fs::read_to_string(format!("/proc/net/{protocol}{version}"));
        table.is_ok_and(|table| table.lines().skip(1).any(is_open))
    }) {
        assert!(Instant::now() < deadline, "nothing has {protocol} port {port}");
        thread::yield_now();
    }
}

/// Bytes that look like nothing in particular, the same every time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
