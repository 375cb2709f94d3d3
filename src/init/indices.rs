//! Which index each interface of a lab has.

use std::{cell::Cell, collections::HashMap};

use crate::{
    init::LabError,
    name::{Endpoint, NodeName},
    plan::{Interface, Link, Network, Plan, Port},
};

/// `lo` is 1; the kernel may put tunnel devices of its own after it (fb_tunnels_only_for_init_net).
const FIRST: u32 = 16;

/// The indices of a lab's interfaces: those of nodes in the order of the plan, then each switch and its ports, then the ends of
/// links in the hub, then what is made while the lab runs.
///
/// No two are the same: at a veth whose ends have the same index, the kernel takes raised carriers for nothing urgent, and
/// reports such events but once a second for the whole machine (`linkwatch_urgent_event` in net/core/link_watch.c).
pub(super) struct Indices {
    /// The places of the nodes.
    places: HashMap<NodeName, usize>,
    /// Of each node's first interface.
    nodes: Vec<u32>,
    /// Of the first switch.
    switches: u32,
    /// Of the first end of a link in the hub.
    links: u32,
    next: Cell<u32>,
}

impl Indices {
    pub(super) fn new(plan: &Plan) -> Self {
        let place = |(place, node): (usize, &crate::plan::Node)| (node.name.clone(), place);
        let places = plan.nodes.iter().enumerate().map(place).collect();
        let mut next = FIRST;
        let mut take = |count: usize| {
            next += count as u32;
            next - count as u32
        };
        let nodes = plan.nodes.iter().map(|node| take(node.interfaces.len())).collect();
        let ports: usize = plan.networks.iter().map(|network| 1 + network.ports.len()).sum();
        let switches = take(ports);
        let links = take(2 * plan.links.len());
        Self { places, nodes, switches, links, next: Cell::new(next) }
    }

    /// The place of the node, the index of its interface and the interface; the plan has them all.
    pub(super) fn find<'p>(
        &self,
        plan: &'p Plan,
        endpoint: &Endpoint,
    ) -> Result<(usize, u32, &'p Interface), LabError> {
        let found = self.places.get(&endpoint.node).and_then(|&node| {
            let mut interfaces = self.interfaces(plan, node);
            let (index, interface) =
                interfaces.find(|(_, interface)| interface.name == endpoint.interface)?;
            Some((node, index, interface))
        });
        found.ok_or_else(|| LabError::Protocol {
            what: format!("the plan has no interface {endpoint}"),
        })
    }

    /// The interfaces of the node at this place, with their indices.
    pub(super) fn interfaces<'p>(
        &self,
        plan: &'p Plan,
        node: usize,
    ) -> impl Iterator<Item = (u32, &'p Interface)> + use<'p> {
        (self.nodes[node]..).zip(&plan.nodes[node].interfaces)
    }

    /// The switches with their indices.
    pub(super) fn switches<'p>(
        &self,
        plan: &'p Plan,
    ) -> impl Iterator<Item = (u32, &'p Network)> + use<'p> {
        plan.networks.iter().scan(self.switches, |next, network| {
            let index = *next;
            *next += 1 + network.ports.len() as u32;
            Some((index, network))
        })
    }

    /// The ports of all switches, each with its index and its network.
    pub(super) fn ports<'p>(
        &self,
        plan: &'p Plan,
    ) -> impl Iterator<Item = (u32, &'p Network, &'p Port)> + use<'p> {
        self.switches(plan).flat_map(|(index, network)| {
            (index + 1..).zip(&network.ports).map(move |(index, port)| (index, network, port))
        })
    }

    /// The links with the indices of their ends in the hub.
    pub(super) fn links<'p>(
        &self,
        plan: &'p Plan,
    ) -> impl Iterator<Item = ([u32; 2], &'p Link)> + use<'p> {
        let pairs = (self.links..).step_by(2).map(|index| [index, index + 1]);
        pairs.zip(&plan.links)
    }

    /// One that no interface has had yet.
    pub(super) fn another(&self) -> u32 {
        self.next.replace(self.next.get() + 1)
    }
}
