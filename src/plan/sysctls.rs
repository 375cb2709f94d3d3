//! Kernel settings of every node.

use super::Interface;
use crate::spec;

/// A new network namespace takes these over from the machine it is made on: pinned, so that nodes are equal everywhere.
///
/// All belong to the network namespace and may be written by the owner of its user namespace.
const PINNED: [(&str, &str); 6] = [
    // First: writing it resets other settings (`inet_forward_change` in net/ipv4/devinet.c).
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    // Programs may ping without privileges; 0 is the one group that every lab has.
    ("net.ipv4.ping_group_range", "0 0"),
    ("net.ipv4.tcp_rmem", "4096 131072 6291456"),
    ("net.ipv4.tcp_wmem", "4096 16384 4194304"),
];

/// Settings of the hub: its bridges and ports have no addresses and send nothing of their own.
pub const HUB_SYSCTLS: &[(&str, &str)] = &WITHOUT_IPV6;

/// Nothing is sent over IPv6 by a node that has no IPv6 address.
const WITHOUT_IPV6: [(&str, &str); 2] =
    [("net.ipv6.conf.all.disable_ipv6", "1"), ("net.ipv6.conf.default.disable_ipv6", "1")];

/// Addresses are usable at once (no RFC 4862 detection) and come from the plan alone; interfaces inherit `default`.
const WITH_IPV6: [(&str, &str); 8] = [
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.dad_transmits", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.autoconf", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
];

/// Pinned settings, IPv6 or its absence, then the user's own.
pub(super) fn of(node: &spec::Node, interfaces: &[Interface]) -> Vec<(String, String)> {
    let mut addresses = interfaces.iter().flat_map(|interface| &interface.addresses);
    let ipv6 = match addresses.any(|address| address.addr().is_ipv6()) {
        true => WITH_IPV6.as_slice(),
        false => WITHOUT_IPV6.as_slice(),
    };
    let own = node.sysctls.iter().map(|sysctl| (sysctl.key.clone(), sysctl.value.clone()));
    let pinned = PINNED.iter().chain(ipv6);
    pinned.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).chain(own).collect()
}
