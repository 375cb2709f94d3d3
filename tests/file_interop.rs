//! `labnet file` with other programs at the other end; those not installed are reported as ignored.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod file_support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use file_support::{Server, assert_silent_success, eventually, file, noise, send, wait};
use libtest_mimic::{Arguments, Trial};

/// What is transferred: name and content.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let text = fs::read(manifest_path("fixtures/send.txt")).unwrap();
    let mut contents = vec![("text", text)];
    for (name, length) in [("0", 0), ("1", 1), ("1 MiB - 1", (1 << 20) - 1), ("64 MiB", 64 << 20)] {
        contents.push((name, noise(1, length)));
    }
    contents
}

fn manifest_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Other programs that send a file: the name of each, how to ask for its version, and how to call it.
const SENDERS: [(&str, &str, &str); 4] = [
    ("python3", "--version", "exec python3 fixtures/peers/file_client.py $HOST $PORT $FILE"),
    ("nc", "-h", "exec nc -N $HOST $PORT <$FILE"),
    ("ncat", "--version", "exec ncat --send-only $HOST $PORT <$FILE"),
    ("socat", "-V", "exec socat -u OPEN:$FILE TCP:$HOST:$PORT"),
];

/// Sends every content with another program to our server.
fn from_other(script: &str) {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&[]);
    let (host, port) = server.address.rsplit_once(':').unwrap();
    let (host, port) = (host.to_owned(), port.to_owned());
    for (name, content) in contents() {
        let status = Command::new("sh")
            .args(["-c", script])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("HOST", &host)
            .env("PORT", &port)
            .env("FILE", file(&source, "source", &content))
            .status()
            .unwrap();
        assert!(status.success(), "{name}: {status}");
        let line = server.line();
        assert!(line.contains(&format!(": {} bytes in ", content.len())), "{name}: {line}");
        let stored = fs::read(server.path("received_file.txt")).unwrap();
        assert!(stored == content, "{name} differs");
    }
}

/// A running `file_server.py`, ended on drop.
struct PythonServer {
    child: Child,
    address: String,
}

impl PythonServer {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new("python3")
            .arg(manifest_path("fixtures/peers/file_server.py"))
            .args(["127.0.0.1", "0"])
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, address: format!("127.0.0.1:{}", port.trim_end()) }
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends every content with ours to the Python server, which has written it when it closes.
fn to_python() {
    let (source, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = PythonServer::start(into.path());
    for (name, content) in contents() {
        let path = file(&source, "source", &content);
        assert_silent_success(&send(&server.address, &path, &[]));
        let stored = fs::read(into.path().join("received_file.txt")).unwrap();
        assert!(stored == content, "{name} differs");
    }
}

/// Python's client and server with each other: the peers themselves are right.
fn python_to_python() {
    let into = tempfile::tempdir().unwrap();
    let server = PythonServer::start(into.path());
    let text = manifest_path("fixtures/send.txt");
    let mut client = Command::new("python3")
        .arg(manifest_path("fixtures/peers/file_client.py"))
        .args(server.address.split(':'))
        .arg(&text)
        .spawn()
        .unwrap();
    assert_eq!(wait(&mut client), Some(0));
    let (stored, expected) = (into.path().join("received_file.txt"), fs::read(text).unwrap());
    eventually("the file is there", || fs::read(&stored).is_ok_and(|content| content == expected));
}

/// A test that needs `program`, which `program version` finds out to be there.
fn trial(name: &str, program: &str, version: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    let mut command = Command::new(program);
    command.arg(version).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let present = command.status().is_ok_and(|status| status.success());
    let run = move || {
        run();
        Ok(())
    };
    match present {
        true => Trial::test(name, run),
        false => Trial::test(name, run)
            .with_kind(format!("{program} is not installed"))
            .with_ignored_flag(true),
    }
}

fn main() -> ExitCode {
    let mut trials = vec![
        trial("to_python3", "python3", "--version", to_python),
        trial("from_python3_to_python3", "python3", "--version", python_to_python),
    ];
    for (program, version, script) in SENDERS {
        trials.push(trial(&format!("from_{program}"), program, version, || from_other(script)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
