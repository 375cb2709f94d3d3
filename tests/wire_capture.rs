//! Captures of links that bend know what became of each frame, whatever is done to it, and whenever they began.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::collections::BTreeMap;

use lab_support::OneProcessor;
use labnet::{
    Capture, Fault, Lab, Link, RunningFault, TestResult,
    packet::{Direction, Packet},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UdpSocket,
};

/// What became of each datagram, by its last byte, in the order in which they were sent.
fn datagrams(capture: &Capture) -> Vec<(u8, String)> {
    let verdicts = capture.verdicts().unwrap();
    let mut reader = capture.reader().unwrap();
    let (mut number, mut found) = (0, Vec::new());
    while let Some(frame) = reader.next_frame().unwrap() {
        number += 1;
        let packet = Packet::decode(&frame.bytes, frame.length);
        if packet.udp().is_some() && frame.direction == Some(Direction::Out) {
            let verdict = verdicts.of(number).unwrap().to_string();
            found.push((*frame.bytes.last().unwrap(), verdict));
        }
    }
    found
}

/// How often each verdict was given.
fn counted(capture: &Capture) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in capture.list(&"verdict".parse().unwrap()).unwrap().lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// Has a wire carry the link, also where the kernel could do what is asked.
async fn wire(link: &Link) -> Result<RunningFault, labnet::Error> {
    link.fault(Fault::drop().matching("udp port 9")).await
}

/// A socket in R2, and one in KALI that sends there; each knows the other's Ethernet address.
async fn sockets(lab: &Lab) -> TestResult<(UdpSocket, UdpSocket)> {
    let receiver = lab.node("R2").udp_bind("10.10.10.2:7000".parse()?).await?;
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    sender.connect(receiver.local_addr()?).await?;
    sender.send(&[0]).await?;
    receiver.recv(&mut [0; 8]).await?;
    Ok((receiver, sender))
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_syn_that_a_fault_drops_is_sent_again_and_delivered(lab: Lab) -> TestResult {
    let link = lab.link("R2--KALI");
    let capture = link.capture().filter("tcp dst port 5001 and tcp[tcpflags] & tcp-syn != 0");
    let capture = capture.start().await?;
    let syn = Fault::drop().first(1).matching("tcp[tcpflags] & tcp-syn != 0").from("KALI");
    let fault = link.fault(syn).await?;
    lab.node("KALI").command("labnet echo send 10.10.10.2:5001 hi").run().await?.success()?;
    fault.hits(1).await?;
    let capture = capture.stop().await?;
    let number = fault.number();
    let list = capture.list(&"flags,verdict".parse()?)?;
    assert_eq!(list, format!("SYN dropped (fault {number})\nSYN delivered\n"));
    let shown = capture.to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].ends_with(&format!("[dropped (fault {number})]")), "{shown}");
    assert!(lines[1].contains("[TCP Retransmission]") && !lines[1].contains("dropped"), "{shown}");
    let flow = capture.flows()?.iter().next().ok_or("no flow")?;
    assert_eq!((flow.client.segments, flow.client.dropped), (2, 1));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn loss_is_told_of_each_frame(lab: Lab) -> TestResult {
    let (receiver, sender) = sockets(&lab).await?;
    let link = lab.link("R2--KALI");
    let _wire = wire(&link).await?;
    let bend = link.bend().from("KALI").loss("30%").apply().await?;
    let capture = link.capture().filter("udp").start().await?;
    let _order = OneProcessor::new();
    for byte in 1..=200 {
        sender.send(&[byte]).await?;
    }
    bend.undo().await?;
    sender.send(&[255]).await?;
    let mut arrived = Vec::new();
    while arrived.last() != Some(&255) {
        let mut byte = [0];
        receiver.recv(&mut byte).await?;
        arrived.extend(byte);
    }
    let told = datagrams(&capture.stop().await?);
    let told: Vec<_> = told.iter().map(|(byte, verdict)| (*byte, verdict.as_str())).collect();
    let expected: Vec<_> = (1..=200)
        .chain([255])
        .map(|byte| (byte, if arrived.contains(&byte) { "delivered" } else { "dropped (loss)" }))
        .collect();
    assert_eq!(told, expected);
    assert!((100..180).contains(&arrived.len()), "{}", arrived.len());
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_full_queue_is_told(lab: Lab) -> TestResult {
    let (receiver, sender) = sockets(&lab).await?;
    let link = lab.link("R2--KALI");
    let _wire = wire(&link).await?;
    let _bend = link.bend().from("KALI").rate("20kbit").limit("3").apply().await?;
    let capture = link.capture().filter("udp").start().await?;
    for byte in 1..=20 {
        sender.send(&[byte; 1000]).await?;
    }
    let mut arrived = vec![0; 2000];
    receiver.recv(&mut arrived).await?;
    // What is queued arrives.
    let told = loop {
        receiver.recv(&mut arrived).await?;
        if arrived[0] >= 3 {
            break datagrams(&capture.stop().await?);
        }
    };
    let full = told.iter().filter(|(_, verdict)| verdict == "dropped (queue full)").count();
    assert!(told.len() == 20 && (14..=17).contains(&full), "{told:?}");
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn what_faults_do_is_told(lab: Lab) -> TestResult {
    let (receiver, sender) = sockets(&lab).await?;
    let link = lab.link("R2--KALI");
    let fault = async |fault: Fault, byte: u8| {
        link.fault(fault.matching(format!("udp[8] = {byte}")).from("KALI")).await
    };
    let held = fault(Fault::hold(), 1).await?;
    let doubled = fault(Fault::duplicate(), 2).await?;
    let late = fault(Fault::delay("30ms"), 3).await?;
    let wrong = fault(Fault::corrupt(), 4).await?;
    let numbers = [&held, &doubled, &late, &wrong].map(|fault| fault.number());
    let capture = link.capture().filter("udp or (len > 41 and not arp)").start().await?;
    let _order = OneProcessor::new();
    for byte in 1..=5 {
        sender.send(&[byte]).await?;
    }
    wrong.hits(1).await?;
    let mut arrived = Vec::new();
    // A corrupted one may not reach the socket.
    while arrived.iter().filter(|byte| [2, 3, 5].contains(*byte)).count() < 4 {
        let mut byte = [0];
        receiver.recv(&mut byte).await?;
        arrived.extend(byte);
    }
    assert!(!arrived.contains(&1));
    assert_eq!(held.release().await?, 1);
    while arrived.last() != Some(&1) {
        let mut byte = [0];
        receiver.recv(&mut byte).await?;
        arrived.extend(byte);
    }
    let capture = capture.stop().await?;
    let [held, doubled, late, wrong] = numbers;
    let expected = [
        (1, format!("held (fault {held}), delivered")),
        (2, format!("duplicated (fault {doubled}), delivered")),
        (3, format!("delayed (fault {late}), delivered")),
        (4, format!("corrupted (fault {wrong}), delivered")),
        (5, "delivered".to_owned()),
    ];
    assert_eq!(datagrams(&capture), expected);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_capture_goes_on_while_its_link_is_bent_and_straightened(lab: Lab) -> TestResult {
    let (receiver, sender) = sockets(&lab).await?;
    let link = lab.link("R2--KALI");
    let capture = link.capture().filter("udp").start().await?;
    let send = async |bytes: std::ops::Range<u8>| {
        for byte in bytes {
            sender.send(&[byte]).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    send(0..20).await?;
    let even = Fault::drop().matching("udp[8] & 1 = 0").from("KALI");
    let fault = link.fault(even).await?;
    let number = fault.number();
    send(20..40).await?;
    fault.remove().await?;
    send(40..60).await?;
    let wire = wire(&link).await?;
    let bend = link.bend().from("KALI").loss("100%").apply().await?;
    send(60..70).await?;
    bend.undo().await?;
    wire.remove().await?;
    send(70..80).await?;
    let mut byte = [0];
    while byte != [79] {
        receiver.recv(&mut byte).await?;
    }
    let expected: Vec<_> = (0..80)
        .map(|byte| match byte {
            20..40 if byte % 2 == 0 => (byte, format!("dropped (fault {number})")),
            60..70 => (byte, "dropped (loss)".to_owned()),
            _ => (byte, "delivered".to_owned()),
        })
        .collect();
    assert_eq!(datagrams(&capture.stop().await?), expected);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml", timeout = 120)]
async fn nothing_is_left_untold_under_load(lab: Lab) -> TestResult {
    const BYTES: usize = 4 << 20;
    let link = lab.link("R2--KALI");
    let _wire = wire(&link).await?;
    let _bend = link.bend().loss("1%").delay("1ms").apply().await?;
    let capture = link.capture().filter("tcp").start().await?;
    let listener = lab.node("R2").tcp_listen("10.10.10.2:7001".parse()?).await?;
    let mut sender = lab.node("KALI").tcp_connect("10.10.10.2:7001".parse()?).await?;
    let (mut receiver, _) = listener.accept().await?;
    let (sent, received) = tokio::join!(
        async {
            sender.write_all(&vec![7; BYTES]).await?;
            sender.shutdown().await
        },
        async {
            let mut bytes = Vec::new();
            receiver.read_to_end(&mut bytes).await.map(|_| bytes.len())
        }
    );
    sent?;
    assert_eq!(received?, BYTES);
    let capture = capture.stop().await?;
    assert_eq!(capture.dropped(), 0);
    let mut counts = counted(&capture);
    counts.remove("under way at the end");
    let dropped = counts["dropped (loss)"];
    assert!(counts.len() == 2 && dropped >= 10, "{counts:?}");
    assert_eq!(
        capture.flows()?.iter().map(|f| f.client.dropped + f.server.dropped).sum::<u64>(),
        dropped
    );
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn one_end_and_frames_cut_short_are_told_too(lab: Lab) -> TestResult {
    let (_receiver, sender) = sockets(&lab).await?;
    let fault = lab.link("R2--KALI").fault(Fault::drop().matching("udp").nth(2)).await?;
    let start =
        async |snap| lab.node("KALI").capture("eth0").filter("udp").snap_length(snap).start().await;
    let captures = [start(0).await?, start(60).await?, start(42).await?];
    for byte in 1..=3 {
        sender.send(&[byte; 100]).await?;
    }
    for capture in captures {
        let list = capture.stop().await?.list(&"len,verdict".parse()?)?;
        assert_eq!(list, format!("142 -\n142 dropped (fault {})\n142 -\n", fault.number()));
    }
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn what_a_link_that_is_down_drops_is_told(lab: Lab) -> TestResult {
    let (receiver, sender) = sockets(&lab).await?;
    let link = lab.link("R2--KALI");
    let _wire = wire(&link).await?;
    let capture = link.capture().filter("udp").start().await?;
    let down = link.down().await?;
    sender.send(&[1]).await?;
    down.undo().await?;
    sender.send(&[2]).await?;
    receiver.recv(&mut [0]).await?;
    let told = datagrams(&capture.stop().await?);
    assert_eq!(told, [(1, "dropped (link down)".to_owned()), (2, "delivered".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn what_a_cable_to_a_switch_drops_is_told_where_it_was_sent() -> TestResult {
    let lab = Lab::builder("switched")
        .network("dc", ["10.0.0.0/24"])
        .node("H1", |node| node.interface("eth0", "dc"))
        .node("H2", |node| node.interface("eth0", "dc"))
        .node("H3", |node| node.interface("eth0", "dc"))
        .up()
        .await?;
    let receiver = lab.node("H2").udp_bind("0.0.0.0:7000".parse()?).await?;
    let sender = lab.node("H1").udp_bind("0.0.0.0:0".parse()?).await?;
    sender.connect("10.0.0.2:7000").await?;
    let capture = lab.link("dc").capture().filter("udp").start().await?;
    let fault = lab.link("dc").fault(Fault::drop().matching("udp[8] = 2").from("H1")).await?;
    for byte in 1..=3 {
        sender.send(&[byte]).await?;
        if byte != 2 {
            receiver.recv(&mut [0]).await?;
        }
    }
    let list = capture.stop().await?.list(&"source,verdict".parse()?)?;
    let dropped = format!("dropped (fault {})", fault.number());
    let [here, there] = ["    10.0.0.1 -\n", &format!("    10.0.0.1 {dropped}\n")];
    assert_eq!(list, format!("{here}{there}{here}"));
    lab.down().await?;
    Ok(())
}
