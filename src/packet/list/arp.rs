//! What ARP messages say.

use super::text::{hex, ipv4, mac, number, put};
use crate::{packet::decode::Arp, units::MacAddr};

/// The protocol that an operation belongs to.
pub(super) fn protocol(operation: u16) -> &'static str {
    match operation {
        3 | 4 => "RARP",
        5..=7 => "DRARP",
        8 | 9 => "Inverse ARP",
        11..=22 => "MARS",
        23 => "MAPOS",
        _ => "ARP",
    }
}

pub(super) fn write(arp: &Arp, out: &mut Vec<u8>) {
    let probe = arp.sender.is_unspecified();
    match arp.operation {
        Arp::REQUEST if arp.is_gratuitous() && arp.target_mac == MacAddr([0; 6]) => {
            put(out, "ARP Announcement for ");
            ipv4(out, arp.sender);
        }
        Arp::REQUEST | Arp::REPLY if arp.is_gratuitous() => {
            put(out, "Gratuitous ARP for ");
            ipv4(out, arp.sender);
            put(out, if arp.operation == Arp::REQUEST { " (Request)" } else { " (Reply)" });
        }
        Arp::REQUEST => {
            put(out, "Who has ");
            ipv4(out, arp.target);
            if probe {
                return put(out, "? (ARP Probe)");
            }
            put(out, "? Tell ");
            ipv4(out, arp.sender);
        }
        Arp::REPLY => {
            ipv4(out, arp.sender);
            put(out, " is at ");
            mac(out, arp.sender_mac);
        }
        9 => {
            mac(out, arp.sender_mac);
            put(out, " is at ");
            ipv4(out, arp.sender);
        }
        3 | 5 | 8 => {
            put(out, "Who is ");
            mac(out, arp.target_mac);
            put(out, "? Tell ");
            mac(out, arp.sender_mac);
        }
        4 | 6 => {
            mac(out, arp.target_mac);
            put(out, " is at ");
            ipv4(out, arp.target);
        }
        7 => put(out, "DRARP Error"),
        10 => put(out, "ARP NAK"),
        11..=23 => {
            put(out, MARS[usize::from(arp.operation - 11)]);
            put(out, " from ");
            mac(out, arp.sender_mac);
            put(out, " at ");
            ipv4(out, arp.sender);
        }
        24 => put(out, "Experimental 1 ( opcode 24 )"),
        25 => put(out, "Experimental 2 ( opcode 25 )"),
        0 | u16::MAX => {
            put(out, "Reserved opcode ");
            number(out, arp.operation);
        }
        other => {
            put(out, "Unknown ARP opcode 0x");
            hex(out, other.into(), 4);
        }
    }
}

/// The operations from 11 on, which multicast over ATM (RFC 2022) and MAPOS (RFC 2176) use.
const MARS: [&str; 13] = [
    "MARS request",
    "MARS MULTI request",
    "MARS MSERV request",
    "MARS JOIN request",
    "MARS LEAVE",
    "MARS NAK",
    "MARS UNSERV request",
    "MARS SJOIN request",
    "MARS SLEAVE",
    "MARS grouplist request",
    "MARS grouplist reply",
    "MARS redirect map",
    "MAPOS UNARP request",
];
