//! `labnet echo` with Python: the peers under `fixtures/peers`, and Python's own idea of digits and spaces.
//! Ignored where there is no python3.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::{process::ExitCode, slice};

use labnet::apps::echo::{client, digits::is_digit};
use libtest_mimic::{Arguments, Failed, Trial};
use programs::{Running, installed, labnet_with, start};

/// What is sent, and the reply.
const DIALOGUES: [(&str, &str); 4] = [
    ("my net id is ha2755", "Secret code not found."),
    ("my net id should be kept SECRET", "Digits: , Total Digits: 0"),
    ("my net id ha2755 should be kept SECRET", "Digits: 2755, Total Digits: 4"),
    ("SECRET ²٣① Ⅷ½", "Digits: ²٣①, Total Digits: 3"),
];

/// Starts a program with `HOST:PORT` as the last of its first words, and some more words.
type Start = fn(address: &str, words: &[&str]) -> Running;

fn main() -> ExitCode {
    let trials = [
        Trial::test("dialogues_of_our_client_with_python", || dialogues(python_server, our_client)),
        Trial::test("dialogues_of_python_with_our_server", || dialogues(our_server, python_client)),
        Trial::test("dialogues_of_python_with_python", || dialogues(python_server, python_client)),
        Trial::test("digits_are_pythons_over_all_of_unicode", digits_are_pythons),
        Trial::test("stripped_spaces_are_pythons_over_all_of_unicode", spaces_are_pythons),
    ];
    let trials = trials.map(|trial| {
        if installed("python3") {
            trial
        } else {
            trial.with_kind("python3 is not installed").with_ignored_flag(true)
        }
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn our_server(address: &str, _: &[&str]) -> Running {
    labnet_with(&format!("echo serve {address}"), &[])
}

fn our_client(address: &str, words: &[&str]) -> Running {
    labnet_with(&format!("echo send {address}"), words)
}

fn python_server(address: &str, words: &[&str]) -> Running {
    python("echo_server.py", address, words)
}

fn python_client(address: &str, words: &[&str]) -> Running {
    python("echo_client.py", address, words)
}

fn python(script: &str, address: &str, words: &[&str]) -> Running {
    let script = format!("{}/fixtures/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    let (host, port) = address.rsplit_once(':').unwrap();
    start("python3", [script.as_str(), host, port].iter().chain(words))
}

/// All dialogues, one after the other, with one server.
fn dialogues(server: Start, client: Start) -> Result<(), Failed> {
    let server = server("127.0.0.1:0", &[]);
    let address = format!("127.0.0.1:{}", server.port());
    for (text, reply) in DIALOGUES {
        let words: Vec<_> = text.split(' ').collect();
        let client = client(&address, &words).finish().success();
        assert_eq!(client.text(), format!("Sent: {text}\nReceived: {reply}\n"));
    }
    Ok(())
}

/// The characters that Python knows, and for which `condition` holds there.
fn pythons(condition: &str) -> (Vec<char>, Vec<char>) {
    let script = format!(
        "import unicodedata\n\
         known = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ('Cn', 'Cs')]\n\
         print(' '.join(str(ord(c)) for c in known))\n\
         print(' '.join(str(ord(c)) for c in known if {condition}))"
    );
    let printed = start("python3", ["-c", &script]).finish().success();
    let chars = |line: &str| -> Vec<char> {
        let codes = line.split(' ').map(|code| code.parse().unwrap());
        codes.map(|code| char::from_u32(code).unwrap()).collect()
    };
    let (known, chosen) = printed.text().split_once('\n').unwrap();
    (chars(known), chars(chosen.trim_end()))
}

/// Pythons differ in their Unicode version: only characters that this one knows are compared.
fn digits_are_pythons() -> Result<(), Failed> {
    let (known, digits) = pythons("c.isdigit()");
    assert!(known.len() > 100_000, "{}", known.len());
    let ours: Vec<char> = known.into_iter().filter(|&c| is_digit(c)).collect();
    assert_eq!(ours, digits);
    Ok(())
}

fn spaces_are_pythons() -> Result<(), Failed> {
    let (known, spaces) = pythons("not c.strip()");
    let is_stripped = |c: &char| client::text(slice::from_ref(&c.to_string())).is_empty();
    let ours: Vec<char> = known.into_iter().filter(is_stripped).collect();
    assert_eq!(ours, spaces);
    Ok(())
}
