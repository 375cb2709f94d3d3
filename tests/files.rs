//! `labnet cp`, `logs` and `wait`: files, recorded output and conditions of nodes.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use place::{Place, until};

fn up() -> Place {
    let place = Place::new();
    place.two();
    place
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn in_node(place: &Place, node: &str, script: &str) -> String {
    let output =
        place.labnet(&format!("exec {node} -- sh -c")).arg(format!("cd; {script}")).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn files_are_copied_in_out_and_between() {
    let place = up();
    place.write("a", "the file\n");
    fs::set_permissions(place.path().join("a"), fs::Permissions::from_mode(0o750)).unwrap();
    place.run("cp a R2:");
    place.run("cp a R2:b");
    place.run("cp R2:b KALI:/tmp/../etc/c");
    place.run("cp KALI:/etc/c .");
    place.run("cp R2:/etc/hostname name");
    assert_eq!(in_node(&place, "R2", "cat a b; stat -c %a a b"), "the file\nthe file\n750\n750\n");
    let copy = place.path().join("c");
    assert_eq!((fs::read_to_string(&copy).unwrap().as_str(), mode(&copy)), ("the file\n", 0o750));
    assert_eq!(fs::read_to_string(place.path().join("name")).unwrap(), "R2\n");
    // What was there is replaced, and keeps its mode, as with cp(1).
    place.write("long", &"x".repeat(1 << 20));
    place.run("cp long R2:long");
    fs::set_permissions(place.path().join("a"), fs::Permissions::from_mode(0o600)).unwrap();
    place.run("cp a R2:long");
    assert_eq!(in_node(&place, "R2", "cat long; stat -c %a long"), "the file\n644\n");
    // Into a folder, and on a file whose name has a colon.
    in_node(&place, "R2", "mkdir folder");
    place.run("cp a R2:folder");
    assert_eq!(in_node(&place, "R2", "ls folder"), "a\n");
    place.write("R2:x", "colon");
    place.run("cp ./R2:x KALI:x");
    assert_eq!(in_node(&place, "KALI", "cat x"), "colon");
    place.run("cp a KALI:/dev/null");
}

#[test]
fn what_cannot_be_copied_stays_as_it_is() {
    let place = up();
    place.write("a", "the file\n");
    place.run("cp a R2:a");
    nix::unistd::mkfifo(&place.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let lines = [
        "cp nosuchfile R2:a",
        "cp R2:nosuchfile a",
        "cp a R2:no/such/folder/",
        "cp a R2:/proc/nothing",
        "cp a R2:/proc/sys/kernel/osrelease",
        "cp /etc R2:a",
        "cp R2:/etc a",
        "cp pipe R2:a",
        "cp a a",
        "cp a .",
        "cp R2:a R2:.",
        "cp a R3:a",
        "cp a",
    ];
    let shown: String = lines.iter().map(|line| place.show(line) + "\n").collect();
    assert_snapshot!(shown);
    assert_eq!(fs::read_to_string(place.path().join("a")).unwrap(), "the file\n");
    assert_eq!(in_node(&place, "R2", "cat a"), "the file\n");
}

#[test]
fn logs_show_both_streams_and_end_with_the_program() {
    let place = Place::new();
    let run =
        "sh -c 'echo out; echo err >&2; until [ -e go ]; do sleep 0.01; done; printf end; exit 3'";
    place.write("lab.toml", &format!("name = \"l\"\n[nodes.R2.programs.p]\nrun = \"{run}\"\n"));
    place.run("up lab.toml");
    until("first lines", || place.run("logs R2 p") == "out\nerr\n");
    let following = place.labnet("logs -f R2 p").stdout(Stdio::piped()).spawn().unwrap();
    in_node(&place, "R2", "touch go");
    let output = following.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"out\nerr\nend"[..]));
    assert_eq!(place.run("logs R2 p"), "out\nerr\nend");
    assert!(place.run("status").contains("p ended (exit code 3)"));
    assert_snapshot!(
        place.show("logs R2 q") + &place.show("logs R2 -f q") + &place.show("logs R2 p/q")
    );
}

#[test]
fn a_program_outlives_a_full_file_system_and_what_is_lost_is_said() {
    let place = Place::new();
    let run = "sh -c 'await() { until [ -e $1 ]; do sleep 0.01; done; }; \
               await full; echo unseen; touch printed; await room; echo seen; await never'";
    place.write("lab.toml", &format!("name = \"l\"\n[nodes.R2.programs.p]\nrun = \"{run}\"\n"));
    place.run("up lab.toml");
    let fill = "mount -t tmpfs -o remount,size=1m labnet ${HOME%/nodes/*} && head -c 2m /dev/zero >big; \
                touch full; until [ -e printed ]; do sleep 0.01; done";
    in_node(&place, "R2", fill);
    // Init answers after it has read what was printed before.
    assert_eq!(place.run("logs R2 p"), "");
    in_node(&place, "R2", "rm big; touch room");
    let note = "\n(labnet: 7 bytes of output are lost: No space left on device (os error 28))\n";
    until("what follows", || place.run("logs R2 p") == format!("{note}seen\n"));
    assert!(place.run("status").contains("p running"));
}

#[test]
fn much_output_is_bounded_and_what_is_dropped_is_said() {
    let place = Place::new();
    // 20 MiB of numbered lines of 16 bytes.
    let run = "sh -c 'seq -f %015.0f 1310720'";
    place.write("lab.toml", &format!("name = \"l\"\n[nodes.R2.programs.p]\nrun = \"{run}\"\n"));
    place.run("up lab.toml");
    let followed = place.labnet("logs -f R2 p").output().unwrap();
    assert!(followed.status.success());
    let late = place.labnet("logs R2 p").output().unwrap();
    let kept = 8 << 20;
    assert!((kept..=kept * 2).contains(&late.stdout.len()), "{}", late.stdout.len());
    let lost = (20 << 20) - late.stdout.len();
    let said = format!("labnet: the oldest {lost} bytes are no longer kept\n");
    assert_eq!(String::from_utf8_lossy(&late.stderr), said);
    for output in [followed.stdout, late.stdout] {
        let text = String::from_utf8(output).unwrap();
        assert!(text.ends_with("000000001310720\n") && !text.contains('\0'));
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert!(lines[1..].iter().all(|line| line.len() == 16), "whole lines");
    }
}

#[test]
fn wait_ends_when_the_condition_holds_or_the_time_is_over() {
    let place = up();
    let start = Instant::now();
    let mut shown = place.show("wait R2 tcp:7 --timeout 50ms");
    shown += &place.show("wait R2 file:nothing --timeout 50ms");
    assert!(start.elapsed() >= Duration::from_millis(100));
    shown += &place.show("wait R2 nonsense");
    shown += &place.show("wait R2 tcp:0");
    assert_snapshot!(shown);
    thread::scope(|scope| {
        let wait = |condition| {
            let place = &place;
            scope.spawn(move || place.run(&format!("wait R2 {condition}")))
        };
        let waiting = ["tcp:7000", "udp:7000", "file:it"].map(wait);
        let mut listen =
            place.labnet("exec R2 -- labnet echo serve 10.10.10.2:7000").spawn().unwrap();
        let mut bind = place.labnet("exec R2 -- labnet nc -u -l 10.10.10.2 7000");
        let mut bind = bind.stdin(Stdio::piped()).spawn().unwrap();
        in_node(&place, "R2", "touch it");
        for waiting in waiting {
            waiting.join().unwrap();
        }
        for program in [&mut listen, &mut bind] {
            program.kill().unwrap();
            program.wait().unwrap();
        }
    });
}

#[test]
fn who_follows_or_waits_learns_that_the_lab_has_ended() {
    let place = Place::new();
    place.write(
        "lab.toml",
        "name = \"l\"\n[nodes.R2.programs.p]\nrun = \"sh -c 'echo up; exec sleep 1000'\"\n",
    );
    place.run("up lab.toml");
    let start = |line| {
        let mut command = place.labnet(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let clients = [start("logs -f R2 p"), start("wait R2 tcp:7")];
    for verb in ["logs", "wait"] {
        let client = place.client(verb);
        // Connected to the lab: it sleeps in the event loop's epoll with the lab's socket open.
        until("connection", || {
            let files = fs::read_dir(format!("/proc/{}/fd", client.pid)).unwrap();
            let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
            links.filter(|link| link.to_string_lossy().starts_with("socket:")).count() > 0
        });
    }
    place.run("down");
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert_eq!(said, "labnet: the lab has ended: its init process is gone\n");
    }
}
