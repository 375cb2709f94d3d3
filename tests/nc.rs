//! `labnet nc` with itself and with plain sockets.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{Command, Stdio},
    thread,
};

use labnet::apps::nc::Prefix;
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, poll},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use programs::{Running, free_port, labnet, labnet_with, noise, start};
use proptest::prelude::*;

/// A listening `labnet nc` and its port.
fn listen(options: &str) -> (Running, u16) {
    let listener = labnet(&format!("nc -v -l 127.0.0.1 0 {options}"));
    let port = listener.port();
    (listener, port)
}

/// A `labnet nc` and the plain TCP connection that it makes.
fn connect(options: &str) -> (Running, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = labnet(&format!("nc 127.0.0.1 {port} {options}"));
    (client, listener.accept().unwrap().0)
}

fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn read_text(mut stream: &TcpStream, len: usize) -> String {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_chat_shows_the_peers_lines_with_its_name() {
    let port = free_port();
    let mut r2 = labnet_with(&format!("nc -l -p {port} -v"), &["--prefix", "R2: "]);
    r2.stderr.wait_for("Listening on 0.0.0.0");
    let mut kali = labnet_with(&format!("nc 127.0.0.1 {port}"), &["--prefix", "KALI: "]);
    kali.type_in("kishan\n");
    r2.stdout.wait_for("KALI: kishan\n");
    kali.type_in("Hi Iam kali\n");
    r2.stdout.wait_for("KALI: Hi Iam kali\n");
    r2.type_in("Hi Iam R2\n");
    kali.stdout.wait_for("R2: Hi Iam R2\n");
    r2.type_in("Nice to meet you\n");
    kali.stdout.wait_for("R2: Nice to meet you\n");
    kali.type_in("Nice to meet you too\n");
    r2.stdout.wait_for("too\n");

    r2.kill();
    kali.end_input();
    let kali = kali.finish().success();
    assert_eq!(kali.text(), "R2: Hi Iam R2\nR2: Nice to meet you\n");
    assert_eq!(
        String::from_utf8(r2.stdout.all()).unwrap(),
        "KALI: kishan\nKALI: Hi Iam kali\nKALI: Nice to meet you too\n"
    );
}

#[test]
fn the_prefix_goes_out_with_the_first_part_of_a_line() {
    let (mut client, peer) = connect("--prefix R2>");
    client.type_in("Hi ");
    assert_eq!(read_text(&peer, 6), "R2>Hi ");
    client.type_in("Iam R2\n\nlast");
    assert_eq!(read_text(&peer, 17), "Iam R2\nR2>\nR2>las");
    assert_eq!(read_text(&peer, 1), "t");
}

#[test]
fn verbose_says_who_is_connected() {
    let (mut listener, port) = listen("");
    let client = labnet(&format!("nc -v 127.0.0.1 {port}"));
    client.stderr.wait_for(&format!("Connection to 127.0.0.1 {port} port [tcp/*] succeeded!\n"));
    let told = listener.stderr.wait_for("Connection received on 127.0.0.1 ");
    assert!(told.starts_with(&format!("Listening on 127.0.0.1 {port}\n")), "{told}");
    listener.kill();
    let mut client = client;
    client.end_input();
    client.finish().success();

    let (_listener, port) = listen("");
    let own = free_port();
    let peer = labnet(&format!("nc -v 127.0.0.1 {port} -s 127.0.0.1 -p {own}"));
    _listener.stderr.wait_for(&format!("Connection received on 127.0.0.1 {own}\n"));
    drop(peer);
}

#[test]
fn ten_megabytes_go_both_ways_at_once_unchanged() {
    let (mut listener, port) = listen("-N");
    let mut client = labnet(&format!("nc -N 127.0.0.1 {port}"));
    let (there, mut back) = (noise(10_000_000), noise(10_000_000));
    back.reverse();
    let send = |program: &mut Running, bytes: Vec<u8>| {
        let mut input = program.take_input();
        thread::spawn(move || {
            input.write_all(&bytes).unwrap();
            input
        })
    };
    let (forth, answer) = (send(&mut client, there.clone()), send(&mut listener, back.clone()));
    // A listener leaves with its peer, so the client's input ends only when all is there.
    assert!(client.stdout.wait_for_bytes(back.len()) == back);
    drop(forth.join().unwrap());
    assert!(listener.finish().success().stdout == there);
    client.finish().success();
    drop(answer.join().unwrap());
}

#[test]
fn input_is_not_read_while_the_peer_does_not() {
    const PLENTY: usize = 256 << 20;
    let (mut client, peer) = connect("-N");
    let mut input = client.take_input();
    fcntl(&input, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let chunk = noise(4096);
    let mut written = 0;
    while written < PLENTY {
        match input.write(&chunk) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut fds, 300_u16).unwrap() == 0 {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(written < PLENTY, "all was read, and nobody took it");
    drop(input);
    assert_eq!(read_all(&peer).len(), written);
    drop(peer);
    client.finish().success();
}

#[test]
fn the_end_of_input_is_told_with_half_close_only() {
    let (mut client, mut peer) = connect("-N");
    client.type_in("question");
    client.end_input();
    assert_eq!(read_all(&peer), b"question");
    peer.write_all(b"answer").unwrap();
    drop(peer);
    assert_eq!(client.finish().success().text(), "answer");

    let (mut client, mut peer) = connect("");
    client.type_in("question");
    client.end_input();
    assert_eq!(read_text(&peer, 8), "question");
    peer.write_all(b"answer").unwrap();
    client.stdout.wait_for("answer");
    peer.set_nonblocking(true).unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(peer);
    client.finish().success();
}

#[test]
fn a_listener_ends_with_its_peer_but_sends_what_it_has() {
    let (listener, port) = listen("");
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    listener.finish().success();

    let bytes = noise(3_000_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let line = r#"exec "$0" nc -v -l 127.0.0.1 0 <"$1""#;
    let program = env!("CARGO_BIN_EXE_labnet");
    let listener = start("sh", ["-c", line, program, file.path().to_str().unwrap()]);
    let peer = TcpStream::connect(("127.0.0.1", listener.port())).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&peer) == bytes);
    drop(peer);
    listener.finish().success();
}

/// Closes a connection when its peer has heard that nothing more comes: a reset from another processor may overtake that.
fn end(stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    let port = |address: SocketAddr| format!(":{:04X}", address.port());
    let (here, there) = (port(stream.local_addr().unwrap()), port(stream.peer_addr().unwrap()));
    // FIN_WAIT2 is 5 (net/tcp_states.h): the FIN is acknowledged.
    let heard = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[1].ends_with(&here) && fields[2].ends_with(&there) && fields[3] == "05"
    };
    while !fs::read_to_string("/proc/net/tcp").unwrap().lines().any(heard) {
        thread::yield_now();
    }
}

#[test]
fn a_client_outlives_its_peer_until_its_next_line() {
    let (mut client, mut peer) = connect("");
    peer.write_all(b"bye\n").unwrap();
    end(peer);
    client.stdout.wait_for("bye\n");
    client.type_in("still there?\n");
    assert_eq!(client.finish().success().stderr, "");
}

#[test]
fn a_reset_connection_is_an_error() {
    let (mut client, peer) = connect("");
    client.type_in("never read");
    while peer.peek(&mut [0; 10]).unwrap() < 10 {}
    let address = peer.local_addr().unwrap();
    drop(peer);
    let client = client.finish();
    assert_eq!(client.status.code(), Some(1));
    assert_eq!(
        client.stderr,
        format!("labnet: cannot receive from {address}: Connection reset by peer (ECONNRESET)\n")
    );
}

#[test]
fn keep_listening_serves_one_after_the_other_and_survives_a_reset() {
    let (mut listener, port) = listen("-k");
    let peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    (&peer).write_all(b"one\n").unwrap();
    listener.stdout.wait_for("one\n");
    listener.type_in("unread");
    while peer.peek(&mut [0; 6]).unwrap() < 6 {}
    drop(peer);
    listener.stderr.wait_for("labnet nc: cannot receive from 127.0.0.1:");

    let peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    (&peer).write_all(b"two\n").unwrap();
    listener.stdout.wait_for("one\ntwo\n");
    listener.type_in("for the second");
    assert_eq!(read_text(&peer, 14), "for the second");
}

#[test]
fn without_keep_there_is_one_peer() {
    let (listener, port) = listen("");
    let _first = TcpStream::connect(("127.0.0.1", port)).unwrap();
    listener.stderr.wait_for("Connection received");
    let second = || TcpStream::connect(("127.0.0.1", port));
    while second().is_ok() {}
    assert_eq!(second().unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn timeouts_end_idle_clients_quietly() {
    let (client, peer) = connect("-w 0.05");
    assert_eq!(client.finish().success().stderr, "");
    drop(peer);

    let (mut client, mut peer) = connect("-q 0.05");
    client.end_input();
    assert_eq!(read_all(&peer), b"");
    client.finish().success();
    let _ = peer.write_all(b"too late");
}

#[test]
fn nobody_listening_is_told() {
    let port = free_port();
    let tcp = labnet(&format!("nc 127.0.0.1 {port}")).finish();
    assert_eq!(tcp.status.code(), Some(1));
    assert_eq!(
        tcp.stderr,
        format!(
            "labnet: cannot connect to 127.0.0.1:{port}: Connection refused (ECONNREFUSED); \
             nothing listens on that port: start the server first, or check the port\n"
        )
    );
}

#[test]
fn lines_that_make_no_sense_are_a_matter_of_usage() {
    for (line, told) in [
        ("nc", "connect to which address and port?"),
        ("nc 127.0.0.1", "connect to which address and port?"),
        ("nc -l", "listen on which port?"),
        ("nc -l 127.0.0.1 5000 -p 5000", "two ports"),
        ("nc -l 5000 -p 5000", "two ports"),
        ("nc -l 127.0.0.1 5000 -s 127.0.0.1", "two addresses"),
        ("nc 127.0.0.1 http", "`http` is not a port"),
        ("nc -n localhost 5000", "`localhost` is a name"),
        ("nc -k 127.0.0.1 5000", "--listen"),
        ("nc -4 -6 localhost 5000", "cannot be used with"),
        ("nc -w soon 127.0.0.1 5000", "write a number of seconds"),
    ] {
        let run = labnet(line).finish();
        assert_eq!(run.status.code(), Some(2), "{line}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{line}: {}", run.stderr);
    }
}

#[test]
fn input_may_be_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, noise(100_000)).unwrap();
    let inputs =
        [(Stdio::from(File::open(&path).unwrap()), noise(100_000)), (Stdio::null(), Vec::new())];
    for (input, expected) in inputs {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut client = Command::new(env!("CARGO_BIN_EXE_labnet"))
            .args(["nc", "-N", "127.0.0.1", &port])
            .stdin(input)
            .spawn()
            .unwrap();
        assert!(read_all(&listener.accept().unwrap().0) == expected);
        assert!(client.wait().unwrap().success());
    }

    let closed = format!("exec {} nc -N -v -l 127.0.0.1 0 <&-", env!("CARGO_BIN_EXE_labnet"));
    let listener = start("sh", ["-c", &closed]);
    let peer = TcpStream::connect(("127.0.0.1", listener.port())).unwrap();
    assert_eq!(read_all(&peer), b"");
    drop(peer);
    listener.finish().success();
}

#[test]
fn a_terminal_ends_input_with_control_d() {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut client = Command::new(env!("CARGO_BIN_EXE_labnet"))
        .args(["nc", "-N", "127.0.0.1", &port])
        .stdin(terminal.slave)
        .spawn()
        .unwrap();
    let peer = listener.accept().unwrap().0;
    let mut keyboard = File::from(terminal.master);
    keyboard.write_all(b"typed\n").unwrap();
    assert_eq!(read_text(&peer, 6), "typed\n");
    keyboard.write_all(b"\x04").unwrap();
    assert_eq!(read_all(&peer), b"");
    drop(peer);
    assert!(client.wait().unwrap().success());
}

#[test]
fn output_that_nobody_reads_ends_a_listener() {
    let line = format!("{} nc -v -l 127.0.0.1 0 | true", env!("CARGO_BIN_EXE_labnet"));
    let listener = start("sh", ["-c", &line]);
    let mut peer = TcpStream::connect(("127.0.0.1", listener.port())).unwrap();
    while peer.write_all(b"hello?\n").is_ok() {}
    listener.finish().success();
}

#[test]
fn control_c_ends_it_as_it_ends_any_program() {
    let (listener, _) = listen("");
    kill(Pid::from_raw(i32::try_from(listener.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(listener.finish().status.signal(), Some(Signal::SIGINT as i32));
}

proptest! {
    /// However a stream is cut into pieces, its lines get the same prefixes.
    #[test]
    fn prefixes_do_not_depend_on_pieces(pieces: Vec<Vec<u8>>) {
        let apart = pieces.iter().scan(Prefix::new("R2: "), |prefix, piece| Some(prefix.apply(piece)));
        let apart: Vec<u8> = apart.flatten().collect();
        prop_assert_eq!(apart, Prefix::new("R2: ").apply(&pieces.concat()));
    }

    /// Each line gets one prefix, and nothing else changes.
    #[test]
    fn each_line_gets_one_prefix(lines in prop::collection::vec("[a-z]{0,5}", 0..8)) {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let expected: String = lines.iter().map(|line| format!("R2: {line}")).collect();
        prop_assert_eq!(Prefix::new("R2: ").apply(lines.concat().as_bytes()), expected.as_bytes());
    }
}
