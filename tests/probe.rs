//! `labnet probe`: what its programs count and tell, over the loopback interface.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod programs;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::process::ExitStatusExt,
    thread,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        socket::{setsockopt, sockopt::Linger},
    },
    unistd::Pid,
};
use programs::{Finished, Running, labnet};
use serde_json::Value;

/// A server on a port of its own, and its address.
fn serve(options: &str) -> (Running, SocketAddr) {
    let server = labnet(&format!("probe serve 127.0.0.1:0 {options}"));
    let screen = server.stderr.wait_for(" (tcp and udp)\n");
    let address = screen.strip_prefix("labnet probe: listening on ").unwrap();
    let address = address.strip_suffix(" (tcp and udp)\n").unwrap().parse().unwrap();
    (server, address)
}

fn probe(line: &str) -> Finished {
    labnet(&format!("probe {line}")).finish()
}

fn json(line: &str) -> Value {
    serde_json::from_str(probe(&format!("{line} --json")).success().text()).unwrap()
}

#[test]
fn a_message_is_told_at_both_ends() {
    let (server, address) = serve("");
    let sent = probe(&format!("send {address} fire in  room 3")).success();
    let (first, times) = sent.text().split_once('\n').unwrap();
    assert_eq!(first, "Sent over TCP: fire in room 3");
    assert!(times.starts_with("on its way after "), "{times}");
    assert!(times.contains(" ms, read to its end after "), "{times}");
    assert_eq!(server.stdout.wait_for("3\"\n"), "tcp 127.0.0.1: 14 bytes, \"fire in room 3\"\n");

    let sent = probe(&format!("send -u {address} fire")).success();
    assert!(sent.text().starts_with("Sent over UDP: fire\non its way after "));
    assert!(server.stdout.wait_for("udp").ends_with("\nudp 127.0.0.1: 4 bytes, \"fire\"\n"));

    let sent = json(&format!("send {address} ü"));
    assert_eq!((&sent["protocol"], &sent["bytes"]), (&"tcp".into(), &2.into()));
    assert!(sent["closed_ns"].as_u64() >= sent["sent_ns"].as_u64());
    let sent = json(&format!("send --udp {address} x"));
    assert_eq!((&sent["protocol"], &sent["closed_ns"]), (&"udp".into(), &Value::Null));
}

#[test]
fn what_a_client_sends_can_not_steer_a_terminal() {
    let (server, address) = serve("");
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"\x1b[31m\xff\n", address).unwrap();
    assert_eq!(
        server.stdout.wait_for("\n"),
        "udp 127.0.0.1: 7 bytes, \"\\u{1b}[31m\u{fffd}\\n\"\n"
    );
}

#[test]
fn a_newline_is_answered_and_the_end_is_waited_for() {
    let (server, address) = serve("");
    let mut stream = TcpStream::connect(address).unwrap();
    let mut answer = [0; 6];
    stream.write_all(b"no answer yet\n\n").unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ok\nok\n");
    stream.write_all(&[b'x'; 100]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut answer).unwrap(), 0);
    let start = format!("no answer yet\\n\\n{}", "x".repeat(49));
    assert_eq!(
        server.stdout.wait_for("...\n"),
        format!("tcp 127.0.0.1: 115 bytes, \"{start}\"...\n")
    );
}

#[test]
fn a_connection_that_is_reset_is_told_and_others_go_on() {
    let (server, address) = serve("");
    let mut broken = TcpStream::connect(address).unwrap();
    broken.write_all(b"\n").unwrap();
    broken.read_exact(&mut [0; 3]).unwrap();
    setsockopt(&broken, Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    drop(broken);
    let told = server.stdout.wait_for("reset\n");
    assert_eq!(told, "tcp 127.0.0.1: 1 byte, \"\\n\", then a reset\n");
    probe(&format!("turns {address}")).success();
}

#[test]
fn turns_are_taken_in_pieces() {
    for options in ["", "--quickack"] {
        let (server, address) = serve(options);
        let taken = json(&format!("turns {address} --turns 3 --writes 4 --size 2 --nodelay"));
        assert_eq!(
            (&taken["turns"], &taken["writes"], &taken["size"], &taken["nodelay"]),
            (&3.into(), &4.into(), &2.into(), &true.into())
        );
        assert_eq!(taken["turns_ns"].as_array().unwrap().len(), 3);
        let text = r"abcdefg\nabcdefg\nabcdefg\n";
        let told = server.stdout.wait_for("\"\n");
        assert_eq!(told, format!("tcp 127.0.0.1: 24 bytes, \"{text}\"\n"));

        let taken = probe(&format!("turns {address} --turns 1 --writes 1")).success();
        let (first, times) = taken.text().split_once('\n').unwrap();
        assert_eq!(first, "1 turn of 1 write of 1 byte, Nagle's algorithm: all answered");
        assert!(times.starts_with("a turn: min ") && times.contains("; all: "), "{times}");
    }
}

#[test]
fn a_server_without_an_answer_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let silent = probe(&format!("turns {address} --timeout 50ms"));
    assert_eq!(silent.status.code(), Some(1));
    assert_eq!(
        silent.stderr,
        format!(
            "labnet: cannot get an answer from {address}: nothing within 50ms; is the link up, \
             and the server alive?\n"
        )
    );
    let (first, _) = listener.accept().unwrap();
    drop(first);
    let closing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 2]).unwrap();
    });
    let closed = probe(&format!("turns {address} --turns 1 --nodelay"));
    closing.join().unwrap();
    assert_eq!(closed.status.code(), Some(1));
    assert_eq!(closed.stderr, format!("labnet: {address} closed the connection without a reply\n"));
}

/// Passes datagrams on to `server` as `fates` has it, which is given each number from a client and says which are to go on now.
fn relay(server: SocketAddr, fates: fn(u32) -> &'static [u32]) -> SocketAddr {
    let inside = UdpSocket::bind("127.0.0.1:0").unwrap();
    let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = outside.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        loop {
            let (length, client) = outside.recv_from(&mut buffer).unwrap();
            let number = u32::from_be_bytes(buffer[8..12].try_into().unwrap());
            let measured = [1, 2].contains(&buffer[3]);
            for number in if measured { fates(number) } else { &[u32::MAX] } {
                if measured {
                    buffer[8..12].copy_from_slice(&number.to_be_bytes());
                }
                inside.send_to(&buffer[..length], server).unwrap();
            }
            if buffer[3] == 2 {
                continue;
            }
            let answers = if measured { fates(number).len() } else { 1 };
            for _ in 0..answers {
                let (length, _) = inside.recv_from(&mut buffer).unwrap();
                outside.send_to(&buffer[..length], client).unwrap();
            }
        }
    });
    address
}

/// The first is held until after the third, three are lost, one is doubled, one lost, and the last too.
fn fates(number: u32) -> &'static [u32] {
    match number {
        0 | 4..=6 | 9 | 199 => &[],
        2 => &[2, 0],
        7 => &[7, 7],
        number => {
            static NUMBERS: [u32; 200] = {
                let mut numbers = [0; 200];
                let mut at = 0;
                while at < 200 {
                    numbers[at] = at as u32;
                    at += 1;
                }
                numbers
            };
            &NUMBERS[number as usize..=number as usize]
        }
    }
}

#[test]
fn lost_doubled_and_late_datagrams_are_counted() {
    let (_server, address) = serve("");
    let address = relay(address, fates);
    let line = format!("flood {address} --count 200 --settle 1s --size 32");
    let flood = probe(&line).success();
    assert_eq!(
        flood.text(),
        "200 sent, 196 came: 5 lost in 3 bursts, 1 duplicated, 1 reordered, 0 corrupted\n"
    );
    let flood = json(&line);
    for (field, count) in [
        ("sent", 200),
        ("size", 32),
        ("received", 196),
        ("lost", 5),
        ("bursts", 3),
        ("duplicated", 1),
        ("reordered", 1),
        ("bytes", 196 * 32),
    ] {
        assert_eq!(flood[field], count, "{field}");
    }
}

#[test]
fn round_trips_are_told_apart() {
    let (_server, address) = serve("");
    let address = relay(address, |number| match number {
        1 => &[],
        2 => &[2, 2],
        0 => &[0],
        _ => &[3],
    });
    let trips = probe(&format!("rtt {address} -c 4 --interval 0 --timeout 2s"));
    assert_eq!(trips.status.code(), Some(0));
    let text = trips.text();
    assert!(text.starts_with("4 sent, 3 came back, 1 lost\nround trip: min "), "{text}");
    let trips = json(&format!("rtt {address} -c 4 --interval 1us --timeout 2s --size 12"));
    let times = trips["round_trips_ns"].as_array().unwrap();
    let came: Vec<bool> = times.iter().map(Value::is_u64).collect();
    assert_eq!(came, [true, false, true, true]);
    let times: Vec<u64> = times.iter().filter_map(Value::as_u64).collect();
    assert_eq!(trips["summary"]["min_ns"].as_u64(), times.iter().min().copied());
    assert_eq!(trips["summary"]["max_ns"].as_u64(), times.iter().max().copied());
}

#[test]
fn as_much_as_goes_in_a_time() {
    let (_server, address) = serve("");
    let flood = json(&format!("flood {address} --for 20ms --interval 2ms --settle 1ms"));
    assert!((1..=11).contains(&flood["sent"].as_u64().unwrap()), "{flood}");
    assert_eq!(flood["received"], flood["sent"]);
}

#[test]
fn a_server_that_says_nothing_is_no_success() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let trips = probe(&format!("rtt {address} -c 2 --interval 0 --timeout 10ms"));
    assert_eq!(trips.status.code(), Some(1));
    assert_eq!(trips.text(), "2 sent, 0 came back, 2 lost\n");
    let flood = probe(&format!("flood {address} -c 2 --timeout 10ms"));
    assert_eq!(flood.status.code(), Some(1));
    let reason = "nothing within 10ms; is the link up, and the server alive?";
    assert_eq!(flood.stderr, format!("labnet: cannot get a report from {address}: {reason}\n"));
}

#[test]
fn a_closed_port_is_named() {
    // Ports of this kind are given to nobody who does not ask for them.
    let free = "127.0.0.1:1";
    for (line, attempt) in [
        ("send ADDR hi", "connect to"),
        ("turns ADDR", "connect to"),
        ("rtt ADDR", "exchange datagrams with"),
        ("flood ADDR -c 1", "get a report from"),
    ] {
        let refused = probe(&line.replace("ADDR", free));
        assert_eq!(refused.status.code(), Some(1), "{line}");
        assert_eq!(
            refused.stderr,
            format!(
                "labnet: cannot {attempt} {free}: Connection refused (ECONNREFUSED); nothing \
                 listens on that port: start the server first, or check the port\n"
            )
        );
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = probe(&format!("serve {}", taken.local_addr().unwrap()));
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains(": Address already in use (EADDRINUSE)"), "{}", refused.stderr);
}

#[test]
fn what_can_not_be_is_refused() {
    for line in [
        "serve 5004",
        "send 127.0.0.1:1",
        "turns 127.0.0.1:1 --writes 0",
        "turns 127.0.0.1:1 --size 0",
        "rtt 127.0.0.1:1 --size 11",
        "rtt 127.0.0.1:1 --count 0",
        "flood 127.0.0.1:1 --size 65508",
        "flood 127.0.0.1:1 --count 67108865",
        "flood 127.0.0.1:1 --count 1 --for 1s",
    ] {
        assert_eq!(probe(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn the_longest_times_are_no_trouble() {
    let (_server, address) = serve("");
    let ever = "18446744073709551615s";
    probe(&format!("turns {address} --timeout {ever}")).success();
    probe(&format!("rtt {address} -c 1 --interval {ever} --timeout {ever}")).success();
    let flood = format!("flood {address} -c 1 --interval {ever} --settle 0 --timeout {ever}");
    probe(&flood).success();
}

#[test]
fn the_server_ends_with_ctrl_c() {
    let (server, address) = serve("");
    let mut client = TcpStream::connect(address).unwrap();
    kill(Pid::from_raw(server.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(server.finish().status.signal(), Some(Signal::SIGINT as i32));
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
}
