//! Bring-up of the network: everything is born in its place, configured, and raised last.

use std::{
    collections::BTreeSet,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    cables::Cables,
    captures::Captures,
    error::LabError,
    files::LabFiles,
    hub::Hub,
    indices::Indices,
    node::{Home, Node},
    workers::Workers,
};
use crate::{
    kernel::{KernelError, Netlink, VethEnd, add_address, add_route, is_up, offload_off, set_up},
    name::NodeName,
    plan::{Interface, Plan},
};

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
    pub(super) workers: Rc<Workers>,
    /// On from before the first frame.
    pub(super) captures: Captures,
    pub(super) cables: Cables,
}

/// Builds all nodes and links of the plan; when it returns, every node reaches its neighbours at the first packet.
pub(super) fn build(
    plan: &Rc<Plan>,
    files: &LabFiles,
    home: &Home,
    base: &std::path::Path,
    notes: &mut BTreeSet<String>,
) -> Result<Built, LabError> {
    let indices = Rc::new(Indices::new(plan));
    let mut hub = Hub::open(plan, &indices, home)?;
    let workers = Rc::new(Workers::default());
    let mut cables = Cables::new(plan.clone(), indices.clone(), Netlink::open()?, workers.clone())?;
    let mut builder = Builder { plan, indices: &indices, nodes: Vec::new(), netlinks: Vec::new() };
    for (place, node) in plan.nodes.iter().enumerate() {
        if place % NODES_PER_PROC == NODES_PER_PROC - 1 {
            home.renew()?;
        }
        files.add_node(node, base)?;
        let (node, netlink) = Node::create(node.clone(), files, home, notes)?;
        builder.nodes.push(node);
        builder.netlinks.push(netlink);
    }
    hub.plug(&builder.nodes)?;
    builder.configure()?;
    let captures = Captures::of_plan((plan, &builder.nodes, home), &workers, files)?;
    cables.prepare()?;
    builder.raise()?;
    hub.raise()?;
    let deadline = Instant::now() + LINK_UP;
    builder.wait_until_up(deadline)?;
    hub.wait_until_up(deadline)?;
    let Builder { nodes, netlinks, .. } = builder;
    Ok(Built { nodes, sockets: netlinks, workers, captures, cables })
}

struct Builder<'p> {
    plan: &'p Plan,
    indices: &'p Indices,
    nodes: Vec<Node>,
    /// A socket in each node.
    netlinks: Vec<Netlink>,
}

impl Builder<'_> {
    /// Offloads and addresses, while no link is up yet: addressing an end whose peer is up costs double. A switch's ports
    /// keep their offloads: what nodes without send is complete when it gets there.
    fn configure(&mut self) -> Result<(), LabError> {
        for (place, node) in self.plan.nodes.iter().enumerate() {
            let mut changes = Vec::new();
            for (index, interface) in self.indices.interfaces(self.plan, place) {
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

    /// Raises the nodes' ends, with the routes, which need raised links.
    fn raise(&mut self) -> Result<(), LabError> {
        for (place, node) in self.plan.nodes.iter().enumerate() {
            let mut changes = vec![set_up(format!("raise {}:lo", node.name), LOOPBACK)];
            for (index, interface) in self.indices.interfaces(self.plan, place) {
                changes.push(set_up(format!("raise {}:{}", node.name, interface.name), index));
            }
            for route in &node.routes {
                let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
                let step =
                    format!("add route {}{via} dev {} in {}", route.to, route.interface, node.name);
                let mut interfaces = self.indices.interfaces(self.plan, place);
                let found = interfaces.find(|(_, interface)| interface.name == route.interface);
                let index = found.map_or(LOOPBACK, |(index, _)| index);
                changes.push(add_route(step, index, route));
            }
            self.netlinks[place].apply(changes)?;
        }
        Ok(())
    }

    /// Waits until the kernel has noticed every carrier: until then it drops what is sent (noop qdisc, blocked port).
    fn wait_until_up(&mut self, deadline: Instant) -> Result<(), LabError> {
        for (place, node) in self.plan.nodes.iter().enumerate() {
            for (index, interface) in self.indices.interfaces(self.plan, place) {
                let name = || format!("{}:{}", node.name, interface.name);
                wait_up(&mut self.netlinks[place], index, deadline, name)?;
            }
        }
        Ok(())
    }
}

pub(super) fn wait_up(
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

pub(super) fn end(interface: &Interface, index: u32) -> VethEnd<'_> {
    let mac = Some(interface.mac.0);
    VethEnd { name: interface.name.as_str(), index, mtu: interface.mtu, mac, bridge: None }
}

fn in_node(error: KernelError, node: &NodeName) -> KernelError {
    KernelError { step: format!("{} in {node}", error.step), ..error }
}
