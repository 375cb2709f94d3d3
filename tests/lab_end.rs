//! When a lab ends, in whatever way, nothing of it is left.

#![allow(clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use lab_support::{Footprint, pair};
use labnet::{Error, Lab, Program, Terminal, TestResult, spec::Ready};
use tokio::runtime::Runtime;

/// A lab with programs that would go on for ever: a listed one, a piped one with a child, one on a terminal.
async fn busy() -> TestResult<(Lab, Footprint, Program, Terminal)> {
    let serve = "labnet nc -k -l 80";
    let web = pair().node("web", |node| node.program("web", serve, Ready::Tcp(80)));
    let lab = web.up().await?;
    let mut program = lab
        .node("R2")
        .command("sh -c 'trap \"\" TERM HUP; sleep 1000 & echo up; wait'")
        .spawn()
        .await?;
    program.expect("up").await?;
    let mut terminal = lab.node("KALI").command("sh").terminal().await?;
    terminal.type_line("sleep 1000 &").await?;
    terminal.type_line("echo started $((1 + 1))").await?;
    terminal.expect("started 2").await?;
    let footprint = Footprint::of(&lab).await?;
    Ok((lab, footprint, program, terminal))
}

#[tokio::test]
async fn down_returns_when_all_is_gone() -> TestResult {
    let (lab, footprint, _program, _terminal) = busy().await?;
    lab.down().await?;
    footprint.assert_gone();
    Ok(())
}

#[tokio::test]
async fn drop_within_a_runtime_of_one_thread_returns_when_all_is_gone() -> TestResult {
    let (lab, footprint, program, terminal) = busy().await?;
    drop(lab);
    footprint.assert_gone();
    drop((program, terminal));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn drop_within_a_task_returns_when_all_is_gone() -> TestResult {
    let (lab, footprint, program, terminal) = busy().await?;
    let dropped = tokio::spawn(async move {
        drop((program, terminal, lab));
        footprint.assert_gone();
    });
    dropped.await?;
    Ok(())
}

#[test]
fn drop_after_the_runtime_returns_when_all_is_gone() -> TestResult {
    let runtime = Runtime::new()?;
    let (lab, footprint, program, terminal) = runtime.block_on(busy())?;
    drop(runtime);
    drop(lab);
    footprint.assert_gone();
    drop((program, terminal));
    Ok(())
}

#[test]
fn a_lab_is_of_no_use_after_its_runtime_but_does_not_hang() -> TestResult {
    let runtime = Runtime::new()?;
    let lab = runtime.block_on(pair().up())?;
    drop(runtime);
    let error = Runtime::new()?.block_on(lab.node("R2").command("true").run()).unwrap_err();
    assert!(matches!(error, Error::Lab(_)), "{error}");
    Ok(())
}

#[test]
fn a_panic_leaves_nothing() -> TestResult {
    let (sender, footprint) = mpsc::channel();
    let test = move || {
        Runtime::new().unwrap().block_on(async {
            let (_lab, footprint, _program, _terminal) = busy().await.unwrap();
            sender.send(footprint).unwrap();
            panic!("on purpose");
        });
    };
    catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    footprint.recv()?.assert_gone();
    Ok(())
}

#[tokio::test]
async fn an_abandoned_bring_up_leaves_nothing() -> TestResult {
    // Nobody else sleeps for so long.
    const SLEEP: &str = "sleep 86400.2755";
    let never = Ready::File("never".into());
    let lab = pair().node("slow", |node| node.program("lazy", SLEEP, never));
    let bring_up = tokio::spawn(lab.up());
    while !is_running(SLEEP) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    bring_up.abort();
    assert!(bring_up.await.unwrap_err().is_cancelled());
    assert!(begun.elapsed() < Duration::from_secs(8), "it waited for the program's time-out");
    assert!(!is_running(SLEEP));
    Ok(())
}

fn is_running(command: &str) -> bool {
    let wanted = format!("{}\0", command.replace(' ', "\0"));
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == wanted.as_bytes())
}

#[tokio::test]
async fn a_bring_up_that_fails_leaves_nothing() -> TestResult {
    // Other runs of these tests may be under way.
    let sleep = format!("sleep 86401.{}", std::process::id());
    let script = format!("sh -c '{sleep} & echo no such page; exit 9'");
    let lab = pair().node("web", |node| node.program("httpd", &script, Ready::Tcp(80)));
    let error = lab.up().await.unwrap_err();
    insta::assert_snapshot!(error, @r"
    web: program `httpd` ended (exit code 9) before it was ready (tcp:80); it printed:
        no such page
    ");
    assert!(!is_running(&sleep));
    Ok(())
}

#[tokio::test]
async fn an_init_that_was_killed_takes_the_lab_with_it() -> TestResult {
    let (lab, footprint, program, _terminal) = busy().await?;
    signal_init(&footprint, "KILL");
    assert!(program.wait().await.is_err());
    assert!(lab.node("R2").command("true").run().await.is_err());
    drop(lab);
    footprint.assert_gone();
    Ok(())
}

#[tokio::test]
async fn an_init_that_was_stopped_does_not_hold_the_test_up() -> TestResult {
    let (lab, footprint, _program, _terminal) = busy().await?;
    signal_init(&footprint, "STOP");
    drop(lab);
    // Its supervisor had to be killed, so the end is the kernel's to finish and the directory is left to be swept.
    while !footprint.left().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    fs::remove_dir(footprint.directory.join("fs"))?;
    fs::remove_dir(&footprint.directory)?;
    footprint.assert_gone();
    Ok(())
}

fn signal_init(lab: &Footprint, signal: &str) {
    let pid = lab.init().pid.to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
    assert!(sent.unwrap().success());
}
