//! `labnet exec`: streams, environment, user, time-out, exit codes and jobs are what they are without labnet.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Command, Output, Stdio},
    thread,
};

use nix::{
    sys::signal::Signal,
    unistd::{getuid, pipe},
};
use place::{Place, screen::Screen, until};

fn up() -> Place {
    let place = Place::new();
    place.two();
    place
}

/// `labnet exec R2 -- sh -c SCRIPT`
fn script(place: &Place, script: &str) -> Command {
    let mut command = place.labnet("exec R2 -- sh -c");
    command.arg(script).stdin(Stdio::null());
    command
}

/// Runs it in a shell outside, where `labnet` is a command.
fn outside(place: &Place, script: &str) -> Output {
    let folder = place::program().parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    place.command("bash").args(["-c", script]).env("PATH", path).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim_end()
}

#[test]
fn bytes_go_through_as_they_are() {
    let place = up();
    let mut random = vec![0; 10 << 20];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    let mut command = assert_cmd::Command::from_std(place.labnet("exec KALI -- cat"));
    let output = command.write_stdin(random.clone()).timeout(place::PATIENCE).unwrap();
    assert!(output.stdout == random && output.stderr.is_empty());
}

#[test]
fn every_exit_code_is_passed_on() {
    let place = up();
    let check = |codes: std::ops::Range<i32>| {
        for code in codes {
            let status = script(&place, &format!("exit {code}")).status().unwrap();
            assert_eq!(status.code(), Some(code));
        }
    };
    thread::scope(|scope| {
        for first in [0, 64, 128, 192] {
            scope.spawn(move || check(first..first + 64));
        }
    });
}

#[test]
fn a_signal_is_128_and_its_number() {
    let place = up();
    for signal in [1, 2, 9, 11, 13, 15, 34, 64] {
        let status = script(&place, &format!("kill -{signal} $$")).status().unwrap();
        assert_eq!(status.code(), Some(128 + signal));
    }
}

#[test]
fn failures_of_labnet_have_codes_of_their_own() {
    let place = up();
    let lines = [
        "exec R2 -- nosuchprogram",
        "exec R2 -- ./nosuchprogram",
        "exec R2 -- /etc/hosts",
        "exec R2 -- /etc",
        "exec R2 --cwd /nowhere -- true",
        "exec R3 -- true",
        "exec R2 -L nosuchlab -- true",
        "exec R2 --user nosuchuser -- true",
        "exec R2 --env NOVALUE -- true",
        "exec R2",
        "run R2 ls",
    ];
    let shown: String = lines.iter().map(|line| place.show(line) + "\n").collect();
    let rootless = "--user needs a lab that root brought up: in a user namespace there is nobody but root\n(exit status: 4)";
    let shown = shown.replace(rootless, "there is no user `nosuchuser`\n(exit status: 125)");
    insta::assert_snapshot!(shown);
}

#[test]
fn variables_and_folder_are_the_callers_and_the_nodes() {
    let place = up();
    let mut command = place.labnet("exec R2 --env B=2 --env C=3=4 -- sh -c");
    let show = "echo $A $B $C $LABNET_NODE $LABNET_LAB; hostname; pwd";
    let output = command.arg(show).env("A", "1").env("B", "not this").output().unwrap();
    let here = place.path().display();
    assert_eq!(text(&output.stdout), format!("1 2 3=4 R2 two\nR2\n{here}"));
    assert_eq!(place.run("exec R2 --cwd /proc -- pwd"), "/proc\n");
    fs::create_dir(place.path().join("below")).unwrap();
    assert_eq!(place.run("exec R2 --cwd below -- pwd"), format!("{here}/below\n"));
}

#[test]
fn a_time_out_ends_the_program_and_its_children() {
    let place = up();
    let mut command = place.labnet("exec R2 --timeout 50ms -- sh -c");
    // The pipes end with the last that holds them.
    let output = command.arg("sleep 1000; true").output().unwrap();
    assert_eq!(output.status.code(), Some(124));
    assert_eq!(text(&output.stderr), "labnet: the program's time is over; it was ended");
    let mut command = place.labnet("exec R2 --timeout 50ms -- sh -c");
    let output = command.arg("trap '' TERM; while :; do sleep 1; done").output().unwrap();
    assert_eq!(output.status.code(), Some(124), "one that does not want to end");
    assert_eq!(place.run("exec R2 --timeout 1h -- echo in time"), "in time\n");
}

#[test]
fn another_user_is_roots_to_be() {
    let place = up();
    let mut command = place.labnet("exec R2 --user nobody -- sh -c");
    let output =
        command.arg("id -un; id -u; id -G; grep CapEff /proc/self/status").output().unwrap();
    if !getuid().is_root() {
        assert_eq!(output.status.code(), Some(4));
        assert!(text(&output.stderr).contains("--user needs a lab that root brought up"));
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let expected = format!("nobody\n{}\n{}\nCapEff:\t0000000000000000", nobody.uid, nobody.gid);
    assert_eq!(text(&output.stdout), expected);
    // Somebody in more groups than one, if there is anybody.
    let groups = fs::read_to_string("/etc/group").unwrap();
    let members = groups.lines().filter_map(|line| line.rsplit(':').next());
    let member = members.flat_map(|names| names.split(',')).find(|name| !name.is_empty());
    let member = member.unwrap_or("nobody");
    let known = outside(&place, &format!("id -G {member}"));
    let shown = place.run(&format!("exec R2 --user {member} -- id -G"));
    assert_eq!(shown.trim_end(), text(&known.stdout));
    let show = format!("exec R2 --user {member} -e LOGNAME=else -- printenv USER LOGNAME HOME");
    let home = place.run("exec R2 -- printenv HOME");
    assert_eq!(place.run(&show), format!("{member}\nelse\n{home}"));
    assert_eq!(place.run("exec R2 --user 1234:5678 -- id -u"), "1234\n");
    assert_eq!(place.run("exec R2 --user 1234:5678 -- id -G"), "5678\n");
    // It ends with the process that holds it for its caller, as everybody's does.
    let mut client = place.labnet("exec R2 --user nobody -- sleep 1000").spawn().unwrap();
    let sleep = place.process("sleep", |process| process.name == "sleep");
    place.process("middle", |process| process.name == "labnet-join").kill();
    assert_eq!(client.wait().unwrap().code(), Some(125));
    until("end of the program", || sleep.has_ended());
}

#[test]
fn standard_streams_may_be_closed_and_a_terminal_may_be_missing() {
    let place = up();
    for redirection in ["<&-", "</dev/null", "<&- >&- 2>&-", ">/dev/full"] {
        let output =
            outside(&place, &format!("labnet exec R2 -- sh -c 'cat; exit 3' {redirection}"));
        assert_eq!(output.status.code(), Some(3), "{redirection}");
    }
    let output = outside(&place, "setsid --wait labnet exec R2 -- tty");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), "not a tty"));
}

#[test]
fn a_pipeline_ends_as_pipelines_do() {
    let place = up();
    let output = outside(&place, "labnet exec KALI -- yes | head -1; echo ${PIPESTATUS[*]}");
    assert_eq!(text(&output.stdout), "y\n141 0");
    let output = outside(&place, "echo hello | labnet exec R2 -- cat | labnet exec KALI -- rev");
    assert_eq!(text(&output.stdout), "olleh");
}

#[test]
fn signals_that_the_caller_ignores_are_ignored() {
    let place = up();
    let script = "labnet exec R2 -- sh -c 'kill -HUP $$; echo survived'";
    let output = outside(&place, &format!("nohup {script}"));
    assert_eq!(text(&output.stdout), "survived");
    assert_eq!(outside(&place, script).status.code(), Some(129));
}

#[test]
fn a_node_reaches_the_others_nodes_programs() {
    let place = up();
    assert_eq!(place.run("exec R2 -- labnet exec KALI -- hostname"), "KALI\n");
}

#[test]
fn a_child_in_the_background_stays_until_the_lab_ends() {
    let place = up();
    let status = script(&place, "sleep 1000 >/dev/null 2>&1 &").status().unwrap();
    assert!(status.success());
    let sleep = place.process("sleep", |process| process.name == "sleep");
    place.run("exec R2 -- true");
    assert!(!sleep.has_ended());
    place.run("down");
    place.until_gone();
}

#[test]
fn a_stopped_client_does_not_keep_the_lab() {
    let place = up();
    for group in [0, 1] {
        place.run(if group == 0 { "status" } else { "up two.toml" });
        let (input, _open) = pipe().unwrap();
        let mut command = place.labnet("exec R2 -- cat");
        let mut client = command.stdin(input).process_group(0).spawn().unwrap();
        let cat = place.process("cat", |process| process.name == "cat");
        let labnet = place.client("exec");
        if group == 0 {
            labnet.signal(Signal::SIGSTOP);
        } else {
            // As by Ctrl-Z.
            nix::sys::signal::killpg(nix::unistd::Pid::from_raw(labnet.pid), Signal::SIGTSTP)
                .unwrap();
            until("stop of the program", || cat.is_stopped());
        }
        until("stop of the client", || labnet.is_stopped());
        place.run("down");
        assert!(cat.has_ended() && place.remains().is_empty());
        labnet.signal(Signal::SIGCONT);
        assert_eq!(client.wait().unwrap().code(), Some(137));
    }
}

#[test]
fn a_job_that_is_stopped_as_a_whole_goes_on_as_a_whole() {
    let place = up();
    let mut command = place.labnet("exec R2 -- cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    let mut client = command.spawn().unwrap();
    let cat = place.process("cat", |process| process.name == "cat");
    let labnet = place.client("exec");
    let group = nix::unistd::Pid::from_raw(labnet.pid);
    for _ in 0..20 {
        nix::sys::signal::killpg(group, Signal::SIGSTOP).unwrap();
        until("stop", || cat.is_stopped() && labnet.is_stopped());
        nix::sys::signal::killpg(group, Signal::SIGCONT).unwrap();
        until("continuation", || !cat.is_stopped() && !labnet.is_stopped());
    }
    client.stdin.take().unwrap().write_all(b"on we go").unwrap();
    let output = client.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "on we go"));
}

#[test]
fn a_job_in_the_background_leaves_the_terminal_alone() {
    let place = up();
    let mut screen = Screen::open(&place);
    nix::unistd::mkfifo(&place.path().join("go"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    screen.line("labnet exec R2 -- sh -c 'echo in $LABNET_NODE; read it < go'");
    screen.expect("in R2");
    screen.ctrl('Z');
    screen.expect("Stopped");
    screen.expect_code(147);
    screen.line("bg");
    screen.expect("outer> ");
    place.write("go", "on\n");
    // By its number: a plain `wait` for a job that is done already prints nothing.
    screen.line("wait %1; echo \"waited=$?=\"");
    screen.expect("waited=0=");
    screen.expect_code(0);
}

#[test]
fn a_pager_in_the_pipeline_keeps_the_modes_it_has_set() {
    let place = up();
    let mut screen = Screen::open(&place);
    let wait = "until [ -e go ]; do sleep 0.01; done";
    let pager = "stty -icanon; touch go; cat <&3; stty -a | grep -o -e -icanon; stty icanon";
    screen.line(&format!("labnet exec R2 -- sh -c '{wait}' | (exec 3<&0 </dev/tty; {pager})"));
    screen.expect("\r\n-icanon");
    screen.expect_code(0);
}
