//! How fast labs come up and go, beside raw netlink and `ip -batch`; run as root: `cargo bench --bench bring_up`.
//!
//! What is compared is taken in turns, in one run, so that whatever else the machine does falls on both.

#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, time::Duration};

use labnet::{Lab, plan::Plan};
use support::{
    LABNET, Samples, Verdict, floor, heading, ip_batch::Batches, network, pair, plan, row, run,
    runtime, selection, settle, time,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    let Some(words) = selection() else { return };
    let selected = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    if selected("pair") {
        a_pair_in_process();
    }
    if selected("cli") {
        let peers = [Peer { what: "`ip -batch`", batches: Batches::pair(), target: 1.0 }];
        whole_processes("2 nodes and a link", 2, &pair("labnet-bench"), &peers, 20);
    }
    if selected("network") {
        let peer = |what, in_place| {
            let batches = Batches::network(100, in_place);
            Peer { what, batches, target: 0.25 }
        };
        let peers = [
            peer("`ip -batch`, links born in place", true),
            peer("`ip -batch`, links moved", false),
        ];
        let topology = network("labnet-bench", 100);
        whole_processes("100 nodes on a network", 100, &topology, &peers, 5);
    }
    if selected("scale") {
        cost_per_node();
    }
}

/// Brings a lab up and down; how long each took.
fn up_and_down(runtime: &Runtime, plan: &Plan) -> (Duration, Duration) {
    let plan = plan.clone();
    let mut lab = None;
    let up = time(|| lab = Some(runtime.block_on(Lab::start(plan, "/")).unwrap()));
    (up, time(|| runtime.block_on(lab.unwrap().down()).unwrap()))
}

/// The plan of a lab without nodes: what its processes cost.
fn empty() -> Plan {
    Plan { nodes: Vec::new(), links: Vec::new(), ..plan(&pair("labnet-bench-empty")) }
}

fn a_pair_in_process() {
    let runtime = runtime();
    let (bare, two) = (empty(), plan(&pair("labnet-bench-pair")));
    let [mut floor, mut start, mut up, mut down] = [const { Samples::new() }; 4];
    for _ in 0..60 {
        floor.push_time(floor::pair());
        settle(2);
        start.push_time(up_and_down(&runtime, &bare).0);
        settle(2);
        let (risen, fallen) = up_and_down(&runtime, &two);
        up.push_time(risen);
        down.push_time(fallen);
        settle(2);
    }
    heading("2 nodes and a link, in process", "ms");
    row("raw netlink: 2 namespaces, veth, addresses, up", &floor);
    row("a lab without nodes: its processes' start", &start);
    row("the lab's bring-up", &up);
    row("the lab's end", &down);
    row("processes' start, median", Verdict::at_most(5.0, start.median()));
    let ratio = |f: fn(&Samples) -> f64| (f(&up) - f(&start)) / f(&floor);
    row(
        "bring-up less processes' start / raw netlink, of medians",
        Verdict::at_most(2.0, ratio(Samples::median)),
    );
    row("the same, of minima", Verdict::at_most(2.0, ratio(Samples::min)));
}

/// Another way to the same lab, and how much of its time labnet may take.
struct Peer {
    what: &'static str,
    batches: Batches,
    target: f64,
}

/// `labnet up` and `labnet down` against others.
fn whole_processes(what: &str, nodes: usize, topology: &str, peers: &[Peer], rounds: usize) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, topology).unwrap();
    let file = path.to_str().unwrap();
    let mut ours = Life::default();
    let mut theirs: Vec<Life> = peers.iter().map(|_| Life::default()).collect();
    for _ in 0..rounds {
        for (peer, life) in peers.iter().zip(&mut theirs) {
            life.sample(nodes, || peer.batches.up(), || peer.batches.down());
        }
        ours.sample(
            nodes,
            || run(LABNET, &["up", file]),
            || run(LABNET, &["down", "labnet-bench"]),
        );
    }
    heading(&format!("{what}, whole processes"), "ms");
    for (peer, life) in peers.iter().zip(&theirs) {
        life.rows(peer.what);
    }
    ours.rows("labnet");
    for (Peer { what, target, .. }, life) in peers.iter().zip(&theirs) {
        let medians = Verdict::at_most(*target, ours.both.median() / life.both.median());
        row(&format!("labnet / {what}, of medians"), medians);
        let minima = Verdict::at_most(*target, ours.both.min() / life.both.min());
        row(&format!("labnet / {what}, of minima"), minima);
    }
}

/// Times of coming up, going down, and both.
#[derive(Default)]
struct Life {
    up: Samples,
    down: Samples,
    both: Samples,
}

impl Life {
    fn sample(&mut self, nodes: usize, up: impl FnOnce(), down: impl FnOnce()) {
        let (risen, fallen) = (time(up), time(down));
        self.up.push_time(risen);
        self.down.push_time(fallen);
        self.both.push_time(risen + fallen);
        settle(nodes);
    }

    fn rows(&self, what: &str) {
        row(&format!("{what}, up"), &self.up);
        row(&format!("{what}, down"), &self.down);
        row(&format!("{what}, up and down"), &self.both);
    }
}

fn cost_per_node() {
    let runtime = runtime();
    let counts = [10, 100, 900];
    let bare = empty();
    let plans = counts.map(|count| plan(&network("labnet-bench-scale", count)));
    let mut start = Samples::new();
    let mut ups = [const { Samples::new() }; 3];
    let mut downs = [const { Samples::new() }; 3];
    for _ in 0..5 {
        for ((count, plan), (up, down)) in
            counts.iter().zip(&plans).zip(ups.iter_mut().zip(&mut downs))
        {
            // Small labs are short: more of them make a steadier figure.
            for _ in 0..(50 / count).max(1) {
                start.push_time(up_and_down(&runtime, &bare).0);
                settle(0);
                let (risen, fallen) = up_and_down(&runtime, plan);
                up.push_time(risen);
                down.push_time(fallen);
                settle(*count);
            }
        }
    }
    heading("nodes on a network, in process", "ms");
    row("a lab without nodes", &start);
    for (count, (up, down)) in counts.iter().zip(ups.iter().zip(&downs)) {
        row(&format!("{count} nodes, bring-up"), up);
        row(&format!("{count} nodes, end"), down);
    }
    let of = |f: fn(&Samples) -> f64| {
        [0, 1, 2].map(|place| (f(&ups[place]) - f(&start)) / counts[place] as f64)
    };
    for (which, costs) in [("medians", of(Samples::median)), ("minima", of(Samples::min))] {
        let [ten, hundred, many] = costs;
        row(
            &format!("cost per node at 10, 100, 900, of {which}"),
            format_args!("{ten:.2}, {hundred:.2}, {many:.2}"),
        );
        row(&format!("at 100 / at 10, of {which}"), Verdict::at_most(1.3, hundred / ten));
        row(&format!("at 900 / at 10, of {which}"), Verdict::at_most(1.3, many / ten));
    }
}
