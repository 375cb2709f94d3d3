//! `labnet graph` as its users meet it.

use std::{error::Error, fs, str};

use assert_cmd::Command;

type TestResult = Result<(), Box<dyn Error>>;

fn graph(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labnet"));
    command.arg("graph").args(args);
    command
}

#[test]
fn the_sockets_lab_as_text() -> TestResult {
    let output = graph(&["@sockets"]).output()?;
    assert!(output.status.success());
    insta::assert_snapshot!(str::from_utf8(&output.stdout)?, @r"
    ┌────┐ eth0                        eth0 ┌──────┐
    │ R2 ├────────────── lan ───────────────┤ KALI │
    └────┘ 10.10.10.2/24      10.10.10.3/24 └──────┘
    ");
    Ok(())
}

#[test]
fn the_format_follows_the_name_of_the_output_unless_it_is_given() -> TestResult {
    let folder = tempfile::tempdir()?;
    for (file, args, start) in [
        ("lab.svg", &[][..], "<svg "),
        ("lab.mmd", &[], "flowchart "),
        ("lab.dot", &[], "graph \"sockets-lab\" {"),
        ("lab", &[], "┌──"),
        ("picture.svg", &["--format", "text"], "┌──"),
    ] {
        let path = folder.path().join(file);
        graph(&["@sockets", "-o"]).arg(&path).args(args).assert().success().stdout("").stderr("");
        let picture = fs::read_to_string(path)?;
        assert!(picture.starts_with(start), "{file}: {picture}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_written_is_said() -> TestResult {
    let folder = tempfile::tempdir()?;
    let output = graph(&["@sockets", "-o"]).arg(folder.path()).output()?;
    let message = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1));
    assert!(message.starts_with("labnet: cannot write to /"), "{message}");
    assert!(message.ends_with("Is a directory (os error 21)\n"), "{message}");
    Ok(())
}

#[test]
fn a_bad_topology_is_not_drawn() -> TestResult {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lab.toml");
    fs::write(&file, "name = \"x\"\nnode = 1\n")?;
    graph(&[]).arg(file).assert().code(3).stdout("");
    Ok(())
}
