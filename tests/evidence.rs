//! What `#[labnet::test]` does with tests that fail. The samples fail as they should here; the tests below run copies of
//! this program and look at what is left.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use labnet::{
    Lab, TestResult,
    packet::{Packet, Reader, decode::TcpFlags},
};
use tempfile::TempDir;

mod samples {
    use super::*;

    #[labnet::test("topology/sockets-lab.toml")]
    #[should_panic(expected = "the third byte is wrong")]
    async fn panics(lab: Lab) {
        let _capture = lab.node("R2").capture("eth0").filter("tcp").start().await.unwrap();
        lab.node("KALI").command("labnet echo send R2:5001 hello").run().await.unwrap();
        panic!("the third byte is wrong");
    }

    #[labnet::test("topology/sockets-lab.toml")]
    #[should_panic(
        expected = "the command failed:\nR2$ sh -c 'echo oops; exit 3'\noops\n[exit code 3]\n"
    )]
    async fn returns_an_error(lab: Lab) -> TestResult {
        lab.node("R2").command("sh -c 'echo oops; exit 3'").run().await?.success()?;
        Ok(())
    }

    #[labnet::test("@sockets", timeout = 2)]
    #[should_panic(expected = "the test did not end within 2s\n")]
    async fn takes_too_long(lab: Lab) -> TestResult {
        let mut waiting =
            lab.node("R2").command("sh -c 'echo still here; sleep 1000'").spawn().await?;
        waiting.expect("still here").await?;
        std::future::pending::<()>().await;
        Ok(())
    }

    #[labnet::test("@sockets", timeout = 2)]
    #[should_panic(expected = "the test did not end within 2s\n")]
    async fn leaves_a_thread_blocked(_lab: Lab) {
        tokio::task::spawn_blocking(std::thread::park).await.unwrap();
    }

    #[labnet::test("fixtures/nowhere.toml")]
    #[should_panic(expected = "the lab did not come up: ")]
    async fn has_no_topology(_lab: Lab) {}

    // No time limit is too long for the clock.
    #[labnet::test("topology/sockets-lab.toml", timeout = 18_446_744_073_709_551_615)]
    async fn passes(lab: Lab) -> Result<(), String> {
        lab.down().await.map_err(|error| error.to_string())
    }
}

/// A copy of this program in a target folder of its own, where evidence of its failures goes.
struct Target {
    folder: TempDir,
    program: PathBuf,
}

impl Target {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deps = folder.path().join("debug/deps");
        fs::create_dir_all(&deps).unwrap();
        let program = deps.join("evidence");
        // Not by this process: a child of another test may hold the file open for writing then, which can't be executed.
        let copied = Command::new("cp").args([&env::current_exe().unwrap(), &program]).status();
        assert!(copied.unwrap().success());
        Self { folder, program }
    }

    /// Runs one sample, which must end as expected, and returns all it prints and the folder of its evidence.
    fn run(&self, sample: &str) -> (String, PathBuf) {
        let test = format!("samples::{sample}");
        let output = Command::new(&self.program)
            .args([&test, "--exact", "--nocapture", "--test-threads=1"])
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
        (printed, self.folder.path().join("labnet/evidence/samples").join(sample))
    }
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

fn kept_in(folder: &Path) -> String {
    format!("what the programs printed and what was captured is in {}\n", folder.display())
}

#[test]
fn a_panic_keeps_what_ran_and_says_where() {
    let target = Target::new();
    let (printed, folder) = target.run("panics");
    assert!(printed.contains(&kept_in(&folder)), "{printed}");
    assert_eq!(
        files(&folder),
        ["01-KALI.txt", "R2-echo.log", "R2-file.log", "capture-01-R2:eth0.pcapng"]
    );
    insta::assert_snapshot!(read(&folder, "01-KALI.txt"), @r"
    KALI$ labnet echo send R2:5001 hello
    Sent: hello
    Received: Secret code not found.
    ");
    // The capture was still on: it has the whole conversation, to the last frame.
    let recording = fs::File::open(folder.join("capture-01-R2:eth0.pcapng")).unwrap();
    let (mut reader, mut fins) = (Reader::new(recording).unwrap(), 0);
    while let Some(frame) = reader.next_frame().unwrap() {
        let packet = Packet::decode(&frame.bytes, frame.length);
        fins += usize::from(packet.tcp().unwrap().flags.contains(TcpFlags::FIN));
    }
    assert_eq!(fins, 2);
    assert!(read(&folder, "R2-echo.log").contains("listening on 10.10.10.2:5001"));
}

#[test]
fn an_error_is_shown_with_its_place_and_where_the_rest_is() {
    let target = Target::new();
    let (printed, folder) = target.run("returns_an_error");
    // The failure is the test's, not the library's.
    assert!(printed.contains("panicked at tests/evidence.rs:"), "{printed}");
    assert!(printed.contains(&kept_in(&folder)), "{printed}");
    let shown = "R2$ sh -c 'echo oops; exit 3'\noops\n[exit code 3]\n";
    assert!(printed.contains(shown), "{printed}");
    assert_eq!(read(&folder, "01-R2.txt"), shown);
}

#[test]
fn a_test_that_takes_too_long_keeps_what_there_is() {
    let target = Target::new();
    let (printed, folder) = target.run("takes_too_long");
    assert!(printed.contains(&kept_in(&folder)), "{printed}");
    let text = read(&folder, "01-R2.txt");
    assert!(text.starts_with("R2$ sh -c 'echo still here; sleep 1000'\nstill here\n"), "{text}");
}

#[test]
fn what_an_earlier_run_has_left_is_removed() {
    let target = Target::new();
    let folder = target.folder.path().join("labnet/evidence/samples/passes");
    fs::create_dir_all(&folder).unwrap();
    let (printed, _) = target.run("passes");
    assert!(!folder.exists(), "{printed}");
}
