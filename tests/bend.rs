//! Links that bend while a lab runs: what is asked holds, the ends notice nothing, and no frame is lost that was accepted.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use lab_support::OneProcessor;
use labnet::{Fault, Lab, Node, TestResult};
use tokio::net::UdpSocket;

/// A switch and three nodes.
const SWITCH: &str = r#"
name = "switch"
[networks.dc]
subnet = ["192.0.2.0/24"]
[nodes.a]
interfaces.eth0 = "dc"
[nodes.b]
interfaces.eth0 = "dc"
[nodes.c]
interfaces.eth0 = "dc"
"#;

async fn switch() -> Lab {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(&file, SWITCH).unwrap();
    Lab::up(file.path()).await.unwrap()
}

/// A connected pair of sockets.
async fn pair(from: &Node, to: &Node, address: &str) -> (UdpSocket, UdpSocket) {
    let receiver = to.udp_bind(format!("{address}:7000").parse().unwrap()).await.unwrap();
    let sender = from.udp_bind("0.0.0.0:0".parse().unwrap()).await.unwrap();
    sender.connect(receiver.local_addr().unwrap()).await.unwrap();
    (sender, receiver)
}

/// The number in the next datagram.
async fn next(receiver: &UdpSocket) -> u32 {
    let mut number = [0; 4];
    receiver.recv(&mut number).await.unwrap();
    u32::from_be_bytes(number)
}

/// What the node's kernel says of its interface: index, changes of the carrier.
async fn interface(node: &Node) -> String {
    let files = ["ifindex", "carrier_changes"].map(|file| format!("/sys/class/net/eth0/{file}"));
    let done =
        node.command_from(["cat", &files[0], &files[1]]).run().await.unwrap().success().unwrap();
    done.stdout().to_string()
}

async fn round_trip(node: &Node, address: &str) -> Duration {
    let ping = format!("ping -c 1 -W 10 {address}");
    // The first learns the neighbour.
    node.command(&ping).run().await.unwrap().success().unwrap();
    let begun = Instant::now();
    node.command(&ping).run().await.unwrap().success().unwrap();
    begun.elapsed()
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_delay_holds_when_it_is_said_to_and_is_gone_when_undone(lab: Lab) -> TestResult {
    let link = lab.link("R2--KALI");
    assert!(link.state().await?.cables.iter().all(|cable| cable.carrier.is_none()));
    let far = link.bend().delay("150ms").from("KALI").apply().await?;
    let state = link.state().await?;
    let [there, back] = &state.cables[0].directions;
    assert!(state.cables[0].carrier.is_some());
    assert_eq!(there.impairment.to_string(), "nothing");
    assert_eq!(back.impairment.to_string(), "delay 150ms");
    assert!(round_trip(&lab.node("KALI"), "10.10.10.2").await >= Duration::from_millis(150));
    let counters = link.state().await?.cables[0].directions.clone().map(|d| d.counters.unwrap());
    assert!(counters.iter().all(|counters| counters.delivered >= 2), "{counters:?}");
    far.undo().await?;
    assert_eq!(link.state().await?.cables[0].carrier, None);
    round_trip(&lab.node("KALI"), "10.10.10.2").await;
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn changes_lose_nothing_and_no_end_notices(lab: Lab) -> TestResult {
    let (sender, receiver) = pair(&lab.node("KALI"), &lab.node("R2"), "10.10.10.2").await;
    let before = [interface(&lab.node("R2")).await, interface(&lab.node("KALI")).await];
    sender.send(&0_u32.to_be_bytes()).await?;
    assert_eq!(next(&receiver).await, 0);
    let link = lab.link("R2--KALI");
    let changes = async {
        for round in 0..12 {
            let delay = link.bend().delay(Duration::from_millis(round % 4)).apply().await?;
            let wide = link.bend().rate("1Gbit").apply().await?;
            delay.undo().await?;
            wide.undo().await?;
        }
        TestResult::Ok(())
    };
    let (sent, done) = (Cell::new(0_u32), Cell::new(false));
    let stream = async {
        // One more when all is done: it wakes the receiver.
        let mut last = false;
        while !last {
            last = done.get();
            sent.set(sent.get() + 1);
            sender.send(&sent.get().to_be_bytes()).await?;
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        TestResult::Ok(())
    };
    let receive = async {
        let mut missing = BTreeSet::new();
        let mut last = 0;
        while !done.get() || last < sent.get() || !missing.is_empty() {
            let number = tokio::time::timeout(Duration::from_secs(10), next(&receiver)).await;
            let number = number.unwrap_or_else(|_| panic!("of {last}, lost are {missing:?}"));
            missing.extend(last + 1..number);
            missing.remove(&number);
            last = last.max(number);
        }
    };
    let change = async {
        let changed = changes.await;
        done.set(true);
        changed
    };
    let (changed, streamed, ()) = tokio::join!(change, stream, receive);
    changed?;
    streamed?;
    let after = [interface(&lab.node("R2")).await, interface(&lab.node("KALI")).await];
    assert_eq!(after, before);
    Ok(())
}

#[tokio::test]
async fn a_cable_to_a_switch_is_bent_in_place() -> TestResult {
    let lab = switch().await;
    let [a, b, c] = ["a", "b", "c"].map(|name| lab.node(name));
    let bent = lab.link("dc").bend().delay("40ms").apply().await?;
    // Four cables each way and back.
    assert!(round_trip(&a, "192.0.2.2").await >= Duration::from_millis(160));
    assert_eq!(lab.link("dc").state().await?.cables.len(), 3);
    // Each frame to all arrives once at each of the others.
    let sender = a.udp_bind("0.0.0.0:0".parse()?).await?;
    sender.set_broadcast(true)?;
    let mut receivers = Vec::new();
    for node in [&b, &c] {
        receivers.push(node.udp_bind("0.0.0.0:7000".parse()?).await?);
    }
    for number in 1..=20_u32 {
        sender.send_to(&number.to_be_bytes(), "192.0.2.255:7000").await?;
    }
    for receiver in &receivers {
        for number in 1..=20 {
            assert_eq!(next(receiver).await, number);
        }
    }
    drop(bent);
    Ok(())
}

#[tokio::test]
async fn what_one_node_sends_to_a_switch_can_be_bent_alone() -> TestResult {
    let lab = switch().await;
    let [a, b, c] = ["a", "b", "c"].map(|name| lab.node(name));
    let (sender, receiver) = pair(&a, &b, "192.0.2.2").await;
    let down = lab.link("dc").bend().down().from("c").apply().await?;
    sender.send(&7_u32.to_be_bytes()).await?;
    assert_eq!(next(&receiver).await, 7);
    assert!(c.command("ping -c 1 -W 1 192.0.2.2").run().await?.success().is_err());
    down.undo().await?;
    c.command("ping -c 1 -W 10 192.0.2.2").run().await?.success()?;
    Ok(())
}

#[tokio::test]
async fn groups_at_a_switch_are_parted_and_healed() -> TestResult {
    let lab = switch().await;
    let [a, b] = ["a", "b"].map(|name| lab.node(name));
    let parted = lab.partition(["a"], ["b"]).await?;
    for (node, other) in [(&a, "192.0.2.2"), (&b, "192.0.2.1")] {
        let ping = node.command(&format!("ping -c 1 -W 1 {other}")).run().await?;
        assert!(ping.success().is_err(), "{other} is not reached");
    }
    for node in [&a, &b] {
        node.command("ping -c 1 -W 10 192.0.2.3").run().await?.success()?;
    }
    parted.undo().await?;
    // Of several, for the neighbour may just have been given up.
    a.command("ping -c 8 -i 0.5 -W 10 192.0.2.2").run().await?.success()?;
    assert!(lab.partition(["a"], ["a"]).await.is_err());
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn the_frame_that_a_fault_chooses_is_dropped(lab: Lab) -> TestResult {
    let (sender, receiver) = pair(&lab.node("KALI"), &lab.node("R2"), "10.10.10.2").await;
    let rule = Fault::drop().nth(3).matching("udp dst port 7000").from("KALI");
    let fault = lab.link("R2--KALI").fault(rule).await?;
    let _order = OneProcessor::new();
    for number in 1..=5_u32 {
        sender.send(&number.to_be_bytes()).await?;
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(next(&receiver).await);
    }
    assert_eq!(seen, [1, 2, 4, 5]);
    fault.hits(1).await?;
    assert_eq!(fault.count().await?, 1);
    let held = lab.link("R2--KALI").fault(Fault::hold().matching("udp")).await?;
    sender.send(&6_u32.to_be_bytes()).await?;
    held.hits(1).await?;
    assert_eq!(held.release().await?, 1);
    assert_eq!(next(&receiver).await, 6);
    let error = fault.hits_within(2, Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("acted 1 of 2 times"), "{error}");
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn what_has_no_meaning_changes_nothing(lab: Lab) -> TestResult {
    let link = lab.link("R2--KALI");
    let refused = link.bend().reorder("10%").apply().await.unwrap_err().to_string();
    assert!(refused.contains("`reorder` without `delay`"), "{refused}");
    assert_eq!(link.state().await?.cables[0].carrier, None);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn an_end_that_is_down_takes_the_other_ones_carrier(lab: Lab) -> TestResult {
    let [one, other] = ["R2", "KALI"].map(|name| lab.node(name));
    let carrier = async |node: &Node, wanted: &str| {
        let read = "until [ \"$(cat /sys/class/net/eth0/carrier)\" = $0 ]; do sleep 0.01; done";
        node.command_from(["sh", "-c", read, wanted]).run().await.unwrap().success().unwrap();
    };
    let set = async |node: &Node, state: &str| {
        let command = format!("ip link set eth0 {state}");
        node.command(&command).run().await.unwrap().success().unwrap();
    };
    for _ in 0..3 {
        set(&one, "down").await;
        carrier(&other, "0").await;
        // Both down, and up again in the order in which they went.
        set(&other, "down").await;
        set(&one, "up").await;
        set(&other, "up").await;
        carrier(&one, "1").await;
        carrier(&other, "1").await;
    }
    Ok(())
}
