//! Captures on a running lab: nothing that passes is missed, at the head, at the tail, or in between.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{collections::BTreeMap, time::Duration};

use labnet::{
    Capture, Lab, TestResult,
    packet::{Direction, Packet, decode::Checksum},
};

/// The last byte of each UDP datagram to a port, by interface and direction, in the order of the recording.
fn datagrams(capture: &Capture, port: u16) -> BTreeMap<(String, bool), Vec<u8>> {
    let mut found: BTreeMap<(String, bool), Vec<u8>> = BTreeMap::new();
    let mut reader = capture.reader().unwrap();
    let mut last = 0;
    loop {
        let Some(frame) = reader.next_frame().unwrap() else { return found };
        assert!(frame.time >= last, "the recording is in the order of time");
        last = frame.time;
        let packet = Packet::decode(&frame.bytes, frame.length);
        if packet.udp().is_some_and(|udp| udp.destination_port == port) {
            let out = frame.direction == Some(Direction::Out);
            let (interface, byte) = (frame.interface, *frame.bytes.last().unwrap());
            let interface = reader.interfaces()[interface].name.clone().unwrap();
            found.entry((interface, out)).or_default().push(byte);
        }
    }
}

#[labnet::test("topology/sockets-lab.toml")]
async fn what_passed_before_the_stop_is_recorded(lab: Lab) -> TestResult {
    let receiver = lab.node("R2").udp_bind("10.10.10.2:7000".parse()?).await?;
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    sender.connect(receiver.local_addr()?).await?;
    let all: Vec<u8> = (0..200).collect();
    for round in 0..50 {
        let (here, there) = (lab.node("R2").capture("eth0"), lab.node("KALI").capture("eth0"));
        let (here, there) = (here.start().await?, there.start().await?);
        for byte in &all {
            sender.send(&[*byte]).await?;
        }
        let (here, there) = (here.stop().await?, there.stop().await?);
        let expected = |name: &str, out| BTreeMap::from([((name.to_owned(), out), all.clone())]);
        assert_eq!(datagrams(&here, 7000), expected("R2:eth0", false), "round {round}");
        assert_eq!(datagrams(&there, 7000), expected("KALI:eth0", true), "round {round}");
        assert_eq!((here.dropped(), there.dropped()), (0, 0));
        // What was not read would stay in the socket, until that drops what comes.
        for _ in &all {
            receiver.recv(&mut [0; 8]).await?;
        }
    }
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_link_is_captured_at_both_ends_in_the_order_of_time(lab: Lab) -> TestResult {
    let receiver = lab.node("R2").udp_bind("10.10.10.2:7000".parse()?).await?;
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    let capture = lab.link("KALI--R2").capture().start().await?;
    for byte in 0..100 {
        sender.send_to(&[byte], receiver.local_addr()?).await?;
        receiver.recv(&mut [0; 8]).await?;
    }
    let capture = capture.stop().await?;
    let all: Vec<u8> = (0..100).collect();
    let expected =
        [(("KALI:eth0".to_owned(), true), all.clone()), (("R2:eth0".to_owned(), false), all)];
    assert_eq!(datagrams(&capture, 7000), BTreeMap::from(expected));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_capture_ends_by_itself_after_as_many_frames_as_wanted(lab: Lab) -> TestResult {
    let capture = lab.node("KALI").capture("eth0").count(3).start().await?;
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    for byte in 0..10 {
        sender.send_to(&[byte], "10.10.10.2:7000").await?;
    }
    let capture = tokio::time::timeout(Duration::from_secs(20), capture.ended()).await??;
    assert_eq!(capture.frames()?, 3);
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn frames_may_be_cut(lab: Lab) -> TestResult {
    let capture = lab.node("KALI").capture("eth0").snap_length(60).start().await?;
    let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
    sender.send_to(&[7; 1000], "10.10.10.2:7000").await?;
    let capture = capture.stop().await?;
    let mut reader = capture.reader()?;
    while let Some(frame) = reader.next_frame()? {
        if frame.length == 1042 {
            assert_eq!(frame.bytes.len(), 60);
            assert_eq!(reader.interfaces()[0].snap_length, 60);
            return Ok(());
        }
        assert!(frame.length < 100, "ARP, or the answer that nobody listens");
    }
    Err("the datagram is missing".into())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn lo_shows_each_frame_once(lab: Lab) -> TestResult {
    let node = lab.node("R2");
    let capture = node.capture("lo").start().await?;
    let receiver = node.udp_bind("127.0.0.1:7000".parse()?).await?;
    receiver.send_to(&[1], "127.0.0.1:7000").await?;
    let capture = capture.stop().await?;
    let expected = [(("R2:lo".to_owned(), false), vec![1])];
    assert_eq!(datagrams(&capture, 7000), BTreeMap::from(expected));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn an_interface_that_is_not_there_is_named(lab: Lab) -> TestResult {
    let error = lab.node("R2").capture("eth7").start().await.unwrap_err();
    assert_eq!(error.to_string(), "R2 has no interface `eth7`; it has `eth0`");
    let error = lab.try_link("lna").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no link or network `lna` in lab `sockets-lab`; did you mean `lan`?"
    );
    let error = lab.link("lan").recording().await.unwrap_err().to_string();
    assert!(error.contains("`capture = true` at a link of the topology records it"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_recorded_link_has_what_passed_before_anything_else_could() -> TestResult {
    let lab = Lab::builder("recorded")
        .node("a", |node| node.interface("eth0", "192.0.2.1/24"))
        .node("b", |node| node.interface("eth0", "192.0.2.2/24"))
        .link("a", "b")
        .capture()
        .up()
        .await?;
    let sender = lab.node("a").udp_bind("192.0.2.1:0".parse()?).await?;
    for byte in 0..20 {
        sender.send_to(&[byte], "192.0.2.2:7000").await?;
    }
    let recording = lab.link("a--b").recording().await?;
    let sent = datagrams(&recording, 7000);
    assert_eq!(sent[&("a:eth0".to_owned(), true)], (0..20).collect::<Vec<u8>>());
    assert_eq!(sent[&("b:eth0".to_owned(), false)], (0..20).collect::<Vec<u8>>());
    // It goes on.
    sender.send_to(&[20], "192.0.2.2:7000").await?;
    let recording = lab.link("a--b").recording().await?;
    assert_eq!(datagrams(&recording, 7000)[&("a:eth0".to_owned(), true)].len(), 21);
    lab.down().await?;
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn offloads_are_off_unless_asked_for(lab: Lab) -> TestResult {
    // The frames of a transfer are as on a wire, at both ends.
    let capture = lab.link("lan").capture().start().await?;
    let kali = lab.node("KALI");
    kali.write("big", vec![7; 300_000]).await?;
    kali.command("labnet file send R2:5002 big").run().await?.success()?;
    let capture = capture.stop().await?;
    let mut reader = capture.reader()?;
    let mut data = 0;
    while let Some(frame) = reader.next_frame()? {
        let packet = Packet::decode(&frame.bytes, frame.length);
        assert!(frame.length <= 1514);
        let checksums = packet.checksums();
        for checksum in checksums.ipv4.into_iter().chain(checksums.transport) {
            assert_eq!(checksum, Checksum::Valid, "{packet:?}");
        }
        data += usize::from(packet.tcp().is_some() && frame.length == 1514);
    }
    assert!(data > 300, "{data} full segments");
    Ok(())
}
