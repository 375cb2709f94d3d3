//! Captures when something is not as it should be: readers, links and disks that fail, and recordings of strangers.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod place;

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    process::{Child, Command, Output, Stdio},
};

use labnet::packet::{Frame, Interface, Section, Writer};
use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};
use place::{Place, TWO, until};

/// Starts a capture, and returns when it is on.
fn start(mut command: Command) -> Child {
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("labnet: capturing on "), "{line}");
    child
}

fn recorded(place: &Place) {
    place.write("recorded.toml", &format!("{TWO}capture = true\n"));
    place.run("up recorded.toml");
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_worker_sleeps_while_nothing_passes_whether_links_are_up_or_not() {
    let place = Place::new();
    // Its sockets are made before the link is up.
    recorded(&place);
    let worker = place.process("a worker", |process| process.name == "labnet-worker");
    until("worker to sleep", || worker.state() == Some('S'));
    place.run("exec R2 -- ip link set eth0 down");
    until("worker to sleep", || worker.state() == Some('S'));
    place.run("exec R2 -- ip link set eth0 up");
}

#[test]
fn a_reader_that_goes_away_is_noticed_though_nothing_passes() {
    let place = Place::new();
    place.two();
    let fifo = place.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let refused = place.labnet("capture lan -w fifo").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("start its reader first"), "{}", errors(&refused));

    let reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&fifo).unwrap();
    let mut capture = start(place.labnet("capture lan -f udp -w fifo"));
    drop(reader);
    assert_eq!(capture.wait().unwrap().code(), Some(1));
}

#[test]
fn who_presses_ctrl_c_again_need_not_wait_for_a_reader() {
    let place = Place::new();
    place.two();
    let mut command = place.labnet("capture lan -w -");
    // Held, but never read.
    let (unread, output) = std::io::pipe().unwrap();
    command.stdout(output);
    let mut capture = start(command);
    // More than all pipes on the way hold.
    let mut datagrams = place.labnet("exec KALI -- bash -c");
    datagrams.arg("for i in {1..60}; do head -c 8000 /dev/zero > /dev/udp/10.10.10.2/7000; done");
    datagrams.output().unwrap();
    let pid = Pid::from_raw(capture.id() as i32);
    until("end of the capture", || {
        kill(pid, Signal::SIGINT).unwrap();
        capture.try_wait().unwrap().is_some()
    });
    assert_eq!(capture.wait().unwrap().code(), Some(130));
    drop(unread);
}

#[test]
fn what_can_not_be_said_changes_no_exit_code() {
    let place = Place::new();
    place.two();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let code = |line: &str| place.labnet(line).stderr(full()).status().unwrap().code();
    assert_eq!(code("capture lan -w x.pcapng --for 0s"), Some(0));
    assert_eq!(code("capture nowhere"), Some(2));
    assert_eq!(code("captrue"), Some(2));
}

#[test]
fn a_recording_that_has_ended_with_its_worker_says_so() {
    let place = Place::new();
    recorded(&place);
    place
        .labnet("exec KALI -- sh -c")
        .arg("echo hi | labnet nc -u -N 10.10.10.2 7000")
        .output()
        .unwrap();
    place.run("packets lan");
    place.process("a worker", |process| process.name == "labnet-worker").kill();
    // A new worker knows nothing of it.
    // It may take a moment to be missed.
    until("a new worker", || {
        place.labnet("capture lan -w x.pcapng --for 0s").output().unwrap().status.success()
    });
    let listed = place.labnet("packets lan -f udp").output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains(" → 7000 Len=3"));
    assert_eq!(
        errors(&listed),
        "labnet: lan: the recording ended early: cannot record on: the lab's worker process has ended\n"
    );
}

#[test]
fn json_is_not_asked_of_forms_that_have_none() {
    let place = Place::new();
    for form in ["--follow 1", "--ladder", "--normalise", "--normalise-flows"] {
        let refused = place.labnet(&format!("packets x.pcapng --json {form}")).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{form}");
    }
}

#[test]
fn no_recording_steers_a_terminal() {
    let place = Place::new();
    let evil = "\u{1b}]0;x\u{7}\u{9b}31m\r\u{202e}";
    let mut writer =
        Writer::new(File::create(place.path().join("evil.pcapng")).unwrap(), &Section::default())
            .unwrap();
    let mut interface = Interface::ethernet(evil);
    interface.description = Some(evil.to_owned());
    writer.add_interface(&interface).unwrap();
    writer
        .write(&Frame {
            interface: 0,
            time: 0,
            length: 60,
            direction: None,
            comments: vec![evil.to_owned()],
            bytes: [evil.as_bytes(), &[0; 60]].concat()[..60].into(),
        })
        .unwrap();
    drop(writer);
    for form in ["", "--columns info,verdict", "--frame 1", "--flows", "--normalise", "--ladder"] {
        let shown = place.labnet(&format!("packets evil.pcapng {form}")).output().unwrap();
        let text =
            String::from_utf8(shown.stdout).unwrap() + &String::from_utf8(shown.stderr).unwrap();
        let steers = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!text.contains(steers), "{form}: {text:?}");
    }
    let frame = place.run("packets evil.pcapng --frame 1");
    assert!(frame.contains(r"Comment: \u{1b}]0;x\u{7}\u{9b}31m\r\u{202e}"), "{frame}");
}

#[test]
fn neither_names_nor_tables_say_more_than_they_should() {
    let place = Place::new();
    let named = place.labnet("file send 127.0.0.1:1").arg("\u{1b}[31m\u{9b}x").output().unwrap();
    assert!(errors(&named).contains(r"\u{1b}[31m\u{9b}x"), "{}", errors(&named));
    assert!(!errors(&named).contains(['\u{1b}', '\u{9b}']));

    place.write("bare.toml", "name = \"bare\"\n[nodes.R2]\n");
    place.run("up bare.toml");
    assert!(place.run("status").lines().all(|line| line == line.trim_end()));

    // Nobody else than root may read what nobody may read.
    let secret = place.path().join("secret");
    std::fs::write(&secret, "").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    place.write("secret.toml", "name = \"s\"\n[nodes.R2]\nfiles.x = \"secret\"\n");
    if File::open(&secret).is_err() {
        let checked = place.labnet("check secret.toml").output().unwrap();
        assert_eq!(checked.status.code(), Some(3), "{}", errors(&checked));
    }
}
