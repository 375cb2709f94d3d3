//! Labs in code: bring-up, programs, errors.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    task::Poll,
    time::{Duration, Instant},
};

use lab_support::pair;
use labnet::{
    Error, Exit, Lab, LabError, Program, Signal, TestResult,
    spec::{Ready, Source},
};

#[tokio::test]
async fn a_builder_makes_a_lab_with_files_programs_and_switches() -> TestResult {
    let lab = Lab::builder("built")
        .network("lan", ["192.0.2.0/24"])
        .node("server", |node| {
            let page = Source::Inline("hello".to_owned());
            let serve = "labnet nc -k -l 80";
            node.interface("eth0", "lan").file("www/page", page).program(
                "web",
                serve,
                Ready::Tcp(80),
            )
        })
        .node("client", |node| node.interface("eth0", "lan").env("GREETING", "hi there"))
        .up()
        .await?;
    let names: Vec<String> = lab.nodes().map(|node| node.name().to_string()).collect();
    assert_eq!(names, ["server", "client"]);
    assert_eq!(lab.node("server").read("www/page").await?, b"hello");
    let greeted = lab.node("client").command("sh -c 'echo $GREETING | labnet nc -N server 80'");
    greeted.run().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_bad_description_shows_all_its_problems() {
    let lab = Lab::builder("bad")
        .node("R2", |node| node.interface("eth0", "10.10.10.2/240"))
        .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
        .link("R2:eth0", "KALl:eth0");
    let error = lab.up().await.unwrap_err();
    assert!(matches!(error, Error::Topology(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("10.10.10.2/240"), "{text}");
    assert!(text.contains("did you mean `KALI`?") || text.contains("KALI"), "{text}");
}

#[tokio::test]
async fn a_topology_file_that_is_not_there_is_a_problem_with_its_name() {
    let error = Lab::up("topology/nowhere.toml").await.unwrap_err();
    assert!(error.to_string().contains("topology/nowhere.toml"), "{error}");
}

#[tokio::test]
async fn a_wrong_node_name_gets_a_suggestion() -> TestResult {
    let lab = pair().up().await?;
    let error = lab.try_node("r2").unwrap_err();
    assert_eq!(error.to_string(), "no node `r2` in lab `pair`; did you mean `R2`?");
    let far = lab.try_node("elsewhere").unwrap_err();
    assert_eq!(far.to_string(), "no node `elsewhere` in lab `pair`");
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "did you mean `KALI`?")]
async fn node_panics_for_a_wrong_name() {
    let lab = pair().up().await.unwrap();
    lab.node("KALl");
}

#[tokio::test]
async fn commands_that_cannot_start_say_why_and_carry_the_shells_code() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    r2.write("data", "not a program").await?;
    for (command, code, text) in [
        (r2.command("nonesuch --now"), 127, "R2: `nonesuch`: no such program in the node's PATH"),
        (r2.command("./nonesuch"), 127, "R2: `./nonesuch`: no such program"),
        (r2.command("./data"), 126, "R2: cannot execute `./data`: Permission denied (EACCES)"),
        (r2.command("true").cwd("no/where"), 125, "No such file or directory (ENOENT)"),
        (
            r2.command("echo 'open"),
            125,
            "a quote is open at the end of the command line: echo 'open",
        ),
        (r2.command_from(["true", "a\0b"]), 125, "a word or variable holds a NUL byte"),
        (r2.command(""), 127, "no such program"),
        (r2.command("true").env("A=B", "C"), 125, "a variable cannot have the name `A=B`"),
    ] {
        match command.run().await.unwrap_err() {
            Error::Lab(LabError::Spawn { node, why, code: found }) => {
                assert_eq!(found, code, "{why}");
                assert!(format!("{node}: {why}").contains(text), "{why}");
            }
            other => return Err(other.into()),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_transcript_tells_all_of_a_program() -> TestResult {
    let lab = pair().up().await?;
    let script = "read line; echo got $line; sleep 0.01; echo oops >&2; exit 4";
    let command = lab.node("R2").command_from(["sh", "-c", script]).stdin("text\nmore\n");
    let transcript = command.run().await?;
    assert_eq!(transcript.node().as_str(), "R2");
    assert_eq!(transcript.stdout(), "got text\n");
    assert_eq!(transcript.stderr(), "oops\n");
    assert_eq!(transcript.exit(), Some(Exit::Code(4)));
    let json = serde_json::to_value(&transcript)?;
    assert_eq!((&json["stdout"], &json["exit"]["Code"]), (&"got text\n".into(), &4.into()));
    insta::assert_snapshot!(transcript, @r"
    R2$ sh -c 'read line; echo got $line; sleep 0.01; echo oops >&2; exit 4'
    got text
    oops
    [exit code 4]
    ");
    let error = transcript.success().unwrap_err();
    assert!(error.to_string().starts_with("the command failed:\nR2$ sh -c"), "{error}");
    Ok(())
}

#[tokio::test]
async fn output_beyond_the_limit_is_counted_and_not_kept() -> TestResult {
    const KEPT: usize = 16 << 20;
    let lab = pair().up().await?;
    let flood = lab.node("R2").command("sh -c 'head -c 20000000 /dev/zero; echo end >&2'");
    let transcript = flood.run().await?.success()?;
    assert_eq!(transcript.stdout_bytes().len(), KEPT);
    assert_eq!(transcript.omitted(), 20_000_000 - KEPT as u64);
    assert_eq!(transcript.stderr(), "end\n");
    assert!(transcript.to_string().ends_with("bytes more were not kept]\n"));
    Ok(())
}

#[tokio::test]
async fn a_program_need_not_read_its_input_nor_close_its_output() -> TestResult {
    let lab = pair().up().await?;
    let much = vec![b'x'; 1 << 20];
    // The child keeps both ends of the pipes, as daemons do.
    let command = lab.node("R2").command("sh -c 'sleep 1000 <&0 & echo gone'").stdin(much);
    assert_eq!(command.run().await?.success()?.stdout(), "gone\n");
    Ok(())
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed() -> TestResult {
    let lab = pair().up().await?;
    let command = lab.node("R2").command("sh -c 'echo working; sleep 1000; true'");
    let begun = Instant::now();
    let error = command.timeout(Duration::from_millis(300)).run().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(100), "it waited for the program's end");
    insta::assert_snapshot!(error, @r"
    the command did not end within 300ms and was killed:
    R2$ sh -c 'echo working; sleep 1000; true'
    working
    [signal SIGKILL]
    ");
    Ok(())
}

#[tokio::test]
async fn a_program_that_ends_before_it_is_ready_shows_its_last_words() -> TestResult {
    let lab = pair().up().await?;
    let server = lab.node("R2").command("sh -c 'echo cannot serve >&2; exit 7'").spawn().await?;
    let error = server.ready("tcp:5000").await.unwrap_err();
    insta::assert_snapshot!(error, @r"
    R2: program `sh -c 'echo cannot serve >&2; exit 7'` ended (exit code 7) before it was ready (tcp:5000); it printed:
        cannot serve
    ");
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_not_ready_in_time_shows_what_it_printed() -> TestResult {
    let lab = pair().up().await?;
    let command = lab.node("R2").command("sh -c 'echo starting; exec sleep 1000'");
    let mut server = command.timeout(Duration::from_millis(300)).spawn().await?;
    server.expect("starting\n").await?;
    let error = server.ready("udp:53").await.unwrap_err();
    insta::assert_snapshot!(error, @r"
    R2: `sh -c 'echo starting; exec sleep 1000'` is not ready (udp:53) within 300ms; it printed:
        starting
    ");
    let error = server.ready("5000").await.unwrap_err();
    assert!(matches!(error, Error::Condition(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_port_of_another_program_does_not_make_one_ready() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let owner = r2.command("sh -c 'labnet nc -l 5000; true'").spawn().await?;
    // The socket is a grandchild's.
    owner.ready("tcp:5000").await?;
    let other = r2.command("sleep 1000").timeout(Duration::from_millis(300)).spawn().await?;
    let error = other.ready("tcp:5000").await.unwrap_err();
    assert!(matches!(error, Error::Lab(LabError::NotReady { .. })), "{error}");
    r2.wait(&Ready::Tcp(5000), Duration::from_secs(10)).await?;
    Ok(())
}

#[tokio::test]
async fn expect_goes_on_after_what_it_found() -> TestResult {
    let lab = pair().up().await?;
    let mut cat = lab.node("R2").command("cat").timeout(Duration::from_millis(300)).spawn().await?;
    cat.write("one two ").await?;
    cat.expect("one").await?;
    let error = cat.expect("one").await.unwrap_err();
    insta::assert_snapshot!(error, @r#"
    R2: 300ms passed while waiting for "one"; so far it printed:
    one two 
    "#);
    cat.write("one").await?;
    cat.expect("two one").await?;
    cat.close_stdin();
    let error = cat.expect("three").await.unwrap_err();
    assert!(
        error.to_string().starts_with("R2: `cat` ended while waiting for \"three\""),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn signals_reach_the_whole_group() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let mut group = r2.command("sh -c 'sleep 1000 & echo child $!; wait'").spawn().await?;
    group.expect("\n").await?;
    let printed = group.transcript().stdout().into_owned();
    let child = printed.trim().strip_prefix("child ").unwrap().to_owned();
    group.signal(Signal::Term).await?;
    assert_eq!(group.wait().await?.exit(), Some(Exit::Signal(Signal::Term as i32)));
    gone(&r2, &child).await
}

#[tokio::test]
async fn a_dropped_program_is_killed_with_its_group() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let mut group = r2.command("sh -c 'sleep 1000 & echo child $!; wait'").spawn().await?;
    group.expect("\n").await?;
    let printed = group.transcript().stdout().into_owned();
    drop(group);
    gone(&r2, printed.trim().strip_prefix("child ").unwrap()).await
}

#[tokio::test]
async fn a_start_that_is_abandoned_leaves_no_program() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    {
        let mut start = std::pin::pin!(r2.command("sleep 4242").spawn());
        // Once: the request is on its way, the answer is not here.
        assert!(
            std::future::poll_fn(|context| Poll::Ready(start.as_mut().poll(context).is_pending()))
                .await
        );
    }
    let wait = "while grep -qsaz '[4]242' /proc/[0-9]*/cmdline; do sleep 0.01; done";
    let waited = r2.command_from(["sh", "-c", wait]).timeout(Duration::from_secs(30));
    waited.run().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn what_a_program_left_in_the_background_runs_on() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let started = r2.command("sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!'").run().await?;
    let alive = format!("kill -0 {}", started.stdout().trim());
    r2.command_from(["sh", "-c", &alive]).run().await?.success()?;
    Ok(())
}

/// Waits until a process of the lab is gone.
async fn gone(node: &labnet::Node, pid: &str) -> TestResult {
    let wait = format!("while [ -e /proc/{pid}/exe ]; do sleep 0.01; done");
    let waited = node.command_from(["sh", "-c", &wait]).timeout(Duration::from_secs(30));
    waited.run().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn what_outlives_the_lab_says_that_it_has_ended() -> TestResult {
    let lab = pair().up().await?;
    let r2 = lab.node("R2");
    let mut program: Program = r2.command("cat").spawn().await?;
    lab.down().await?;
    assert!(matches!(program.ready("tcp:80").await, Err(Error::Lab(LabError::Gone))));
    assert!(program.expect("text").await.is_err());
    assert!(matches!(r2.command("true").run().await, Err(Error::Lab(LabError::Gone))));
    assert!(matches!(program.wait().await, Err(Error::Lab(LabError::Gone))));
    assert!(r2.read("/etc/hosts").await.is_err());
    assert!(r2.tcp_listen("0.0.0.0:80".parse()?).await.is_err());
    Ok(())
}

/// Where an interface and its peer have the same number, the kernel may notice its carrier a second late.
#[tokio::test]
async fn no_interface_has_the_number_of_its_peer() -> TestResult {
    let lab = pair()
        .network("lan", ["192.0.2.0/24"])
        .node("a", |node| node.interface("eth0", "lan"))
        .node("b", |node| node.interface("eth0", "lan"))
        .up()
        .await?;
    for node in lab.nodes() {
        let list = "cd /sys/class/net && for i in eth*; do cat $i/ifindex $i/iflink; done";
        let numbers = node.command_from(["sh", "-c", list]).run().await?.success()?;
        let numbers: Vec<u32> =
            numbers.stdout().lines().map(str::parse).collect::<Result<_, _>>()?;
        for ends in numbers.chunks(2) {
            assert_ne!(ends[0], ends[1], "{}: {numbers:?}", node.name());
        }
    }
    Ok(())
}
