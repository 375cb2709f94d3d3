//! A crate that forbids unsafe code can use all of labnet.

#![forbid(unsafe_code)]

use labnet::{Lab, TestResult};

labnet::userns!();

#[labnet::test("@sockets")]
async fn closures_need_no_unsafe_code_of_the_users(lab: Lab) -> TestResult {
    let closure = lab.node("R2").spawn(async || std::fs::read_to_string("/etc/hostname")).await?;
    assert_eq!(closure.join().await??, "R2\n");
    Ok(())
}
