//! The words of the language.

use super::lex::Token;

/// A protocol, as a qualifier or by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Ether,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Igmp,
    Icmp6,
}

const KEYWORDS: &[(&str, Token<'static>)] = &[
    ("src", Token::Src),
    ("dst", Token::Dst),
    ("host", Token::Host),
    ("net", Token::Net),
    ("mask", Token::Mask),
    ("port", Token::Port),
    ("portrange", Token::PortRange),
    ("proto", Token::Proto),
    ("less", Token::Less),
    ("greater", Token::Greater),
    ("broadcast", Token::Broadcast),
    ("multicast", Token::Multicast),
    ("and", Token::And),
    ("or", Token::Or),
    ("not", Token::Not),
    ("len", Token::Length),
    ("length", Token::Length),
    ("ether", Token::Protocol(Protocol::Ether)),
    ("link", Token::Protocol(Protocol::Ether)),
    ("ip", Token::Protocol(Protocol::Ip)),
    ("ip6", Token::Protocol(Protocol::Ip6)),
    ("arp", Token::Protocol(Protocol::Arp)),
    ("rarp", Token::Protocol(Protocol::Rarp)),
    ("tcp", Token::Protocol(Protocol::Tcp)),
    ("udp", Token::Protocol(Protocol::Udp)),
    ("sctp", Token::Protocol(Protocol::Sctp)),
    ("icmp", Token::Protocol(Protocol::Icmp)),
    ("igmp", Token::Protocol(Protocol::Igmp)),
    ("icmp6", Token::Protocol(Protocol::Icmp6)),
];

/// Names of numbers, as in pcap-filter(7): places in headers, flags, types.
const NUMBERS: &[(&str, u32)] = &[
    ("tcpflags", 13),
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
];

/// Words of tcpdump that are outside this language.
const UNSUPPORTED: &[&str] = &[
    "aarp",
    "action",
    "addr1",
    "addr2",
    "addr3",
    "addr4",
    "address1",
    "address2",
    "address3",
    "address4",
    "ah",
    "atalk",
    "bcc",
    "byte",
    "carp",
    "clnp",
    "connectmsg",
    "csnp",
    "decnet",
    "dir",
    "direction",
    "dpc",
    "es-is",
    "esis",
    "esp",
    "fddi",
    "fisu",
    "gateway",
    "geneve",
    "hdpc",
    "hfisu",
    "hlssu",
    "hmsu",
    "hopc",
    "hsio",
    "hsls",
    "ifindex",
    "ifname",
    "igrp",
    "iih",
    "ilmic",
    "inbound",
    "ipx",
    "is-is",
    "isis",
    "iso",
    "l1",
    "l2",
    "lane",
    "lat",
    "llc",
    "lsp",
    "lssu",
    "lsu",
    "metac",
    "metaconnect",
    "mopdl",
    "moprc",
    "mpls",
    "msu",
    "netbeui",
    "oam",
    "oamf4",
    "oamf4ec",
    "oamf4sc",
    "on",
    "opc",
    "outbound",
    "pim",
    "ppp",
    "pppoed",
    "pppoes",
    "protochain",
    "psnp",
    "ra",
    "radio",
    "reason",
    "rnr",
    "rset",
    "rulenum",
    "ruleset",
    "sc",
    "sca",
    "sio",
    "slip",
    "sls",
    "snp",
    "srnr",
    "stp",
    "subrulenum",
    "subtype",
    "ta",
    "tr",
    "type",
    "vci",
    "vlan",
    "vpi",
    "vrrp",
    "vxlan",
    "wlan",
];

/// Protocols over IP by name (IANA's protocol numbers), and whether tcpdump wants a backslash before the name.
const IP_PROTOCOLS: &[(&str, u8, bool)] = &[
    ("icmp", 1, true),
    ("igmp", 2, true),
    ("tcp", 6, true),
    ("udp", 17, true),
    ("gre", 47, false),
    ("esp", 50, true),
    ("ah", 51, true),
    ("ipv6-icmp", 58, false),
    ("ospf", 89, false),
    ("pim", 103, true),
    ("vrrp", 112, true),
    ("sctp", 132, true),
];

/// Protocols over Ethernet by name; all want a backslash.
const ETHER_TYPES: &[(&str, u16)] =
    &[("ip", 0x0800), ("arp", 0x0806), ("rarp", 0x8035), ("ip6", 0x86dd)];

/// What a word means.
pub(super) fn meaning(word: &str) -> Option<Token<'_>> {
    let known = |list: &[&str]| list.contains(&word);
    let keyword = KEYWORDS.iter().find(|(name, _)| *name == word).map(|(_, token)| *token);
    let number = || NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, n)| Token::Number(*n));
    keyword.or_else(number).or_else(|| known(UNSUPPORTED).then_some(Token::Unsupported(word)))
}

/// The number of a protocol over IP, and whether its name needs a backslash.
pub(super) fn ip_protocol(name: &str) -> Option<(u8, bool)> {
    IP_PROTOCOLS.iter().find(|(known, ..)| *known == name).map(|(_, n, escape)| (*n, *escape))
}

/// The EtherType of a protocol over Ethernet.
pub(super) fn ether_type(name: &str) -> Option<u16> {
    ETHER_TYPES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The names that `ip proto` and its like take.
pub(super) fn ip_protocols() -> impl Iterator<Item = &'static str> + Clone {
    IP_PROTOCOLS.iter().map(|(name, ..)| *name)
}

/// The names that `ether proto` takes.
pub(super) fn ether_types() -> impl Iterator<Item = &'static str> + Clone {
    ETHER_TYPES.iter().map(|(name, _)| *name)
}

/// The word of the language that a mistyped one was meant to be.
pub(super) fn near(word: &str) -> Option<&'static str> {
    let known = KEYWORDS.iter().map(|(name, _)| *name).chain(NUMBERS.iter().map(|(name, _)| *name));
    nearest(word, known)
}

/// The nearest of some names, if one is near.
pub(super) fn nearest(
    word: &str,
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    if word.len() > 40 {
        return None;
    }
    let lower = word.to_lowercase();
    let limit = if lower.len() < 4 { 1 } else { 2 };
    names
        .map(|name| (strsim::damerau_levenshtein(&lower, name), name))
        .filter(|(distance, _)| *distance <= limit && *distance < lower.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
