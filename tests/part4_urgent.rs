//! Part 4 e of the sockets lab: an urgent message by UDP and by TCP, over a link that takes 50 ms each way.
//!
//! By UDP the message arrives after one trip, half a round trip: its first frame is the message. By TCP it arrives after three: SYN
//! there, SYN, ACK back, and the message there.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod part4;

use labnet::{Lab, TestResult, packet::decode::TcpFlags};
use part4::{KALI, PROBE, Passed, R2, passed, warm};

/// What a frame takes from one end to the other, in ns.
const TRIP: u64 = 50_000_000;
/// How long TCP waits for an answer to a first SYN, in ns (RFC 6298, section 2.1).
const FIRST_TIMEOUT: u64 = 1_000_000_000;

/// Each frame of a chain is sent when the one before it has arrived, and takes a trip: the last arrives after as many trips as there
/// are frames. On a busy machine a trip may take longer, but never less.
fn assert_trips(chain: &[&Passed]) -> TestResult {
    let mut at = 0;
    for frame in chain {
        let arrived = frame.arrived.ok_or("a frame did not arrive")?;
        assert!(frame.sent >= at && arrived >= frame.sent + TRIP, "{chain:#?}");
        at = arrived;
    }
    Ok(())
}

async fn send(lab: &Lab, options: &str) -> TestResult {
    let command = format!("labnet probe send {options}");
    lab.node("KALI").command(&command).run().await?.success()?;
    Ok(())
}

/// The first thing that carries data.
fn message(all: &[Passed]) -> TestResult<&Passed> {
    Ok(all.iter().find(|each| !each.data.is_empty()).ok_or("no message")?)
}

#[labnet::test("topology/urgent.toml")]
async fn by_udp_the_first_frame_is_the_message_and_takes_one_trip(lab: Lab) -> TestResult {
    warm(&lab).await?;
    // It leaves and it arrives.
    let capture = lab.link("lan").capture().filter(PROBE).count(2).start().await?;
    send(&lab, "-u 10.10.10.2:5004 fire").await?;
    let all = passed(&capture.ended().await?)?;
    let [message] = &all[..] else { return Err(format!("not one frame: {all:?}").into()) };
    assert_eq!((message.data.as_slice(), message.is_from(KALI)), (&b"fire"[..], true));
    assert_trips(&[message])
}

#[labnet::test("topology/urgent.toml")]
async fn by_tcp_a_round_trip_goes_before_the_message(lab: Lab) -> TestResult {
    warm(&lab).await?;
    let capture = lab.link("lan").capture().filter(PROBE).start().await?;
    send(&lab, "10.10.10.2:5004 fire").await?;
    let all = passed(&capture.stop().await?)?;
    let [syn, syn_ack, ack, message, ..] = &all[..] else {
        return Err(format!("no handshake and message: {all:?}").into());
    };
    assert!(syn.has(TcpFlags::SYN) && syn.is_from(KALI) && syn.data.is_empty());
    assert!(syn_ack.has(TcpFlags::SYN) && syn_ack.is_from(R2) && syn_ack.data.is_empty());
    assert!(ack.is_bare_ack() && ack.is_from(KALI));
    assert_eq!((message.data.as_slice(), message.is_from(KALI)), (&b"fire"[..], true));
    assert_trips(&[syn, syn_ack, message])
}

#[labnet::test("topology/urgent-lost.toml")]
async fn by_udp_a_message_whose_frame_is_lost_is_gone(lab: Lab) -> TestResult {
    warm(&lab).await?;
    // Both leave, and the second arrives.
    let capture = lab.link("lan").capture().filter(PROBE).count(3).start().await?;
    send(&lab, "-u 10.10.10.2:5004 fire").await?;
    send(&lab, "-u 10.10.10.2:5004 is anybody there?").await?;
    let all = passed(&capture.ended().await?)?;
    let [fire, second] = &all[..] else { return Err(format!("not two frames: {all:?}").into()) };
    assert_eq!((fire.data.as_slice(), fire.arrived), (&b"fire"[..], None));
    assert_eq!(fire.comments, ["labnet: dropped (fault 1)"]);
    assert_trips(&[second])
}

#[labnet::test("topology/urgent-lost.toml")]
async fn by_tcp_a_message_whose_syn_is_lost_comes_late(lab: Lab) -> TestResult {
    warm(&lab).await?;
    let capture = lab.link("lan").capture().filter(PROBE).start().await?;
    send(&lab, "10.10.10.2:5004 fire").await?;
    let all = passed(&capture.stop().await?)?;
    let [syn, again, syn_ack, ..] = &all[..] else {
        return Err(format!("no two SYNs: {all:?}").into());
    };
    assert_eq!(
        (syn.arrived, &syn.comments[..]),
        (None, &["labnet: dropped (fault 2)".to_owned()][..])
    );
    assert!(again.has(TcpFlags::SYN) && again.is_from(KALI) && again.arrived.is_some());
    assert_eq!(again.tcp.unwrap().sequence, syn.tcp.unwrap().sequence);
    assert!(syn_ack.has(TcpFlags::SYN) && syn_ack.is_from(R2));
    // Timers may be early by a tick of the kernel's clock.
    assert!(again.sent - syn.sent >= FIRST_TIMEOUT * 9 / 10, "{} ns", again.sent - syn.sent);
    let message = message(&all)?;
    assert_eq!(message.data, b"fire");
    assert_trips(&[again, syn_ack, message])
}
