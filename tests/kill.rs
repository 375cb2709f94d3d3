//! SIGKILL to any process of a lab, at any moment, leaves nothing: no process, namespace, interface or mount; and if
//! neither init nor supervisor lives to clean up, a directory and names that the next command sweeps.
//!
//! `LABNET_KILLS` is the number of random moments (50), `LABNET_SEED` what they are drawn from.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use labnet::Lab;
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::Signal;
use place::{
    Place,
    processes::{self, Process},
    until,
};

/// Set for this program to be a victim: a test program that uses the library.
const VICTIM: &str = "LABNET_VICTIM";

/// Two hosts on a link that is recorded and a third on a network, with a program that is sent a file.
const LAB: &str = r#"
name = "victim"
networks.n.subnet = "10.20.0.0/24"
[nodes.R2]
interfaces = { eth0 = "10.10.10.2/24", eth1 = "n" }
[nodes.R2.programs.file]
run = "labnet file serve 10.10.10.2:5002 --into ."
ready = "tcp:5002"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
files."big" = "big"
[nodes.THIRD]
interfaces.eth0 = "n"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
capture = true
"#;

/// A lab that is half up until it is killed: the program that is waited for never gets ready.
const HALF_UP: &str = r#"
name = "half"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.R2.programs.first]
run = "sleep 1000"
[nodes.R2.programs.second]
run = "sleep 1001"
ready = "tcp:1"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
"#;

fn main() -> ExitCode {
    if env::var_os(VICTIM).is_some() {
        return be_a_victim();
    }
    let python = Command::new("python3").arg("-c").arg("import os; os.pidfd_open").output();
    let no_python = !python.is_ok_and(|output| output.status.success());
    let held = if no_python {
        "a_client_whose_socket_another_process_holds (python3 is not installed)"
    } else {
        "a_client_whose_socket_another_process_holds"
    };
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    };
    let mut trials = vec![
        trial("a_client_that_brings_a_lab_up", || half_up(&["labnet"])),
        trial("init_that_brings_a_lab_up", || half_up(&["labnet-init"])),
        trial("supervisor_that_brings_a_lab_up", || half_up(&["labnet-super"])),
        trial("init_and_supervisor_that_bring_a_lab_up", || {
            half_up(&["labnet-super", "labnet-init"])
        }),
        trial("all_that_bring_a_lab_up", || half_up(&["labnet-super", "labnet-init", "labnet"])),
        trial("init_of_a_lab_that_is_up", || up(&["labnet-init"])),
        trial("supervisor_of_a_lab_that_is_up", || up(&["labnet-super"])),
        trial("init_and_supervisor_of_a_lab_that_is_up", || up(&["labnet-super", "labnet-init"])),
        trial("client_of_a_capture", || captured(&["labnet"])),
        trial("worker_of_a_capture", || captured(&["labnet-worker"])),
        trial("init_of_a_lab_with_a_capture", || captured(&["labnet-init"])),
        trial("supervisor_of_a_lab_with_a_capture", || captured(&["labnet-super"])),
        trial("a_stopped_client", a_stopped_client),
        trial(held, a_held_client).with_ignored_flag(no_python),
        trial("random_moments", random_moments),
    ];
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Brings a lab up, has a file sent, and ends it, as a test would.
fn be_a_victim() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async {
        let lab = Lab::up("lab.toml").await?;
        let send = lab.node("KALI").command("labnet file send 10.10.10.2:5002 big");
        send.run().await?.success()?;
        lab.down().await
    });
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn with_half_up() -> (Place, Child) {
    let place = Place::new();
    place.write("half.toml", HALF_UP);
    let client = place.labnet("up half.toml").stderr(Stdio::null()).spawn().unwrap();
    place.process("the second program", |process| process.words.contains(&"1001".to_owned()));
    (place, client)
}

/// Kills processes by their names while a lab is half up.
fn half_up(names: &[&str]) {
    let (place, mut client) = with_half_up();
    let before = kill_all(&place, names);
    client.wait().unwrap();
    before.until_gone(&place, names.contains(&"labnet-super"));
}

/// Kills processes by their names while a lab is up that has no client, and one with a client that joins it.
fn up(names: &[&str]) {
    for joined in [false, true] {
        let place = Place::new();
        place.write("lab.toml", LAB);
        place.write("big", "");
        place.run("up lab.toml");
        let client = joined.then(|| place.labnet("exec KALI -- sleep 1000").spawn().unwrap());
        if joined {
            place.process("sleep", |process| process.name == "sleep");
        }
        let before = kill_all(&place, names);
        if let Some(mut client) = client {
            assert_eq!(client.wait().unwrap().code(), Some(137));
        }
        before.until_gone(&place, names.contains(&"labnet-super"));
    }
}

/// Kills processes by their names while somebody captures on a link that is recorded anyway.
fn captured(names: &[&str]) {
    let place = Place::new();
    place.write("lab.toml", LAB);
    place.write("big", "");
    place.run("up lab.toml");
    let worker = place.process("a worker", |process| process.name == "labnet-worker");
    let sockets = worker.open_files().len();
    let mut client = place.labnet("capture lan -w x").stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(client.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(worker.open_files().len() > sockets, "{line}");
    let before = kill_all(&place, names);
    assert!(!client.wait().unwrap().success());
    // Without its client or its worker a lab goes on; with the client, what it captured by is gone.
    if names == ["labnet"] {
        // As it first ends a capture, a worker opens a socket of its own, to wait by for what was sent.
        until("end of the capture", || worker.open_files().len() == sockets + 1);
    }
    if !names.iter().any(|name| ["labnet-init", "labnet-super"].contains(name)) {
        place.run("down");
    }
    before.until_gone(&place, names.contains(&"labnet-super"));
}

/// Kills every process of these names.
fn kill_all(place: &Place, names: &[&str]) -> Traces {
    let before = Traces::of(place);
    for process in place.processes().iter().filter(|process| names.contains(&&*process.name)) {
        process.kill();
    }
    before
}

fn a_stopped_client() {
    let (place, mut client) = with_half_up();
    let before = Traces::of(&place);
    let stopped = place.client("up");
    stopped.signal(Signal::SIGSTOP);
    until("stop", || stopped.is_stopped());
    stopped.kill();
    client.wait().unwrap();
    before.until_gone(&place, false);
}

/// As a child of the client has it that was forked and did not execute a program.
fn a_held_client() {
    const HOLD: &str = "
import ctypes, os, subprocess, sys
client = subprocess.Popen([sys.argv[1], 'up', 'half.toml'], stderr=subprocess.DEVNULL)
sys.stdin.readline()
pidfd, libc = os.pidfd_open(client.pid), ctypes.CDLL(None, use_errno=True)
held = [libc.syscall(438, pidfd, int(fd), 0) for fd in os.listdir(f'/proc/{client.pid}/fd')]
print(sum('socket' in os.readlink(f'/proc/self/fd/{fd}') for fd in held if fd >= 0), flush=True)
client.kill()
client.wait()
sys.stdin.readline()
";
    let place = Place::new();
    place.write("half.toml", HALF_UP);
    let mut holder = place
        .command("python3")
        .arg("-c")
        .arg(HOLD)
        .arg(place::program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    place.process("the second program", |process| process.words.contains(&"1001".to_owned()));
    let input = holder.stdin.as_mut().unwrap();
    std::io::Write::write_all(input, b"go\n").unwrap();
    let mut sockets = String::new();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut sockets).unwrap();
    assert!(sockets.trim().parse::<u32>().unwrap() >= 1);
    until("the lab's end", || {
        place.processes().iter().all(|process| process.words.contains(&HOLD.to_owned()))
            && place.remains().is_empty()
    });
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

/// What is there before a kill, to compare with.
struct Traces {
    interfaces: BTreeSet<String>,
}

impl Traces {
    /// Looks, and checks that nobody holds a namespace of the lab but its own processes, so that it ends with them.
    ///
    /// (When it is gone this can't be told: the kernel uses the numbers of namespaces again.)
    fn of(place: &Place) -> Self {
        let before = place.namespaces();
        let holders = processes::foreign_holders(&before, &place.variable());
        // What the lab has let go of meanwhile may be others' already.
        let still = place.namespaces();
        let held = |(_, theirs): &(i32, BTreeSet<PathBuf>)| {
            theirs.intersection(&before).any(|namespace| still.contains(namespace))
        };
        let holders: Vec<_> = holders.into_iter().filter(held).collect();
        assert!(holders.is_empty(), "{holders:?} hold namespaces of the lab: {still:?}");
        Self { interfaces: interfaces() }
    }

    /// Returns when nothing is left, if need be after the next command.
    fn until_gone(&self, place: &Place, swept: bool) {
        until("end of all processes", || place.processes().is_empty());
        if swept {
            place.run("status");
        }
        place.until_gone();
        until("end of all interfaces", || interfaces().is_subset(&self.interfaces));
    }
}

/// The host's.
fn interfaces() -> BTreeSet<String> {
    let names = fs::read_dir("/sys/class/net").unwrap();
    names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect()
}

/// Numbers as if random, from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// Who is killed: a process of one of these names, or all such.
const TARGETS: &[&[&str]] = &[
    &["victim", "labnet"],
    &["labnet-init"],
    &["labnet-super"],
    &["labnet-init", "labnet-super"],
    &["labnet-worker"],
    &["in a node"],
];

fn random_moments() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("LABNET_KILLS").unwrap_or(50);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("LABNET_SEED").unwrap_or(since.as_nanos() as u64);
    // Two at a time, each with every second moment.
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let place = Place::new();
                place.write("lab.toml", LAB);
                fs::write(place.path().join("big"), vec![7; 16 << 20]).unwrap();
                let lifetimes = [Kind::Library, Kind::Verbs].map(|kind| {
                    let start = Instant::now();
                    assert!(start_victim(&place, kind).wait().unwrap().success());
                    start.elapsed()
                });
                for round in (half..kills).step_by(2) {
                    let what = format!("LABNET_SEED={seed}, kill {round}");
                    eprintln_on_panic(&what, || kill_one(&place, Dice(seed + round), lifetimes));
                }
            });
        }
    });
}

/// Tells which kill it was if it left something.
fn eprintln_on_panic(what: &str, f: impl FnOnce()) {
    struct Tell<'a>(&'a str);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            if thread::panicking() {
                eprintln!("failed: {}", self.0);
            }
        }
    }
    let _tell = Tell(what);
    f();
}

#[derive(Clone, Copy)]
enum Kind {
    /// A program that uses the library; the lab is its own.
    Library,
    /// `labnet up`, `exec`, `down`.
    Verbs,
}

fn start_victim(place: &Place, kind: Kind) -> Child {
    let mut command = match kind {
        Kind::Library => place.command(env::current_exe().unwrap()),
        Kind::Verbs => place.command("sh"),
    };
    if let Kind::Verbs = kind {
        let labnet = place::program().display().to_string();
        let send = "exec KALI -- sh -c 'cd && labnet file send 10.10.10.2:5002 big'";
        command.args(["-c", &format!("{labnet} up lab.toml && {labnet} {send} && {labnet} down")]);
    } else {
        command.env(VICTIM, "1");
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill_one(place: &Place, mut dice: Dice, lifetimes: [Duration; 2]) {
    let kind = [Kind::Library, Kind::Verbs][dice.roll(2) as usize];
    let names = TARGETS[dice.roll(TARGETS.len() as u64) as usize];
    let lifetime = lifetimes[kind as usize].as_micros() as u64;
    let moment = Duration::from_micros(dice.roll(lifetime));
    let mut victim = start_victim(place, kind);
    thread::sleep(moment);
    let before = Traces::of(place);
    let is_target = |process: &Process| names.contains(&role(process, victim.id() as i32));
    for process in place.processes().iter().filter(|process| is_target(process)) {
        process.kill();
    }
    victim.wait().unwrap();
    if matches!(kind, Kind::Verbs) {
        // A lab that was up already goes on without its client.
        place.run("down --all");
    }
    before.until_gone(place, names.contains(&"labnet-super"));
}

/// What a process is to the lab.
fn role(process: &Process, victim: i32) -> &str {
    let name = &*process.name;
    match name {
        _ if process.pid == victim && name != "sh" => "victim",
        "labnet-init" | "labnet-super" | "labnet-worker" | "labnet-join" | "sh" => name,
        // Also called so in a node.
        "labnet" if process.words.first().is_some_and(|word| Path::new(word).is_absolute()) => name,
        _ => "in a node",
    }
}
