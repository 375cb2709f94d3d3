//! A child of the test that holds the lab's socket does not hold the lab. Alone in its program, since it holds all sockets.

#![allow(clippy::unwrap_used)]

mod lab_support;

use std::{
    fs,
    io::IoSlice,
    os::fd::{AsRawFd, RawFd},
    process::{Command, Stdio},
};

use lab_support::{Footprint, pair};
use labnet::TestResult;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, recvmsg, sendmsg,
    socketpair,
};

#[tokio::test]
async fn a_lab_ends_although_a_child_holds_its_socket() -> TestResult {
    let lab = pair().up().await?;
    let footprint = Footprint::of(&lab).await?;
    share_sockets();
    let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn()?;
    let held = fs::read_dir(format!("/proc/{}/fd", child.id()))?.count();
    assert!(held > 3, "the child should hold a socket beside its standard streams");
    drop(lab);
    footprint.assert_gone();
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Duplicates every socket of this process, to be inherited by its children: descriptors received are not closed on exec.
fn share_sockets() {
    let sockets: Vec<RawFd> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let target = fs::read_link(entry.path());
            target.is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
        })
        .map(|entry| entry.file_name().to_str().unwrap().parse().unwrap())
        .collect();
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC).unwrap();
    let rights = [ControlMessage::ScmRights(&sockets)];
    let body = [IoSlice::new(b"!")];
    sendmsg::<UnixAddr>(ours.as_raw_fd(), &body, &rights, MsgFlags::empty(), None).unwrap();
    let mut control = nix::cmsg_space!([RawFd; 64]);
    let received =
        recvmsg::<UnixAddr>(theirs.as_raw_fd(), &mut [], Some(&mut control), MsgFlags::empty());
    assert!(received.unwrap().cmsgs().unwrap().next().is_some());
}
