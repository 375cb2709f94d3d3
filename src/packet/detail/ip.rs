//! IP of both versions, and UDP.

use super::Entry;
use crate::packet::{
    decode::{Checksum, Ipv4, Ipv6, Protocol, Udp},
    list::names::ip_protocol,
};

pub(super) fn ipv4(ip: &Ipv4<'_>, sum: Option<Checksum>) -> Entry {
    let first = u32::from(ip.header.first().copied().unwrap_or(0));
    let flags = u32::from(ip.reserved) << 15
        | u32::from(ip.dont_fragment) << 14
        | u32::from(ip.more_fragments) << 13;
    let offset = flags | (ip.fragment_offset / 8);
    let words = ip.header.len() / 4;
    let heading =
        format!("Internet Protocol Version 4, Src: {}, Dst: {}", ip.source, ip.destination);
    let mut entry = Entry::heading(heading).with([
        Entry::bits("Version", 4, first, 0xf0, 8),
        Entry::bits("Header Length", format!("{} bytes ({words})", words * 4), first, 0x0f, 8),
        services("Differentiated Services Field", ip.traffic_class),
        Entry::field("Total Length", ip.total_length),
        Entry::field("Identification", format!("0x{0:04x} ({0})", ip.id)),
        Entry::bits("Flags", format!("0x{:x}", flags >> 13), flags, 0xe000, 16).with([
            Entry::flag("Reserved bit", flags >> 8, 0x80, 8),
            Entry::flag("Don't fragment", flags >> 8, 0x40, 8),
            Entry::flag("More fragments", flags >> 8, 0x20, 8),
        ]),
        Entry::bits("Fragment Offset", ip.fragment_offset, offset, 0x1fff, 16),
        Entry::field("Time to Live", ip.ttl),
        protocol("Protocol", ip.protocol),
        checksum("Header Checksum", ip.checksum, sum),
        Entry::field("Source Address", ip.source),
        Entry::field("Destination Address", ip.destination),
    ]);
    if !ip.options.is_empty() {
        let options = ip.options.map(|option| {
            let name = format!("IP Option {}", option.kind);
            if option.data.is_empty() {
                Entry::heading(name)
            } else {
                Entry::field(name, bytes(option.data))
            }
        });
        entry =
            entry
                .with([Entry::heading(format!("Options: ({} bytes)", ip.header.len() - 20))
                    .with(options)]);
    }
    entry
}

pub(super) fn ipv6(ip: &Ipv6<'_>) -> Entry {
    let first = 6 << 28 | u32::from(ip.traffic_class) << 20 | ip.flow_label;
    let heading =
        format!("Internet Protocol Version 6, Src: {}, Dst: {}", ip.source, ip.destination);
    let extensions = ip.extensions.map(|extension| {
        let name = match extension.kind {
            Protocol::HOP_BY_HOP => "IPv6 Hop-by-Hop Option",
            Protocol::ROUTING => "Routing Header for IPv6",
            Protocol::FRAGMENT => "Fragment Header for IPv6",
            Protocol::AUTHENTICATION => "Authentication Header",
            _ => "Destination Options for IPv6",
        };
        let entry = Entry::heading(name).with([protocol("Next Header", extension.next)]);
        match extension.fragment() {
            Some(part) => entry.with([
                Entry::field("Offset", format!("{} ({} bytes)", part.offset / 8, part.offset)),
                Entry::field("More Fragments", if part.more { "Yes" } else { "No" }),
                Entry::field("Identification", format!("0x{:08x}", part.id)),
            ]),
            None => entry.with([
                Entry::field("Length", format!("{} bytes", extension.bytes.len())),
                Entry::field("Data", bytes(extension.bytes.get(2..).unwrap_or_default())),
            ]),
        }
    });
    Entry::heading(heading)
        .with([
            Entry::bits("Version", 6, 0x60, 0xf0, 8),
            Entry::bits(
                "Traffic Class",
                format!("0x{:02x}", ip.traffic_class),
                first,
                0x0ff0_0000,
                32,
            )
            .with(services("", ip.traffic_class).fields),
            Entry::bits("Flow Label", format!("0x{:05x}", ip.flow_label), first, 0x000f_ffff, 32),
            Entry::field("Payload Length", ip.payload_length),
            protocol("Next Header", ip.next_header),
            Entry::field("Hop Limit", ip.hop_limit),
            Entry::field("Source Address", ip.source),
            Entry::field("Destination Address", ip.destination),
        ])
        .with(extensions)
}

/// Differentiated services (RFC 2474) and congestion notification (RFC 3168).
fn services(name: &str, class: u8) -> Entry {
    let notification = match class & 3 {
        0 => "Not ECN-Capable Transport (0)",
        1 => "ECN-Capable Transport codepoint '01' (1)",
        2 => "ECN-Capable Transport codepoint '10' (2)",
        _ => "Congestion Experienced (3)",
    };
    Entry::field(name, format!("0x{class:02x}")).with([
        Entry::bits("Differentiated Services Codepoint", class >> 2, class.into(), 0xfc, 8),
        Entry::bits("Explicit Congestion Notification", notification, class.into(), 0x03, 8),
    ])
}

fn protocol(name: &str, protocol: Protocol) -> Entry {
    let known = match protocol {
        Protocol::HOP_BY_HOP => "IPv6 Hop-by-Hop Option",
        Protocol::ROUTING => "Routing Header for IPv6",
        Protocol::FRAGMENT => "Fragment Header for IPv6",
        Protocol::DESTINATION_OPTIONS => "Destination Options for IPv6",
        other => ip_protocol(other),
    };
    Entry::field(name, format!("{known} ({})", protocol.0))
}

/// A checksum with its verdict.
pub(super) fn checksum(name: &str, found: u16, sum: Option<Checksum>) -> Entry {
    let verdict = match sum {
        Some(Checksum::Valid) => "[correct]".to_owned(),
        Some(Checksum::Wrong(right)) => format!("[incorrect, should be 0x{right:04x}]"),
        Some(Checksum::Absent) => "[zero-value ignored]".to_owned(),
        Some(Checksum::Partial) | None => "[unverified]".to_owned(),
    };
    Entry::field(name, format!("0x{found:04x} {verdict}"))
}

pub(super) fn udp(udp: &Udp, payload: u32, sum: Option<Checksum>) -> Entry {
    let (from, to) = (udp.source_port, udp.destination_port);
    Entry::heading(format!("User Datagram Protocol, Src Port: {from}, Dst Port: {to}")).with([
        Entry::field("Source Port", from),
        Entry::field("Destination Port", to),
        Entry::field("Length", udp.length),
        checksum("Checksum", udp.checksum, sum),
        Entry::heading(format!("UDP payload ({payload} bytes)")),
    ])
}

/// Bytes in hexadecimal without gaps.
pub(super) fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
