//! Every command in the README works and prints what the README says.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use place::Place;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// A command and the lines that the README shows below it.
struct Step {
    command: String,
    output: Vec<String>,
}

/// The commands of all `console` blocks, in order.
fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    // A block that shows how blocks are written.
    let mut quoted = false;
    for line in readme.lines() {
        // A block in a list is indented.
        let text = line.trim_start();
        if text.starts_with("````") {
            quoted = !quoted;
        }
        match text.strip_prefix("```") {
            _ if quoted => inside = false,
            Some(info) => inside = info == "console",
            None if !inside => {}
            None => match text.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(Step { command: command.to_owned(), output: Vec::new() })
                }
                None => steps.last_mut().unwrap().output.push(line.to_owned()),
            },
        }
    }
    steps
}

/// Whether the lines are as shown, `...` standing for any lines.
fn matches(shown: &[String], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=lines.len()).any(|skip| matches(rest, &lines[skip..]))
        }
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, lines)| line == first && matches(rest, lines))
        }
    }
}

#[test]
fn every_command_of_the_readme_works() {
    let readme = fs::read_to_string(Path::new(PACKAGE).join("README.md")).unwrap();
    let ci = ["run", "../.github/workflows/ci.yml"]
        .map(|file| fs::read_to_string(Path::new(PACKAGE).join(".ci").join(file)).unwrap());
    // Whoever reads the README may have its lab up.
    let place = Place::new();
    for name in ["topology", "fixtures"] {
        symlink(Path::new(PACKAGE).join(name), place.path().join(name)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_labnet"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = |command: &str| {
        place.command("sh").args(["-c", command]).env("PATH", &path).output().unwrap()
    };
    let mut ran = 0;
    // The first commands are for a fresh machine, and `.ci/run` calls them.
    for Step { command, output } in steps(&readme) {
        if !command.starts_with("labnet ") {
            assert!(ci.iter().any(|text| text.contains(&command)), "CI does not run: {command}");
            continue;
        }
        let result = run(&command);
        let stdout = String::from_utf8(result.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&result.stderr);
        assert!(result.status.success(), "{command}: {}\n{stdout}{stderr}", result.status);
        let lines: Vec<&str> = stdout.lines().collect();
        assert!(
            matches(&output, &lines),
            "{command} printed:\n{stdout}\nnot:\n{}",
            output.join("\n")
        );
        ran += 1;
    }
    assert!(ran > 15, "only {ran} commands were found");
    let (sent, received) =
        (Path::new(PACKAGE).join("fixtures/send.txt"), place.path().join("back.txt"));
    assert_eq!(fs::read(sent).unwrap(), fs::read(received).unwrap());
}

#[test]
fn every_verb_is_in_the_readme_and_in_the_program() {
    let readme = fs::read_to_string(Path::new(PACKAGE).join("README.md")).unwrap();
    let help = Command::new(env!("CARGO_BIN_EXE_labnet")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs = help.lines().filter_map(|line| line.strip_prefix("  "));
    let verbs = verbs.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    for verb in
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help")
    {
        assert!(readme.contains(&format!("`{verb}")), "the README lacks `{verb}`");
    }
}

#[test]
fn the_readme_names_the_oldest_rust() {
    let manifest = fs::read_to_string(Path::new(PACKAGE).join("Cargo.toml")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let readme = fs::read_to_string(Path::new(PACKAGE).join("README.md")).unwrap();
    assert!(readme.contains(&format!("toolchain ({} or newer)", version.trim_matches('"'))));
}

#[test]
fn the_topologies_of_the_readme_are_good_ones() {
    let readme = fs::read_to_string(Path::new(PACKAGE).join("README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("site")).unwrap();
    fs::write(folder.path().join("site/index.html"), "hello\n").unwrap();
    let mut count = 0;
    for topology in blocks.filter(|block| block.contains("[nodes.")) {
        fs::write(folder.path().join("lab.toml"), topology).unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_labnet"));
        let result = check.arg("check").current_dir(folder.path()).output().unwrap();
        assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
        count += 1;
    }
    assert_eq!(count, 2);
}
