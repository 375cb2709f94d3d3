//! `labnet nc -u` with plain sockets.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::net::{SocketAddr, UdpSocket};

use programs::{Running, free_port, labnet, labnet_with};

/// A listening `labnet nc -u` and its port.
fn listen(options: &str) -> (Running, u16) {
    let listener = labnet(&format!("nc -v -u -l 127.0.0.1 0 {options}"));
    let port = listener.port();
    (listener, port)
}

#[test]
fn over_udp_each_line_is_a_datagram() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = peer.local_addr().unwrap().port();
    let mut client = labnet_with(&format!("nc -u 127.0.0.1 {port}"), &["--prefix", "KALI: "]);
    client.type_in("hi\nthere\npart");
    let mut buffer = [0; 100];
    let mut receive = || {
        let (count, from) = peer.recv_from(&mut buffer).unwrap();
        (String::from_utf8_lossy(&buffer[..count]).into_owned(), from)
    };
    let datagrams = [receive().0, receive().0, receive().0];
    assert_eq!(datagrams, ["KALI: hi\n", "KALI: there\n", "KALI: part"]);
    client.type_in("ly\n");
    let (datagram, from) = receive();
    assert_eq!(datagram, "ly\n");
    peer.send_to(b"", from).unwrap();
    peer.send_to(b"R2: hello\n", from).unwrap();
    client.stdout.wait_for("R2: hello\n");
}

#[test]
fn a_udp_listener_hears_its_first_peer_only() {
    let (mut listener, port) = listen("");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let [first, second] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    first.send_to(b"first\n", address).unwrap();
    let own = first.local_addr().unwrap().port();
    listener.stderr.wait_for(&format!("Connection received on 127.0.0.1 {own}\n"));
    let _ = second.send_to(b"second\n", address);
    first.send_to(b"third\n", address).unwrap();
    assert_eq!(listener.stdout.wait_for("third\n"), "first\nthird\n");
    listener.type_in("answer\n");
    let mut buffer = [0; 100];
    let count = first.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"answer\n");
}

#[test]
fn a_kept_udp_listener_hears_all() {
    let (listener, port) = listen("-k");
    for name in ["first\n", "second\n"] {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(name.as_bytes(), ("127.0.0.1", port)).unwrap();
        listener.stdout.wait_for(name);
        let own = peer.local_addr().unwrap().port();
        listener.stderr.wait_for(&format!("Connection received on 127.0.0.1 {own}\n"));
    }
}

#[test]
fn nobody_listening_is_told() {
    let port = free_port();
    let mut udp = labnet(&format!("nc -u 127.0.0.1 {port}"));
    udp.type_in("hi\n");
    let udp = udp.finish();
    assert_eq!(udp.status.code(), Some(1));
    assert_eq!(
        udp.stderr,
        format!(
            "labnet: cannot receive from 127.0.0.1:{port}: Connection refused (ECONNREFUSED); \
             nothing listens on that port: start the server first, or check the port\n"
        )
    );
}
