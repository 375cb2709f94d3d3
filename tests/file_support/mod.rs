//! What the tests of `labnet file` share: servers and senders as processes, and a proxy that meddles.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// Longest wait for something that happens at once on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// `labnet file` with these words.
pub(crate) fn labnet_file(words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("labnet"));
    command.arg("file").args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `labnet file serve` on a port of the kernel's choice.
pub(crate) struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub(crate) address: String,
    pub(crate) into: TempDir,
}

impl Server {
    /// Starts it with an empty directory and these words in addition.
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), words)
    }

    pub(crate) fn start_in(into: TempDir, words: &[&str]) -> Self {
        let mut command = labnet_file(&["serve", "127.0.0.1:0", "--into"]);
        command.arg(into.path()).args(words);
        Self::run(into, command)
    }

    /// Starts it with files limited to `kibibytes`, as on a full disk.
    pub(crate) fn start_limited(kibibytes: u32, words: &[&str]) -> Self {
        let into = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 2 * kibibytes);
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_labnet")]);
        command.args(["file", "serve", "127.0.0.1:0", "--into"]).arg(into.path()).args(words);
        command.stderr(Stdio::piped());
        Self::run(into, command)
    }

    fn run(into: TempDir, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let line = read_line(&mut stderr);
        let address = line.strip_prefix("labnet file: listening on ").expect(&line).to_owned();
        Self { child, stderr, address, into }
    }

    /// The next line it says.
    pub(crate) fn line(&mut self) -> String {
        read_line(&mut self.stderr)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        wait(&mut self.child)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.into.path().join(name)
    }

    /// Names of everything in the directory, hidden files too.
    pub(crate) fn listing(&self) -> Vec<String> {
        let entries = fs::read_dir(self.into.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Lengths of the files in the making: those the process has open in its directory.
    pub(crate) fn in_the_making(&self) -> Vec<u64> {
        let links = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        links
            .map(|link| link.unwrap().path())
            .filter(|link| {
                fs::read_link(link).is_ok_and(|target| target.starts_with(self.into.path()))
            })
            .filter_map(|link| fs::metadata(link).ok())
            .filter(fs::Metadata::is_file)
            .map(|metadata| metadata.len())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Waits for the child's end and returns its exit code; `None` if a signal ended it.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(start.elapsed() < PATIENCE, "the program does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `labnet file send ADDR FILE WORDS…` to its end.
pub(crate) fn send(address: &str, file: &Path, words: &[&str]) -> Output {
    labnet_file(&["send", address]).arg(file).args(words).output().unwrap()
}

#[track_caller]
pub(crate) fn assert_silent_success(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*text, &*output.stdout), (Some(0), "", &b""[..]));
}

/// The one line on standard error of a program that failed with code 1.
#[track_caller]
pub(crate) fn failure(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    text
}

/// Bytes that differ for each seed and don't repeat (xorshift64).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed + 0x9e37_79b9_7f4a_7c15;
    let mut bytes = vec![0; length];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// A file with `content` in `directory`.
pub(crate) fn file(directory: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

/// What the proxy does to the bytes from the sender.
#[derive(Clone, Copy, Default)]
pub(crate) struct Meddle {
    /// Inverts the bits of the byte at this offset of the stream.
    pub(crate) flip: Option<u64>,
    /// Ends both connections after so many bytes.
    pub(crate) cut: Option<u64>,
}

/// Forwards one connection to `server`; bytes from the sender are counted and meddled with.
pub(crate) struct Proxy {
    pub(crate) address: String,
    forwarded: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn start(server: &str, meddle: Meddle) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let forwarded = Arc::new(AtomicU64::new(0));
        let (count, server) = (forwarded.clone(), server.to_owned());
        thread::spawn(move || {
            let (sender, _) = listener.accept().unwrap();
            let receiver = TcpStream::connect(server).unwrap();
            let (mut back_from, mut back_to) =
                (receiver.try_clone().unwrap(), sender.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut back_from, &mut back_to);
                let _ = back_to.shutdown(Shutdown::Write);
            });
            forward(sender, receiver, meddle, &count);
        });
        Self { address, forwarded }
    }

    /// Bytes that went from the sender to the server.
    pub(crate) fn forwarded(&self) -> u64 {
        self.forwarded.load(Ordering::SeqCst)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, meddle: Meddle, count: &AtomicU64) {
    let mut buffer = [0; 64 << 10];
    loop {
        let position = count.load(Ordering::SeqCst);
        let most =
            meddle.cut.map_or(buffer.len() as u64, |cut| cut - position).min(buffer.len() as u64);
        if most == 0 {
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
        match from.read(&mut buffer[..usize::try_from(most).unwrap()]) {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                let chunk = &mut buffer[..length];
                let flip =
                    meddle.flip.and_then(|at| usize::try_from(at.checked_sub(position)?).ok());
                if let Some(byte) = flip.and_then(|at| chunk.get_mut(at)) {
                    *byte = !*byte;
                }
                count.fetch_add(length as u64, Ordering::SeqCst);
                if to.write_all(chunk).is_err() {
                    break;
                }
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Connects, sends `bytes` and leaves the connection open.
pub(crate) fn unfinished(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address.parse::<SocketAddr>().unwrap()).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}
