//! What TCP does about a single frame that is lost or held, shown by a fault for each: it is the frame it is meant for, always.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod part4;

use std::time::Duration;

use labnet::{Capture, Fault, Lab, Signal, TestResult, packet::decode::TcpFlags};
use part4::{KALI, PROBE, R2, passed, serve};

/// Ten full segments of the link's MTU in one write, as many as may be under way at first (RFC 6928).
const TEN_SEGMENTS: &str = "labnet probe turns 10.10.10.2:5004 --turns 1 --writes 1 --size 14480";
/// A full segment from the client.
const FULL: &str = "tcp dst port 5004 and greater 1000";

/// What R2's and KALI's list of a capture says, line by line, of what bears this mark.
fn marked(capture: &Capture, mark: &str) -> Vec<String> {
    let list = capture.to_string();
    list.lines().filter(|line| line.contains(mark)).map(str::to_owned).collect()
}

/// How many segments were sent again, by both sides.
fn sent_again(capture: &Capture) -> TestResult<u64> {
    let flows = capture.flows()?;
    let flow = flows.iter().next().ok_or("no conversation")?;
    Ok(flow.client.retransmissions + flow.server.retransmissions)
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_lost_syn_is_sent_again(lab: Lab) -> TestResult {
    let mut server = serve(&lab, "").await?;
    let link = lab.link("lan");
    let capture = link.capture().filter(PROBE).start().await?;
    let syn = Fault::drop().first(2).matching("tcp[tcpflags] & tcp-syn != 0").from("KALI");
    let fault = link.fault(syn).await?;
    let send = lab.node("KALI").command("labnet probe send 10.10.10.2:5004 hi");
    send.run().await?.success()?;
    fault.hits(2).await?;
    server.expect("tcp 10.10.10.3: 2 bytes, \"hi\"\n").await?;
    let all = passed(&capture.stop().await?)?;
    let syns: Vec<_> =
        all.iter().filter(|each| each.is_from(KALI) && each.has(TcpFlags::SYN)).collect();
    let [first, second, third] = syns[..] else { return Err(format!("{syns:?}").into()) };
    assert_eq!((first.arrived, second.arrived), (None, None));
    assert!(third.arrived.is_some());
    // A second each: `tcp_syn_linear_timeouts` of them before it doubles. Timers may be early by a tick of the kernel's clock.
    for two in [[first, second], [second, third]] {
        assert!(two[1].sent - two[0].sent >= 900_000_000);
        assert_eq!(two[0].tcp.unwrap().sequence, two[1].tcp.unwrap().sequence);
    }
    Ok(())
}

#[labnet::test("topology/urgent.toml")]
async fn a_lost_segment_is_sent_again_after_three_duplicate_acknowledgments(
    lab: Lab,
) -> TestResult {
    part4::warm(&lab).await?;
    let link = lab.link("lan");
    // Nothing that offers a larger window is a duplicate: this has the window at its largest from the first segment on.
    let largest = "sh -c 'echo 0 > /proc/sys/net/ipv4/tcp_window_scaling'";
    lab.node("R2").command(largest).run().await?.success()?;
    let (both, client) = (link.capture(), lab.node("KALI").capture("eth0"));
    let both = both.filter(PROBE).start().await?;
    let client = client.filter(PROBE).start().await?;
    let fault = link.fault(Fault::drop().nth(2).matching(FULL).from("KALI")).await?;
    lab.node("KALI").command(TEN_SEGMENTS).run().await?.success()?;
    assert_eq!(fault.count().await?, 1);

    // Where the client is, acknowledgments come before what they cause.
    let client = client.stop().await?;
    let duplicates = marked(&client, "[TCP Dup ACK");
    let again = marked(&client, "[TCP Fast Retransmission]");
    assert!(duplicates.len() >= 3 && again.len() == 1, "{client}");
    let list = client.to_string();
    assert!(list.find(&duplicates[2]) < list.find(&again[0]), "{client}");
    assert_eq!(sent_again(&client)?, 1, "{client}");
    let all = passed(&both.stop().await?)?;
    let lost: Vec<_> = all.iter().filter(|each| !each.comments.is_empty()).collect();
    let [lost] = lost[..] else { return Err(format!("not one was lost: {lost:?}").into()) };
    let same = all.iter().filter(|each| each.data == lost.data && each.is_from(KALI));
    assert_eq!(same.count(), 2);
    Ok(())
}

#[labnet::test("topology/urgent.toml")]
async fn a_lost_acknowledgment_is_made_good_by_the_next(lab: Lab) -> TestResult {
    part4::warm(&lab).await?;
    let link = lab.link("lan");
    let capture = link.capture().filter(PROBE).start().await?;
    let bare = "tcp src port 5004 and tcp[tcpflags] = tcp-ack and len < 100";
    let fault = link.fault(Fault::drop().first(1).matching(bare).from("R2")).await?;
    lab.node("KALI").command(TEN_SEGMENTS).run().await?.success()?;
    assert_eq!(fault.count().await?, 1);
    let capture = capture.stop().await?;
    assert_eq!(sent_again(&capture)?, 0, "{capture}");
    let all = passed(&capture)?;
    let lost: Vec<_> = all.iter().filter(|each| !each.comments.is_empty()).collect();
    let [lost] = lost[..] else { return Err(format!("not one was lost: {lost:?}").into()) };
    assert!(lost.is_bare_ack() && lost.is_from(R2));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_lost_fin_is_sent_again(lab: Lab) -> TestResult {
    let _server = serve(&lab, "").await?;
    let link = lab.link("lan");
    let capture = link.capture().filter(PROBE).start().await?;
    let fin = Fault::drop().first(1).matching("tcp[tcpflags] & tcp-fin != 0").from("KALI");
    let fault = link.fault(fin).await?;
    let send = lab.node("KALI").command("labnet probe send 10.10.10.2:5004 hi");
    send.run().await?.success()?;
    assert_eq!(fault.count().await?, 1);
    let capture = capture.stop().await?;
    let all = passed(&capture)?;
    let fins: Vec<_> =
        all.iter().filter(|each| each.is_from(KALI) && each.has(TcpFlags::FIN)).collect();
    let [first, second, ..] = fins[..] else { return Err(format!("{fins:?}").into()) };
    assert_eq!(first.arrived, None);
    let end =
        |each: &part4::Passed| each.tcp.unwrap().sequence.wrapping_add(each.data.len() as u32);
    assert_eq!(end(first), end(second));
    let flows = capture.flows()?;
    let flow = flows.iter().next().ok_or("no conversation")?;
    assert_eq!(flow.closing.to_string(), "FIN client, FIN server");
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_receiver_that_does_not_read_is_probed(lab: Lab) -> TestResult {
    let server = serve(&lab, "").await?;
    let link = lab.link("lan");
    // What closes the window, and each answer to a probe.
    let closed = "tcp src port 5004 and tcp[14:2] = 0 and tcp[tcpflags] & tcp-syn = 0";
    let closed = link.fault(Fault::delay(Duration::ZERO).matching(closed).from("R2")).await?;
    let capture = lab.node("KALI").capture("eth0").filter(PROBE).start().await?;
    server.signal(Signal::Stop).await?;
    let turn = "labnet probe turns 10.10.10.2:5004 --turns 1 --writes 1 --size 1000000";
    let client = lab.node("KALI").command(turn).spawn().await?;
    closed.hits(3).await?;
    server.signal(Signal::Cont).await?;
    client.wait().await?.success()?;
    let capture = capture.stop().await?;
    let (closed, opened) =
        (marked(&capture, "[TCP ZeroWindow]"), marked(&capture, "[TCP Window Update]"));
    assert!(!closed.is_empty() && !opened.is_empty(), "{capture}");
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_message_that_is_held_comes_when_it_is_released(lab: Lab) -> TestResult {
    let mut server = serve(&lab, "").await?;
    let link = lab.link("lan");
    let message = Fault::hold().first(1).matching("udp dst port 5004").from("KALI");
    let fault = link.fault(message).await?;
    for message in ["first", "second"] {
        let send = format!("labnet probe send -u 10.10.10.2:5004 {message}");
        lab.node("KALI").command(&send).run().await?.success()?;
    }
    server.expect("udp 10.10.10.3: 6 bytes, \"second\"\n").await?;
    assert_eq!(fault.release().await?, 1);
    server.expect("udp 10.10.10.3: 5 bytes, \"first\"\n").await?;
    Ok(())
}
