//! What the wire adds, and how true it is: `cargo bench --bench wire`.
//!
//! Two hosts and a link that the worker bends (`backend = "userspace"`), beside the same link unbent in the same run: a veth pair to each
//! host, joined in the kernel. The distribution of round trips is of 2,000 datagrams, one every
//! 1 ms; the ideal is twice the delay each way plus what the unbent link takes. As an ordinary user it measures what a lab without
//! root does. The words `delay`, `added`, `tcp`, `frames`, `idle`, `many` choose parts; with `quick` each is measured
//! once.
//!
//! mahimahi's `mm-delay`, with which TCP is to be compared, is in no distribution that these figures were made on.

#![allow(clippy::unwrap_used)]

mod support;

use std::{env, fs, time::Duration};

use labnet::{Lab, Node, Program};
use nix::unistd::Uid;
use support::{Samples, Verdict, heading, pair, plan, row, runtime, selection, udp};

const ROUNDS: usize = 3;
/// Where datagrams are sent back.
const AT: &str = "10.10.10.2:7000";
/// Links of which all are bent at once, with so many datagrams a second each way on each.
const LINKS: usize = 100;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if udp::play(&words) {
        return;
    }
    if let Some(words) = selection() {
        let (words, rounds) = match words.iter().any(|word| word == "quick") {
            true => (words.into_iter().filter(|word| word != "quick").collect(), 1),
            false => (words, ROUNDS),
        };
        let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
        let runtime = runtime();
        if wanted("delay") {
            runtime.block_on(round_trips());
        }
        if wanted("added") {
            runtime.block_on(added(rounds));
        }
        if wanted("tcp") {
            runtime.block_on(throughput(rounds));
        }
        if wanted("frames") {
            runtime.block_on(frames(rounds));
        }
        if wanted("idle") {
            runtime.block_on(idle());
        }
        if wanted("many") {
            runtime.block_on(many());
        }
    }
}

/// In the table of a link: a wire that does nothing to frames. Without the schedule, whose time won't come, there would be none.
const PLAIN: &str =
    "backend = \"userspace\"\nschedule = [{ at = \"100000s\", each_way = { down = true } }]\n";

/// A lab of two nodes on a link with these lines in its table.
async fn lab(name: &str, lines: &str) -> (Lab, Node, Node) {
    let topology = pair(&format!("labnet-bench-wire-{name}")) + lines;
    let lab = Lab::start(plan(&topology), "/").await.unwrap();
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    (lab, r2, kali)
}

/// A wire that does this.
fn wire(each_way: &str) -> String {
    format!("backend = \"userspace\"\neach_way = {{ {each_way} }}\n")
}

fn this(words: &[&str]) -> Vec<String> {
    let this = env::current_exe().unwrap();
    std::iter::once(this.to_str().unwrap()).chain(words.iter().copied()).map(String::from).collect()
}

async fn echo(node: &Node, at: &str) -> Program {
    let mut echo = node.command_from(this(&["udp-echo", at])).spawn().await.unwrap();
    echo.expect("ready").await.unwrap();
    echo
}

/// Round trips in ms, sorted: of so many datagrams, one every so many µs. Hosts know each other before, or all that are sent
/// while ARP asks would have its round trip on top.
async fn ping(node: &Node, to: &str, count: usize, gap: u32) -> Vec<f64> {
    times(node, &["udp-ping", to, "1", "1000"]).await;
    let times = times(node, &["udp-ping", to, &count.to_string(), &gap.to_string()]).await;
    assert!(times.len() >= count * 99 / 100, "{} of {count} came back", times.len());
    times
}

/// What a role in a node prints in µs, in ms, sorted.
async fn times(node: &Node, words: &[&str]) -> Vec<f64> {
    let answer = node.command_from(this(words)).run().await.unwrap().success().unwrap();
    let numbers = answer.stdout();
    let mut times: Vec<f64> =
        numbers.lines().map(|line| line.parse::<f64>().unwrap() / 1e3).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn share(times: &[f64], share: f64) -> f64 {
    times[((times.len() - 1) as f64 * share) as usize]
}

fn deviation(times: &[f64]) -> f64 {
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    (times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / times.len() as f64).sqrt()
}

fn table(title: &str) {
    println!("\n### {title}\n\n| | |\n|---|---|");
}

async fn round_trips() {
    let (_straight, r2, kali) = lab("straight", "").await;
    let _echo = echo(&r2, AT).await;
    let ideal = 20.0 + share(&ping(&kali, AT, 2_000, 1_000).await, 0.5);
    let (_bent, r2, kali) = lab("delay", &wire("delay = \"10ms\"")).await;
    let _echo = echo(&r2, AT).await;
    let times = ping(&kali, AT, 2_000, 1_000).await;
    table("Round trips with 10 ms each way, ms");
    distribution(&times, ideal);
}

fn distribution(times: &[f64], ideal: f64) {
    let root = Uid::effective().is_root();
    let [least, median, p99, most] = [0.0, 0.5, 0.99, 1.0].map(|part| share(times, part));
    row(
        "least / median / p99 / most",
        format_args!("{least:.3} / {median:.3} / {p99:.3} / {most:.3}"),
    );
    row("ideal", format_args!("{ideal:.3}"));
    if root {
        row("median less ideal", Verdict::at_most(0.15, (median - ideal).abs()));
        row("p99 less ideal", Verdict::at_most(0.5, p99 - ideal));
        row("standard deviation", Verdict::at_most(0.1, deviation(times)));
    } else {
        row("median less ideal", format_args!("{:.3}", median - ideal));
        row("p99 less ideal", Verdict::at_most(2.0, p99 - ideal));
        row("standard deviation", format_args!("{:.3}", deviation(times)));
    }
}

/// What a wire that does nothing adds to a round trip.
async fn added(rounds: usize) {
    let (_straight, r2, kali) = lab("straight", "").await;
    let (_bent, bent_r2, bent_kali) = lab("plain", PLAIN).await;
    let (_echo, _bent_echo) = (echo(&r2, AT).await, echo(&bent_r2, AT).await);
    let [mut straight, mut bent] = [const { Samples::new() }; 2];
    for _ in 0..rounds {
        straight.push(share(&times(&kali, &["udp-turns", AT, "2000"]).await, 0.5) * 1e3);
        bent.push(share(&times(&bent_kali, &["udp-turns", AT, "2000"]).await, 0.5) * 1e3);
    }
    heading("Round trips through a wire that does nothing, medians", "µs");
    row("link that is not bent", &straight);
    row("through the wire", &bent);
    row("added", Verdict::at_most(60.0, bent.median() - straight.median()));
}

/// TCP through 10 ms each way, in frames of the MTU.
async fn throughput(rounds: usize) {
    let (lab, r2, kali) = lab("tcp", &wire("delay = \"10ms\"")).await;
    let server = r2.command("iperf3 -s").spawn().await.unwrap();
    server.ready("tcp:5201").await.unwrap();
    heading("TCP through a wire with 10 ms each way, MTU 1500", "Gbit/s");
    for congestion in ["cubic", "bbr"] {
        let mut rates = Samples::new();
        for _ in 0..rounds {
            let client = format!("iperf3 -c 10.10.10.2 -C {congestion} -t 5 -O 2 -J");
            let report = kali.command(&client).run().await.unwrap().success().unwrap();
            let report: serde_json::Value = serde_json::from_slice(report.stdout_bytes()).unwrap();
            rates.push(report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9);
        }
        let state = lab.link("R2--KALI").state().await.unwrap();
        let lost = state.cables[0].directions.iter().map(|way| way.missed + way.refused);
        row(congestion, &rates);
        row("frames that the wire lost so far", lost.sum::<u64>());
        row(&format!("{congestion}, median"), Verdict::at_least(1.0, rates.median()));
    }
}

/// Frames of 64 bytes a second, by the same two programs.
async fn frames(rounds: usize) {
    let (_straight, r2, kali) = lab("frames", "").await;
    let (_bent, bent_r2, bent_kali) = lab("frames-wire", PLAIN).await;
    let [mut straight, mut bent] = [const { Samples::new() }; 2];
    for _ in 0..rounds {
        straight.push(flood(&r2, &kali).await);
        bent.push(flood(&bent_r2, &bent_kali).await);
    }
    heading("UDP in frames of 64 bytes", "thousands received a second");
    row("link that is not bent", &straight);
    row("through the wire", &bent);
    row("ratio of medians", Verdict::at_least(0.8, bent.median() / straight.median()));
}

async fn flood(r2: &Node, kali: &Node) -> f64 {
    let sink = this(&["udp-sink", "10.10.10.2:7001"]);
    let mut sink = r2.command_from(sink).spawn().await.unwrap();
    sink.expect("ready").await.unwrap();
    let flood = this(&["udp-flood", "10.10.10.2:7001", "1500"]);
    kali.command_from(flood).run().await.unwrap().success().unwrap();
    let transcript = sink.wait().await.unwrap();
    transcript.stdout().lines().last().unwrap().parse::<f64>().unwrap() / 1e3
}

/// How often the wires' thread wakes up, and for how long, while nothing passes.
async fn idle() {
    let lines = wire("delay = \"10ms\", jitter = \"1ms\", rate = \"1Gbit\"");
    let (_lab, r2, kali) = lab("idle", &lines).await;
    let _echo = echo(&r2, AT).await;
    ping(&kali, AT, 100, 1_000).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let own = kali.command("readlink /proc/self/ns/pid").run().await.unwrap();
    let own = own.stdout().trim().to_owned();
    let before = threads(&own);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = threads(&own);
    assert_eq!((before.len(), after.len()), (1, 1), "one thread is the wires'");
    table("A wire through which nothing passes, for 2 s");
    let difference = |part: fn(&(u64, u64)) -> u64| {
        let sum = |threads: &[(u64, u64)]| threads.iter().map(part).sum::<u64>();
        (sum(&after) - sum(&before)) as f64
    };
    row("wake-ups", Verdict::at_most(0.0, difference(|(switches, _)| *switches)));
    row("time on a processor, µs", Verdict::at_most(0.0, difference(|(_, time)| *time) / 1e3));
}

/// Context switches and nanoseconds on a processor of each thread in a PID namespace that serves wires.
fn threads(namespace: &str) -> Vec<(u64, u64)> {
    let folders = |path: &str| fs::read_dir(path).into_iter().flatten().flatten();
    let own = |process: &fs::DirEntry| {
        fs::read_link(process.path().join("ns/pid")).is_ok_and(|link| link.as_os_str() == namespace)
    };
    let tasks = folders("/proc").filter(own).flat_map(|process| {
        folders(&process.path().join("task").to_string_lossy()).collect::<Vec<_>>()
    });
    let read = |task: &fs::DirEntry, name| fs::read_to_string(task.path().join(name)).ok();
    let wires = tasks.filter(|task| read(task, "comm").is_some_and(|c| c.trim() == "labnet-wires"));
    let figures = wires.filter_map(|task| {
        let status = read(&task, "status")?;
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        let switches = lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok());
        let time = read(&task, "schedstat")?.split_whitespace().next()?.parse().ok()?;
        Some((switches.sum(), time))
    });
    figures.collect()
}

/// Round trips on one of many bent links, all of which carry traffic.
async fn many() {
    let mut topology = String::from("name = \"labnet-bench-wire-many\"\n[nodes.A]\n");
    for link in 0..LINKS {
        topology += &format!("interfaces.e{link} = \"10.1.{link}.1/24\"\n");
    }
    topology += "[nodes.B]\n";
    for link in 0..LINKS {
        topology += &format!("interfaces.e{link} = \"10.1.{link}.2/24\"\n");
    }
    for link in 0..LINKS {
        topology += &format!(
            "[links.l{link}]\nends = [\"A:e{link}\", \"B:e{link}\"]\nbackend = \"userspace\"\n\
             each_way = {{ delay = \"10ms\" }}\n"
        );
    }
    let lab = Lab::start(plan(&topology), "/").await.unwrap();
    let (a, b) = (lab.node("A"), lab.node("B"));
    let _echo = echo(&b, "0.0.0.0:7000").await;
    let mut hole = b.command_from(this(&["udp-hole", "0.0.0.0:7001"])).spawn().await.unwrap();
    hole.expect("ready").await.unwrap();
    let others: Vec<String> = (1..LINKS).map(|link| format!("10.1.{link}.2:7001")).collect();
    let words: Vec<&str> =
        ["udp-load", "5"].into_iter().chain(others.iter().map(String::as_str)).collect();
    let mut load = a.command_from(this(&words)).spawn().await.unwrap();
    load.expect("ready").await.unwrap();
    let times = ping(&a, "10.1.0.2:7000", 2_000, 1_000).await;
    let loaded = load.wait().await.unwrap();
    let rate: f64 = loaded.stdout().lines().last().unwrap().parse().unwrap();
    table(&format!(
        "Round trips with 10 ms each way on one of {LINKS} links, at 1,000 frames a second on each, ms"
    ));
    row("frames a second on the others", format_args!("{rate:.0}"));
    distribution(&times, 20.0);
}
