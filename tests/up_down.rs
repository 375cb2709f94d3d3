//! `labnet up`, `down` and `status`: each way it can go, with its exit code, what it says and what is left.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Stdio},
    thread,
};

use insta::assert_snapshot;
use nix::{sys::signal::Signal, unistd::getuid};
use place::{Place, TWO, until};

/// Some behaviour is root's only, as names in /run/netns.
fn kind() -> &'static str {
    if getuid().is_root() { "root" } else { "rootless" }
}

fn with_two() -> Place {
    let place = Place::new();
    place.write("two.toml", TWO);
    place
}

/// Nothing of any lab is there, at once.
fn assert_nothing_left(place: &Place) {
    assert_eq!(format!("{:?} {:?}", place.processes(), place.remains()), "[] []");
}

/// A shell as root of a user namespace, where limits and mounts are ours; `labnet` is a command there.
fn as_own_root(place: &Place, script: &str) -> Command {
    let mut command = place.command("unshare");
    let folder = place::program().parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    command.args(["--map-root-user", "--mount", "sh", "-c", script]).env("PATH", path);
    command
}

#[test]
fn up_and_down() {
    let place = with_two();
    let mut shown = place.show("up two.toml");
    for line in ["status", "down", "status", "down"] {
        shown += &place.show(line);
    }
    assert_snapshot!(shown);
    assert_nothing_left(&place);
}

#[test]
fn up_twice_down_twice() {
    let place = with_two();
    let mut shown = String::new();
    for line in ["up two.toml", "up two.toml", "down two", "down two"] {
        shown += &place.show(line);
    }
    assert_snapshot!(shown);
}

#[test]
fn several_labs_must_be_told_apart() {
    let place = with_two();
    let mut shown = place.show("up two.toml -L first");
    shown += &place.show("up two.toml -L second");
    for line in [
        "status",
        "exec R2 -- hostname",
        "down",
        "exec -L second R2 -- hostname",
        "down third",
        "down --all",
    ] {
        shown += &place.show(line);
    }
    assert_snapshot!(format!("several_labs_{}", kind()), shown);
    assert_nothing_left(&place);
}

#[test]
fn unknown_labs_and_nodes() {
    let place = with_two();
    let mut shown = place.show("exec R2 -- true");
    shown += &place.show("down two");
    shown += &place.show("up two.toml");
    for line in [
        "down tow",
        "status --json=1",
        "shell r3",
        "logs R2 echo",
        "wait KALl tcp:1",
        "cp KALl:a b",
    ] {
        shown += &place.show(line);
    }
    assert_snapshot!(shown);
}

#[test]
fn taken_names_are_never_replaced() {
    let place = with_two();
    if !getuid().is_root() {
        // Without root there are no names in /run/netns.
        let all = || fs::read_dir("/run/netns").into_iter().flatten().count();
        let before = all();
        place.run("up two.toml");
        assert_eq!(all(), before);
        place.run("down");
        return;
    }
    let netns = place.outside("/run/netns");
    fs::create_dir(&netns).unwrap();
    fs::write(netns.join("R2"), "mine").unwrap();
    symlink("/proc/1/ns/net", netns.join("KALI")).unwrap();
    symlink("/nowhere", netns.join("two-KALI")).unwrap();
    let mut shown = place.show("up two.toml");
    shown += &names(&netns);
    shown += &place.show("down");
    shown += &names(&netns);
    assert_snapshot!(shown);
    fs::remove_dir_all(netns).unwrap();
}

/// The names for `ip netns`, and whose they are.
fn names(netns: &std::path::Path) -> String {
    let mut names: Vec<String> = fs::read_dir(netns)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let what = match fs::read_link(&path) {
                Ok(target) if target.ends_with("ns/net") || target.ends_with("nowhere") => {
                    target.display().to_string()
                }
                Ok(_) => "a link to an init's descriptor".to_owned(),
                Err(_) => fs::read_to_string(&path).unwrap(),
            };
            format!("/run/netns/{} = {what}\n", path.file_name().unwrap().display())
        })
        .collect();
    names.sort();
    names.concat()
}

#[test]
fn no_room_for_the_labs_directory() {
    let place = with_two();
    let shown: String = (1..=3)
        .map(|inodes| {
            let script = format!(
                "mkdir -p state && mount -t tmpfs -o nr_inodes={inodes} full state && \
                 export XDG_RUNTIME_DIR=$PWD/state && labnet up two.toml; \
                 code=$?; find state -mindepth 1; exit $code"
            );
            place.show_run("up two.toml", as_own_root(&place, &script))
        })
        .collect();
    assert_snapshot!(shown);
    fs::remove_dir(place.path().join("state")).unwrap();
    assert_nothing_left(&place);
}

#[test]
fn no_room_for_the_labs_state() {
    let place = with_two();
    let script = "mkdir state && mount -t tmpfs -o size=4k full state && echo > state/full && \
                  export XDG_RUNTIME_DIR=$PWD/state && labnet up two.toml; \
                  code=$?; ls state state/labnet; exit $code";
    assert_snapshot!(place.show_run("up two.toml", as_own_root(&place, script)));
    fs::remove_dir(place.path().join("state")).unwrap();
    assert_nothing_left(&place);
}

#[test]
fn a_directory_that_cannot_be_written() {
    let place = Place::with_run("size=64m,ro");
    place.write("two.toml", TWO);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_snapshot!(format!("unwritable_{}", kind()), place.show("up two.toml"));
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    place.write("labnet", "not a folder");
    if !getuid().is_root() {
        assert_snapshot!("not_a_folder", place.show("up two.toml"));
    }
    fs::remove_file(place.path().join("labnet")).unwrap();
    assert_nothing_left(&place);
}

#[test]
fn a_directory_with_a_long_path() {
    let place = with_two();
    let script = "XDG_RUNTIME_DIR=$PWD/$(printf 'x%.0s' $(seq 150)); export XDG_RUNTIME_DIR; mkdir $XDG_RUNTIME_DIR; \
                  labnet up two.toml && labnet exec R2 -- hostname && labnet down";
    let output = as_own_root(&place, script).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("R2\ntwo is down\n"));
}

#[test]
fn a_lab_whose_init_was_killed() {
    let place = with_two();
    place.run("up two.toml");
    let supervisor = place.supervisor();
    // Its end is not seen to while the supervisor is stopped.
    supervisor.signal(Signal::SIGSTOP);
    let init = place.init();
    init.kill();
    until("end of init", || init.has_ended());
    let mut shown = String::new();
    for line in ["status", "exec R2 -- true", "wait R2 tcp:1", "up two.toml"] {
        shown += &place.show(line);
    }
    supervisor.signal(Signal::SIGCONT);
    until("end of the supervisor", || supervisor.has_ended());
    assert_nothing_left(&place);
    shown += &place.show("up two.toml");
    assert_snapshot!(shown);
}

#[test]
fn what_is_left_of_killed_labs_is_swept() {
    let place = with_two();
    place.run("up two.toml");
    let supervisor = place.supervisor();
    let init = place.init();
    // A stopped supervisor can't clean up between the two.
    supervisor.signal(Signal::SIGSTOP);
    init.kill();
    supervisor.kill();
    until("end of both", || place.processes().is_empty());
    assert!(!place.remains().is_empty());
    assert_eq!(place.run("status"), "no lab is up\n");
    assert_nothing_left(&place);
}

/// Topologies that do not come up, by what is wrong: their text, which is then snapshot with what is said.
const FAILING: &[(&str, &str)] = &[
    ("no_such_program", "nodes.R2.programs.p.run = \"nosuchprogram\""),
    (
        "ends_early",
        "nodes.R2.programs.p = { run = \"sh -c 'echo why it failed; exit 3'\", ready = \"tcp:5001\" }",
    ),
    (
        "never_ready",
        "nodes.R2.programs.p = { run = \"sh -c 'echo not yet; exec sleep 1000'\", ready = \"udp:53\", timeout = \"200ms\" }",
    ),
    (
        "second_fails",
        "nodes.R2.programs = { a = { run = \"sh -c 'exec sleep 1000'\" }, b = { run = \"false\", ready = \"tcp:1\" } }",
    ),
    ("no_source", "nodes.R2.files.\"a\" = \"nosuchfile\""),
    ("unreadable_source", "nodes.R2.files.\"a\" = \"/proc/self/mem\""),
    ("bad_sysctl", "nodes.R2.sysctls.\"net.ipv4.nosuchkey\" = \"1\""),
];

#[test]
fn a_lab_that_cannot_come_up_leaves_nothing() {
    let place = Place::new();
    for (name, text) in FAILING {
        place.write("lab.toml", &format!("name = \"failing\"\n{text}\n"));
        let shown = place.show("up lab.toml");
        assert_nothing_left(&place);
        assert_snapshot!(*name, shown);
    }
}

#[test]
fn a_limit_reached_half_way_leaves_nothing() {
    let place = Place::new();
    place.write("many.toml", "name = \"many\"\nnetworks.n.subnet = \"10.0.0.0/16\"\n[nodes.\"h{1..50}\"]\ninterfaces.eth0 = \"n\"\n");
    let script = "echo 20 > /proc/sys/user/max_net_namespaces; exec labnet up many.toml";
    let mut shown = place.show_run("up many.toml", as_own_root(&place, script));
    assert_nothing_left(&place);
    let script = "ulimit -n 80; exec labnet up many.toml";
    shown += &place.show_run("up many.toml", as_own_root(&place, script));
    assert_nothing_left(&place);
    // On what the limit is reached is not promised; the kinds of failure are.
    insta::with_settings!({ filters => vec![(r"cannot .*: (.*\(E)", "cannot [STEP]: $1")] }, {
        assert_snapshot!(shown);
    });
}

#[test]
fn a_lab_holds_nothing_of_where_it_was_started() {
    let place = with_two();
    let folder = place::program().parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut command = place.command("bash");
    command.args(["-c", "exec 7>lock; labnet up two.toml <&- >&- 2>&-"]).env("PATH", path);
    assert!(command.status().unwrap().success());
    for process in place.processes() {
        let proc = format!("/proc/{}", process.pid);
        assert_eq!(fs::read_link(format!("{proc}/cwd")).unwrap(), std::path::Path::new("/"));
        let files = fs::read_dir(format!("{proc}/fd")).unwrap();
        let files = files.map(|file| fs::read_link(file.unwrap().path()).unwrap_or_default());
        assert!(!files.into_iter().any(|file| file.ends_with("lock")), "{process:?}");
    }
}

#[test]
fn down_names_what_lives_on() {
    let place = with_two();
    place.run("up two.toml");
    let pid = place.init().pid.to_string();
    let mut enter = place.command("nsenter");
    let inside = place.labnet("exec R2 -- sleep 1000").stdin(Stdio::null()).spawn();
    let sleep = place.process("sleep", |process| process.name == "sleep");
    let target = sleep.pid.to_string();
    if !getuid().is_root() {
        enter.args(["--user", "--preserve-credentials"]);
    }
    let mut outsider =
        enter.args(["--net", "--target", &target, "cat"]).stdin(Stdio::piped()).spawn().unwrap();
    place.process("outsider", |process| process.name == "cat");
    let shown = place.show("down").replace(&outsider.id().to_string(), "[PID]");
    assert_snapshot!(shown.replace(&pid, "[INIT]"));
    assert_eq!(inside.unwrap().wait().unwrap().code(), Some(137));
    outsider.kill().unwrap();
    outsider.wait().unwrap();
}

#[test]
fn programs_read_the_same_of_up_and_status() {
    let place = Place::new();
    place.write("lab.toml", &format!("{TWO}\n[nodes.R2.programs.p]\nrun = \"sleep 1000\"\n"));
    let mut shown = place.show("up lab.toml --json");
    shown += &place.show("status --json");
    shown += &place.show("down");
    shown += &place.show("status --json");
    let filters = vec![
        (r#""since": \d+"#, r#""since": [SECONDS]"#),
        (r#""pid": \d+"#, r#""pid": [PID]"#),
        // Without root, null.
        (r#""netns": (null|"\w+")"#, r#""netns": [NAME]"#),
    ];
    insta::with_settings!({ filters => filters }, {
        assert_snapshot!(shown);
    });
}

#[test]
fn a_full_disk_is_said_of_standard_output() {
    let place = with_two();
    for line in ["up two.toml", "status", "status --json", "down"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.labnet(line).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(
            said.starts_with("labnet: cannot write to standard output: No space left"),
            "{said}"
        );
    }
    assert_nothing_left(&place);
}

#[test]
fn a_hundred_labs_at_once() {
    let place = with_two();
    thread::scope(|scope| {
        for thread in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..25 {
                    place.run(&format!("up two.toml -L l{thread}-{number}"));
                }
            });
        }
    });
    let status = place.run("status");
    assert_eq!(status.lines().filter(|line| line.ends_with("(from two.toml)")).count(), 100);
    for number in [0, 24] {
        let ping = format!("exec -L l1-{number} R2 -- sh -c");
        let listen = "cat < /proc/net/fib_trie | grep -c 10.10.10.2";
        assert!(place.labnet(&ping).arg(listen).status().unwrap().success());
    }
    assert_eq!(place.run("down --all").lines().count(), 100);
    assert_nothing_left(&place);
}
