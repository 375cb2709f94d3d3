//! A 2 GiB file from node to node by `labnet file`, beside iperf3 and nc: `cargo bench --bench transfer`.
//!
//! Both ends of the file are on a tmpfs; the link's offloads are on; all three take turns.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use labnet::{Lab, Node, Program};
use support::{
    LABNET, Samples, Verdict, heading, pair, peak_memory, plan, role, row, runtime, selection,
};
use tempfile::TempDir;

const SIZE: u64 = 2 << 30;
const ROUNDS: usize = 7;
const SERVER: &str = "10.10.10.2";
/// The limit of each side's peak resident memory.
const MEMORY_MIB: f64 = 12.0;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if !role::play(&words) && selection().is_some() {
        runtime().block_on(compare());
    }
}

async fn compare() {
    let folder = TempDir::new_in("/dev/shm").unwrap();
    let source = folder.path().join("source");
    fill(&source);
    let with_offload = pair("labnet-bench-transfer") + "offload = true\n";
    let lab = Lab::start(plan(&with_offload), "/").await.unwrap();
    let bench = Bench::start(&lab, folder.path()).await;
    let [mut iperf3, mut labnet, mut nc, mut copy, mut sender] = [const { Samples::new() }; 5];
    for _ in 0..ROUNDS {
        iperf3.push(bench.iperf3().await);
        let (rate, memory) = bench.labnet(&source).await;
        labnet.push(rate);
        sender.push(memory);
        nc.push(bench.nc(&source).await);
        copy.push(bench.copy(&source));
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

/// The lab with the servers that stay.
struct Bench<'a> {
    r2: Node,
    kali: Node,
    file_server: Program,
    _iperf3_server: Program,
    folder: &'a Path,
}

impl<'a> Bench<'a> {
    async fn start(lab: &Lab, folder: &'a Path) -> Self {
        let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
        let into = folder.to_str().unwrap();
        let serve = format!("echo $$; exec {LABNET} file serve {SERVER}:5002 --into {into}");
        let file_server = r2.command_from(["sh", "-c", &serve]).spawn().await.unwrap();
        file_server.ready("tcp:5002").await.unwrap();
        let iperf3_server = r2.command("iperf3 -s").spawn().await.unwrap();
        iperf3_server.ready("tcp:5201").await.unwrap();
        Self { r2, kali, file_server, _iperf3_server: iperf3_server, folder }
    }

    async fn iperf3(&self) -> f64 {
        let client = format!("iperf3 -c {SERVER} -n {SIZE} -J");
        let report = self.kali.command(&client).run().await.unwrap().success().unwrap();
        let report: serde_json::Value = serde_json::from_slice(report.stdout_bytes()).unwrap();
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
    }

    /// The rate, until the received file has its name, and the sender's peak memory in MiB.
    async fn labnet(&self, source: &Path) -> (f64, f64) {
        let this = env::current_exe().unwrap();
        let to = format!("{SERVER}:5002");
        let words = [this.to_str().unwrap(), "measure", LABNET, "file", "send", &to];
        let send = self.kali.command_from(words).arg(source.to_str().unwrap());
        let received = self.folder.join("received_file.txt");
        let start = Instant::now();
        let sent = send.run().await.unwrap().success().unwrap();
        while !received.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rate = gigabits(start.elapsed());
        assert_eq!(fs::metadata(&received).unwrap().len(), SIZE);
        fs::remove_file(&received).unwrap();
        (rate, sent.stdout().trim().parse::<f64>().unwrap() / 1024.0)
    }

    async fn nc(&self, source: &Path) -> f64 {
        let received = self.folder.join("nc");
        let serve = format!("exec nc -l 5003 > {}", received.display());
        let server = self.r2.command_from(["sh", "-c", &serve]).spawn().await.unwrap();
        server.ready("tcp:5003").await.unwrap();
        let send = format!("exec nc -N {SERVER} 5003 < {}", source.display());
        let start = Instant::now();
        self.kali.command_from(["sh", "-c", &send]).run().await.unwrap().success().unwrap();
        server.wait().await.unwrap().success().unwrap();
        let rate = gigabits(start.elapsed());
        assert_eq!(fs::metadata(&received).unwrap().len(), SIZE);
        fs::remove_file(&received).unwrap();
        rate
    }

    /// What the memory allows: the content has to be written once anyway.
    fn copy(&self, source: &Path) -> f64 {
        let copied = self.folder.join("copy");
        let start = Instant::now();
        fs::copy(source, &copied).unwrap();
        let rate = gigabits(start.elapsed());
        fs::remove_file(&copied).unwrap();
        rate
    }
}

fn gigabits(time: Duration) -> f64 {
    SIZE as f64 * 8.0 / 1e9 / time.as_secs_f64()
}

/// Content that is no run of zeroes.
fn fill(path: &Path) {
    let block: Vec<u8> =
        (0..1u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_ne_bytes()).collect();
    let mut file = File::create(path).unwrap();
    for _ in 0..SIZE / block.len() as u64 {
        file.write_all(&block).unwrap();
    }
}
