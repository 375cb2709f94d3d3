//! The names of a lab's nodes by the addresses that frames have.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{plan::Plan, units::MacAddr};

/// Nodes by their addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    pub(crate) by_mac: BTreeMap<MacAddr, String>,
    pub(crate) by_address: BTreeMap<IpAddr, String>,
}

impl Hosts {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut hosts = Self::default();
        for node in &plan.nodes {
            for interface in &node.interfaces {
                hosts.by_mac.insert(interface.mac, node.name.to_string());
                let addresses = interface.addresses.iter().map(|address| address.addr());
                hosts.by_address.extend(addresses.map(|address| (address, node.name.to_string())));
            }
        }
        hosts
    }
}
