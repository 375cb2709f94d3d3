//! The echo server beside its original in Python, and with many clients that say nothing: `cargo bench --bench echo`.

#![allow(clippy::unwrap_used)]

mod support;

use std::env;

use labnet::{Lab, Node, Program};
use support::{
    LABNET, Samples, Verdict, heading, memory, pair, plan, role, row, runtime, selection,
};

const ROUNDS: usize = 7;
const IDLE: usize = 10_000;
/// One connection, one message and one answer each.
const LABNET_SERVER: &str = "10.10.10.2:5001";
const PYTHON_SERVER: &str = "10.10.10.2:5011";

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if !role::play(&words) && selection().is_some() {
        runtime().block_on(bench());
    }
}

async fn bench() {
    let lab = Lab::start(plan(&pair("labnet-bench-echo")), "/").await.unwrap();
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    let serve = format!("echo $$; exec {LABNET} echo serve {LABNET_SERVER}");
    let labnet = r2.command_from(["sh", "-c", &serve]).spawn().await.unwrap();
    labnet.ready("tcp:5001").await.unwrap();
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/peers/echo_server.py");
    // With the original's backlog of 1, the kernel resets some of a hundred clients (accept queue overflow, tcp(7)).
    let python = r2.command_from(["python3", original, "10.10.10.2", "5011", "1024"]).spawn();
    let python = python.await.unwrap();
    python.ready("tcp:5011").await.unwrap();

    heading("echo: connect, send, hear, close", "exchanges/s");
    compare(&kali, 1, 400).await;
    compare(&kali, 100, 20).await;
    drop(python);
    idle(&r2, &kali, &labnet).await;
}

async fn compare(kali: &Node, clients: usize, rounds: usize) {
    let [mut ours, mut theirs] = [const { Samples::new() }; 2];
    for _ in 0..ROUNDS {
        ours.push(load(kali, LABNET_SERVER, clients, rounds).await);
        theirs.push(load(kali, PYTHON_SERVER, clients, rounds).await);
    }
    row(&format!("`labnet echo serve`, clients: {clients}"), &ours);
    row(&format!("Python, clients: {clients}"), &theirs);
    let ratio = ours.median() / theirs.median();
    row(&format!("ratio of medians, clients: {clients}"), Verdict::at_least(1.0, ratio));
}

/// Exchanges per second.
async fn load(kali: &Node, server: &str, clients: usize, rounds: usize) -> f64 {
    let this = env::current_exe().unwrap();
    let (clients, rounds) = (clients.to_string(), rounds.to_string());
    let words = [this.to_str().unwrap(), "load", server, &clients, &rounds];
    let loaded = kali.command_from(words).run().await.unwrap().success().unwrap();
    loaded.stdout().trim().parse().unwrap()
}

/// Connections that say nothing: what they cost, and that others are served meanwhile.
async fn idle(r2: &Node, kali: &Node, server: &Program) {
    let before = memory(r2, server).await;
    let this = env::current_exe().unwrap();
    let words =
        [this.to_str().unwrap(), "idle", LABNET_SERVER, &IDLE.to_string()].map(str::to_owned);
    let mut clients = kali.command_from(words).spawn().await.unwrap();
    clients.expect("open").await.unwrap();
    let rate = load(kali, LABNET_SERVER, 1, 100).await;
    let after = memory(r2, server).await;
    println!("\n### {IDLE} idle connections to `labnet echo serve`\n\n| | |\n|---|---|");
    row("exchanges/s of one more client meanwhile", format_args!("{rate:.0}"));
    row("resident memory of the server before, MiB", format_args!("{before:.1}"));
    row("resident memory of the server with them, MiB", format_args!("{after:.1}"));
    let each = (after - before) * 1024.0 / IDLE as f64;
    row("resident memory for each, KiB", format_args!("{each:.2}"));
}
