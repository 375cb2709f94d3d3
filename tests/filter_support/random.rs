//! Random filters of the language.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

const PROTOCOLS: &[&str] =
    &["ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "igmp", "icmp6"];
const DIRECTIONS: &[&str] = &["", "src ", "dst ", "src or dst ", "dst and src "];
const OPERATORS: &[&str] = &["+", "-", "*", "&", "|", "/"];
const RELATIONS: &[&str] = &["=", "==", "!=", "<", "<=", ">", ">="];

/// A filter; about one in two is of several primitives.
pub(crate) fn filters() -> impl Strategy<Value = String> {
    primitive().prop_recursive(4, 12, 3, |inner| {
        let joint = select(&["and", "or", "&&", "||"][..]);
        prop_oneof![
            (inner.clone(), joint.clone(), inner.clone())
                .prop_map(|(a, j, b)| format!("{a} {j} {b}")),
            (inner.clone(), joint, inner.clone()).prop_map(|(a, j, b)| format!("({a}) {j} {b}")),
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            inner.prop_map(|inner| format!("! {inner}")),
        ]
    })
}

fn primitive() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => qualified(select(&["", "ip ", "arp ", "rarp "][..]), "host ", address()),
        1 => qualified(select(&["", "ip6 "][..]), "host ", address6()),
        1 => qualified(Just("ether "), "host ", mac()),
        2 => qualified(select(&["", "ip ", "arp "][..]), "net ", net()),
        1 => qualified(select(&["", "ip6 "][..]), "net ", net6()),
        3 => qualified(select(&["", "tcp ", "udp ", "sctp "][..]), "port ", port()),
        2 => qualified(select(&["", "tcp ", "udp "][..]), "portrange ", range()),
        1 => qualified_list(),
        2 => select(PROTOCOLS).prop_map(str::to_owned),
        1 => (select(&["", "ip ", "ip6 "][..]), 0..=255_u8).prop_map(|(p, n)| format!("{p}proto {n}")),
        1 => select(&["broadcast", "multicast", "ip multicast", "ip6 multicast", "ether proto 0x8100"][..])
            .prop_map(str::to_owned),
        1 => (select(&["less", "greater"][..]), 0..1500_u32).prop_map(|(what, n)| format!("{what} {n}")),
        5 => (value(), select(RELATIONS), value()).prop_map(|(a, r, b)| format!("{a} {r} {b}")),
        2 => (0..=255_u8).prop_map(|flags| format!("tcp[tcpflags] & (tcp-syn|tcp-ack) == {flags:#x}")),
    ]
}

fn qualified<P: Strategy<Value = &'static str>>(
    protocol: P,
    kind: &'static str,
    id: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    (protocol, select(DIRECTIONS), id).prop_map(move |(p, d, id)| format!("{p}{d}{kind}{id}"))
}

/// A primitive whose qualifiers count for what follows.
fn qualified_list() -> impl Strategy<Value = String> {
    let ids = proptest::collection::vec((select(&["and", "or"][..]), any::<bool>(), port()), 1..4);
    (select(&["port", "tcp dst port", "udp src port"][..]), port(), ids, any::<bool>()).prop_map(
        |(head, first, ids, parentheses)| {
            let rest = ids.iter().map(|(joint, not, port)| {
                format!(" {joint} {}{port}", if *not { "not " } else { "" })
            });
            let list: String = std::iter::once(first).chain(rest).collect();
            if parentheses { format!("{head} ({list})") } else { format!("{head} {list}") }
        },
    )
}

fn address() -> impl Strategy<Value = String> {
    select(&["10.10.10.2", "10.10.10.3", "192.168.1.1", "0.0.0.0", "255.255.255.255"][..])
        .prop_map(str::to_owned)
}

fn address6() -> impl Strategy<Value = String> {
    select(&["fd00::2", "fd00::3", "ff02::1", "::", "fd00:0:0:1::2"][..]).prop_map(str::to_owned)
}

fn mac() -> impl Strategy<Value = String> {
    select(&["02:00:0a:0a:0a:02", "2:0:a:a:a:3", "ff-ff-ff-ff-ff-ff"][..]).prop_map(str::to_owned)
}

fn net() -> impl Strategy<Value = String> {
    (any::<Index>(), 0..=32_u32).prop_map(|(which, length)| {
        let net: u32 = *which.get(&[0x0a0a_0a02, 0x0a0a_0a03, 0xc0a8_0101, 0xe000_0001]);
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let address = std::net::Ipv4Addr::from_bits(net & mask);
        if length % 2 == 0 {
            format!("{address}/{length}")
        } else {
            format!("{address} mask {}", std::net::Ipv4Addr::from_bits(mask))
        }
    })
}

fn net6() -> impl Strategy<Value = String> {
    (any::<bool>(), 0..=128_u32).prop_map(|(group, length)| {
        let first: u128 = if group { 0xff02 } else { 0xfd00 };
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        format!("{}/{length}", std::net::Ipv6Addr::from_bits((first << 112 | 1) & mask))
    })
}

fn port() -> impl Strategy<Value = String> {
    select(&[80_u16, 81, 53, 443, 5000, 40000, 0, 65535][..]).prop_map(|port| port.to_string())
}

fn range() -> impl Strategy<Value = String> {
    (port(), port()).prop_map(|(low, high)| format!("{low}-{high}"))
}

/// A number. Operators are kept from constants 0 on either side, by which tcpdump learns what it needn't load.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        2 => accessor(),
        1 => Just("len".to_owned()),
        2 => (1..=0xffff_u32).prop_map(|n| n.to_string()),
        1 => any::<u32>().prop_map(|n| format!("{:#x}", n.max(1))),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            4 => (inner.clone(), select(&OPERATORS[..5]), accessor()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            4 => (inner.clone(), select(OPERATORS), 1..100_u32).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
            // What these take to their right is a test of its own in the corpus.
            4 => (inner.clone(), select(&["%", "^"][..]), 1..100_u32).prop_map(|(a, o, b)| format!("(({a}) {o} {b})")),
            2 => (accessor(), select(&["<<", ">>"][..]), 0..32_u32).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            1 => accessor().prop_map(|inner| format!("-{inner}")),
            1 => inner.prop_map(|index| format!("ether[({index}) & 0x3f]")),
        ]
    })
}

fn accessor() -> impl Strategy<Value = String> {
    let size = select(&["", ":1", ":2", ":4"][..]);
    prop_oneof![
        (select(PROTOCOLS), 0..24_u32, size.clone()).prop_map(|(p, at, s)| format!("{p}[{at}{s}]")),
        (0..60_u32, size).prop_map(|(at, s)| format!("ether[{at}{s}]")),
        select(&["tcp[tcp[12] >> 2]", "ip[ip[9]]", "udp[len - 42]"][..]).prop_map(str::to_owned),
    ]
}

/// The words of the language and others, in no order.
pub(crate) fn words(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(select(WORDS), count)
}

const WORDS: &[&str] = &[
    "src",
    "dst",
    "host",
    "net",
    "mask",
    "port",
    "portrange",
    "proto",
    "less",
    "greater",
    "and",
    "or",
    "not",
    "len",
    "ether",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp",
    "icmp",
    "broadcast",
    "multicast",
    "tcpflags",
    "tcp-syn",
    "vlan",
    "10.10.10.2",
    "10.10",
    "10",
    "fd00::2",
    "2:0:a:a:a:2",
    "80",
    "1-2",
    "0x1f",
    "(",
    ")",
    "[",
    "]",
    ":",
    "/",
    "+",
    "-",
    "*",
    "%",
    "&",
    "|",
    "^",
    "<<",
    "=",
    "!=",
    "<",
    "\\tcp",
    "foo",
];
