//! What decoding makes of frames: the meaning of each protocol, and where and why it ends.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;

use craft::{Eth, hex};
use labnet::packet::{
    Layer, Network, Packet, Stop, Transport,
    decode::{
        Checksum, EtherType, Fragment, IcmpMessage, Icmpv6Message, NdpOption, Protocol, TcpFlags,
        TcpOption,
    },
};

/// A SYN as Linux sends it, from tcpdump -xx.
const SYN: &str = "020000000002 020000000003 0800
    4500003c a8f64000 400669b0 0a0a0a03 0a0a0a02
    c5181388 12345678 00000000 a002faf0 2c5f0000
    020405b4 0402080a ffa51d49 00000000 0103030a";

#[test]
fn a_syn_with_its_options() {
    let bytes = hex(SYN);
    let packet = Packet::decode(&bytes, 74);
    assert_eq!(packet.stopped, None);
    assert_eq!(packet.ethernet.unwrap().source.to_string(), "02:00:00:00:00:03");
    let Some(Network::Ipv4(ipv4)) = packet.network else { panic!("{packet:?}") };
    assert_eq!((ipv4.id, ipv4.ttl, ipv4.dont_fragment), (0xa8f6, 64, true));
    assert_eq!(ipv4.protocol, Protocol::TCP);
    let tcp = packet.tcp().unwrap();
    assert_eq!(packet.ports(), Some((50456, 5000)));
    assert_eq!((tcp.sequence, tcp.acknowledgment, tcp.window), (0x1234_5678, 0, 64240));
    assert_eq!(tcp.flags, TcpFlags::SYN);
    assert_eq!(tcp.sequence_length(packet.payload.length), 1);
    assert_eq!(
        tcp.options.collect::<Vec<_>>(),
        [
            TcpOption::MaximumSegmentSize(1460),
            TcpOption::SackPermitted,
            TcpOption::Timestamps { value: 0xffa5_1d49, echo: 0 },
            TcpOption::NoOperation,
            TcpOption::WindowScale(10),
        ]
    );
    assert_eq!((packet.payload.length, packet.segment.length), (0, 40));
}

#[test]
fn checksums_right_wrong_and_beyond_what_was_recorded() {
    let right = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1000, 2000, b"hello!!");
    let sums = Packet::decode(&right, right.len() as u32).checksums();
    assert_eq!((sums.ipv4, sums.transport), (Some(Checksum::Valid), Some(Checksum::Valid)));

    let mut wrong = right.clone();
    let (ip, udp) = (hex_u16(&right, 24), hex_u16(&right, 40));
    wrong[24] ^= 0x55;
    wrong[40] ^= 0xaa;
    let sums = Packet::decode(&wrong, wrong.len() as u32).checksums();
    assert_eq!(sums.ipv4, Some(Checksum::Wrong(ip)));
    assert_eq!(sums.transport, Some(Checksum::Wrong(udp)));

    let sums = Packet::decode(&right[..45], right.len() as u32).checksums();
    assert_eq!((sums.ipv4, sums.transport), (Some(Checksum::Valid), Some(Checksum::Partial)));

    let mut none = right.clone();
    none[40..42].fill(0);
    assert_eq!(Packet::decode(&none, 49).checksums().transport, Some(Checksum::Absent));
}

fn hex_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[test]
fn padding_is_not_payload_and_a_snapped_frame_keeps_its_length() {
    let mut frame = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2, b"abc");
    frame.resize(60, 0);
    let packet = Packet::decode(&frame, 60);
    assert_eq!((packet.payload.bytes, packet.payload.length), (&b"abc"[..], 3));

    let packet = Packet::decode(&frame[..44], 60);
    assert_eq!((packet.payload.bytes, packet.payload.length), (&b"ab"[..], 3));
    assert!(packet.payload.is_truncated());

    let packet = Packet::decode(&frame[..40], 60);
    assert_eq!(packet.stopped, Some(Stop::Truncated(Layer::Udp)));
    assert_eq!(Packet::decode(&frame[..30], 60).stopped, Some(Stop::Truncated(Layer::Ipv4)));
    assert!(matches!(
        Packet::decode(&frame[..30], 30).stopped,
        Some(Stop::Malformed(Layer::Ipv4, _))
    ));
}

#[test]
fn tags_of_virtual_lans_are_walked_over() {
    let plain = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2, b"abc");
    let mut frame = plain[..12].to_vec();
    frame.extend(hex("88a8 6064 8100 0fff"));
    frame.extend(&plain[12..]);
    let packet = Packet::decode(&frame, frame.len() as u32);
    let ethernet = packet.ethernet.unwrap();
    let (outer, inner) = (ethernet.tag.unwrap(), ethernet.inner_tag.unwrap());
    assert_eq!((outer.kind, outer.priority, outer.id), (EtherType::PROVIDER_TAG, 3, 100));
    assert_eq!((inner.kind, inner.priority, inner.id), (EtherType::TAG, 0, 4095));
    assert_eq!((ethernet.kind, ethernet.header_length()), (EtherType::IPV4, 22));
    assert_eq!(packet.ports(), Some((1, 2)));
}

#[test]
fn a_first_fragment_has_ports_and_a_later_one_none() {
    let first = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).fragment(7, 0, true);
    let first = first.udp(1, 2, b"0123456789abcdef");
    let packet = Packet::decode(&first, first.len() as u32);
    assert_eq!(packet.fragment(), Some(Fragment { id: 7, offset: 0, more: true }));
    assert_eq!(packet.ports(), Some((1, 2)));
    assert_eq!(packet.checksums().transport, Some(Checksum::Partial));

    let later = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).fragment(7, 24, false);
    let later = later.carry(17, b"rest");
    let packet = Packet::decode(&later, later.len() as u32);
    assert_eq!(packet.fragment(), Some(Fragment { id: 7, offset: 24, more: false }));
    assert_eq!((packet.ports(), packet.payload.bytes), (None, &b"rest"[..]));
    assert_eq!(packet.stopped, Some(Stop::Fragment(Layer::Ipv4)));
}

#[test]
fn extension_headers_are_walked_over() {
    let mut body = hex("3c00 0502 0000 0100  2c00 0104 0000 0000  1100 0001 0000 002a");
    body.extend(hex("0001 0002 000b 0000 616263"));
    let frame = Eth::default().ipv6("fe80::1", "ff02::1").carry(0, &body);
    let packet = Packet::decode(&frame, frame.len() as u32);
    let Some(Network::Ipv6(ipv6)) = packet.network else { panic!("{packet:?}") };
    assert_eq!((ipv6.next_header, ipv6.protocol), (Protocol::HOP_BY_HOP, Protocol::UDP));
    assert_eq!(ipv6.extensions.map(|e| e.kind.0).collect::<Vec<_>>(), [0, 60, 44]);
    assert_eq!(packet.fragment(), Some(Fragment { id: 42, offset: 0, more: true }));
    assert_eq!((packet.ports(), packet.payload.bytes), (Some((1, 2)), &b"abc"[..]));
}

#[test]
fn an_error_quotes_the_packet_it_is_about() {
    let cause = Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1000, 7999, b"hello");
    let mut body = hex("0304 0000 0000 05dc");
    body.extend(&cause[14..]);
    let frame = Eth::default().ipv4([10, 0, 0, 2], [10, 0, 0, 1]).carry(1, &body);
    let packet = Packet::decode(&frame, frame.len() as u32);
    let Some(Transport::Icmp(icmp)) = packet.transport else { panic!("{packet:?}") };
    assert!(matches!(icmp.message, IcmpMessage::DestinationUnreachable { mtu: 1500, .. }));
    let quoted = icmp.quoted().unwrap();
    assert_eq!((quoted.ports(), quoted.payload.bytes), (Some((1000, 7999)), &b"hello"[..]));
}

#[test]
fn a_neighbour_is_asked_for() {
    let mut body = hex("8700 0000 0000 0000");
    body.extend("fd00::2".parse::<std::net::Ipv6Addr>().unwrap().octets());
    body.extend(hex("0101 020000000003"));
    let frame = Eth::default().ipv6("fd00::3", "ff02::1:ff00:2").carry(58, &body);
    let packet = Packet::decode(&frame, frame.len() as u32);
    let Some(Transport::Icmpv6(icmpv6)) = packet.transport else { panic!("{packet:?}") };
    let Icmpv6Message::NeighborSolicitation { target, mut options } = icmpv6.message else {
        panic!("{icmpv6:?}")
    };
    assert_eq!(target.to_string(), "fd00::2");
    let mac = "02:00:00:00:00:03".parse().unwrap();
    assert_eq!(options.next(), Some(NdpOption::SourceLinkLayer(mac)));
}

#[test]
fn bad_lengths_end_decoding_with_their_layer() {
    let good = hex(SYN);
    let stopped = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Packet::decode(&bytes, 74).stopped
    };
    for (at, byte, layer) in [
        (14, 0x44, Layer::Ipv4),
        (14, 0x55, Layer::Ipv4),
        (17, 0x13, Layer::Ipv4),
        (46, 0x40, Layer::Tcp),
        (46, 0xf0, Layer::Tcp),
    ] {
        let found = stopped(at, byte);
        assert!(matches!(found, Some(Stop::Malformed(l, _)) if l == layer), "{at}: {found:?}");
    }
    assert_eq!(stopped(23, 132), Some(Stop::Unknown(Layer::Ipv4, 132)));
}

proptest::proptest! {
    /// No bytes bring it down, and everything it hands out lies within what it was given.
    #[test]
    fn any_bytes_decode(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
                        kind in 0..4_usize, protocol in 0..6_usize, length in 0..300_u32) {
        let mut bytes = bytes;
        if bytes.len() > 40 {
            let kinds: [[u8; 3]; 4] = [[8, 0, 0x45], [0x86, 0xdd, 0x60], [8, 6, 0], [0x81, 0, 0]];
            bytes[12..15].copy_from_slice(&kinds[kind]);
            bytes[20] = [6, 17, 58, 44, 0, 60][protocol];
            bytes[23] = [6, 17, 1, 2, 132, 6][protocol];
        }
        let packet = Packet::decode(&bytes, length);
        proptest::prop_assert!(packet.payload.bytes.len() as u64 <= u64::from(packet.payload.length));
        proptest::prop_assert!(packet.payload.length <= packet.frame.length);
        packet.checksums();
        if let Some(tcp) = packet.tcp() {
            let length: usize = tcp.options.map(|option| option.kind() as usize & 1).sum();
            proptest::prop_assert!(length <= 40);
        }
    }
}
