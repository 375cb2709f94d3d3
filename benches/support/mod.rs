//! What the benches share: samples taken side by side, and the peers they are compared with.

#![allow(dead_code, reason = "each bench uses its part")]
#![allow(clippy::unwrap_used)]

pub(crate) mod floor;
pub(crate) mod ip_batch;
pub(crate) mod role;
mod samples;
pub(crate) mod udp;

use std::{
    env, fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use labnet::{
    Node, Program,
    plan::{Plan, resolve},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) use samples::{Samples, Verdict, heading, row};

/// The program as users have it.
pub(crate) const LABNET: &str = env!("CARGO_BIN_EXE_labnet");

/// The words after `cargo bench --bench NAME --`, or nothing unless this runs under `cargo bench`.
pub(crate) fn selection() -> Option<Vec<String>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let bench = words.iter().any(|word| word == "--bench");
    bench.then(|| words.into_iter().filter(|word| !word.starts_with("--")).collect())
}

/// An event loop on the calling thread.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The topology of two hosts and a link.
pub(crate) fn pair(name: &str) -> String {
    format!(
        "name = \"{name}\"\n\
         [nodes.R2]\ninterfaces.eth0 = \"10.10.10.2/24\"\n\
         [nodes.KALI]\ninterfaces.eth0 = \"10.10.10.3/24\"\n\
         [links.lan]\nends = [\"R2:eth0\", \"KALI:eth0\"]\n"
    )
}

/// The topology of `count` hosts on one network.
pub(crate) fn network(name: &str, count: usize) -> String {
    format!(
        "name = \"{name}\"\n\
         [networks.lan]\nsubnet = \"10.0.0.0/16\"\n\
         [nodes.\"h{{1..{count}}}\"]\ninterfaces.eth0 = \"lan\"\n"
    )
}

/// The plan of a topology.
pub(crate) fn plan(topology: &str) -> Plan {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, topology).unwrap();
    resolve(&labnet::spec::load(&path).unwrap()).unwrap()
}

/// How long `f` takes.
pub(crate) fn time(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// Runs a program to its successful end, its standard output unseen.
pub(crate) fn run(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {words:?}: {status}");
}

/// Lets the kernel finish what it does after namespaces are gone: it must not be in the next sample.
pub(crate) fn settle(namespaces: usize) {
    std::thread::sleep(Duration::from_millis(20 + 2 * namespaces as u64));
}

/// The resident memory in MiB of a program that a shell has become after printing its number (`echo $$; exec …`).
pub(crate) async fn memory(node: &Node, program: &Program) -> f64 {
    status(node, program, "VmRSS:").await
}

/// The most resident memory that it has had so far, in MiB.
pub(crate) async fn peak_memory(node: &Node, program: &Program) -> f64 {
    status(node, program, "VmHWM:").await
}

/// A line of proc_pid_status(5), from KiB to MiB.
async fn status(node: &Node, program: &Program, key: &str) -> f64 {
    let transcript = program.transcript();
    let pid = transcript.stdout().lines().next().unwrap().to_owned();
    let read = node.command_from(["cat".to_owned(), format!("/proc/{pid}/status")]).run();
    let status = read.await.unwrap().success().unwrap();
    let text = status.stdout();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
