//! What ICMPv6 messages say.

use super::{
    icmp::{cut, request},
    text::{hex, ipv6, mac, number, put},
};
use crate::packet::{
    analysis::Insight,
    decode::{Icmpv6, Icmpv6Message, NdpOption, NdpOptions, Network},
};

pub(super) fn write(insight: &Insight<'_>, icmpv6: &Icmpv6<'_>, out: &mut Vec<u8>) {
    name(icmpv6.kind, out);
    match icmpv6.message {
        Icmpv6Message::DestinationUnreachable { .. } => {
            let reason = UNREACHABLE.get(usize::from(icmpv6.code)).copied();
            bracketed(out, reason.unwrap_or("Unknown"));
        }
        Icmpv6Message::TimeExceeded { .. } => code(out, icmpv6.code, &EXCEEDED),
        Icmpv6Message::ParameterProblem { .. } => code(out, icmpv6.code, &PROBLEM),
        Icmpv6Message::EchoRequest { id, sequence } | Icmpv6Message::EchoReply { id, sequence } => {
            put(out, " id=0x");
            hex(out, id.into(), 4);
            put(out, ", seq=");
            number(out, sequence);
            put(out, ", hop limit=");
            if let Some(Network::Ipv6(ipv6)) = insight.packet.network {
                number(out, ipv6.hop_limit);
            }
            request(insight, out);
        }
        Icmpv6Message::NeighborSolicitation { target, options: list } => {
            put(out, " for ");
            ipv6(out, target);
            options(out, list);
        }
        Icmpv6Message::NeighborAdvertisement {
            router,
            solicited,
            overriding,
            target,
            options: list,
        } => {
            out.push(b' ');
            ipv6(out, target);
            put(
                out,
                match (router, solicited, overriding) {
                    (false, false, false) => " (none)",
                    (false, false, true) => " (ovr)",
                    (false, true, false) => " (sol)",
                    (false, true, true) => " (sol, ovr)",
                    (true, false, false) => " (rtr)",
                    (true, false, true) => " (rtr, ovr)",
                    (true, true, false) => " (rtr, sol)",
                    (true, true, true) => " (rtr, sol, ovr)",
                },
            );
            options(out, list);
        }
        Icmpv6Message::RouterSolicitation { options: list }
        | Icmpv6Message::RouterAdvertisement { options: list, .. }
        | Icmpv6Message::Redirect { options: list, .. } => options(out, list),
        _ => {}
    }
    cut(icmpv6.quoted(), out);
}

/// The type's name.
pub(super) fn name(kind: u8, out: &mut Vec<u8>) {
    match TYPES.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => put(out, name),
        None => {
            put(out, "Unknown (");
            number(out, kind);
            out.push(b')');
        }
    }
}

/// The type's name, for a detail.
pub(in crate::packet) fn title(kind: u8) -> &'static str {
    TYPES.iter().find(|(number, _)| *number == kind).map_or("Unknown", |(_, name)| name)
}

/// The Ethernet addresses that options tell.
fn options(out: &mut Vec<u8>, list: NdpOptions<'_>) {
    for option in list {
        match option {
            NdpOption::SourceLinkLayer(address) => {
                put(out, " from ");
                mac(out, address);
            }
            NdpOption::TargetLinkLayer(address) => {
                put(out, " is at ");
                mac(out, address);
            }
            _ => {}
        }
    }
}

fn code(out: &mut Vec<u8>, code: u8, names: &[&str]) {
    if let Some(name) = names.get(usize::from(code)) {
        return bracketed(out, name);
    }
    put(out, " (Unknown (");
    number(out, code);
    put(out, "))");
}

fn bracketed(out: &mut Vec<u8>, text: &str) {
    put(out, " (");
    put(out, text);
    out.push(b')');
}

/// By type (IANA, ICMPv6 "type" numbers).
const TYPES: [(u8, &str); 37] = [
    (1, "Destination Unreachable"),
    (2, "Packet Too Big"),
    (3, "Time Exceeded"),
    (4, "Parameter Problem"),
    (100, "Private experimentation"),
    (101, "Private experimentation"),
    (127, "Reserved for expansion of ICMPv6 error messages"),
    (128, "Echo (ping) request"),
    (129, "Echo (ping) reply"),
    (130, "Multicast Listener Query"),
    (131, "Multicast Listener Report"),
    (132, "Multicast Listener Done"),
    (133, "Router Solicitation"),
    (134, "Router Advertisement"),
    (135, "Neighbor Solicitation"),
    (136, "Neighbor Advertisement"),
    (137, "Redirect"),
    (138, "Router Renumbering"),
    (139, "Node Information Query"),
    (140, "Node Information Reply"),
    (141, "Inverse Neighbor Discovery Solicitation"),
    (142, "Inverse Neighbor Discovery Advertisement"),
    (143, "Multicast Listener Report Message v2"),
    (144, "Home Agent Address Discovery Request"),
    (145, "Home Agent Address Discovery Reply"),
    (146, "Mobile Prefix Solicitation"),
    (147, "Mobile Prefix Advertisement"),
    (148, "Certification Path Solicitation"),
    (149, "Certification Path Advertisement"),
    (151, "Multicast Router Advertisement"),
    (152, "Multicast Router Solicitation"),
    (153, "Multicast Router Termination"),
    (157, "Duplicate Address Request"),
    (158, "Duplicate Address Confirmation"),
    (200, "Private experimentation"),
    (201, "Private experimentation"),
    (255, "Reserved for expansion of ICMPv6 informational messages"),
];

/// By code, of type 1.
const UNREACHABLE: [&str; 8] = [
    "no route to destination",
    "Administratively prohibited",
    "Beyond scope of source address",
    "Address unreachable",
    "Port unreachable",
    "Source address failed ingress/egress policy",
    "Reject route to destination",
    "Error in Source Routing Header",
];

/// By code, of type 3.
const EXCEEDED: [&str; 2] = ["hop limit exceeded in transit", "fragment reassembly time exceeded"];

/// By code, of type 4.
const PROBLEM: [&str; 4] = [
    "erroneous header field encountered",
    "unrecognized Next Header type encountered",
    "unrecognized IPv6 option encountered",
    "IPv6 First Fragment has incomplete IPv6 Header Chain",
];
