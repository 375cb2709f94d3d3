//! The layers that have Ethernet addresses: Ethernet itself, and ARP.

use super::Entry;
use crate::{
    packet::{
        decode::{Arp, EtherType, Ethernet, Tag},
        list::names::ether_type,
    },
    units::MacAddr,
};

pub(super) fn ethernet(ethernet: &Ethernet) -> Vec<Entry> {
    let Ethernet { source, destination, .. } = *ethernet;
    let tags: Vec<Tag> = ethernet.tag.into_iter().chain(ethernet.inner_tag).collect();
    // The type behind the addresses announces the first tag, the type in each tag what follows it.
    let mut kinds = tags.iter().map(|tag| tag.kind).chain([ethernet.kind]);
    let first = kinds.next().unwrap_or(ethernet.kind);
    let heading = format!("Ethernet II, Src: {source}, Dst: {destination}");
    let mut layers = vec![Entry::heading(heading).with([
        mac("Destination", destination),
        mac("Source", source),
        Entry::field("Type", kind(first)),
    ])];
    for (tag, next) in tags.iter().zip(kinds) {
        let word = u32::from(tag.priority) << 13 | u32::from(tag.drop_eligible) << 12;
        let word = word | u32::from(tag.id);
        let (priority, id) = (tag.priority, tag.id);
        let heading =
            format!("802.1Q Virtual LAN, PRI: {priority}, DEI: {}, ID: {id}", word >> 12 & 1);
        layers.push(Entry::heading(heading).with([
            Entry::bits("Priority", priority, word, 0xe000, 16),
            Entry::bits(
                "DEI",
                if tag.drop_eligible { "Eligible" } else { "Ineligible" },
                word,
                0x1000,
                16,
            ),
            Entry::bits("ID", id, word, 0x0fff, 16),
            Entry::field("Type", kind(next)),
        ]));
    }
    layers
}

fn mac(name: &str, address: MacAddr) -> Entry {
    let [first, second, third, ..] = address.0;
    let number = u32::from_be_bytes([0, first, second, third]);
    let (local, group) = (first & 2 != 0, first & 1 != 0);
    Entry::field(name, address).with([
        Entry::field("Address", address),
        Entry::bits(
            "LG bit",
            if local { "Locally administered address" } else { "Globally unique address" },
            number,
            0x02_0000,
            24,
        ),
        Entry::bits(
            "IG bit",
            if group {
                "Group address (multicast/broadcast)"
            } else {
                "Individual address (unicast)"
            },
            number,
            0x01_0000,
            24,
        ),
    ])
}

fn kind(kind: EtherType) -> String {
    let name = match kind {
        EtherType::IPV4 => "IPv4",
        EtherType::IPV6 => "IPv6",
        EtherType::ARP => "ARP",
        EtherType::TAG => "802.1Q Virtual LAN",
        EtherType::PROVIDER_TAG => "802.1ad Provider Bridge",
        EtherType(0..=0x5ff) => return format!("{} bytes (IEEE 802.3)", kind.0),
        _ => match ether_type(kind) {
            "Ethernet II" => "Unknown",
            name => name,
        },
    };
    format!("{name} (0x{:04x})", kind.0)
}

pub(super) fn arp(arp: &Arp) -> Entry {
    let operation = match arp.operation {
        Arp::REQUEST => "request",
        Arp::REPLY => "reply",
        _ => "other",
    };
    Entry::heading(format!("Address Resolution Protocol ({operation})")).with([
        Entry::field("Hardware type", "Ethernet (1)"),
        Entry::field("Protocol type", "IPv4 (0x0800)"),
        Entry::field("Hardware size", 6),
        Entry::field("Protocol size", 4),
        Entry::field("Opcode", format!("{operation} ({})", arp.operation)),
        Entry::field("Sender MAC address", arp.sender_mac),
        Entry::field("Sender IP address", arp.sender),
        Entry::field("Target MAC address", arp.target_mac),
        Entry::field("Target IP address", arp.target),
    ])
}
