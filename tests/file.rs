//! `labnet file` in raw mode: what is stored, what survives, what the programs say and how they end.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod file_support;

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::{fs::symlink, net::UnixDatagram},
    },
    path::Path,
    process::Stdio,
    thread,
};

use file_support::{
    PATIENCE, Server, assert_silent_success, eventually, failure, file, labnet_file, noise, send,
    unfinished, wait,
};
use nix::{
    libc::linger,
    pty::openpty,
    sys::{
        signal::{Signal, kill},
        socket::{setsockopt, sockopt::Linger},
    },
    unistd::Pid,
};

const NAME: &str = "received_file.txt";

#[test]
fn files_of_every_size_arrive_unchanged() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&[]);
    for length in [0, 1, (1 << 20) - 1, 64 << 20] {
        let content = noise(1, length);
        let path = file(&source, "source", &content);
        assert_silent_success(&send(&server.address, &path, &[]));
        assert!(fs::read(server.path(NAME)).unwrap() == content, "{length} bytes differ");
        let line = server.line();
        assert!(
            line.starts_with(&format!("labnet file: {NAME}: {length} bytes in "))
                && line.contains(" s from 127.0.0.1:"),
            "{line}"
        );
    }
    assert_eq!(server.listing(), [NAME]);
}

#[test]
fn a_text_file_arrives_unchanged_under_the_name_asked_for() {
    let server = Server::start(&["--name", "copy.txt"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/send.txt");
    assert_silent_success(&send(&server.address, &path, &[]));
    assert_eq!(fs::read(server.path("copy.txt")).unwrap(), fs::read(path).unwrap());
    assert_eq!(server.listing(), ["copy.txt"]);
}

#[test]
fn concurrent_senders_never_mix() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let contents: Vec<_> = (0..8).map(|seed| noise(seed, 4 << 20)).collect();
    thread::scope(|scope| {
        for (seed, content) in contents.iter().enumerate() {
            let path = file(&source, &seed.to_string(), content);
            let address = &server.address;
            scope.spawn(move || assert_silent_success(&send(address, &path, &[])));
        }
    });
    let stored = fs::read(server.path(NAME)).unwrap();
    assert!(contents.contains(&stored), "what is stored is no one's file");
    assert_eq!(server.listing(), [NAME]);
}

/// A server that has a file from before and gets 1 MiB of another.
fn server_in_the_middle() -> (Server, TcpStream) {
    let into = tempfile::tempdir().unwrap();
    file(&into, NAME, b"from before");
    let server = Server::start_in(into, &[]);
    let stream = unfinished(&server.address, &noise(2, 1 << 20));
    eventually("the server has stored 1 MiB", || server.in_the_making() == [1 << 20]);
    (server, stream)
}

#[track_caller]
fn assert_only_the_file_from_before(server: &Server) {
    assert_eq!(server.listing(), [NAME]);
    assert_eq!(fs::read(server.path(NAME)).unwrap(), b"from before");
}

#[track_caller]
fn assert_reset(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_leaves_the_file_from_before_and_the_server_running() {
    let (mut server, stream) = server_in_the_middle();
    setsockopt(&stream, Linger, &linger { l_onoff: 1, l_linger: 0 }).unwrap();
    let from = stream.local_addr().unwrap();
    drop(stream);
    assert_eq!(
        server.line(),
        format!(
            "labnet file: nothing stored from {from}: the connection with {from} broke: \
             Connection reset by peer (os error 104)"
        )
    );
    assert_only_the_file_from_before(&server);

    let mut stream = unfinished(&server.address, b"and on it goes");
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(fs::read(server.path(NAME)).unwrap(), b"and on it goes");
}

#[test]
fn a_stopped_server_resets_its_clients_and_leaves_nothing() {
    for (signal, code) in [(Signal::SIGINT, Some(130)), (Signal::SIGTERM, Some(143))] {
        let (mut server, mut stream) = server_in_the_middle();
        server.signal(signal);
        assert_eq!(server.wait(), code);
        assert!(server.line().ends_with(": interrupted"));
        assert_reset(&mut stream);
        assert_only_the_file_from_before(&server);
    }
}

#[test]
fn a_killed_server_leaves_nothing() {
    let (mut server, mut stream) = server_in_the_middle();
    server.signal(Signal::SIGKILL);
    assert_eq!(server.wait(), None);
    assert_reset(&mut stream);
    assert_only_the_file_from_before(&server);
}

#[test]
fn a_sender_that_is_stopped_or_killed_resets() {
    let source = tempfile::tempdir().unwrap();
    let path = file(&source, "source", &noise(3, 64 << 20));
    let signals =
        [(Signal::SIGINT, Some(130)), (Signal::SIGTERM, Some(143)), (Signal::SIGKILL, None)];
    for (signal, code) in signals {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut sender = labnet_file(&["send", &address]).arg(&path).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 1 << 20]).unwrap();
        kill(Pid::from_raw(sender.id().cast_signed()), signal).unwrap();
        assert_eq!(wait(&mut sender), code, "{signal}");
        assert_reset(&mut stream);
    }
}

#[test]
fn a_receiver_that_fails_is_an_error_at_the_sender() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--max-size", "1MiB"]);
    let at_limit = file(&source, "at-limit", &noise(4, 1 << 20));
    assert_silent_success(&send(&server.address, &at_limit, &[]));
    server.line();

    let over = file(&source, "over", &noise(5, (1 << 20) + 1));
    let error = failure(&send(&server.address, &over, &[]));
    assert!(error.contains("over not sent: the connection with 127.0.0.1:"), "{error}");
    let line = server.line();
    assert!(line.contains("larger than the 1048576 bytes that `--max-size` allows"), "{line}");
    assert_eq!(fs::read(server.path(NAME)).unwrap(), noise(4, 1 << 20));
    assert_eq!(server.listing(), [NAME]);
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start_limited(1024, &[]);
    let path = file(&source, "source", &noise(6, 4 << 20));
    failure(&send(&server.address, &path, &[]));
    let line = server.line();
    let written = format!("can't write {}: File too large", server.path(NAME).display());
    assert!(line.contains(&written), "{line}");
    assert_eq!(server.listing(), [""; 0]);
}

#[test]
fn a_client_over_the_limit_waits_for_its_turn() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--max-clients", "2"]);
    let first = unfinished(&server.address, b"1");
    let _second = unfinished(&server.address, b"22");
    eventually("two are served", || {
        let mut lengths = server.in_the_making();
        lengths.sort_unstable();
        lengths == [1, 2]
    });
    let path = file(&source, "third", b"333");
    let mut third = labnet_file(&["send", &server.address]).arg(path).spawn().unwrap();
    first.shutdown(Shutdown::Write).unwrap();
    assert!(server.line().contains(": 1 bytes"));
    assert!(server.line().contains(": 3 bytes"));
    assert_eq!(wait(&mut third), Some(0));
}

#[test]
fn a_silent_client_is_given_up_and_does_not_hinder_others() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--timeout", "300ms"]);
    let mut silent = unfinished(&server.address, b"some bytes, and then nothing");
    assert_silent_success(&send(&server.address, &file(&source, "source", b"x"), &[]));
    let lines = [server.line(), server.line()];
    assert!(
        lines.iter().any(|line| line.contains(" for 300ms; a longer `--timeout`")),
        "{lines:?}"
    );
    assert_reset(&mut silent);
    assert_eq!(fs::read(server.path(NAME)).unwrap(), b"x");
}

#[test]
fn a_counted_server_ends_and_tells_whether_all_went_well() {
    for (abort, code) in [(false, 0), (true, 1)] {
        let mut server = Server::start(&["--count", "1"]);
        let stream = unfinished(&server.address, b"x");
        if abort {
            setsockopt(&stream, Linger, &linger { l_onoff: 1, l_linger: 0 }).unwrap();
        }
        drop(stream);
        assert_eq!(server.wait(), Some(code));
    }
}

#[test]
fn only_regular_files_are_replaced() {
    let into = tempfile::tempdir().unwrap();
    let elsewhere = file(&into, "elsewhere", b"precious");
    symlink(&elsewhere, into.path().join("link")).unwrap();
    fs::create_dir(into.path().join("directory")).unwrap();
    for (name, kind) in [("link", "a symbolic link"), ("directory", "a directory")] {
        let mut serve = labnet_file(&["serve", "127.0.0.1:0", "--name", name, "--into"]);
        let error = failure(&serve.arg(into.path()).output().unwrap());
        assert!(error.contains(&format!("{name} is {kind}; only a regular file")), "{error}");
    }

    // One that appears only after the start is not written through either.
    let mut server = Server::start_in(into, &[]);
    symlink(&elsewhere, server.path(NAME)).unwrap();
    let error = failure(&send(&server.address, &elsewhere, &[]));
    assert!(error.contains("broke"), "{error}");
    assert!(server.line().contains("is a symbolic link"));
    assert_eq!(fs::read(elsewhere).unwrap(), b"precious");
}

#[test]
fn what_cannot_be_sent_is_said() {
    let source = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let missing = source.path().join("missing");
    let cases = [
        (missing.as_path(), "missing: No such file or directory (os error 2)"),
        (source.path(), "is a directory; only a regular file"),
        (Path::new("/dev/null"), "is a device; only a regular file"),
    ];
    for (path, expected) in cases {
        let error = failure(&send(&closed, path, &[]));
        assert!(error.contains(expected), "{error}");
    }
    let path = file(&source, "source", b"x");
    let error = failure(&send(&closed, &path, &[]));
    let expected =
        format!("can't connect to {closed}: Connection refused (os error 111); is a file server");
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn a_server_that_cannot_work_says_why_at_once() {
    let into = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let missing = into.path().join("missing");
    let cases = [
        (taken.as_str(), into.path(), "Address already in use (os error 98); another program"),
        ("127.0.0.1:0", &missing, "missing: No such file or directory"),
    ];
    for (address, directory, expected) in cases {
        let mut serve = labnet_file(&["serve", address, "--into"]);
        let error = failure(&serve.arg(directory).output().unwrap());
        assert!(error.contains(expected), "{error}");
    }
    for words in [["5002", "x"], ["127.0.0.1:0", "../x"]] {
        let mut serve = labnet_file(&["serve", words[0], "--name", words[1], "--into"]);
        assert_eq!(serve.arg(into.path()).output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn a_server_that_answers_with_data_is_no_file_server() {
    let source = tempfile::tempdir().unwrap();
    let path = file(&source, "source", b"hello");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sender = labnet_file(&["send", &address]).arg(path).spawn().unwrap();
    listener.accept().unwrap().0.write_all(b"Secret code not found.").unwrap();
    let error = failure(&sender.wait_with_output().unwrap());
    assert!(error.ends_with("answered with data; it is no file server"), "{error}");
}

#[test]
fn a_receiver_that_ends_its_own_direction_first_gets_everything() {
    let source = tempfile::tempdir().unwrap();
    let content = noise(9, 16 << 20);
    let path = file(&source, "source", &content);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sender = labnet_file(&["send", &address]).arg(path).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert!(received == content);
    assert_silent_success(&sender.wait_with_output().unwrap());
}

#[test]
fn a_file_that_grows_or_shrinks_while_it_is_sent_is_an_error() {
    let source = tempfile::tempdir().unwrap();
    for length in [(64 << 20) + 1, 1 << 20] {
        let path = file(&source, "source", &noise(7, 64 << 20));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sender = labnet_file(&["send", &address]).arg(&path).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 1024]).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        assert_reset(&mut stream);
        let error = failure(&sender.wait_with_output().unwrap());
        assert!(error.contains("no longer the 67108864 bytes it was"), "{error}");
    }
}

#[test]
fn a_terminal_shows_progress() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let path = file(&source, "source", &noise(8, 3 << 20));
    let terminal = openpty(None, None).unwrap();
    let mut send = labnet_file(&["send", &server.address]);
    send.arg(path).env("TERM", "xterm").stderr(Stdio::from(terminal.slave));
    let mut sender = send.spawn().unwrap();
    drop(send);
    let mut shown = Vec::new();
    // A terminal whose last user has gone ends in EIO.
    let _ = fs::File::from(terminal.master).read_to_end(&mut shown);
    assert_eq!(wait(&mut sender), Some(0));
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("3.00 MiB/3.00 MiB, ") && shown.contains("/s, 0s left"), "{shown:?}");
}

#[test]
fn what_the_server_says_is_not_torn() {
    let into = tempfile::tempdir().unwrap();
    // Here each write is a datagram.
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let line = || {
        let mut buffer = [0; 1000];
        let length = ours.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let mut command = labnet_file(&["serve", "127.0.0.1:0", "--count", "1", "--into"]);
    let mut server = command.arg(into.path()).stderr(OwnedFd::from(theirs)).spawn().unwrap();
    let listening = line();
    let address = listening.strip_prefix("labnet file: listening on ").expect(&listening);
    assert_silent_success(&send(address.trim_end(), &file(&into, "source", b"hi\n"), &[]));
    let received = line();
    assert!(received.starts_with("labnet file: received_file.txt: 3 bytes in "), "{received}");
    assert!(received.ends_with('\n'), "{received}");
    assert_eq!(wait(&mut server), Some(0));
}
