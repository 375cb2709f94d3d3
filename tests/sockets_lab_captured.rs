//! The sockets lab, as its wire tells it: each part is captured, and what is stable of it is a snapshot.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::time::Duration;

use labnet::{
    Exit, Lab, Signal, Terminal, TestResult,
    packet::{Packet, decode::TcpFlags},
    spec::Ready,
};

/// What waiting for a file may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

// Finest form: each side waits until its line is on the other's screen, so turns are taken; and R2 has ended, which sends its
// FIN, before KALI's input ends.
#[labnet::test("topology/sockets-lab.toml")]
async fn the_chat_of_part_1(lab: Lab) -> TestResult {
    let capture = lab.node("R2").capture("eth0").start().await?;
    chat(&lab).await?;
    insta::assert_snapshot!(capture.stop().await?.normalised()?);
    Ok(())
}

// Part 4 a: which of the client's ports does the server of the chat send to?
#[labnet::test("topology/sockets-lab.toml")]
async fn the_chats_server_answers_to_the_port_that_the_clients_kernel_picked(
    lab: Lab,
) -> TestResult {
    let capture = lab.link("lan").capture().start().await?;
    chat(&lab).await?;
    let capture = capture.stop().await?;

    let flows = capture.flows()?;
    let [flow] = &flows.iter().collect::<Vec<_>>()[..] else {
        return Err(format!("more than the chat:\n{flows}").into());
    };
    let (client, server) = (flow.client.address, flow.server.address);
    assert_eq!(server, "10.10.10.2:5000".parse()?);
    assert_eq!(client.ip().to_string(), "10.10.10.3");
    assert!(flow.client.ephemeral && !flow.server.ephemeral);
    let range = lab.node("KALI").read("/proc/sys/net/ipv4/ip_local_port_range").await?;
    let range: Vec<u16> =
        String::from_utf8(range)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    assert!((range[0]..=range[1]).contains(&client.port()), "{client} of {range:?}");

    // Whatever the server sends goes there, at both ends of the link.
    let (mut reader, mut lines) = (capture.reader()?, Vec::new());
    while let Some(frame) = reader.next_frame()? {
        let packet = Packet::decode(&frame.bytes, frame.length);
        let Some(tcp) = packet.tcp() else { continue };
        if tcp.source_port == server.port() {
            assert_eq!(tcp.destination_port, client.port());
            if tcp.flags.contains(TcpFlags::PSH) {
                lines.push(String::from_utf8(packet.payload.bytes.to_vec())?);
            }
        } else {
            assert_eq!((tcp.source_port, tcp.destination_port), (client.port(), server.port()));
        }
    }
    for line in ["R2: Hi Iam R2\n", "R2: Nice to meet you\n"] {
        assert_eq!(lines.iter().filter(|sent| *sent == line).count(), 2, "{lines:?}");
    }
    Ok(())
}

/// The lines of Part 1; returns when both sides have ended.
async fn chat(lab: &Lab) -> TestResult {
    let mut r2 = lab.node("R2").command("labnet nc -l 5000 --prefix 'R2: '").terminal().await?;
    r2.program().ready("tcp:5000").await?;
    let nc = "labnet nc 10.10.10.2 5000 --prefix 'KALI: '";
    let mut kali = lab.node("KALI").command(nc).terminal().await?;
    say(&mut kali, &mut r2, "KALI: kishan").await?;
    say(&mut kali, &mut r2, "KALI: Hi Iam kali").await?;
    say(&mut r2, &mut kali, "R2: Hi Iam R2").await?;
    say(&mut r2, &mut kali, "R2: Nice to meet you").await?;
    say(&mut kali, &mut r2, "KALI: Nice to meet you too").await?;
    r2.ctrl('C').await?;
    assert_eq!(r2.wait().await?.exit(), Some(Exit::Signal(Signal::Int as i32)));
    kali.ctrl('D').await?;
    kali.wait().await?.success()?;
    Ok(())
}

/// Types a line, and waits until the other side shows it behind the speaker's name.
async fn say(speaker: &mut Terminal, listener: &mut Terminal, line: &str) -> TestResult {
    let (_, typed) = line.split_once(": ").unwrap_or(("", line));
    speaker.type_line(typed).await?;
    listener.expect(&format!("{line}\n")).await?;
    Ok(())
}

// Finest form: client and server take turns by their protocol, and the server closes first, which the client waits for (200 ms
// at least, of which the server needs none).
#[labnet::test("topology/sockets-lab.toml")]
async fn the_three_dialogues_of_part_2(lab: Lab) -> TestResult {
    let capture = lab.node("R2").capture("eth0").start().await?;
    for words in [
        "my net id is ha2755",
        "my net id should be kept SECRET",
        "my net id ha2755 should be kept SECRET",
    ] {
        let send = format!("labnet echo send 10.10.10.2:5001 {words}");
        lab.node("KALI").command(&send).run().await?.success()?;
    }
    insta::assert_snapshot!(capture.stop().await?.normalised()?);
    Ok(())
}

// Finest form: one side speaks, and the other closes when it has heard all of it.
#[labnet::test("topology/sockets-lab.toml")]
async fn the_text_of_part_3(lab: Lab) -> TestResult {
    let capture = lab.link("lan").capture().start().await?;
    let send = lab.node("KALI").command("labnet file send 10.10.10.2:5002 send.txt");
    send.run().await?.success()?;
    lab.node("R2").wait(&Ready::File("received_file.txt".into()), PATIENCE).await?;
    insta::assert_snapshot!(capture.stop().await?.normalised()?);
    Ok(())
}

// Finest form: each line waits for the one before it to be on the other's screen. R2 is killed first, so that nobody is left
// to be told of a port that is closed.
#[labnet::test("topology/sockets-lab.toml")]
async fn the_datagrams_of_part_4_e(lab: Lab) -> TestResult {
    let capture = lab.node("R2").capture("eth0").start().await?;
    let mut r2 = lab.node("R2").command("labnet nc -u -l 5001").terminal().await?;
    r2.program().ready("udp:5001").await?;
    let mut kali = lab.node("KALI").command("labnet nc -u 10.10.10.2 5001").terminal().await?;
    say(&mut kali, &mut r2, "hi").await?;
    say(&mut r2, &mut kali, "who is there?").await?;
    say(&mut kali, &mut r2, "KALI, and it is urgent").await?;
    r2.ctrl('C').await?;
    r2.wait().await?;
    kali.ctrl('C').await?;
    kali.wait().await?;
    insta::assert_snapshot!(capture.stop().await?.normalised()?);
    Ok(())
}
