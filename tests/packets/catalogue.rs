//! Frames of every kind that the list knows, a few in every variant.

use std::net::Ipv6Addr;

use crate::craft::{Eth, Ip, Segment, hex};

/// All of them, in an order that matters: replies come after their requests.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let groups =
        [arp(), icmp(), icmpv6(), discovery(), pings(), options(), flags(), odd(), parts()];
    groups.concat()
}

fn v4() -> Ip {
    Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2])
}

fn back() -> Ip {
    Eth::default().ipv4([10, 0, 0, 2], [10, 0, 0, 1])
}

fn v6() -> Ip {
    Eth::default().ipv6("fd00::1", "fd00::2")
}

fn arp() -> Vec<Vec<u8>> {
    let message = |operation: u16, from: &str, to: &str| {
        let head = hex("0001 0800 06 04");
        Eth::default()
            .carry(0x0806, &[head, operation.to_be_bytes().to_vec(), hex(from), hex(to)].concat())
    };
    let (one, two) = ("020000000001 0a000001", "020000000002 0a000002");
    let mut frames = vec![
        message(1, one, "000000000000 0a000002"),
        message(2, two, one),
        message(1, "020000000001 00000000", "000000000000 0a000009"),
        message(1, one, "000000000000 0a000001"),
        message(1, one, "ffffffffffff 0a000001"),
        message(2, one, one),
    ];
    frames.extend((3..28).chain([0, 100, u16::MAX]).map(|operation| message(operation, one, two)));
    frames
}

fn icmp() -> Vec<Vec<u8>> {
    let quoted = v4().udp(1, 2, b"quoted")[14..].to_vec();
    let kinds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 19, 30, 31, 40, 42, 43, 44, 253];
    let mut frames = Vec::new();
    for kind in kinds {
        for code in 0..17 {
            let head = [kind, code, 0, 0, 5, 6, 7, 8];
            frames.push(v4().icmp(&[&head[..], &quoted].concat()));
        }
    }
    frames
}

fn icmpv6() -> Vec<Vec<u8>> {
    let quoted = v6().udp(1, 2, b"quoted")[14..].to_vec();
    let mut frames = Vec::new();
    for kind in [0, 1, 2, 3, 4, 5, 100, 127, 128, 129, 130, 131, 132, 151, 152, 153, 200, 255] {
        for code in 0..9 {
            let head = [kind, code, 0, 0, 5, 6, 0, 0];
            frames.push(v6().icmp(&[&head[..], &quoted].concat()));
        }
    }
    let record = hex("04000000 ff020000 00000000 00000001 ff000002");
    frames.push(v6().icmp(&[hex("8f000000 00000001"), record].concat()));
    frames
}

fn discovery() -> Vec<Vec<u8>> {
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets().to_vec();
    let [source, target] = ["0101 020000000003", "0201 020000000003"].map(hex);
    let mtu = hex("0501 0000 000005dc");
    let prefix = [hex("0304 40c0 00000e10 00000e10 00000000"), address("fd01::")].concat();
    let mut frames = Vec::new();
    for options in
        [vec![], source.clone(), target.clone(), mtu.clone(), [mtu, prefix, source].concat()]
    {
        let message = |head: &str, body: &[Vec<u8>]| {
            v6().icmp(&[hex(head), body.concat(), options.clone()].concat())
        };
        frames.push(message("85000000 00000000", &[]));
        frames.push(message("86000000 4000001e", &[vec![0; 8]]));
        for target in [
            "fd00::2",
            "::",
            "::1",
            "::ffff:1.2.3.4",
            "::102:304",
            "1::2:0:0:3",
            "fe80:1:0:0:2:0:0:3",
        ] {
            frames.push(message("87000000 00000000", &[address(target)]));
        }
        for flags in (0..8_u8).map(|bits| bits << 5) {
            let head = format!("88000000 {flags:02x}000000");
            frames.push(message(&head, &[address("fd00::2")]));
        }
        frames.push(message("89000000 00000000", &[address("fe80::1"), address("fd00::9")]));
    }
    frames
}

fn pings() -> Vec<Vec<u8>> {
    let ping = |ip: Ip, kind: u8, sequence: u8, data: &[u8]| {
        ip.icmp(&[&[kind, 0, 0, 0, 1, 2, 0, sequence][..], data].concat())
    };
    let back6 = || Eth::default().ipv6("fd00::2", "fd00::1");
    vec![
        ping(v4(), 8, 1, b"data"),
        ping(back().ttl(7), 0, 1, b"data"),
        ping(back(), 0, 1, b"data"),
        ping(v4(), 8, 2, b"data"),
        ping(v4(), 8, 2, b"data"),
        ping(back(), 0, 2, b"other data"),
        ping(back(), 0, 2, b"data"),
        ping(back(), 0, 3, b"data"),
        ping(v6(), 128, 1, b"data"),
        ping(back6(), 129, 1, b"data"),
        ping(back6(), 129, 1, b"data"),
    ]
}

fn options() -> Vec<Vec<u8>> {
    let options = [
        "020405b4",
        "03030700",
        "03030f00",
        "04020000",
        "0101080a0000000100000002",
        "0101050a00000064000000c8",
        "00000000",
        "01010101",
        "131261616161616161616161616161616161",
        "22020000",
        "220a6161616161616161",
        "1e0c00816161616161616161",
        "fd04f989",
        "fe08f98961626364",
        "fd08010261626364",
        "1c048005",
        "1d10010261616161616161616161616161",
        "02000000",
        "02280000",
        "63040102",
        "0205b40101010101",
        "020405b40402080affa51d490000000001030307",
    ];
    let mut frames = Vec::new();
    for (at, option) in options.into_iter().enumerate() {
        let mut options = hex(option);
        options.resize(options.len().next_multiple_of(4), 1);
        let ports = (2000 + at as u16, 80);
        frames.push(v4().tcp(&Segment {
            ports,
            seq: 100,
            flags: 2,
            window: 9,
            options,
            ..Segment::default()
        }));
    }
    frames
}

fn flags() -> Vec<Vec<u8>> {
    let flags =
        [0, 1, 4, 8, 0x18, 0x20, 0x38, 0x40, 0x80, 0x100, 0x1c2, 0x1ff, 0x200, 0x800, 0xfff];
    let segment = |(at, flags): (u16, u16)| Segment {
        ports: (3000 + at, 80),
        seq: 9,
        flags,
        ..Segment::default()
    };
    (0_u16..).zip(flags).map(|pair| v4().tcp(&segment(pair))).collect()
}

fn odd() -> Vec<Vec<u8>> {
    let data = b"0123456789abcdef0123456789abcdef";
    let mut frames = Vec::new();
    for kind in
        [0, 0x20, 0x842, 0x8847, 0x8863, 0x8864, 0x888e, 0x88b5, 0x88cc, 0x88f7, 0x9000, 0xabcd]
    {
        frames.push(Eth::default().carry(kind, data));
    }
    for protocol in [2, 8, 9, 33, 46, 47, 50, 88, 89, 103, 112, 115, 132, 136] {
        frames.push(v4().carry(protocol, data));
        frames.push(v6().carry(protocol, data));
    }
    frames.push(v6().carry(59, b""));
    frames.push(v4().udp(0, 0, b""));
    frames.extend([7, 0, 100, 10].map(|length: u16| {
        v4().carry(17, &[&[0, 1, 0, 2][..], &length.to_be_bytes(), &[0, 0], data].concat())
    }));
    frames.push(v6().carry(17, &hex("0001 0002 0008 0000")));
    let whole = v4().udp(5, 6, data);
    frames.push([&whole[..12], &hex("8100 0005"), &whole[12..]].concat());
    frames.push([&whole[..12], &hex("88a8 0005 8100 0006"), &whole[12..]].concat());
    frames.push([&whole[..12], &hex("8100 6005 abcd"), data].concat());
    frames.push([whole.clone(), vec![0; 20]].concat());
    frames.push(whole[..13].to_vec());
    frames
}

/// Fragments, in and out of order.
fn parts() -> Vec<Vec<u8>> {
    let datagram = v4().udp_segment(5, 6, &[7; 32]);
    let part = |id, from: usize, to: usize| {
        v4().fragment(id, from as u16, to < 40).carry(17, &datagram[from..to])
    };
    let v6_part = |id: u8, from: usize, to: usize| {
        let field = from as u16 | u16::from(to < 40);
        let head = [&[17, 0][..], &field.to_be_bytes(), &[0, 0, 0, id]].concat();
        v6().carry(44, &[&head[..], &v6().udp_segment(5, 6, &[7; 32])[from..to]].concat())
    };
    vec![
        part(7, 0, 16),
        part(7, 16, 32),
        part(7, 32, 40),
        part(7, 32, 40),
        part(8, 32, 40),
        part(8, 0, 32),
        part(9, 0, 16),
        part(9, 0, 16),
        part(9, 16, 40),
        part(10, 16, 32),
        v6_part(1, 0, 16),
        v6_part(1, 16, 40),
        v6_part(2, 16, 40),
        v6_part(2, 0, 16),
        v6_part(3, 0, 40),
    ]
}
