//! The sockets lab, Parts 1 to 3, as its author ran it.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::time::Duration;

use lab_support::noise;
use labnet::{Exit, Lab, Node, Signal, Terminal, TestResult, spec::Ready};

/// What waiting for a file may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[labnet::test("topology/sockets-lab.toml")]
async fn the_chat_of_part_1(lab: Lab) -> TestResult {
    let mut r2 = lab.node("R2").command("labnet nc -l 5000 --prefix 'R2: '").terminal().await?;
    r2.program().ready("tcp:5000").await?;
    let nc = "labnet nc 10.10.10.2 5000 --prefix 'KALI: '";
    let mut kali = lab.node("KALI").command(nc).terminal().await?;

    say(&mut kali, &mut r2, "KALI", "kishan").await?;
    say(&mut kali, &mut r2, "KALI", "Hi Iam kali").await?;
    say(&mut r2, &mut kali, "R2", "Hi Iam R2").await?;
    say(&mut r2, &mut kali, "R2", "Nice to meet you").await?;
    say(&mut kali, &mut r2, "KALI", "Nice to meet you too").await?;

    insta::assert_snapshot!(r2.screen(), @r"
    KALI: kishan
    KALI: Hi Iam kali
    Hi Iam R2
    Nice to meet you
    KALI: Nice to meet you too
    ");
    insta::assert_snapshot!(kali.screen(), @r"
    kishan
    Hi Iam kali
    R2: Hi Iam R2
    R2: Nice to meet you
    Nice to meet you too
    ");

    // Ctrl-C ends R2's side, as it has to: netcat goes on until both sides have ended their input.
    r2.ctrl('C').await?;
    assert_eq!(r2.wait().await?.exit(), Some(Exit::Signal(Signal::Int as i32)));
    kali.ctrl('D').await?;
    kali.wait().await?.success()?;
    Ok(())
}

/// Types a line; returns when both screens show it.
async fn say(
    speaker: &mut Terminal,
    listener: &mut Terminal,
    name: &str,
    line: &str,
) -> TestResult {
    speaker.type_line(line).await?;
    speaker.expect(&format!("{line}\n")).await?;
    listener.expect(&format!("{name}: {line}\n")).await?;
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn the_three_dialogues_of_part_2(lab: Lab) -> TestResult {
    let kali = lab.node("KALI");
    let mut screens = String::new();
    for words in [
        "my net id is ha2755",
        "my net id should be kept SECRET",
        "my net id ha2755 should be kept SECRET",
    ] {
        let command = kali.command(&format!("labnet echo send 10.10.10.2:5001 {words}"));
        screens += &command.run().await?.success()?.to_string();
    }
    insta::assert_snapshot!(screens);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn the_text_of_part_3_arrives_as_it_is(lab: Lab) -> TestResult {
    let send = lab.node("KALI").command("labnet file send 10.10.10.2:5002 send.txt");
    insta::assert_snapshot!(send.run().await?.success()?, @"KALI$ labnet file send 10.10.10.2:5002 send.txt");
    let r2 = lab.node("R2");
    r2.wait(&Ready::File("received_file.txt".into()), PATIENCE).await?;
    assert_eq!(r2.read("received_file.txt").await?, std::fs::read("fixtures/send.txt")?);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml", timeout = 120)]
async fn every_size_of_part_3_arrives_as_it_is(lab: Lab) -> TestResult {
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    for length in [0, 1, (1 << 20) - 1, 64 << 20] {
        let content = noise(length);
        kali.write("random.bin", content.as_slice()).await?;
        kali.command("labnet file send 10.10.10.2:5002 random.bin").run().await?.success()?;
        assert!(take_received(&r2).await? == content, "{length} bytes arrived differently");
    }
    Ok(())
}

/// The file that R2 has received, which it has no more afterwards. It appears when it is complete.
async fn take_received(r2: &Node) -> TestResult<Vec<u8>> {
    r2.wait(&Ready::File("received_file.txt".into()), PATIENCE).await?;
    let content = r2.read("received_file.txt").await?;
    r2.command("rm received_file.txt").run().await?.success()?;
    Ok(content)
}
