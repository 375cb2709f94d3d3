//! `labnet new`: what it writes passes as written, and nothing else is touched.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output},
};

use libtest_mimic::{Arguments, Trial};
use place::Place;

fn main() -> ExitCode {
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let buildable = |trial: Trial| match builds() {
        Ok(()) => trial,
        Err(why) => trial.with_kind(why).with_ignored_flag(true),
    };
    let trials = vec![
        trial("the_manual_passes_as_written", manual_passes),
        buildable(trial("the_tests_pass_as_written", tests_pass)),
        buildable(trial("cargo_reads_the_manifest", manifest_is_read)),
        trial("nothing_is_overwritten", nothing_is_overwritten),
        trial("what_fails_leaves_nothing", nothing_is_left),
        trial("a_package_stays_as_it_is", package_stays),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Who runs the tests may be somebody who can't build any.
fn builds() -> Result<(), String> {
    match Command::new("rustc").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("rustc is not installed for this user".to_owned()),
    }
}

fn output(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (status.code(), text)
}

/// All files of a folder, by their paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(of) = folders.pop() {
        for entry in fs::read_dir(of).unwrap() {
            let path = entry.unwrap().path();
            let is_folder = path.symlink_metadata().unwrap().is_dir();
            if is_folder {
                folders.push(path.clone());
            }
            all.push(path.strip_prefix(folder).unwrap().to_owned());
        }
    }
    all.sort();
    all
}

fn manual_passes() {
    let place = Place::new();
    let (code, text) = output(place.labnet("new sub/My_Lab"));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        text,
        "sub/My_Lab/lab.toml      hosts and links: labnet up sub/My_Lab/lab.toml\n\
         sub/My_Lab/lab.md        a manual: labnet run sub/My_Lab/lab.md\n\
         sub/My_Lab/tests/lab.rs  tests: cargo test, in sub/My_Lab\n"
    );
    let topology = fs::read_to_string(place.path().join("sub/My_Lab/lab.toml")).unwrap();
    assert!(topology.contains("\nname = \"mylab\"\n"), "{topology}");
    let (code, text) = output(place.labnet("check sub/My_Lab/lab.toml"));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = output(place.labnet("run sub/My_Lab/lab.md"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("sub/My_Lab/lab.md: 7 steps passed in "), "{text}");
    assert!(text.ends_with("; 20 of 20 points\n"), "{text}");
    place.until_gone();
}

/// The tests are built as cargo would, but with the library that is built already.
fn tests_pass() {
    let place = Place::new();
    let (code, text) = output(place.labnet("new demo"));
    assert_eq!(code, Some(0), "{text}");
    let deps = place::program().parent().unwrap().join("deps");
    let libraries = fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().path());
    let labnet = libraries.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("liblabnet-") && name.ends_with(".rlib")
    });
    let newest = labnet.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap();
    let demo = place.path().join("demo");
    let built = Command::new("rustc")
        .args(["--test", "--edition", "2024", "tests/lab.rs", "-o", "lab-test", "-L"])
        .arg(format!("dependency={}", deps.display()))
        .arg("--extern")
        .arg(format!("labnet={}", newest.display()))
        .envs([("CARGO_MANIFEST_DIR", &demo), ("CARGO_TARGET_TMPDIR", &demo)])
        .current_dir(&demo)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // As cargo does, where the package is.
    let mut run = place.command("sh");
    run.args(["-c", "cd demo && exec ./lab-test"]);
    let (code, text) = output(run);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("test result: ok. 3 passed; 0 failed; 0 ignored;"), "{text}");
    place.until_gone();
}

fn manifest_is_read() {
    let place = Place::new();
    let (code, text) = output(place.labnet("new demo"));
    assert_eq!(code, Some(0), "{text}");
    let manifest = place.path().join("demo/Cargo.toml");
    let read = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"])
        .arg(&manifest)
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    let package = &metadata["packages"][0];
    let dependency = &package["dependencies"][0];
    assert_eq!((&package["name"], &dependency["name"]), (&"lab-demo".into(), &"labnet".into()));
    assert_eq!(
        (&dependency["kind"], &dependency["path"]),
        (&"dev".into(), &env!("CARGO_MANIFEST_DIR").into())
    );
}

fn nothing_is_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path().join("d")).unwrap();
    place.write("d/lab.md", "mine");
    symlink("nowhere", place.path().join("d/lab.toml")).unwrap();
    let (code, text) = output(place.labnet("new d"));
    assert_eq!(
        (code, text.as_str()),
        (
            Some(2),
            "labnet: nothing is written, as these are there already:\n  d/lab.toml\n  d/lab.md\n"
        )
    );
    assert_eq!(files(&place.path().join("d")), [Path::new("lab.md"), Path::new("lab.toml")]);
    assert_eq!(fs::read_to_string(place.path().join("d/lab.md")).unwrap(), "mine");
}

fn nothing_is_left() {
    let place = Place::new();
    fs::create_dir(place.path().join("d")).unwrap();
    // Where a folder would have to be.
    place.write("d/tests", "a file");
    let (code, text) = output(place.labnet("new d"));
    assert_eq!(code, Some(2));
    assert!(text.starts_with("labnet: cannot write d/tests/lab.rs: "), "{text}");
    assert_eq!(files(&place.path().join("d")), [Path::new("tests")]);
    place.write("f", "a file");
    assert_eq!(output(place.labnet("new f/new/lab")).0, Some(2));
    assert_eq!(files(place.path()), ["d", "d/tests", "f"].map(PathBuf::from));
}

fn package_stays() {
    let place = Place::new();
    fs::create_dir(place.path().join("d")).unwrap();
    place.write("d/Cargo.toml", "[package]\nname = \"mine\"\n");
    let (code, text) = output(place.labnet("new d"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("in d; to its [dev-dependencies], add labnet = "), "{text}");
    let kept = fs::read_to_string(place.path().join("d/Cargo.toml")).unwrap();
    assert_eq!(kept, "[package]\nname = \"mine\"\n");
    let there = files(&place.path().join("d"));
    let all = ["Cargo.toml", "lab.md", "lab.toml", "question.txt", "tests", "tests/lab.rs"];
    assert_eq!(there, all.map(PathBuf::from));
}
