//! ICMP of both versions.

use super::{
    Entry,
    ip::{bytes, checksum},
};
use crate::packet::{
    decode::{
        Checksum, Icmp, IcmpMessage, Icmpv6, Icmpv6Message, MldRecord, NdpOption, NdpOptions,
    },
    list::{icmp_name, icmpv6_name},
};

pub(super) fn icmp(icmp: &Icmp<'_>, sum: Option<Checksum>) -> Entry {
    let fields = match icmp.message {
        IcmpMessage::EchoRequest { id, sequence } | IcmpMessage::EchoReply { id, sequence } => {
            echo(id, sequence)
        }
        IcmpMessage::DestinationUnreachable { mtu, .. } if icmp.code == 4 => {
            vec![Entry::field("MTU of next hop", mtu)]
        }
        IcmpMessage::Redirect { gateway, .. } => vec![Entry::field("Gateway Address", gateway)],
        IcmpMessage::ParameterProblem { pointer, .. } => vec![Entry::field("Pointer", pointer)],
        IcmpMessage::Other { rest } => vec![Entry::field("Rest of header", bytes(&rest))],
        _ => Vec::new(),
    };
    let name = icmp_name(icmp.kind);
    head("Internet Control Message Protocol", icmp.kind, name, icmp.code)
        .with([checksum("Checksum", icmp.checksum, sum)])
        .with(fields)
}

pub(super) fn icmpv6(icmp: &Icmpv6<'_>, sum: Option<Checksum>) -> Entry {
    let name = icmpv6_name(icmp.kind);
    head("Internet Control Message Protocol v6", icmp.kind, name, icmp.code)
        .with([checksum("Checksum", icmp.checksum, sum)])
        .with(message(&icmp.message))
}

fn head(protocol: &str, kind: u8, name: &str, code: u8) -> Entry {
    Entry::heading(protocol)
        .with([Entry::field("Type", format!("{kind} ({name})")), Entry::field("Code", code)])
}

fn message(message: &Icmpv6Message<'_>) -> Vec<Entry> {
    match *message {
        Icmpv6Message::PacketTooBig { mtu, .. } => vec![Entry::field("MTU", mtu)],
        Icmpv6Message::ParameterProblem { pointer, .. } => vec![Entry::field("Pointer", pointer)],
        Icmpv6Message::EchoRequest { id, sequence } | Icmpv6Message::EchoReply { id, sequence } => {
            echo(id, sequence)
        }
        Icmpv6Message::ListenerQuery { maximum_delay, group, version_2 } => vec![
            Entry::field("Maximum Response Delay [ms]", maximum_delay),
            Entry::field("Multicast Address", group),
            Entry::field("Version", if version_2 { 2 } else { 1 }),
        ],
        Icmpv6Message::ListenerReport { group } | Icmpv6Message::ListenerDone { group } => {
            vec![Entry::field("Multicast Address", group)]
        }
        Icmpv6Message::ListenerReportV2 { count, records } => {
            let mut fields = vec![Entry::field("Number of Multicast Address Records", count)];
            fields.extend(records.map(record));
            fields
        }
        Icmpv6Message::RouterSolicitation { options } => list(options),
        Icmpv6Message::RouterAdvertisement {
            hop_limit,
            flags,
            lifetime,
            reachable,
            retransmit,
            options,
        } => {
            let mut fields = vec![
                Entry::field("Cur hop limit", hop_limit),
                Entry::field("Flags", format!("0x{flags:02x}")).with([
                    Entry::flag("Managed address configuration", flags.into(), 0x80, 8),
                    Entry::flag("Other configuration", flags.into(), 0x40, 8),
                ]),
                Entry::field("Router lifetime (s)", lifetime),
                Entry::field("Reachable time (ms)", reachable),
                Entry::field("Retrans timer (ms)", retransmit),
            ];
            fields.extend(list(options));
            fields
        }
        Icmpv6Message::NeighborSolicitation { target, options } => {
            [vec![Entry::field("Target Address", target)], list(options)].concat()
        }
        Icmpv6Message::NeighborAdvertisement { router, solicited, overriding, target, options } => {
            let flags =
                u32::from(router) << 7 | u32::from(solicited) << 6 | u32::from(overriding) << 5;
            let fields = vec![
                Entry::field("Flags", format!("0x{flags:02x}")).with([
                    Entry::flag("Router", flags, 0x80, 8),
                    Entry::flag("Solicited", flags, 0x40, 8),
                    Entry::flag("Override", flags, 0x20, 8),
                ]),
                Entry::field("Target Address", target),
            ];
            [fields, list(options)].concat()
        }
        Icmpv6Message::Redirect { target, destination, options } => {
            let fields = vec![
                Entry::field("Target Address", target),
                Entry::field("Destination Address", destination),
            ];
            [fields, list(options)].concat()
        }
        Icmpv6Message::Other { rest } => vec![Entry::field("Rest of header", bytes(&rest))],
        Icmpv6Message::DestinationUnreachable { .. } | Icmpv6Message::TimeExceeded { .. } => {
            Vec::new()
        }
    }
}

fn echo(id: u16, sequence: u16) -> Vec<Entry> {
    vec![
        Entry::field("Identifier", format!("{id} (0x{id:04x})")),
        Entry::field("Sequence Number", format!("{sequence} (0x{sequence:04x})")),
    ]
}

fn record(record: MldRecord<'_>) -> Entry {
    let kind = match record.kind {
        1 => "Includes",
        2 => "Excludes",
        3 => "Changed to include",
        4 => "Changed to exclude",
        5 => "Allow new sources",
        6 => "Block old sources",
        _ => "Unknown",
    };
    Entry::field("Multicast Address Record", format!("{kind}: {}", record.group))
        .with([Entry::field("Number of Sources", record.sources.len() / 16)])
}

fn list(options: NdpOptions<'_>) -> Vec<Entry> {
    let entry = |name: &str, value: String| Entry::field(format!("ICMPv6 Option ({name})"), value);
    let options = options.map(|option| match option {
        NdpOption::SourceLinkLayer(mac) => entry("Source link-layer address", mac.to_string()),
        NdpOption::TargetLinkLayer(mac) => entry("Target link-layer address", mac.to_string()),
        NdpOption::Prefix(prefix) => {
            let text = format!("{}/{}", prefix.prefix, prefix.length);
            entry("Prefix information", text).with([
                Entry::flag("On-link flag(L)", prefix.flags.into(), 0x80, 8),
                Entry::flag(
                    "Autonomous address-configuration flag(A)",
                    prefix.flags.into(),
                    0x40,
                    8,
                ),
                Entry::field("Valid Lifetime", prefix.valid),
                Entry::field("Preferred Lifetime", prefix.preferred),
            ])
        }
        NdpOption::RedirectedHeader(packet) => entry("Redirected header", bytes(packet)),
        NdpOption::Mtu(mtu) => entry("MTU", mtu.to_string()),
        NdpOption::Nonce(nonce) => entry("Nonce", bytes(nonce)),
        NdpOption::Other { kind, data } => entry(&format!("Type {kind}"), bytes(data)),
    });
    options.collect()
}
