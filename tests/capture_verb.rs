//! `labnet capture` and `labnet packets` on a running lab, as a person uses them.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, Stdio},
};

use insta::assert_snapshot;
use nix::sys::signal::Signal;
use place::{Place, until};

/// Two hosts whose link is recorded.
const RECORDED: &str = r#"
name = "recorded"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
capture = true
"#;

/// A capture that is on.
struct Capture {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Capture {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.starts_with("labnet: capturing on "), "{line}");
        Self { child, errors }
    }

    /// Its exit code, and what it wrote to standard output and since it was on to standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut errors) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), out, errors)
    }
}

/// Sends `hi` from KALI to R2, where nobody listens: the answer is that.
fn send(place: &Place) {
    let mut command = place.labnet("exec KALI -- sh -c");
    command.arg("echo hi | labnet nc -u -N 10.10.10.2 7000");
    // How the sender takes the answer is not of interest here.
    command.output().unwrap();
}

/// A list less what differs from run to run: ephemeral ports.
fn stable(list: &str) -> String {
    let word = |word: &str| match word.parse::<u32>() {
        Ok(port) if port >= 32768 => "PORT".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    list.lines().map(|text| line(text) + "\n").collect()
}

/// The datagram and the answer to it.
const FRAMES: &str = "10.10.10.3 → 10.10.10.2 PORT → 7000 Len=3
10.10.10.2 → 10.10.10.3 Destination unreachable (Port unreachable)
";
const COLUMNS: &str = "--columns source,destination,info";

#[test]
fn a_list_has_each_frame_of_a_link_once() {
    let place = Place::new();
    place.two();
    let filter = ["-f", "udp or icmp"];
    let mut command = place.labnet(&format!("capture lan -c 2 {COLUMNS}"));
    command.args(filter);
    let capture = Capture::start(command);
    send(&place);
    let (code, out, errors) = capture.end();
    assert_eq!(stable(&out), FRAMES);
    assert_eq!((code, errors.as_str()), (Some(0), "2 frames captured, 0 dropped by the kernel\n"));

    // Of interfaces, each frame is there where it was seen, and no frame is taken for another sent again.
    let mut command = place.labnet("capture R2:eth0 KALI:eth0 -c 4 --json");
    command.args(filter);
    let capture = Capture::start(command);
    send(&place);
    let (_, out, _) = capture.end();
    let seen: Vec<(String, String)> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|frame| {
            (frame["interface"].as_str().unwrap().into(), frame["proto"].as_str().unwrap().into())
        })
        .collect();
    let expected =
        [("KALI:eth0", "UDP"), ("R2:eth0", "UDP"), ("R2:eth0", "ICMP"), ("KALI:eth0", "ICMP")];
    assert_eq!(seen, expected.map(|(at, protocol)| (at.to_owned(), protocol.to_owned())));
}

#[test]
fn a_file_is_whole_after_ctrl_c_and_takes_an_old_ones_place_only_when_the_capture_is_on() {
    let place = Place::new();
    place.two();
    let file = place.path().join("x.pcapng");
    fs::write(&file, "old").unwrap();
    let refused = place.labnet("capture R2:eth7 -w x.pcapng").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read(&file).unwrap(), b"old");
    let capture = Capture::start(place.labnet("capture R2:eth0 -w x.pcapng -f udp"));
    for _ in 0..5 {
        send(&place);
    }
    place.client("capture").signal(Signal::SIGINT);
    let (code, out, errors) = capture.end();
    let expected = "5 frames captured in x.pcapng, 0 dropped by the kernel\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", expected));
    assert_eq!(
        place.run("packets x.pcapng --columns proto").lines().collect::<Vec<_>>(),
        ["UDP"; 5]
    );
    let names: Vec<_> =
        fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".x")), "{names:?}");
}

#[test]
fn a_recording_streams_to_standard_output_while_it_runs() {
    let place = Place::new();
    place.two();
    let mut capture = Capture::start(place.labnet("capture lan -w - -c 4 -f udp"));
    let mut reader = labnet::packet::Reader::new(capture.child.stdout.take().unwrap()).unwrap();
    for _ in 0..2 {
        send(&place);
        // It is there before the next is sent: at both ends.
        for name in ["KALI:eth0", "R2:eth0"] {
            let (frame, interface) = reader.next_with_interface().unwrap().unwrap();
            assert_eq!((frame.length, interface.name.as_deref()), (45, Some(name)));
        }
    }
    assert!(reader.next_frame().unwrap().is_none());
    assert_eq!(reader.statistics()[0].unwrap().dropped, Some(0));
    assert_eq!(capture.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_capture_ends_when_nobody_reads_it() {
    let place = Place::new();
    place.two();
    let mut capture = Capture::start(place.labnet("capture lan"));
    drop(capture.child.stdout.take());
    until("end of the capture", || {
        send(&place);
        capture.child.try_wait().unwrap().is_some()
    });
    let status = capture.child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGPIPE));
}

#[test]
fn what_a_lab_records_can_be_listed_at_any_time() {
    let place = Place::new();
    place.write("recorded.toml", RECORDED);
    place.run("up recorded.toml");
    send(&place);
    let list = |of: &str| {
        let mut command = place.labnet(&format!("packets {of} {COLUMNS}"));
        let output = command.args(["--filter", "udp or icmp"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        stable(&String::from_utf8(output.stdout).unwrap())
    };
    for of in ["lan", "R2--KALI", "R2:eth0", "KALI:eth0"] {
        assert_eq!(list(of), FRAMES, "{of}");
    }
    send(&place);
    assert_eq!(list("lan"), FRAMES.repeat(2));
    // It began before the first frame: the question for the address.
    let first = place.run(&format!("packets lan {COLUMNS}"));
    assert!(
        first.starts_with("02:00:0a:0a:0a:03 → ff:ff:ff:ff:ff:ff Who has 10.10.10.2?"),
        "{first}"
    );
}

#[test]
fn a_worker_that_is_killed_is_missed_and_replaced() {
    let place = Place::new();
    place.two();
    let capture = Capture::start(place.labnet("capture lan"));
    place.process("a worker", |process| process.name == "labnet-worker").kill();
    let (code, _, errors) = capture.end();
    assert_eq!(
        (code, errors.as_str()),
        (Some(5), "labnet: cannot go on: the lab's worker process has ended\n")
    );
    let capture = Capture::start(place.labnet("capture lan -c 1"));
    send(&place);
    assert_eq!(capture.end().0, Some(0));
}

#[test]
fn wrong_places_and_filters_are_told_apart() {
    let place = Place::new();
    place.two();
    let shown = [
        "capture R2",
        "capture lna",
        "capture R3:eth0",
        "capture R2:eth7",
        "capture lan -f tcp.port==80",
        "capture",
        "packets lan",
        "packets R2:eth0",
        "packets nothing.pcapng",
        "packets lan --columns tiem",
    ];
    assert_snapshot!(shown.map(|line| place.show(line)).join("\n"));
}

#[test]
fn a_frame_that_the_filter_refuses_is_not_told_and_said_to_be_refused() {
    let place = Place::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/refused.pcap");
    let frame = |filter: &str| {
        let mut command = place.labnet("packets --frame 1");
        let output = command.args(["--filter", filter, file]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(frame("greater 1"), (Some(0), String::new()));
    let said = "labnet: frame 1 does not pass the filter\n".to_owned();
    assert_eq!(frame("greater 10000"), (Some(1), said));
}

#[test]
fn an_interface_with_a_dot_in_its_name_is_no_file() {
    let place = Place::new();
    place.two();
    assert_snapshot!(place.show("packets R2:eth0.10"), @"
    $ labnet packets R2:eth0.10
    labnet: R2:eth0.10 is at no link or network, so nothing is recorded there; `labnet capture R2:eth0.10` records from now on
    (exit status: 2)
    ");
}
