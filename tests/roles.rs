//! The sockets lab with other programs in the places of labnet's: `labnet run --with`. Ignored where those aren't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;
mod programs;

use std::{
    fs,
    path::Path,
    process::{ExitCode, Output},
};

use libtest_mimic::{Arguments, Trial};
use place::Place;
use programs::installed;

fn main() -> ExitCode {
    let trial = |name: &str, needs: &[&str], test: fn()| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        match needs.iter().find(|program| !installed(program)) {
            None => trial,
            Some(missing) => {
                trial.with_kind(format!("{missing} is not installed")).with_ignored_flag(true)
            }
        }
    };
    let trials = vec![
        trial("python3_and_netcat_in_all_roles", &["python3", "nc.openbsd"], everybody_else),
        trial("what_a_program_does_otherwise_is_told", &["python3"], a_wrong_server),
        trial("who_has_no_part_is_not_to_blame", &[], who_is_to_blame),
        trial("files_are_named_from_here", &[], files_from_here),
        trial("a_program_that_does_not_start_fails_what_needs_it", &[], no_server),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the sockets lab with these programs.
fn run(place: &Place, with: &[&str]) -> (Option<i32>, String) {
    let mut command = place.labnet("run --report report");
    command.args(with.iter().flat_map(|with| ["--with", with]));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    place.until_gone();
    (status.code(), text)
}

fn everybody_else() {
    let place = Place::new();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/peers");
    let peer = |role: &str, file: &str, rest: &str| {
        format!("{role}=python3 {} {rest}", peers.join(file).display())
    };
    let with = [
        peer("echo-server", "echo_server.py", "10.10.10.2 5001 10"),
        peer("echo-client", "echo_client.py", "10.10.10.2 5001"),
        peer("file-server", "file_server.py", "10.10.10.2 5002 ."),
        peer("file-client", "file_client.py", "10.10.10.2 5002"),
        "netcat=nc.openbsd".to_owned(),
        "chat-server=sed -u 's/^/R2: /' | nc.openbsd -l 5000".to_owned(),
        "chat-client=sed -u 's/^/KALI: /' | nc.openbsd 10.10.10.2 5000".to_owned(),
    ];
    let (code, text) = run(&place, &with.each_ref().map(String::as_str));
    assert_eq!(code, Some(0), "{text}");
    let told: Vec<&str> =
        text.lines().filter_map(|line| Some(line.split_once(", played by `")?.0)).collect();
    let roles = with.each_ref().map(|with| with.split_once('=').unwrap().0);
    assert_eq!(told, roles, "{text}");
    let all_right = |line: &&str| line.contains(", played by `");
    for line in text.lines().filter(all_right) {
        assert!(line.ends_with(" as the manual says"), "{line}");
    }
}

/// Never finds a digit.
const WRONG: &str = r#"
import socket
listener = socket.create_server(("10.10.10.2", 5001))
while True:
    connection, _ = listener.accept()
    secret = b"SECRET" in connection.recv(1024)
    connection.sendall(b"Digits: , Total Digits: 0" if secret else b"Secret code not found.")
    connection.close()
"#;

fn a_wrong_server() {
    let place = Place::new();
    place.write("wrong.py", WRONG);
    // A file's name that is said from here.
    let (code, text) = run(&place, &["echo-server=python3 wrong.py"]);
    assert_eq!(code, Some(1), "{text}");
    let told = text.split_once("echo-server, played by `").unwrap().1;
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0].starts_with("python3 /") && lines[0].contains("/wrong.py`: 7 of 9 "),
        "{text}"
    );
    assert!(lines[0].ends_with("steps as the manual says; not these:"), "{text}");
    // The second dialogue, a SECRET without digits, is right, and the first, without SECRET.
    assert!(
        lines[1].starts_with("  @sockets:") && lines[1].contains("ha2755 should be kept SECRET"),
        "{text}"
    );
    assert!(lines[1].ends_with(": it printed something else"), "{text}");
    assert!(lines[2].contains("Part 2: the echo server: KALI$ for i in 1 2 3"), "{text}");
    assert!(lines[3].starts_with("@sockets: 71 steps passed, 2 blocks failed"), "{text}");
    let page = fs::read_to_string(place.path().join("report/index.html")).unwrap();
    assert!(
        page.contains("/wrong.py</code></dt><dd>7 of 9 steps as the manual says\n<ul>\n<li>Part 2")
    );
}

fn no_server() {
    let place = Place::new();
    let (code, text) = run(&place, &["file-server=no-such-program"]);
    assert_eq!(code, Some(1), "{text}");
    let told = text.split_once("file-server, played by `no-such-program`: ").unwrap().1;
    assert!(told.starts_with("1 of 7 steps as the manual says; not these:\n"), "{told}");
    assert!(
        told.contains(": R2$ labnet file serve 10.10.10.2:5002 --into . &: R2: program "),
        "{told}"
    );
    assert!(!told.contains("\\n"), "{told}");
}

/// Runs this with `echo` replaced, and returns what is told of that; `p` and `q` are the roles of `labnet echo` and `labnet nc`.
fn told(blocks: &str, with: &[&str]) -> String {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    let front = "---\ntopology: two.toml\nroles: { p: echo, q: labnet echo serve }\n---\n";
    place.write("m.md", &format!("{front}{blocks}"));
    place.write("a.sh", "echo $A from here");
    let mut command = place.labnet("run m.md");
    command.args(with.iter().flat_map(|with| ["--with", with]));
    let Output { stdout, .. } = command.output().unwrap();
    place.until_gone();
    let text = String::from_utf8(stdout).unwrap();
    text.lines()
        .filter(|line| line.contains(", played by `"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn who_is_to_blame() {
    // The right text with the wrong status does not keep the others from being tried.
    let three = "# A\n```console\nR2$ echo a\na\nR2$ echo a\na\nR2$ echo a\na\n```\n";
    assert!(told(three, &["p=echo a; exit 3; echo"]).contains(": 0 of 3 steps as"));
    // One that has ended as it should has no part in what comes then.
    let ended = "# A\n```console\nR2/x$ labnet echo serve 10.10.10.2:80 &\nR2/x> ^C\n? interrupted\n```\n\
                 ```console\nR2$ false\n```\n";
    let text = told(ended, &["q=labnet echo serve -v"]);
    assert!(text.ends_with(": 2 steps as the manual says\n"), "{text}");
    // Nor has one that was never started, and what was not done with it is said.
    let never = "# A\n```console\nR2$ false\nR2$ labnet echo serve 10.10.10.2:80 &\n```\n\
                 ```console\nR2$ false\n```\n";
    let text = told(&never.replace("R2$ false", "R2$ false &"), &["q=labnet echo serve -v"]);
    assert!(text.ends_with(": 0 of 1 step as the manual says; others were not done\n"), "{text}");
    // A failure that is expected is as it should be; if it does not come, it is not.
    let fails = "# A\n```console,xfail\nR2$ echo a\nb\n```\n";
    assert!(told(fails, &["p=echo"]).ends_with(": 1 step as the manual says\n"));
    assert!(told(fails, &["p=echo b #"]).contains(": 0 of 1 step as the manual says; not these:"));
}

fn files_from_here() {
    let runs = |with: &str, printed: &str| {
        let text = told(&format!("# A\n```console\nR2$ echo\n{printed}\n```\n"), &[with]);
        assert!(text.ends_with(": 1 step as the manual says\n"), "{with}: {text}");
    };
    runs("p=sh a.sh", "from here");
    runs("p=A=1 sh ./a.sh 2>&1", "1 from here");
    // What is no file's name, or in quotes, stays.
    runs("p=echo a.sh. 'a.sh b'", "a.sh. a.sh b");
    runs("p=echo two", "two");
}
