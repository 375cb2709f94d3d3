//! `labnet file … --verify`: damage, breaks and refusals.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // also in the helpers of tests

mod file_support;

use std::{
    fs,
    io::Read,
    net::{Shutdown, TcpListener},
    os::unix::{ffi::OsStrExt, fs::symlink},
    thread,
};

use file_support::{
    Meddle, Proxy, Server, assert_silent_success, eventually, failure, file, noise, send,
    unfinished,
};
use labnet::apps::file::frame::{Frame, HEADER};

const MIB: usize = 1 << 20;

fn offer(name: &str, content: &[u8]) -> Vec<u8> {
    let (length, hash) = (content.len() as u64, blake3::hash(content));
    Frame::Offer { length, hash, name: name.to_owned() }.encode()
}

/// What the server answers to these bytes from a sender that ends its direction after them.
fn answer(server: &Server, bytes: &[u8]) -> Frame {
    let mut stream = unfinished(&server.address, bytes);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; Frame::body_length(&header).unwrap()];
    stream.read_exact(&mut body).unwrap();
    Frame::decode(&header, &body).unwrap()
}

#[track_caller]
fn assert_refused(answer: &Frame, why: &str) {
    let Frame::Refused { reason } = answer else { panic!("{answer:?}") };
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn files_arrive_under_their_own_names() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&["--verify"]);
    for (name, length) in [("empty", 0), ("one", 1), ("odd", MIB - 1), ("big", 8 * MIB)] {
        let content = noise(1, length);
        let path = file(&source, name, &content);
        assert_silent_success(&send(&server.address, &path, &["--verify"]));
        assert!(fs::read(server.path(name)).unwrap() == content, "{name} differs");
    }
    assert_eq!(server.listing(), ["big", "empty", "odd", "one"]);
}

#[test]
fn the_receiver_may_choose_the_name() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&["--verify", "--name", "chosen"]);
    let path = file(&source, "offered", b"x");
    assert_silent_success(&send(&server.address, &path, &["--verify"]));
    assert_eq!(server.listing(), ["chosen"]);
}

#[test]
fn a_byte_damaged_on_its_way_is_noticed() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--verify"]);
    let path = file(&source, "source", &noise(2, MIB));
    let proxy = Proxy::start(&server.address, Meddle { flip: Some(500_000), cut: None });
    let error = failure(&send(&proxy.address, &path, &["--verify"]));
    assert!(error.contains("refused: source was damaged on its way"), "{error}");
    assert!(server.line().contains("source was damaged on its way"));
    assert_eq!(server.listing(), [""; 0]);

    assert_silent_success(&send(&server.address, &path, &["--verify"]));
    assert_eq!(server.listing(), ["source"]);
}

#[test]
fn a_broken_transfer_goes_on_where_it_broke() {
    let source = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--verify"]);
    let content = noise(3, 8 * MIB);
    let path = file(&source, "source", &content);

    let cut = Proxy::start(&server.address, Meddle { flip: None, cut: Some(5 * MIB as u64) });
    failure(&send(&cut.address, &path, &["--verify"]));
    server.line();
    let overhead = offer("source", &content).len() as u64;
    let partial = format!(".source.{}.partial", &blake3::hash(&content).to_hex()[..16]);
    assert_eq!(server.listing(), [&*partial]);
    let held = fs::metadata(server.path(&partial)).unwrap().len();
    assert!(held > 0 && held <= 5 * MIB as u64 - overhead, "{held}");

    let whole = Proxy::start(&server.address, Meddle::default());
    assert_silent_success(&send(&whole.address, &path, &["--verify"]));
    assert_eq!(whole.forwarded(), overhead + content.len() as u64 - held);
    assert!(fs::read(server.path("source")).unwrap() == content);
    assert_eq!(server.listing(), ["source"]);
}

#[test]
fn a_damaged_partial_file_is_noticed_and_dropped() {
    let source = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    let content = noise(4, MIB);
    let partial = format!(".source.{}.partial", &blake3::hash(&content).to_hex()[..16]);
    file(&into, &partial, &noise(5, 1000));
    let server = Server::start_in(into, &["--verify"]);
    let path = file(&source, "source", &content);
    let error = failure(&send(&server.address, &path, &["--verify"]));
    assert!(error.contains("send it again"), "{error}");
    assert_silent_success(&send(&server.address, &path, &["--verify"]));
    assert_eq!(server.listing(), ["source"]);
}

#[test]
fn a_partial_file_that_is_too_long_is_of_no_use() {
    let source = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    let content = noise(6, 1000);
    let partial = format!(".source.{}.partial", &blake3::hash(&content).to_hex()[..16]);
    file(&into, &partial, &noise(6, 2000));
    let server = Server::start_in(into, &["--verify"]);
    assert_silent_success(&send(
        &server.address,
        &file(&source, "source", &content),
        &["--verify"],
    ));
    assert_eq!(fs::read(server.path("source")).unwrap(), content);
    assert_eq!(server.listing(), ["source"]);
}

#[test]
fn names_that_could_do_harm_are_refused() {
    let server = Server::start(&["--verify"]);
    let long = "x".repeat(201);
    let cases = [
        ("", "empty"),
        (".", "a directory"),
        ("..", "a directory"),
        ("/etc/passwd", "a path"),
        ("a/b", "a path"),
        ("../x", "a path"),
        (".hidden", "begin with a dot"),
        ("a\0b", "control characters"),
        ("a\nb", "control characters"),
        ("\u{1b}[2J", "control characters"),
        (&long, "longer than 200 bytes"),
    ];
    for (name, why) in cases {
        assert_refused(&answer(&server, &offer(name, b"x")), why);
    }
    assert_eq!(server.listing(), [""; 0]);
}

#[test]
fn the_sender_checks_its_name_too() {
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::write(&path, "x").unwrap();
    let error = failure(&send("127.0.0.1:1", &path, &["--verify"]));
    assert!(error.contains("it is not UTF-8"), "{error}");
}

#[test]
fn nothing_is_written_through_links_or_into_devices() {
    let source = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    let precious = file(&source, "precious", b"precious");
    symlink(&precious, into.path().join("link")).unwrap();
    symlink("/dev/null", into.path().join("null")).unwrap();
    fs::create_dir(into.path().join("directory")).unwrap();
    nix::unistd::mkfifo(&into.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The partial file must not lead elsewhere either.
    let hash = &blake3::hash(b"x").to_hex()[..16];
    symlink(&precious, into.path().join(format!(".plain.{hash}.partial"))).unwrap();
    let server = Server::start_in(into, &["--verify"]);
    let cases = [
        ("link", "a symbolic link"),
        ("null", "a symbolic link"),
        ("directory", "a directory"),
        ("pipe", "a pipe"),
        ("plain", "a symbolic link"),
    ];
    for (name, kind) in cases {
        assert_refused(&answer(&server, &offer(name, b"x")), &format!("is {kind}; only a regular"));
    }
    assert_eq!(fs::read(precious).unwrap(), b"precious");
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_sent() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&["--verify", "--max-size", "1MiB"]);
    let path = file(&source, "source", &noise(7, MIB + 1));
    let proxy = Proxy::start(&server.address, Meddle::default());
    let error = failure(&send(&proxy.address, &path, &["--verify"]));
    assert!(error.contains("refused: the file is larger than the 1048576 bytes"), "{error}");
    assert!(proxy.forwarded() < 1000);
}

#[test]
fn a_full_disk_is_told_to_the_sender() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start_limited(1024, &["--verify"]);
    let path = file(&source, "source", &noise(8, 32 * MIB));
    let error = failure(&send(&server.address, &path, &["--verify"]));
    assert!(error.contains("refused: can't write") && error.contains("File too large"), "{error}");
    assert_eq!(server.listing(), [""; 0]);
}

#[test]
fn the_same_content_twice_at_once_is_refused() {
    let server = Server::start(&["--verify"]);
    let content = noise(9, 1000);
    let mut bytes = offer("source", &content);
    bytes.extend(&content[..500]);
    let _first = unfinished(&server.address, &bytes);
    eventually("the first is under way", || server.in_the_making() == [500]);
    assert_refused(&answer(&server, &bytes), "another transfer of the same source is under way");
}

#[test]
fn senders_of_different_contents_never_mix() {
    let source = tempfile::tempdir().unwrap();
    let server = Server::start(&["--verify", "--name", "target"]);
    let contents: Vec<_> = (0..6).map(|seed| noise(seed, MIB)).collect();
    thread::scope(|scope| {
        for (seed, content) in contents.iter().enumerate() {
            let path = file(&source, &seed.to_string(), content);
            let address = &server.address;
            scope.spawn(move || assert_silent_success(&send(address, &path, &["--verify"])));
        }
    });
    assert!(contents.contains(&fs::read(server.path("target")).unwrap()));
    assert_eq!(server.listing(), ["target"]);
}

#[test]
fn both_sides_must_agree_to_verify() {
    let source = tempfile::tempdir().unwrap();
    let verifying = Server::start(&["--verify"]);
    for length in [0, 5, 1000, 32 * MIB] {
        let path = file(&source, "source", &noise(10, length));
        let error = failure(&send(&verifying.address, &path, &[]));
        assert!(
            error.ends_with("it takes verified transfers only: send with `--verify`"),
            "{error}"
        );
    }
    assert_eq!(verifying.listing(), [""; 0]);

    let raw = Server::start(&[]);
    let path = file(&source, "source", b"x");
    let error = failure(&send(&raw.address, &path, &["--verify", "--timeout", "300ms"]));
    assert!(error.contains("did not answer within 300ms: either it serves without"), "{error}");
    assert_eq!(raw.listing(), [""; 0]);
}

#[test]
fn a_receiver_that_breaks_the_rules_is_an_error() {
    let source = tempfile::tempdir().unwrap();
    let path = file(&source, "source", b"12345");
    let stored = Frame::Stored { hash: blake3::hash(b"other") };
    let resume = |offset| Frame::Resume { offset }.encode();
    let cases = [
        (resume(6), "unexpected frame"),
        (stored.encode(), "unexpected frame"),
        ([resume(0), stored.encode()].concat(), "unexpected frame"),
        (b"220 ready for mail".to_vec(), "does not speak `--verify`"),
        (vec![], "closed the connection before"),
        (resume(0)[..5].to_vec(), "closed the connection before"),
    ];
    for (bytes, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            use std::io::Write;
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&bytes).unwrap();
            // The sender may have had enough by now, and be gone.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let error = failure(&send(&address, &path, &["--verify"]));
        assert!(error.contains(expected), "{error}");
        server.join().unwrap();
    }
}
