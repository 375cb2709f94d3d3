//! Programs on terminals of their own.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::time::Duration;

use lab_support::pair;
use labnet::{Exit, Signal, TestResult};

#[tokio::test]
async fn a_program_has_a_terminal_of_its_own_and_80_by_24_characters() -> TestResult {
    let lab = pair().up().await?;
    let script = "tty -s && stty size && echo $TERM && ps -o tty= $$ >&2";
    let terminal = lab.node("R2").command_from(["sh", "-c", script]).terminal().await?;
    let transcript = terminal.wait().await?.success()?;
    let screen = transcript.screen();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines[..2], ["24 80", "dumb"]);
    assert!(lines[2].starts_with("pts/") || lines[2] == "?", "{screen}");
    Ok(())
}

#[tokio::test]
async fn ctrl_c_interrupts_the_foreground_and_not_the_shell() -> TestResult {
    let lab = pair().up().await?;
    let mut shell = lab.node("R2").command("sh -i").env("PS1", "> ").terminal().await?;
    shell.expect("> ").await?;
    shell.type_line("sh -c 'echo begun; exec sleep 1000'").await?;
    shell.expect("\nbegun\n").await?;
    shell.ctrl('c').await?;
    shell.expect("> ").await?;
    shell.type_line("echo $?").await?;
    shell.expect("\n130\n").await?;
    shell.ctrl('D').await?;
    // The shell leaves with the code of its last command.
    shell.wait().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn jobs_are_stopped_and_go_on() -> TestResult {
    let lab = pair().up().await?;
    let mut shell = lab.node("R2").command("sh -i").env("PS1", "> ").terminal().await?;
    shell.expect("> ").await?;
    shell.type_line("cat").await?;
    shell.type_line("echoed").await?;
    shell.expect("echoed\nechoed\n").await?;
    shell.ctrl('Z').await?;
    shell.expect("Stopped").await?;
    shell.expect("> ").await?;
    shell.type_line("fg").await?;
    shell.expect("\ncat\n").await?;
    shell.type_line("again").await?;
    shell.expect("again\nagain\n").await?;
    shell.ctrl('D').await?;
    shell.expect("> ").await?;
    shell.ctrl('D').await?;
    shell.wait().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_password_is_not_shown() -> TestResult {
    let lab = pair().up().await?;
    let script =
        "stty -echo; printf 'Password: '; read word; stty echo; echo; echo ${#word} letters";
    let mut login = lab.node("R2").command_from(["sh", "-c", script]).terminal().await?;
    login.expect("Password: ").await?;
    login.type_line("secret").await?;
    login.expect("6 letters").await?;
    login.expect_screen("Password: \n6 letters\n").await?;
    login.wait().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn text_that_does_not_come_is_an_error_with_the_screen() -> TestResult {
    let lab = pair().up().await?;
    let command = lab.node("R2").command("cat").timeout(Duration::from_millis(300));
    let mut cat = command.terminal().await?;
    cat.type_line("hello").await?;
    cat.expect_screen("hello\nhello\n").await?;
    let error = cat.expect("goodbye").await.unwrap_err();
    insta::assert_snapshot!(error, @r#"
    R2: 300ms passed while waiting for "goodbye"; so far it printed:
    hello
    hello
    "#);
    assert!(cat.ctrl('é').await.is_err());
    cat.program().signal(Signal::Kill).await?;
    let transcript = cat.wait().await?;
    assert_eq!(transcript.exit(), Some(Exit::Signal(9)));
    insta::assert_snapshot!(transcript, @r"
    R2$ cat
    hello
    hello
    [signal SIGKILL]
    ");
    Ok(())
}
