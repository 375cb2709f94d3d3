//! The hub: the namespace with the switches, through which every cable runs.
//!
//! ```text
//! R2:eth0 ═ l1a → l1b ═ KALI:eth0      a link: what arrives at one end in the hub is sent by the other
//! R1:eth0 ═ p1 ─ br-dc                 a network: a port of its bridge
//! ```
//!
//! A link's ends in the hub have neither addresses nor neighbours; the kernel moves frames between them before any protocol
//! sees them, and each frame's way may be changed while others are on it.

use std::{os::fd::AsFd, time::Instant};

use super::{
    build::{end, wait_up},
    error::LabError,
    indices::Indices,
    node::{Home, Node},
};
use crate::{
    kernel::{
        BridgeLink, Hook, Matching, Netlink, NetlinkChange, Onward, VethEnd, bridge, hooks,
        redirect, set_up, veth,
    },
    plan::{Link, Network, Plan, Port},
};

/// The hub while a lab comes up.
pub(super) struct Hub<'p> {
    plan: &'p Plan,
    indices: &'p Indices,
    netlink: Netlink,
}

impl<'p> Hub<'p> {
    pub(super) fn open(
        plan: &'p Plan,
        indices: &'p Indices,
        home: &Home,
    ) -> Result<Self, LabError> {
        Ok(Self { plan, indices, netlink: home.open_hub()? })
    }

    /// Makes every cable; none of it is up yet.
    pub(super) fn plug(&mut self, nodes: &[Node]) -> Result<(), LabError> {
        let mut changes = Vec::new();
        for (ends, link) in self.indices.links(self.plan) {
            self.plug_link(link, ends, nodes, &mut changes)?;
        }
        for (index, network) in self.indices.switches(self.plan) {
            let name = network.bridge.as_str();
            let step = format!("create the switch of network {}", network.name);
            changes.push(bridge(step, &BridgeLink { name, index, mtu: network.mtu }));
            for (port_index, port) in (index + 1..).zip(&network.ports) {
                let (node, far_index, interface) = self.indices.find(self.plan, &port.endpoint)?;
                let near = VethEnd {
                    name: port.name.as_str(),
                    index: port_index,
                    mtu: interface.mtu,
                    mac: None,
                    bridge: Some(index),
                };
                let step =
                    format!("create the link from {} to network {}", port.endpoint, network.name);
                let far = end(interface, far_index);
                changes.push(veth(step, &near, &far, nodes[node].net.as_fd()));
            }
        }
        self.netlink.apply(changes).map_err(Into::into)
    }

    fn plug_link(
        &self,
        link: &Link,
        ends: [u32; 2],
        nodes: &[Node],
        changes: &mut Vec<NetlinkChange>,
    ) -> Result<(), LabError> {
        for ((endpoint, name), index) in link.ends.iter().zip(&link.hub).zip(ends) {
            let (node, far_index, interface) = self.indices.find(self.plan, endpoint)?;
            let near =
                VethEnd { name: name.as_str(), index, mtu: interface.mtu, mac: None, bridge: None };
            let step = format!("create the end of link {} at {endpoint}", link.name);
            let far = end(interface, far_index);
            changes.push(veth(step, &near, &far, nodes[node].net.as_fd()));
        }
        for (index, other) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            let step = || format!("join the ends of link {}", link.name);
            changes.push(hooks(step(), index));
            changes.push(redirect(
                step(),
                index,
                Hook::Ingress,
                Matching::All,
                Onward::SentBy(other),
            ));
        }
        Ok(())
    }

    pub(super) fn raise(&mut self) -> Result<(), LabError> {
        let mut changes = Vec::new();
        for (ends, link) in self.indices.links(self.plan) {
            changes.extend(ends.map(|index| set_up(format!("raise link {}", link.name), index)));
        }
        for (index, network) in self.indices.switches(self.plan) {
            changes.push(set_up(format!("raise the switch of network {}", network.name), index));
        }
        for (index, network, port) in self.indices.ports(self.plan) {
            changes.push(set_up(format!("raise {}", port_name(network, port)), index));
        }
        self.netlink.apply(changes).map_err(Into::into)
    }

    /// Waits until the kernel has noticed every carrier, and every port forwards.
    pub(super) fn wait_until_up(&mut self, deadline: Instant) -> Result<(), LabError> {
        for (ends, link) in self.indices.links(self.plan) {
            for index in ends {
                wait_up(&mut self.netlink, index, deadline, || format!("link {}", link.name))?;
            }
        }
        for (index, network, port) in self.indices.ports(self.plan) {
            wait_up(&mut self.netlink, index, deadline, || port_name(network, port))?;
        }
        Ok(())
    }
}

fn port_name(network: &Network, port: &Port) -> String {
    format!("the port of {} on network {}", port.endpoint, network.name)
}
