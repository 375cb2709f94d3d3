//! Bring-up of the network: everything is born in its place, configured, and raised last.

use std::{
    collections::{BTreeSet, HashMap},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use super::{
    captures::Captures,
    error::LabError,
    files::LabFiles,
    node::{Home, Node},
};
use crate::{
    kernel::{
        BridgeLink, KernelError, Netlink, VethEnd, add_address, add_route, bridge, is_up,
        offload_off, set_up, veth,
    },
    name::{Endpoint, NodeName},
    plan::{Interface, Network, Plan},
};

/// `lo` is 1; the kernel may put tunnel devices of its own after it (fb_tunnels_only_for_init_net). No two interfaces of a lab
/// have the same number: at a veth whose ends do, the kernel takes raised carriers for nothing urgent, and reports such
/// events but once a second for the whole machine (linkwatch_urgent_event()).
const FIRST_INDEX: u32 = 16;
/// `lo` in every namespace.
const LOOPBACK: u32 = 1;
/// How many nodes share a /proc.
const NODES_PER_PROC: usize = 64;
/// How long the kernel may take to report a raised link as usable; it is a matter of a millisecond.
const LINK_UP: Duration = Duration::from_secs(30);
/// Between two looks at a link that is not usable yet.
const PAUSE: Duration = Duration::from_micros(200);

/// What bring-up has made.
pub(super) struct Built {
    pub(super) nodes: Vec<Node>,
    /// A routing socket in each node.
    pub(super) sockets: Vec<Netlink>,
    /// On from before the first frame.
    pub(super) captures: Captures,
}

/// Builds all nodes and links of the plan; when it returns, every node reaches its neighbours at the first packet.
pub(super) fn build(
    plan: &Plan,
    files: &LabFiles,
    home: &Home,
    base: &std::path::Path,
    notes: &mut BTreeSet<String>,
) -> Result<Built, LabError> {
    let mut builder = Builder::new(plan);
    for (place, node) in plan.nodes.iter().enumerate() {
        if place % NODES_PER_PROC == NODES_PER_PROC - 1 {
            home.renew()?;
        }
        files.add_node(node, base)?;
        let (node, netlink) = Node::create(node.clone(), files, home, notes)?;
        builder.nodes.push(node);
        builder.netlinks.push(netlink);
    }
    if !plan.networks.is_empty() {
        builder.hub = Some(home.open_hub()?);
    }
    builder.plug_links()?;
    builder.plug_networks()?;
    builder.configure()?;
    let captures = Captures::of_plan(plan, &builder.nodes, home, files)?;
    builder.raise()?;
    builder.wait_until_up()?;
    Ok(Built { nodes: builder.nodes, sockets: builder.netlinks, captures })
}

/// Every interface has an index of its own in the whole lab: of a veth whose ends have equal ones, the kernel takes the
/// carrier for one that need not be noticed for up to a second (`linkwatch_urgent_event` in net/core/link_watch.c).
struct Builder<'p> {
    plan: &'p Plan,
    nodes: Vec<Node>,
    /// A socket in each node.
    netlinks: Vec<Netlink>,
    /// A socket where the switches are, if there are any.
    hub: Option<Netlink>,
    by_name: HashMap<&'p NodeName, usize>,
    /// The index of each node's first interface, and after the last node's that of the first switch.
    first: Vec<u32>,
}

impl<'p> Builder<'p> {
    fn new(plan: &'p Plan) -> Self {
        let by_name = plan.nodes.iter().enumerate().map(|(place, node)| (&node.name, place));
        let mut next = FIRST_INDEX;
        let mut first = vec![next];
        for node in &plan.nodes {
            next += node.interfaces.len() as u32;
            first.push(next);
        }
        let (nodes, netlinks) = (Vec::new(), Vec::new());
        Self { plan, nodes, netlinks, hub: None, by_name: by_name.collect(), first }
    }

    /// The node's place, the interface's index and the interface; the plan has them all.
    fn find(&self, endpoint: &Endpoint) -> Result<(usize, u32, &'p Interface), LabError> {
        let found = self.by_name.get(&endpoint.node).and_then(|&node| {
            let mut interfaces = self.interfaces(node);
            let (index, interface) =
                interfaces.find(|(_, interface)| interface.name == endpoint.interface)?;
            Some((node, index, interface))
        });
        found.ok_or_else(|| LabError::Protocol {
            what: format!("the plan has no interface {endpoint}"),
        })
    }

    /// The interfaces of the node at this place, with their indices.
    fn interfaces(&self, node: usize) -> impl Iterator<Item = (u32, &'p Interface)> + use<'p> {
        (self.first[node]..).zip(&self.plan.nodes[node].interfaces)
    }

    /// The switches with their indices; those of their ports follow.
    fn switches(&self) -> impl Iterator<Item = (u32, &'p Network)> + use<'p> {
        let first = self.first.last().copied().unwrap_or(FIRST_INDEX);
        self.plan.networks.iter().scan(first, |next, network| {
            let index = *next;
            *next += 1 + network.ports.len() as u32;
            Some((index, network))
        })
    }

    fn plug_links(&mut self) -> Result<(), LabError> {
        for link in &self.plan.links {
            let [near, far] = &link.ends;
            let (node, index, interface) = self.find(near)?;
            let (far_node, far_index, far_interface) = self.find(far)?;
            let step = format!("create link {} from {near} to {far}", link.name);
            let change = veth(
                step,
                &end(interface, index),
                &end(far_interface, far_index),
                self.nodes[far_node].net.as_fd(),
            );
            self.netlinks[node].apply(vec![change])?;
        }
        Ok(())
    }

    fn plug_networks(&mut self) -> Result<(), LabError> {
        let mut changes = Vec::new();
        for (bridge_index, network) in self.switches() {
            let name = network.bridge.as_str();
            let link = BridgeLink { name, index: bridge_index, mtu: network.mtu };
            let step = format!("create the switch of network {}", network.name);
            changes.push(bridge(step, &link));
            for (port_index, port) in (bridge_index + 1..).zip(&network.ports) {
                let (node, index, interface) = self.find(&port.endpoint)?;
                let near = VethEnd {
                    name: port.name.as_str(),
                    index: port_index,
                    mtu: interface.mtu,
                    mac: None,
                    bridge: Some(bridge_index),
                };
                let step =
                    format!("create the link from {} to network {}", port.endpoint, network.name);
                let far = end(interface, index);
                changes.push(veth(step, &near, &far, self.nodes[node].net.as_fd()));
            }
        }
        self.hub.as_mut().map_or(Ok(()), |hub| hub.apply(changes)).map_err(Into::into)
    }

    /// Offloads and addresses, while no link is up yet: addressing an end whose peer is up costs double. A switch's ports
    /// keep their offloads: what nodes without send is complete when it gets there.
    fn configure(&mut self) -> Result<(), LabError> {
        for (place, node) in self.plan.nodes.iter().enumerate() {
            let mut changes = Vec::new();
            for (index, interface) in self.interfaces(place) {
                if !interface.offload {
                    offload_off(&self.netlinks[place], interface.name.as_str())
                        .map_err(|error| in_node(error, &node.name))?;
                }
                for address in &interface.addresses {
                    let step = format!("add address {address} to {}:{}", node.name, interface.name);
                    changes.push(add_address(step, index, *address));
                }
            }
            self.netlinks[place].apply(changes)?;
        }
        Ok(())
    }

    /// Raises the nodes' ends, then the switches and their ports; routes need raised links.
    fn raise(&mut self) -> Result<(), LabError> {
        for (place, node) in self.plan.nodes.iter().enumerate() {
            let mut changes = vec![set_up(format!("raise {}:lo", node.name), LOOPBACK)];
            for (index, interface) in self.interfaces(place) {
                changes.push(set_up(format!("raise {}:{}", node.name, interface.name), index));
            }
            for route in &node.routes {
                let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
                let step =
                    format!("add route {}{via} dev {} in {}", route.to, route.interface, node.name);
                let mut interfaces = self.interfaces(place);
                let found = interfaces.find(|(_, interface)| interface.name == route.interface);
                let index = found.map_or(LOOPBACK, |(index, _)| index);
                changes.push(add_route(step, index, route));
            }
            self.netlinks[place].apply(changes)?;
        }
        let mut changes = Vec::new();
        for (index, network) in self.switches() {
            changes.push(set_up(format!("raise the switch of network {}", network.name), index));
            for (index, port) in (index + 1..).zip(&network.ports) {
                let step =
                    format!("raise the port of {} on network {}", port.endpoint, network.name);
                changes.push(set_up(step, index));
            }
        }
        self.hub.as_mut().map_or(Ok(()), |hub| hub.apply(changes)).map_err(Into::into)
    }

    /// Waits until the kernel has noticed every carrier: until then it drops what is sent (noop qdisc, blocked port).
    fn wait_until_up(&mut self) -> Result<(), LabError> {
        let deadline = Instant::now() + LINK_UP;
        for (place, node) in self.plan.nodes.iter().enumerate() {
            for (index, interface) in self.interfaces(place) {
                let name = || format!("{}:{}", node.name, interface.name);
                wait_up(&mut self.netlinks[place], index, deadline, name)?;
            }
        }
        for (first, network) in self.switches() {
            let Some(hub) = &mut self.hub else { continue };
            for (index, port) in (first + 1..).zip(&network.ports) {
                let name = || format!("the port of {} on network {}", port.endpoint, network.name);
                wait_up(hub, index, deadline, name)?;
            }
        }
        Ok(())
    }
}

fn wait_up(
    netlink: &mut Netlink,
    index: u32,
    deadline: Instant,
    what: impl Fn() -> String,
) -> Result<(), LabError> {
    while !is_up(netlink, index)? {
        if Instant::now() > deadline {
            let said = format!("it is not up {LINK_UP:?} after it was raised");
            return Err(KernelError::odd(format!("raise {}", what()), said).into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn end(interface: &Interface, index: u32) -> VethEnd<'_> {
    let mac = Some(interface.mac.0);
    VethEnd { name: interface.name.as_str(), index, mtu: interface.mtu, mac, bridge: None }
}

fn in_node(error: KernelError, node: &NodeName) -> KernelError {
    KernelError { step: format!("{} in {node}", error.step), ..error }
}
