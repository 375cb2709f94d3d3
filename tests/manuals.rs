//! Every manual in `tests/labs`, and those that labnet carries, are done and come out as they say; ignored where a program
//! that they need is not installed.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use labnet::ManualFailure;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let folders = ["tests/labs", "topology"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut manuals: Vec<PathBuf> = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    manuals.sort();
    let missing = Command::new("python3").arg("--version").output().is_err();
    let trial = |path: PathBuf| {
        let missing = missing && fs::read_to_string(&path).unwrap().contains("$ python3 ");
        let kind = if missing { "python3 is not installed" } else { "" };
        Trial::test(path.display().to_string(), move || {
            labnet::manual(&path)
                .map_err(|failure: ManualFailure| Failed::from(failure.to_string()))
        })
        .with_kind(kind)
        .with_ignored_flag(missing)
    };
    libtest_mimic::run(&Arguments::from_args(), manuals.into_iter().map(trial).collect())
        .exit_code()
}
