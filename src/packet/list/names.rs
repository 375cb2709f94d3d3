//! Names of what networks carry beside the protocols that are decoded.

use crate::packet::decode::{EtherType, Protocol};

/// What an EtherType stands for.
pub(in crate::packet) fn ether_type(kind: EtherType) -> &'static str {
    match kind.0 {
        0x0842 => "Wake on LAN",
        0x22f0 => "IEEE 1722 Audio Video Transport Protocol",
        0x86dd => "IPv6",
        0x8809 => "Slow Protocols",
        0x8847 => "MPLS label switched packet",
        0x8848 => "MPLS multicast label switched packet",
        0x8863 => "PPPoE Discovery",
        0x8864 => "PPPoE Session",
        0x888e => "802.1X Authentication",
        0x88b5 => "Local Experimental Ethertype 1",
        0x88b6 => "Local Experimental Ethertype 2",
        0x88cc => "802.1 Link Layer Discovery Protocol (LLDP)",
        0x88e5 => "802.1AE (MACsec)",
        0x88f7 => "PTPv2 over Ethernet (IEEE1588)",
        0x9000 => "Loopback",
        _ => "Ethernet II",
    }
}

/// What an IP protocol's number stands for.
pub(in crate::packet) fn ip_protocol(protocol: Protocol) -> &'static str {
    match protocol.0 {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        8 => "EGP",
        9 => "IGRP",
        17 => "UDP",
        33 => "Datagram Congestion Control Protocol",
        41 => "IPv6",
        46 => "Reservation Protocol",
        47 => "Generic Routing Encapsulation",
        50 => "Encap Security Payload",
        51 => "Authentication Header",
        58 => "ICMPv6",
        59 => "No Next Header for IPv6",
        88 => "EIGRP",
        89 => "OSPF IGP",
        94 => "IP in IP",
        103 => "PIM",
        112 => "VRRP",
        115 => "Layer 2 Tunneling",
        132 => "SCTP",
        136 => "UDPLite",
        137 => "MPLS-in-IP",
        139 => "HIP",
        _ => "Unknown",
    }
}
