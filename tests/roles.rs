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
        "{told}"
    );
    assert!(lines[0].ends_with("steps as the manual says; not these:"), "{told}");
    // The second dialogue, a SECRET without digits, is right, and the first, without SECRET.
    assert!(
        lines[1].starts_with("  @sockets:") && lines[1].contains("ha2755 should be kept SECRET")
    );
    assert!(lines[1].ends_with(": it printed something else"), "{told}");
    assert!(lines[2].contains("Part 2: the echo server: KALI$ for i in 1 2 3"), "{told}");
    assert!(lines[3].starts_with("@sockets: 71 steps passed, 2 blocks failed"), "{told}");
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
