//! `labnet check`: each rule has a fixture in `fixtures/bad` and a snapshot; nothing a file holds is too much for it.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use assert_cmd::Command;
use labnet::{
    plan,
    spec::{self, Problems},
};
use proptest::prelude::*;

fn labnet() -> Command {
    Command::cargo_bin("labnet").unwrap()
}

/// What is wrong with a file, if anything is.
fn problems(path: &Path) -> Option<Problems> {
    spec::load(path).and_then(|spec| plan::resolve(&spec)).err()
}

fn stems(folder: &str, keep: impl Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.filter_map(|entry| keep(entry.unwrap().file_name().to_str().unwrap())).collect()
}

fn fixtures() -> BTreeSet<String> {
    stems("fixtures/bad", |name| name.strip_suffix(".toml").map(str::to_owned))
}

/// Runs `check` on text that hostile or careless people may write.
fn check_text(text: impl AsRef<[u8]>) -> Option<Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, text).unwrap();
    let problems = problems(&path);
    if let Some(problems) = &problems {
        assert!(problems.list.len() <= Problems::MAX);
        assert!(problems.render(true).len() < 200_000);
    }
    problems
}

#[test]
fn every_bad_fixture_breaks_its_rule_and_reads_well() {
    for stem in fixtures() {
        let path = PathBuf::from(format!("fixtures/bad/{stem}.toml"));
        let problems = problems(&path).unwrap_or_else(|| panic!("{stem} is not bad"));
        let is_named = |rule: &str| stem.starts_with(rule);
        assert!(problems.list.iter().any(|p| is_named(p.rule)), "{stem}: {problems}");
        insta::assert_snapshot!(format!("bad-{stem}"), problems);
    }
}

#[test]
fn every_snapshot_has_its_fixture() {
    let snapshots = stems("tests/snapshots", |name| {
        name.strip_prefix("check__bad-")?.strip_suffix(".snap").map(str::to_owned)
    });
    assert_eq!(snapshots, fixtures());
}

#[test]
fn every_problem_has_a_place_in_the_file() {
    let without = ["no-nodes", "empty"];
    for stem in fixtures().into_iter().filter(|stem| !without.contains(&stem.as_str())) {
        let path = PathBuf::from(format!("fixtures/bad/{stem}.toml"));
        for problem in problems(&path).unwrap().list {
            assert!(problem.place.is_some(), "{stem}: {problem:?}");
        }
    }
}

#[test]
fn a_good_topology_takes_one_line() {
    let output = labnet().args(["check", "topology/sockets-lab.toml"]).assert().success();
    let stdout = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert_eq!(
        stdout,
        "topology/sockets-lab.toml: ok: lab sockets-lab with 2 nodes, 0 networks, 1 link, 2 programs\n"
    );
}

#[test]
fn every_sample_is_a_good_topology() {
    let paths = fs::read_dir("topology").unwrap().map(|entry| entry.unwrap().path());
    let topologies: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    assert!(!topologies.is_empty());
    for path in topologies {
        assert_eq!(problems(&path).map(|problems| problems.to_string()), None);
    }
}

#[test]
fn a_bad_topology_exits_with_3_and_without_colours_in_a_pipe() {
    let output = labnet().args(["check", "fixtures/bad/unknown-node.toml"]).assert().code(3);
    let stderr = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("did you mean `KALI`?"), "{stderr}");
    assert!(stderr.contains("fixtures/bad/unknown-node.toml:8:20"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    assert!(output.get_output().stdout.is_empty());
}

#[test]
fn json_names_rule_line_and_column() {
    let output =
        labnet().args(["check", "--json", "fixtures/bad/unknown-node.toml"]).assert().code(3);
    let report: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let first = &report["problems"][0];
    assert_eq!(first["rule"], "unknown-node");
    assert_eq!((&first["line"], &first["column"]), (&8.into(), &20.into()));
    assert_eq!(first["help"], "did you mean `KALI`?");

    let output = labnet().args(["check", "--json", "@sockets"]).assert().success();
    let report: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(report["problems"], serde_json::json!([]));
}

#[test]
fn without_a_file_it_takes_lab_toml_else_the_built_in_lab_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let check = || labnet().arg("check").current_dir(folder.path()).assert().success();
    let stderr =
        |a: assert_cmd::assert::Assert| String::from_utf8(a.get_output().stderr.clone()).unwrap();
    assert_eq!(stderr(check()), "labnet: no topology named, taking @sockets\n");
    fs::write(folder.path().join("lab.toml"), "[nodes.R2]\n").unwrap();
    assert_eq!(stderr(check()), "labnet: no topology named, taking lab.toml\n");
}

#[test]
fn an_unknown_built_in_lab_is_a_usage_error() {
    let output = labnet().args(["check", "@socks"]).assert().code(2);
    let stderr = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert_eq!(stderr, "labnet: there is no built-in lab @socks; there is @sockets\n");
}

#[test]
fn what_cannot_be_read_is_said() {
    let rule = |path: &str| problems(Path::new(path)).unwrap().list[0].rule;
    assert_eq!(rule("fixtures/no-such-file.toml"), "unreadable");
    assert_eq!(rule("fixtures"), "unreadable");
    assert_eq!(rule("/dev/zero"), "too-large");
}

#[test]
fn a_file_that_can_not_name_a_lab_must_do_so_inside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("-lab.toml");
    fs::write(&path, "[nodes.R2]\n").unwrap();
    assert_eq!(problems(&path).unwrap().list[0].rule, "bad-name");
    fs::write(&path, "name = \"lab\"\n[nodes.R2]\n").unwrap();
    assert_eq!(problems(&path), None);
}

/// Lines that `line` makes of numbers, up to a total length just below what is still read.
fn lines(head: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let line = line(number);
        if text.len() + line.len() > 1 << 20 {
            break;
        }
        text.push_str(&line);
    }
    text
}

#[test]
fn noise_takes_bounded_time() {
    let mut seed = 1u64;
    let mut random = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 56) as u8
    };
    let ten_mebibytes: Vec<u8> = (0..10 << 20).map(|_| random()).collect();
    let letters = b"[]{}=.\",'\n abc#12";
    let toml_like: Vec<u8> =
        (0..1 << 20).map(|_| letters[usize::from(random()) % letters.len()]).collect();
    let x = "x".repeat(58);
    let head = format!("[nodes.\"h{{1..10000}}\"]\ninterfaces.e=\"{x}\"\n[networks]\n");
    let texts: [(&str, Vec<u8>); 15] = [
        ("random bytes", ten_mebibytes),
        ("random TOML characters", toml_like),
        ("lists in lists", format!("a={}", "[".repeat(1_000_000)).into()),
        ("tables in tables", format!("a={}", "{a=".repeat(300_000)).into()),
        ("a dotted key", format!("a{}=1", ".a".repeat(500_000)).into()),
        ("the same table", lines("", |_| "[a.b]\n".into()).into()),
        ("unknown keys", lines("", |n| format!("k{n}=1\n")).into()),
        ("broken lines", lines("", |_| "=\n".into()).into()),
        ("nodes", lines("", |n| format!("[nodes.n{n}]\n")).into()),
        ("ranges", lines("", |n| format!("[nodes.\"n{n}_{{1..9999}}\"]\n")).into()),
        ("links", lines("[nodes.a]\n", |n| format!("[[links]]\nends=[\"x{n}\",\"y:e\"]\n")).into()),
        ("addresses", lines("[nodes.a.interfaces]\n", |n| format!("e{n}=\"10.0.0.1/8\"\n")).into()),
        ("networks", lines(&head, |n| format!("{x}{n}.subnet=[]\n")).into()),
        ("settings", lines("[nodes.a.sysctls]\n", |n| format!("\"kernel.{n}\"=1\n")).into()),
        ("a long line", format!("[nodes.a]\nx=\"{}\"", "z".repeat(1_000_000)).into()),
    ];
    for (what, text) in texts {
        let start = Instant::now();
        assert!(check_text(text).is_some(), "{what} is not a topology");
        let took = start.elapsed();
        // Seconds even without optimisation; anything quadratic would take minutes.
        assert!(took < Duration::from_secs(60), "{what} took {took:?}");
    }
}

#[test]
fn odd_line_ends_and_marks_are_survived() {
    for text in ["a = 1\r", "\r", "\u{feff}a = 1", "a = 1\r\nb = \r\n", "a = \"é\u{0}"] {
        assert!(check_text(text).is_some(), "{text:?}");
    }
}

#[test]
fn a_range_can_not_multiply_a_large_node() {
    let text = format!("[nodes.\"h{{1..10000}}\"]\nenv.A = \"{}\"\n", "z".repeat(100_000));
    let problems = check_text(text).unwrap();
    assert_eq!(problems.list[0].rule, "bad-range");
}

#[test]
fn problems_beyond_the_hundredth_are_counted() {
    let problems = check_text(lines("[nodes.a]\n", |n| format!("k{n}=1\n"))).unwrap();
    assert_eq!(problems.list.len(), 100);
    assert!(problems.more > 1000);
    assert!(problems.to_string().ends_with(&format!("and {} more", problems.more)));
}

#[test]
fn what_a_file_holds_can_not_steer_a_terminal() {
    let problems = check_text("[nodes.\"\\u001b[31mred\"]\n\"\\u0007\" = 1\n").unwrap();
    assert!(!problems.to_string().contains(['\u{1b}', '\u{7}']), "{problems}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        check_text(bytes);
    }

    #[test]
    fn no_change_of_a_topology_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\x00-\\x7f]|[{}\\[\\]\"=./:0-9\n]"), 1..12),
        which in 0..3usize,
    ) {
        let file = ["fixtures/good/ipv6.toml", "fixtures/good/ranges.toml", "fixtures/good/network-of-three.toml"][which];
        let mut text = fs::read_to_string(file).unwrap();
        for (index, with) in changes {
            let at = index.index(text.len());
            text.replace_range(at..=at, &with);
        }
        check_text(text);
    }
}
