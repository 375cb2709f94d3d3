//! A 2 GiB file from node to node by `labnet file`, beside iperf3 and nc: `cargo bench --bench transfer`.
//!
//! Both ends of the file are in homes of nodes, which are on the lab's tmpfs; the link's offloads are on; all take turns.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    env,
    time::{Duration, Instant},
};

use labnet::{Command, Lab, Node, Program};
use support::{
    LABNET, Samples, Verdict, heading, pair, peak_memory, plan, role, row, runtime, selection,
};

const SIZE: u64 = 2 << 30;
const ROUNDS: usize = 7;
const SERVER: &str = "10.10.10.2";
const SOURCE: &str = "source";
/// The limit of each side's peak resident memory.
const MEMORY_MIB: f64 = 12.0;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if !role::play(&words) && selection().is_some() {
        runtime().block_on(compare());
    }
}

async fn compare() {
    let with_offload = pair("labnet-bench-transfer") + "offload = true\n";
    let lab = Lab::start(plan(&with_offload), "/").await.unwrap();
    let bench = Bench::start(&lab).await;
    let [mut iperf3, mut labnet, mut nc, mut copy, mut sender] = [const { Samples::new() }; 5];
    for _ in 0..ROUNDS {
        iperf3.push(bench.iperf3().await);
        let (rate, memory) = bench.labnet().await;
        labnet.push(rate);
        sender.push(memory);
        nc.push(bench.nc().await);
        copy.push(bench.copy().await);
    }
    let receiver = peak_memory(&bench.r2, &bench.file_server).await;
    heading("2 GiB from node to node, offload on", "Gbit/s");
    row("iperf3, one stream", &iperf3);
    row("`labnet file send` to `labnet file serve`", &labnet);
    row("nc to nc", &nc);
    row("a copy on the same tmpfs, without a network", &copy);
    row("labnet / iperf3, of medians", Verdict::at_least(0.8, labnet.median() / iperf3.median()));
    row("labnet / iperf3, of maxima", Verdict::at_least(0.8, labnet.max() / iperf3.max()));
    row("labnet / nc, of medians", Verdict::at_least(2.0, labnet.median() / nc.median()));
    row("labnet / nc, of maxima", Verdict::at_least(2.0, labnet.max() / nc.max()));
    row("peak memory of the sender, MiB", Verdict::at_most(MEMORY_MIB, sender.max()));
    row("peak memory of the receiver, MiB", Verdict::at_most(MEMORY_MIB, receiver));
}

/// The lab with the servers that stay; what is sent is in KALI's home.
struct Bench {
    r2: Node,
    kali: Node,
    file_server: Program,
    _iperf3_server: Program,
}

impl Bench {
    async fn start(lab: &Lab) -> Self {
        let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
        as_role(&kali, &["fill", SOURCE, &SIZE.to_string()])
            .run()
            .await
            .unwrap()
            .success()
            .unwrap();
        let serve = format!("echo $$; exec {LABNET} file serve {SERVER}:5002 --into .");
        let file_server = at_home(&r2, &["sh", "-c", &serve]).spawn().await.unwrap();
        file_server.ready("tcp:5002").await.unwrap();
        let iperf3_server = r2.command("iperf3 -s").spawn().await.unwrap();
        iperf3_server.ready("tcp:5201").await.unwrap();
        Self { r2, kali, file_server, _iperf3_server: iperf3_server }
    }

    async fn iperf3(&self) -> f64 {
        let client = format!("iperf3 -c {SERVER} -n {SIZE} -J");
        let report = self.kali.command(&client).run().await.unwrap().success().unwrap();
        let report: serde_json::Value = serde_json::from_slice(report.stdout_bytes()).unwrap();
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
    }

    /// The rate, until the received file has its name, and the sender's peak memory in MiB.
    async fn labnet(&self) -> (f64, f64) {
        let received = self.received("received_file.txt").await;
        let to = format!("{SERVER}:5002");
        let send = as_role(&self.kali, &["measure", LABNET, "file", "send", &to, SOURCE]);
        let start = Instant::now();
        let sent = send.run().await.unwrap().success().unwrap();
        received.wait().await.unwrap().success().unwrap();
        let rate = gigabits(start.elapsed());
        self.remove("received_file.txt").await;
        (rate, sent.stdout().trim().parse::<f64>().unwrap() / 1024.0)
    }

    async fn nc(&self) -> f64 {
        let serve = "nc -l 5003 > unnamed && mv unnamed nc";
        let server = at_home(&self.r2, &["sh", "-c", serve]).spawn().await.unwrap();
        server.ready("tcp:5003").await.unwrap();
        let received = self.received("nc").await;
        let send = format!("exec nc -N {SERVER} 5003 < {SOURCE}");
        let send = at_home(&self.kali, &["sh", "-c", &send]);
        let start = Instant::now();
        send.run().await.unwrap().success().unwrap();
        received.wait().await.unwrap().success().unwrap();
        let rate = gigabits(start.elapsed());
        server.wait().await.unwrap().success().unwrap();
        self.remove("nc").await;
        rate
    }

    /// What the memory allows: the content has to be written once anyway.
    async fn copy(&self) -> f64 {
        let copied = as_role(&self.kali, &["copy", SOURCE, "copy"]).run().await.unwrap();
        let seconds = copied.success().unwrap().stdout().trim().parse().unwrap();
        gigabits(Duration::from_secs_f64(seconds))
    }

    /// Ends when R2 has received this file.
    async fn received(&self, name: &str) -> Program {
        as_role(&self.r2, &["await", name, &SIZE.to_string()]).spawn().await.unwrap()
    }

    async fn remove(&self, name: &str) {
        at_home(&self.r2, &["rm", name]).run().await.unwrap().success().unwrap();
    }
}

/// A command in a node's home.
fn at_home(node: &Node, words: &[&str]) -> Command {
    node.command_from(["sh", "-c", "cd; exec \"$@\"", "sh"].iter().chain(words).copied())
}

/// A role of this program in a node's home.
fn as_role(node: &Node, words: &[&str]) -> Command {
    let this = env::current_exe().unwrap();
    at_home(node, &[&[this.to_str().unwrap()], words].concat())
}

fn gigabits(time: Duration) -> f64 {
    SIZE as f64 * 8.0 / 1e9 / time.as_secs_f64()
}
