//! Frames to filter, written by hand, and tcpdump to compare with.
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod random;
pub(crate) mod tcpdump;

/// A frame of which `bytes` were kept.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) length: u32,
}

pub(crate) const SYN: u8 = 0x02;
pub(crate) const ACK: u8 = 0x10;
const R2: [u8; 4] = [10, 10, 10, 2];
const KALI: [u8; 4] = [10, 10, 10, 3];
const MORE: u16 = 0x2000;

pub(crate) fn whole(what: impl Into<String>, bytes: Vec<u8>) -> Frame {
    Frame { what: what.into(), length: bytes.len() as u32, bytes }
}

pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    ethernet_to([2, 0, 10, 10, 10, 2], ether_type, payload)
}

pub(crate) fn ethernet_to(to: [u8; 6], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &[2, 0, 10, 10, 10, 3], &ether_type.to_be_bytes(), payload].concat()
}

pub(crate) fn arp(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 10, 10, 10, 3];
    [&head[..], &sender, &[0; 6], &target].concat()
}

/// An IPv4 datagram of which `fragment` are the flags and the offset.
pub(crate) fn ip(
    [from, to]: [[u8; 4]; 2],
    protocol: u8,
    options: &[u8],
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let header = 20 + options.len();
    let length = (header + payload.len()) as u16;
    let [high, low] = length.to_be_bytes();
    let [flags, offset] = fragment.to_be_bytes();
    let version = 0x40 | (header / 4) as u8;
    let head = [version, 0, high, low, 0, 7, flags, offset, 64, protocol, 0, 0];
    [&head[..], &from, &to, options, payload].concat()
}

pub(crate) fn ip6(from: [u8; 16], to: [u8; 16], next: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    [&[0x60, 0, 0, 0, high, low, next, 64][..], &from, &to, payload].concat()
}

/// `fd00::1` and the like.
pub(crate) fn fd00(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    (address[0], address[15]) = (0xfd, last);
    address
}

pub(crate) fn tcp(from: u16, to: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0];
    [&from.to_be_bytes()[..], &to.to_be_bytes(), &rest, payload].concat()
}

pub(crate) fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    [&from.to_be_bytes()[..], &to.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

pub(crate) fn tcp_frame(from: u16, to: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ip([KALI, R2], 6, &[], 0x4000, &tcp(from, to, flags, payload)))
}

pub(crate) fn udp_frame(from: u16, to: u16) -> Vec<u8> {
    ethernet(0x0800, &ip([R2, KALI], 17, &[], 0, &udp(from, to, b"hello")))
}

pub(crate) fn tcp6_frame(from: u16, to: u16) -> Vec<u8> {
    ethernet(0x86dd, &ip6(fd00(3), fd00(2), 6, &tcp(from, to, ACK, b"hi")))
}

const PORTS: [u16; 12] = [0, 20, 21, 53, 80, 81, 443, 5000, 5001, 6000, 6008, 65535];

/// Every kind of frame that the language can tell from others, and each of some cut off after each of its bytes.
pub(crate) fn frames() -> Vec<Frame> {
    let mut frames = Vec::new();
    link_layer(&mut frames);
    transport(&mut frames);
    fragments(&mut frames);
    control(&mut frames);
    version_6(&mut frames);
    truncated(&mut frames);
    frames
}

fn link_layer(frames: &mut Vec<Frame>) {
    let broadcast = [0xff; 6];
    frames.push(whole("arp request", ethernet_to(broadcast, 0x0806, &arp(1, KALI, R2))));
    frames.push(whole("arp reply", ethernet(0x0806, &arp(2, R2, KALI))));
    frames.push(whole(
        "arp elsewhere",
        ethernet(0x0806, &arp(2, [192, 168, 1, 1], [192, 168, 1, 2])),
    ));
    frames.push(whole("rarp", ethernet(0x8035, &arp(3, R2, KALI))));
    for ether_type in
        [0x8100, 0x88cc, 0x8847, 0x0600, 0x05dd, 0x05dc, 0x0026, 0x0800, 0x86dd, 0x0806]
    {
        let what = format!("type {ether_type:#06x}");
        frames.push(whole(what, ethernet(ether_type, &[0x42; 46])));
    }
    let tagged = [&[0, 5, 8, 0][..], &ip([KALI, R2], 6, &[], 0, &tcp(80, 5000, SYN, b""))].concat();
    frames.push(whole("vlan", ethernet(0x8100, &tagged)));
    frames.push(whole(
        "multicast",
        ethernet_to(
            [1, 0, 0x5e, 0, 0, 1],
            0x0800,
            &ip([R2, [224, 0, 0, 1]], 2, &[], 0, &[0x11; 8]),
        ),
    ));
    frames.push(whole(
        "ip broadcast",
        ethernet_to(broadcast, 0x0800, &ip([R2, [255; 4]], 17, &[], 0, &udp(68, 67, b"x"))),
    ));
    for to in [[223, 255, 255, 255], [239, 1, 2, 3], [10, 0, 0, 0], [0; 4], [10, 10, 10, 255]] {
        frames.push(whole(
            format!("to {to:?}"),
            ethernet(0x0800, &ip([R2, to], 17, &[], 0, &udp(1, 2, b""))),
        ));
    }
    for length in [0, 10, 100, 500, 1000, 1460] {
        frames
            .push(whole(format!("length {length}"), tcp_frame(5000, 40000, ACK, &vec![7; length])));
    }
}

fn transport(frames: &mut Vec<Frame>) {
    for flags in 0..=255 {
        frames.push(whole(format!("flags {flags:#04x}"), tcp_frame(40000, 5000, flags, b"")));
    }
    for port in PORTS {
        frames.push(whole(format!("tcp from {port}"), tcp_frame(port, 40000, ACK, b"x")));
        frames.push(whole(format!("tcp to {port}"), tcp_frame(40000, port, SYN, b"")));
        frames.push(whole(format!("tcp {port} to itself"), tcp_frame(port, port, ACK, b"")));
        frames.push(whole(format!("udp from {port}"), udp_frame(port, 40000)));
        frames.push(whole(format!("udp to {port}"), udp_frame(40000, port)));
        frames.push(whole(format!("tcp6 from {port}"), tcp6_frame(port, 40000)));
        frames.push(whole(format!("tcp6 to {port}"), tcp6_frame(40000, port)));
        let sctp = ip([KALI, R2], 132, &[], 0, &tcp(port, 9, 0, b""));
        frames.push(whole(format!("sctp from {port}"), ethernet(0x0800, &sctp)));
    }
    for words in 1..=10 {
        let options = vec![1; 4 * words];
        let datagram = ip([KALI, R2], 6, &options, 0, &tcp(40000, 80, SYN, b"option"));
        frames.push(whole(format!("tcp after {words} words"), ethernet(0x0800, &datagram)));
        let datagram = ip([KALI, R2], 17, &options, 0, &udp(53, 40000, b"option"));
        frames.push(whole(format!("udp after {words} words"), ethernet(0x0800, &datagram)));
    }
    for header in [0x40, 0x41, 0x44, 0x4f, 0x60, 0x00] {
        let mut frame = tcp_frame(80, 40000, ACK, &[0; 60]);
        frame[14] = header;
        frames.push(whole(format!("header {header:#04x}"), frame));
    }
}

fn fragments(frames: &mut Vec<Frame>) {
    for (what, fragment) in
        [("first", MORE), ("middle", MORE | 185), ("last", 370), ("whole", 0x4000)]
    {
        for (protocol, payload) in
            [(6, tcp(80, 5000, SYN, b"")), (17, udp(53, 80, b"abc")), (1, vec![8; 8])]
        {
            let datagram = ip([R2, KALI], protocol, &[], fragment, &payload);
            frames.push(whole(format!("{what} of {protocol}"), ethernet(0x0800, &datagram)));
        }
    }
}

fn control(frames: &mut Vec<Frame>) {
    for kind in 0..=20 {
        let datagram = ip([R2, KALI], 1, &[], 0, &[kind, kind % 4, 0, 0, 1, 2, 3, 4]);
        frames.push(whole(format!("icmp {kind}"), ethernet(0x0800, &datagram)));
    }
    for kind in (0..6).chain(126..160) {
        let payload = [kind, kind % 3, 0, 0, 9, 9, 9, 9];
        let datagram = ip6(fd00(2), fd00(3), 58, &payload);
        frames.push(whole(format!("icmp6 {kind}"), ethernet(0x86dd, &datagram)));
    }
    for protocol in [0, 2, 4, 41, 47, 50, 51, 58, 89, 103, 112, 255] {
        let datagram = ip([R2, KALI], protocol, &[], 0, &[protocol; 24]);
        frames.push(whole(format!("ip proto {protocol}"), ethernet(0x0800, &datagram)));
        let datagram = ip6(fd00(2), fd00(3), protocol, &[protocol; 24]);
        frames.push(whole(format!("ip6 proto {protocol}"), ethernet(0x86dd, &datagram)));
    }
}

fn version_6(frames: &mut Vec<Frame>) {
    for (next, name) in [(6, "tcp"), (17, "udp"), (58, "icmp6")] {
        let payload = tcp(80, 5000, SYN, b"");
        for (extension, what) in
            [(0, "hop by hop"), (43, "routing"), (44, "fragment"), (60, "options")]
        {
            let payload = [&[next, 0, 0, 1, 0, 0, 0, 9][..], &payload].concat();
            let datagram = ip6(fd00(2), fd00(3), extension, &payload);
            frames.push(whole(format!("{name} after {what}"), ethernet(0x86dd, &datagram)));
        }
        let datagram = ip6(fd00(3), fd00(2), next, &payload);
        frames.push(whole(format!("{name} over ip6"), ethernet(0x86dd, &datagram)));
    }
    let mut group = [0; 16];
    (group[0], group[1], group[15]) = (0xff, 2, 1);
    let datagram = ip6(fd00(2), group, 17, &udp(5353, 5353, b"mdns"));
    frames.push(whole("ip6 multicast", ethernet_to([0x33, 0x33, 0, 0, 0, 1], 0x86dd, &datagram)));
    let mut far = fd00(2);
    far[7] = 1;
    let datagram = ip6(far, fd00(3), 17, &udp(53, 40000, b""));
    frames.push(whole("another net", ethernet(0x86dd, &datagram)));
}

fn truncated(frames: &mut Vec<Frame>) {
    let fragment = [&[6, 0, 0, 0, 0, 0, 0, 9][..], &tcp(80, 5000, SYN, b"")].concat();
    for (what, frame) in [
        ("tcp", tcp_frame(80, 5000, SYN, b"abcd")),
        ("udp", udp_frame(5000, 53)),
        ("options", ethernet(0x0800, &ip([KALI, R2], 6, &[1; 8], 0, &tcp(80, 5000, SYN, b"")))),
        ("arp", ethernet(0x0806, &arp(1, KALI, R2))),
        ("tcp6", tcp6_frame(80, 5000)),
        ("fragment6", ethernet(0x86dd, &ip6(fd00(2), fd00(3), 44, &fragment))),
    ] {
        for kept in 0..frame.len() {
            frames.push(Frame {
                what: format!("{kept} bytes of {what}"),
                bytes: frame[..kept].to_vec(),
                length: frame.len() as u32,
            });
        }
    }
}
