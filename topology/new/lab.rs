//! The lab in tests. `labnet doctor` says whether this machine lets users make labs; where it does not, tests are run as root:
//! `CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="sudo -E" cargo test`.

use labnet::{Fault, Lab, TestResult};

/// The manual comes out as it says.
#[test]
fn the_manual_is_right() -> Result<(), labnet::ManualFailure> {
    labnet::manual("lab.md")
}

/// Each test has a lab of its own, so all of them may use the same addresses at once.
#[labnet::test("lab.toml")]
async fn digits_are_counted(lab: Lab) -> TestResult {
    let server = lab.node("server").command("labnet echo serve 10.0.0.1:5001").spawn().await?;
    server.ready("tcp:5001").await?;
    let client = lab.node("client").command("labnet echo send server:5001 SECRET 42");
    let transcript = client.run().await?.success()?;
    assert_eq!(transcript.stdout(), "Sent: SECRET 42\nReceived: Digits: 42, Total Digits: 2\n");
    Ok(())
}

/// A lost frame is sent again. When a test fails, its captures are kept, and the message says where.
#[labnet::test("lab.toml")]
async fn a_lost_syn_is_sent_again(lab: Lab) -> TestResult {
    let link = lab.link("lan");
    let syn = link.fault(Fault::drop().first(1).from("client").matching("tcp[tcpflags] & tcp-syn != 0")).await?;
    let server = lab.node("server").command("labnet echo serve 10.0.0.1:5001").spawn().await?;
    server.ready("tcp:5001").await?;
    lab.node("client").command("labnet echo send server:5001 hi").run().await?.success()?;
    assert_eq!(syn.count().await?, 1);
    Ok(())
}
