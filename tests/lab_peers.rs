//! Parts 1 to 3 between R2 and KALI, our programs with others' in both roles. Ignored where those are not installed.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use lab_support::{noise, pair};
use labnet::{Lab, Node, TestResult};
use libtest_mimic::{Arguments, Failed, Trial};

const OUR_ECHO: [&str; 2] =
    ["labnet echo serve 10.10.10.2:5001", "labnet echo send 10.10.10.2:5001"];
const PYTHONS_ECHO: [&str; 2] = [
    "python3 {peers}/echo_server.py 10.10.10.2 5001",
    "python3 {peers}/echo_client.py 10.10.10.2 5001",
];
const OUR_FILE: [&str; 2] =
    ["labnet file serve 10.10.10.2:5002 --into .", "labnet file send 10.10.10.2:5002"];
const PYTHONS_FILE: [&str; 2] = [
    "python3 {peers}/file_server.py 10.10.10.2 5002 .",
    "python3 {peers}/file_client.py 10.10.10.2 5002",
];
const OUR_NC: [&str; 2] =
    ["labnet nc -l 5000 --prefix 'R2: '", "labnet nc 10.10.10.2 5000 --prefix 'KALI: '"];
/// The author's own: mawk prefixes, another netcat carries.
const THEIR_NC: [&str; 2] = [
    r#"sh -c "mawk -W interactive '\$0=\"R2: \"\$0' | nc -l -p 5000""#,
    r#"sh -c "mawk -W interactive '\$0=\"KALI: \"\$0' | nc 10.10.10.2 5000""#,
];

fn main() -> ExitCode {
    let python = ["python3"].as_slice();
    let chat = ["mawk", "nc"].as_slice();
    let trials = vec![
        trial("dialogues_with_pythons_server", python, || {
            in_lab(async |lab| dialogues(&lab, PYTHONS_ECHO[0], OUR_ECHO[1]).await)
        }),
        trial("dialogues_with_pythons_client", python, || {
            in_lab(async |lab| dialogues(&lab, OUR_ECHO[0], PYTHONS_ECHO[1]).await)
        }),
        trial("transfers_to_pythons_server", python, || {
            in_lab(async |lab| transfers(&lab, PYTHONS_FILE[0], OUR_FILE[1]).await)
        }),
        trial("transfers_from_pythons_client", python, || {
            in_lab(async |lab| transfers(&lab, OUR_FILE[0], PYTHONS_FILE[1]).await)
        }),
        trial("chat_with_the_authors_listener", chat, || {
            in_lab(async |lab| chat_on_terminals(&lab, THEIR_NC[0], OUR_NC[1]).await)
        }),
        trial("chat_with_the_authors_client", chat, || {
            in_lab(async |lab| chat_on_terminals(&lab, OUR_NC[0], THEIR_NC[1]).await)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that is ignored unless all these programs are there.
fn trial(
    name: &str,
    programs: &[&str],
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let trial = Trial::test(name, test);
    match programs.iter().find(|program| !installed(program)) {
        None => trial,
        Some(missing) => {
            trial.with_kind(format!("{missing} is not installed")).with_ignored_flag(true)
        }
    }
}

fn installed(program: &str) -> bool {
    let script = format!("command -v {program}");
    let found = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn in_lab(test: impl AsyncFnOnce(Lab) -> TestResult) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async { test(pair().up().await?).await });
    result.map_err(|error| error.to_string().into())
}

/// A command line with the place of the peers filled in.
fn filled(command: &str) -> String {
    command.replace("{peers}", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/peers"))
}

async fn dialogues(lab: &Lab, server: &str, client: &str) -> TestResult {
    let server = lab.node("R2").command(&filled(server)).timeout(PATIENCE).spawn().await?;
    server.ready("tcp:5001").await?;
    for (words, reply) in [
        ("my net id is ha2755", "Secret code not found."),
        ("my net id should be kept SECRET", "Digits: , Total Digits: 0"),
        ("my net id ha2755 should be kept SECRET", "Digits: 2755, Total Digits: 4"),
    ] {
        let client = lab.node("KALI").command(&format!("{} {words}", filled(client)));
        let transcript = client.run().await?.success()?;
        assert_eq!(transcript.stdout(), format!("Sent: {words}\nReceived: {reply}\n"));
    }
    Ok(())
}

/// What anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn transfers(lab: &Lab, server: &str, client: &str) -> TestResult {
    let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
    let server = r2.command(&filled(server)).timeout(PATIENCE).spawn().await?;
    server.ready("tcp:5002").await?;
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/send.txt"))?;
    let random = [0, 1, (1 << 20) - 1, 64 << 20].map(noise);
    for content in [text].into_iter().chain(random) {
        kali.write("content", content.as_slice()).await?;
        kali.command(&format!("{} content", filled(client))).run().await?.success()?;
        received(&r2, &content).await?;
    }
    Ok(())
}

/// Waits until R2 has received this content: the sender does not know when, and Python writes in place.
async fn received(r2: &Node, content: &[u8]) -> TestResult {
    let all = async {
        while r2.read("received_file.txt").await.ok().as_deref() != Some(content) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let length = content.len();
    tokio::time::timeout(PATIENCE, all)
        .await
        .map_err(|_| format!("{length} bytes did not arrive"))?;
    r2.command("rm received_file.txt").run().await?.success()?;
    Ok(())
}

async fn chat_on_terminals(lab: &Lab, listener: &str, client: &str) -> TestResult {
    let mut r2 = lab.node("R2").command(listener).timeout(PATIENCE).terminal().await?;
    r2.program().ready("tcp:5000").await?;
    let mut kali = lab.node("KALI").command(client).timeout(PATIENCE).terminal().await?;
    for (from_kali, line) in [
        (true, "kishan"),
        (true, "Hi Iam kali"),
        (false, "Hi Iam R2"),
        (false, "Nice to meet you"),
        (true, "Nice to meet you too"),
    ] {
        let (speaker, name, hearer) =
            if from_kali { (&mut kali, "KALI", &mut r2) } else { (&mut r2, "R2", &mut kali) };
        speaker.type_line(line).await?;
        speaker.expect(&format!("{line}\n")).await?;
        hearer.expect(&format!("{name}: {line}\n")).await?;
    }
    r2.expect_screen(
        "KALI: kishan\nKALI: Hi Iam kali\nHi Iam R2\nNice to meet you\nKALI: Nice to meet you too\n",
    )
    .await?;
    kali.expect_screen(
        "kishan\nHi Iam kali\nR2: Hi Iam R2\nR2: Nice to meet you\nNice to meet you too\n",
    )
    .await?;
    Ok(())
}
