//! `labnet echo`: the dialogues of the sockets lab, and what the original couldn't do.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddrV4, TcpListener, TcpStream},
    os::{fd::AsRawFd, unix::process::ExitStatusExt},
    thread,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        socket::{
            AddressFamily, SockFlag, SockType, SockaddrIn, connect, getsockopt, setsockopt, socket,
            sockopt::TcpMaxSeg,
        },
    },
    unistd::Pid,
};
use programs::{Running, free_port, labnet, labnet_with, start};

/// A server on a port of its own, and its address.
fn serve(options: &str) -> (Running, String) {
    let server = labnet(&format!("echo serve 127.0.0.1:0 {options}"));
    let screen = server.stderr.wait_for("labnet echo: listening on ");
    let address = screen.split("listening on ").nth(1).unwrap().trim().to_owned();
    (server, address)
}

/// Everything the server sends until it closes.
fn read_reply(mut stream: &TcpStream) -> String {
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// The reply to bytes that are sent in one piece on an open connection.
fn ask(address: &str, message: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(message).unwrap();
    read_reply(&stream)
}

fn send(address: &str, words: &[&str]) -> String {
    labnet_with(&format!("echo send {address}"), words).finish().success().text().to_owned()
}

#[test]
fn the_three_dialogues_of_the_lab() {
    let (_server, address) = serve("");
    assert_eq!(
        send(&address, &["my", "net", "id", "is", "ha2755"]),
        "Sent: my net id is ha2755\nReceived: Secret code not found.\n"
    );
    assert_eq!(
        send(&address, &["my", "net", "id", "should", "be", "kept", "SECRET"]),
        "Sent: my net id should be kept SECRET\nReceived: Digits: , Total Digits: 0\n"
    );
    assert_eq!(
        send(&address, &["my", "net", "id", "ha2755", "should", "be", "kept", "SECRET"]),
        "Sent: my net id ha2755 should be kept SECRET\nReceived: Digits: 2755, Total Digits: 4\n"
    );
}

#[test]
fn words_are_joined_and_stripped_as_python_does() {
    let (_server, address) = serve("");
    assert_eq!(
        send(&address, &["  a ", "", " ²b\u{1f}\u{3000}"]),
        "Sent: a    ²b\nReceived: Secret code not found.\n"
    );
    let nothing = labnet_with(&format!("echo send {address}"), &[" ", "\t"]).finish();
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(nothing.stderr, "labnet: nothing to send: the words are only spaces\n");
}

#[test]
fn newlines_are_ordinary_characters() {
    let (_server, address) = serve("");
    assert_eq!(ask(&address, b"1\n2\nSECRET\n"), "Digits: 12, Total Digits: 2");
}

#[test]
fn a_message_may_end_with_the_stream_and_be_empty() {
    let (_server, address) = serve("--gap 1h");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"SECRET 7 \xe2\x82").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(
        read_reply(&stream),
        "Error: the message is not UTF-8 text (byte 0xe2 at offset 9)."
    );

    let stream = TcpStream::connect(&address).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_reply(&stream), "Secret code not found.");
}

#[test]
fn a_character_split_over_two_segments_is_one() {
    let (server, address) = serve("-v --gap 1h");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"SECRET \xe2\x91").unwrap();
    server.stderr.wait_for("= 9\n");
    stream.write_all(b"\xa1").unwrap();
    assert_eq!(read_reply(&stream), "Digits: ②, Total Digits: 1");
}

#[test]
fn full_segments_are_waited_after() {
    let (server, address) = serve("-v --gap 1h");
    let (mut stream, segment) = connect_with_small_segments(&address);
    stream.write_all(&vec![b'7'; 2 * segment]).unwrap();
    server.stderr.wait_for(&format!("= {}\n", 2 * segment));
    stream.write_all(b"SECRET").unwrap();
    let reply = read_reply(&stream);
    assert!(reply.ends_with(&format!(", Total Digits: {}", 2 * segment)), "{reply}");
}

#[test]
fn full_segments_with_nothing_after_them_are_a_message() {
    let (_server, address) = serve("--gap 1ms");
    let (mut stream, segment) = connect_with_small_segments(&address);
    stream.write_all(&vec![b'7'; segment]).unwrap();
    assert_eq!(read_reply(&stream), "Secret code not found.");
}

/// A connection with segments of less than 1,000 bytes, and their exact size.
fn connect_with_small_segments(address: &str) -> (TcpStream, usize) {
    let address: SocketAddrV4 = address.parse().unwrap();
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
    setsockopt(&socket, TcpMaxSeg, &1000).unwrap();
    connect(socket.as_raw_fd(), &SockaddrIn::from(address)).unwrap();
    let segment = getsockopt(&socket, TcpMaxSeg).unwrap();
    (TcpStream::from(socket), usize::try_from(segment).unwrap())
}

#[test]
fn long_messages_in_one_write_are_whole() {
    let (_server, address) = serve("--max-size 1MiB --gap 1h");
    for len in [1024, 1025, 40_001, 65_535, 300_007] {
        let mut message = vec![b'1'; len - 6];
        message.extend_from_slice(b"SECRET");
        // Segments of 64 KiB are not all filled: the window ends inside them.
        let (mut stream, _) = connect_with_small_segments(&address);
        stream.write_all(&message).unwrap();
        let reply = read_reply(&stream);
        assert!(reply.ends_with(&format!(", Total Digits: {}", len - 6)), "{len}: {}", reply.len());
    }
}

#[test]
fn bytes_that_are_no_text_get_an_error() {
    let (_server, address) = serve("");
    let error = "Error: the message is not UTF-8 text (byte 0xff at offset 7).";
    assert_eq!(ask(&address, b"SECRET \xff 1"), error);
    assert_eq!(ask(&address, b"SECRET 1"), "Digits: 1, Total Digits: 1");
}

#[test]
fn a_message_over_the_limit_gets_an_error_however_long_it_is() {
    let (_server, address) = serve("--max-size 1kB");
    assert_eq!(ask(&address, &[b'x'; 1000]), "Secret code not found.");
    let error = "Error: the message is longer than 1000 bytes.";
    assert_eq!(ask(&address, &[b'x'; 1001]), error);
    let sender = TcpStream::connect(&address).unwrap();
    (&sender).write_all(&vec![b'x'; 20_000_000]).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_reply(&sender), error);
}

#[test]
fn a_silent_client_gets_an_error_after_a_while() {
    let (_server, address) = serve("--timeout 50ms");
    let silent = TcpStream::connect(&address).unwrap();
    assert_eq!(read_reply(&silent), "Error: no message within 50ms.");
}

#[test]
fn many_clients_are_served_at_once() {
    let (_server, address) = serve("");
    let clients: Vec<_> = (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for (number, mut client) in clients.iter().enumerate().rev() {
        client.write_all(format!("SECRET {number:03}").as_bytes()).unwrap();
        assert_eq!(read_reply(client), format!("Digits: {number:03}, Total Digits: 3"));
    }
}

#[test]
fn clients_over_the_limit_wait_for_their_turn() {
    let (server, address) = serve("-v --max-clients 1");
    let mut first = TcpStream::connect(&address).unwrap();
    let mut second = TcpStream::connect(&address).unwrap();
    second.write_all(b"second").unwrap();
    first.write_all(b"first").unwrap();
    read_reply(&first);
    read_reply(&second);
    let told = server.stderr.wait_for("\"second\"");
    let place = |text: &str| told.find(text).unwrap();
    assert!(
        place("\"first\"") < place("close(") && place("close(") < place("\"second\""),
        "{told}"
    );
    assert_eq!(told[..place("close(")].matches("accept(").count(), 1, "{told}");
}

#[test]
fn a_server_without_descriptors_waits_for_a_connection_to_end() {
    let program = env!("CARGO_BIN_EXE_labnet");
    let line = format!("ulimit -n 24 && exec {program} echo serve 127.0.0.1:0 -v");
    let server = start("sh", ["-c", &line]);
    server.stderr.wait_for("listening on ");
    let address = format!("127.0.0.1:{}", told_port(&server));
    let clients: Vec<_> = (0..30).map(|_| TcpStream::connect(&address).unwrap()).collect();
    server.stderr.wait_for("= -1 EMFILE (Too many open files)");
    for mut client in clients {
        client.write_all(b"SECRET 1").unwrap();
        assert_eq!(read_reply(&client), "Digits: 1, Total Digits: 1");
    }
}

fn told_port(server: &Running) -> String {
    let told = server.stderr.wait_for("listening on ");
    told.lines().last().unwrap().rsplit(':').next().unwrap().to_owned()
}

/// Snapshots of traces in which ports and descriptors have names instead of numbers.
macro_rules! assert_trace {
    ($trace:expr, @$expected:literal) => {
        insta::with_settings!({filters => vec![
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            (r"((?:socket|accept)\(.*\)) = \d+", "$1 = FD"),
            (r"\b(setsockopt|bind|listen|accept|connect|getsockname|send|recv|close)\(\d+", "$1(FD"),
        ]}, { insta::assert_snapshot!($trace, @$expected) });
    };
}

#[test]
fn the_server_tells_its_calls() {
    let (server, address) = serve("-v");
    send(&address, &["my", "net", "id"]);
    let told = server.stderr.wait_for("close(");
    assert_trace!(told, @r#"
    socket(AF_INET, SOCK_STREAM, 0) = FD
    setsockopt(FD, SOL_SOCKET, SO_REUSEADDR, 1) = 0
    bind(FD, 127.0.0.1:PORT) = 0
    listen(FD, 4096) = 0
    labnet echo: listening on 127.0.0.1:PORT
    accept(FD, 127.0.0.1:PORT) = FD
    recv(FD, "my net id", 16384) = 9
    send(FD, "Secret code not found.", 22) = 22
    close(FD) = 0
    "#);
}

#[test]
fn the_client_tells_its_calls() {
    let (_server, address) = serve("");
    let client = labnet(&format!("echo send {address} -v my net id")).finish().success();
    assert_trace!(client.stderr, @r#"
    socket(AF_INET, SOCK_STREAM, 0) = FD
    connect(FD, 127.0.0.1:PORT) = 0
    getsockname(FD, 127.0.0.1:PORT) = 0
    send(FD, "my net id", 9) = 9
    recv(FD, "Secret code not found.", 16384) = 22
    recv(FD, "", 16384) = 0
    close(FD) = 0
    "#);
}

#[test]
fn a_port_that_is_taken_is_told_with_its_errno() {
    let (_server, address) = serve("");
    let second = labnet(&format!("echo serve {address} -v")).finish();
    assert_eq!(second.status.code(), Some(1));
    assert_trace!(second.stderr, @r#"
    socket(AF_INET, SOCK_STREAM, 0) = FD
    setsockopt(FD, SOL_SOCKET, SO_REUSEADDR, 1) = 0
    bind(FD, 127.0.0.1:PORT) = -1 EADDRINUSE (Address already in use)
    labnet: cannot bind to 127.0.0.1:PORT: Address already in use (EADDRINUSE); another program has that port: stop it (`ss -tulpn` names it), or choose another port
    "#);
}

#[test]
fn an_address_of_another_host_is_refused() {
    let server = labnet("echo serve 192.0.2.1:5001").finish();
    assert_eq!(server.status.code(), Some(1));
    assert_eq!(
        server.stderr,
        "labnet: cannot bind to 192.0.2.1:5001: Cannot assign requested address (EADDRNOTAVAIL); \
         this host has no such address: `ip address` lists those it has\n"
    );
}

#[test]
fn signals_end_the_server_as_they_end_any_program() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (server, _) = serve("");
        kill(Pid::from_raw(i32::try_from(server.id()).unwrap()), signal).unwrap();
        assert_eq!(server.finish().status.signal(), Some(signal as i32));
    }
}

/// Runs the client against a server made of `behave`, and returns its end and standard error.
fn fail_against(options: &str, behave: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || behave(listener.accept().unwrap().0));
    let client = labnet(&format!("echo send {address} {options} hello")).finish();
    server.join().unwrap();
    assert_eq!(client.status.code(), Some(1), "{}", client.stderr);
    assert_eq!(client.text(), "");
    client.stderr.replace(&address.to_string(), "SERVER")
}

#[test]
fn the_client_says_what_went_wrong() {
    let read_all = |mut stream: TcpStream| {
        let mut sink = Vec::new();
        let _ = stream.read_to_end(&mut sink);
    };
    let closed = fail_against("", |mut stream| stream.read_exact(&mut [0; 5]).unwrap());
    assert_eq!(closed, "labnet: SERVER closed the connection without a reply\n");
    let silent = fail_against("--timeout 50ms", read_all);
    assert_eq!(
        silent,
        "labnet: cannot get a reply from SERVER: nothing within 50ms; is the link up, and the server alive?\n"
    );
    let garbled = fail_against("", |mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"ok\xff!").unwrap();
    });
    assert_eq!(
        garbled,
        "labnet: the reply of SERVER is not UTF-8 text: invalid utf-8 sequence of 1 bytes from index 2\n"
    );
    let reset = fail_against("", drop);
    assert!(reset.contains("SERVER"), "{reset}");
    let endless = fail_against("", |mut stream| while stream.write_all(&[b'x'; 4096]).is_ok() {});
    assert_eq!(
        endless,
        "labnet: the reply of SERVER is longer than 1048576 bytes; is that an echo server?\n"
    );
}

#[test]
fn nobody_listening_is_told() {
    let port = free_port();
    let client = labnet(&format!("echo send 127.0.0.1:{port} -v hello")).finish();
    assert_eq!(client.status.code(), Some(1));
    assert_trace!(client.stderr, @r#"
    socket(AF_INET, SOCK_STREAM, 0) = FD
    connect(FD, 127.0.0.1:PORT) = -1 ECONNREFUSED (Connection refused)
    close(FD) = 0
    labnet: cannot connect to 127.0.0.1:PORT: Connection refused (ECONNREFUSED); nothing listens on that port: start the server first, or check the port
    "#);
}

#[test]
fn addresses_without_a_port_are_a_matter_of_usage() {
    for line in ["echo serve 10.10.10.2", "echo send :5001 hi", "echo send R2:http hi"] {
        let run = labnet(line).finish();
        assert_eq!(run.status.code(), Some(2), "{}", run.stderr);
        assert!(run.stderr.contains("write HOST:PORT"), "{}", run.stderr);
    }
}

#[test]
fn a_reply_counts_though_the_server_does_not_close() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = labnet(&format!("echo send {} hello", listener.local_addr().unwrap()));
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    stream.write_all(b"hello yourself").unwrap();
    assert_eq!(client.finish().success().text(), "Sent: hello\nReceived: hello yourself\n");
}
