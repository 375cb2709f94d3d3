//! `labnet nc` with the netcats that others wrote; ignored where they aren't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use programs::{Running, free_port, installed, labnet_with, noise, start, wait_for_port};

/// Another netcat: its name and how it is started.
struct Netcat {
    program: &'static str,
    /// Arguments to listen and to connect; `PORT` stands for the port.
    tcp: [&'static str; 2],
    udp: [&'static str; 2],
}

const NETCATS: [Netcat; 3] = [
    Netcat {
        program: "nc.openbsd",
        tcp: ["-n -N -l 127.0.0.1 PORT", "-n -N 127.0.0.1 PORT"],
        udp: ["-n -u -l 127.0.0.1 PORT", "-n -u 127.0.0.1 PORT"],
    },
    Netcat {
        program: "ncat",
        tcp: ["-n -l 127.0.0.1 PORT", "-n 127.0.0.1 PORT"],
        udp: ["-n -u -l 127.0.0.1 PORT", "-n -u 127.0.0.1 PORT"],
    },
    Netcat {
        program: "socat",
        tcp: ["- TCP4-LISTEN:PORT,bind=127.0.0.1", "- TCP4:127.0.0.1:PORT"],
        udp: ["- UDP4-LISTEN:PORT,bind=127.0.0.1", "- UDP4:127.0.0.1:PORT"],
    },
];

fn main() -> ExitCode {
    let trials = NETCATS.iter().flat_map(|netcat| {
        let trial = |what: &str, test: fn(&Netcat)| {
            let run = move || -> Result<(), Failed> {
                test(netcat);
                Ok(())
            };
            let trial = Trial::test(format!("{what}_{}", netcat.program.replace('.', "_")), run);
            if installed(netcat.program) {
                trial
            } else {
                trial
                    .with_kind(format!("{} is not installed", netcat.program))
                    .with_ignored_flag(true)
            }
        };
        [
            trial("tcp_chat_with_listening", |netcat| chat(they_listen(netcat, "tcp"))),
            trial("tcp_chat_with_connecting", |netcat| chat(they_connect(netcat, "tcp"))),
            trial("udp_chat_with_listening", |netcat| chat(they_listen(netcat, "udp"))),
            trial("udp_chat_with_connecting", |netcat| chat(they_connect(netcat, "udp"))),
            trial("a_file_sent_to_listening", |netcat| {
                let Pair { first: us, second: them, .. } = they_listen(netcat, "tcp");
                transfer(us, them);
            }),
            trial("a_file_received_from_connecting", |netcat| {
                let Pair { first: them, second: us, .. } = they_connect(netcat, "tcp");
                transfer(them, us);
            }),
        ]
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Two programs with a connection to be; the first one speaks first, which UDP needs.
struct Pair {
    first: Running,
    second: Running,
    we_are_first: bool,
}

fn they_listen(netcat: &Netcat, protocol: &str) -> Pair {
    let port = free_port();
    let them = they(netcat, protocol, 0, port);
    wait_for_port(protocol, port);
    let us =
        labnet_with(&format!("nc -N {} 127.0.0.1 {port}", flag(protocol)), &["--prefix", "us: "]);
    Pair { first: us, second: them, we_are_first: true }
}

fn they_connect(netcat: &Netcat, protocol: &str) -> Pair {
    let us =
        labnet_with(&format!("nc -N {} -v -l 127.0.0.1 0", flag(protocol)), &["--prefix", "us: "]);
    let them = they(netcat, protocol, 1, us.port());
    Pair { first: them, second: us, we_are_first: false }
}

fn they(netcat: &Netcat, protocol: &str, role: usize, port: u16) -> Running {
    let args = if protocol == "tcp" { netcat.tcp } else { netcat.udp };
    let args = args[role].replace("PORT", &port.to_string());
    start(netcat.program, args.split_whitespace())
}

fn flag(protocol: &str) -> &'static str {
    if protocol == "udp" { "-u" } else { "" }
}

/// Lines go both ways, ours with their prefix.
fn chat(Pair { mut first, mut second, we_are_first }: Pair) {
    let [first_prefix, second_prefix] = if we_are_first { ["us: ", ""] } else { ["", "us: "] };
    first.type_in("hello\n");
    second.stdout.wait_for(&format!("{first_prefix}hello\n"));
    second.type_in("hello yourself\n");
    first.stdout.wait_for(&format!("{second_prefix}hello yourself\n"));
    first.type_in("bye\n");
    second.stdout.wait_for(&format!("{first_prefix}hello\n{first_prefix}bye\n"));
}

/// All bytes arrive, and both end by themselves. (Without line ends there is one prefix, or none.)
fn transfer(mut from: Running, to: Running) {
    let mut bytes = noise(1_000_000);
    bytes.retain(|&byte| byte != b'\n');
    from.type_in(&bytes);
    from.end_input();
    let received = to.finish().success().stdout;
    assert!(received.ends_with(&bytes) && received.len() - bytes.len() <= "us: ".len());
    from.finish().success();
}
