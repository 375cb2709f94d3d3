//! Capturing while iperf3 sends as fast as it can, beside tcpdump: `cargo bench --bench capture`.
//!
//! One capture at the receiver's interface, into a file: none, ours, and `tcpdump --immediate-mode -w`, in turn, with the
//! link's offloads off (frames of the MTU) and on (segments of up to 64 KiB). What each misses is its own count, which for
//! both is the kernel's (PACKET_STATISTICS).

#![allow(clippy::unwrap_used)]

mod support;

use std::{env, path::Path};

use labnet::{Lab, Node, Program, Signal};
use support::{Samples, Verdict, heading, pair, plan, row, runtime, selection};
use tempfile::TempDir;

const ROUNDS: usize = 5;
/// How long iperf3 sends, in seconds.
const SECONDS: u32 = 2;

fn main() {
    if selection().is_some() {
        for offload in [false, true] {
            runtime().block_on(compare(offload));
        }
    }
}

async fn compare(offload: bool) {
    // Where our captures spill to is where tcpdump writes too.
    let folder = TempDir::new_in(env::temp_dir()).unwrap();
    let topology = pair("labnet-bench-capture") + &format!("offload = {offload}\n");
    let lab = Lab::start(plan(&topology), "/").await.unwrap();
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    let server = r2.command("iperf3 -s").spawn().await.unwrap();
    server.ready("tcp:5201").await.unwrap();
    let [mut alone, mut ours, mut theirs] = [const { Samples::new() }; 3];
    let [mut our_loss, mut their_loss] = [const { Samples::new() }; 2];
    for _ in 0..ROUNDS {
        alone.push(iperf3(&kali).await);
        let capture = r2.capture("eth0").start().await.unwrap();
        ours.push(iperf3(&kali).await);
        let capture = capture.stop().await.unwrap();
        our_loss.push(percent(capture.dropped(), capture.frames().unwrap()));
        let tcpdump = start_tcpdump(&r2, &folder.path().join("seen.pcap")).await;
        theirs.push(iperf3(&kali).await);
        their_loss.push(end_tcpdump(tcpdump).await);
    }
    let state = if offload { "on" } else { "off" };
    heading(&format!("Capturing while iperf3 sends, offload {state}"), "Gbit/s");
    row("iperf3 alone", &alone);
    row("while labnet captures", &ours);
    row("while tcpdump captures", &theirs);
    row("frames that labnet misses, %", &our_loss);
    row("frames that tcpdump misses, %", &their_loss);
    row(
        "labnet / tcpdump, of median rates",
        Verdict::at_least(1.0, ours.median() / theirs.median()),
    );
    row("labnet misses, of medians, %", Verdict::at_most(their_loss.median(), our_loss.median()));
}

async fn iperf3(kali: &Node) -> f64 {
    let client = format!("iperf3 -c 10.10.10.2 -t {SECONDS} -J");
    let report = kali.command(&client).run().await.unwrap().success().unwrap();
    let report: serde_json::Value = serde_json::from_slice(report.stdout_bytes()).unwrap();
    report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
}

async fn start_tcpdump(r2: &Node, file: &Path) -> Program {
    let words = ["tcpdump", "--immediate-mode", "-i", "eth0", "-Z", "root", "-w"];
    let file = file.to_str().unwrap();
    let mut tcpdump = r2.command_from(words).arg(file).spawn().await.unwrap();
    tcpdump.expect("listening on").await.unwrap();
    tcpdump
}

/// What it has missed, in percent.
async fn end_tcpdump(tcpdump: Program) -> f64 {
    tcpdump.signal(Signal::Int).await.unwrap();
    let transcript = tcpdump.wait().await.unwrap();
    let said = transcript.stderr();
    let count = |what: &str| -> u64 {
        let line = said.lines().find(|line| line.ends_with(what)).unwrap();
        line.split(' ').next().unwrap().parse().unwrap()
    };
    percent(count("dropped by kernel"), count("captured"))
}

fn percent(missed: u64, seen: u64) -> f64 {
    100.0 * missed as f64 / (missed + seen) as f64
}
