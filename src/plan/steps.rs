//! The plan as a list of what is done, in order.

use std::collections::HashMap;

use ipnet::IpNet;
use serde::Serialize;

use super::{
    Backend, Direction, HUB_SYSCTLS, Interface, Link, Network, Plan, Port, Program, Route,
    SourceFile,
};
use crate::{
    name::{Endpoint, IfName, LinkName, NetworkName, NodeName},
    units::MacAddr,
};

/// One thing that is done when a lab comes up; Display says it in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Make a node's namespaces.
    Node {
        /// The node.
        node: NodeName,
    },
    /// Make the namespace in which the cables meet.
    Hub,
    /// Write a kernel setting.
    Sysctl {
        /// The node.
        node: NodeName,
        /// Dotted, below `/proc/sys`.
        key: String,
        /// What is written.
        value: String,
    },
    /// Write a kernel setting in the hub.
    HubSysctl {
        /// Dotted, below `/proc/sys`.
        key: String,
        /// What is written.
        value: String,
    },
    /// Make a bridge in the hub.
    Bridge {
        /// The network it stands for.
        network: NetworkName,
        /// Its interface name.
        bridge: IfName,
        /// Its MTU.
        mtu: u32,
    },
    /// Make two pairs of interfaces, all born in their places, and join them in the hub.
    Link {
        /// The link.
        link: LinkName,
        /// What its two ends are.
        ends: [End; 2],
        /// The interfaces in the hub to which they lead.
        hub: [IfName; 2],
    },
    /// Make a pair of interfaces: a port of a bridge and a node's interface.
    Port {
        /// The bridge.
        bridge: IfName,
        /// The port's interface name in the hub.
        port: IfName,
        /// The other end.
        end: End,
    },
    /// Switch segmentation and checksum offload off, at the interface and at the one in the hub that it leads to.
    OffloadOff {
        /// The interface.
        endpoint: Endpoint,
    },
    /// Give an interface an address, without its automatic prefix route.
    Address {
        /// The interface.
        endpoint: Endpoint,
        /// The address and its prefix length.
        address: IpNet,
    },
    /// Record what passes interfaces, from before the first frame.
    Capture {
        /// The link or network.
        of: String,
        /// Where.
        interfaces: Vec<Endpoint>,
    },
    /// Have a direction of a cable do something to frames; what it does in time begins when the lab is ready.
    Bend {
        /// The link or network.
        of: String,
        /// Who sends the frames; none: the switch.
        from: Option<Endpoint>,
        /// Whom they are sent to; none: the switch.
        to: Option<Endpoint>,
        /// Who bends it.
        backend: Backend,
        /// The seed of random decisions.
        seed: u64,
        /// What is done.
        #[serde(flatten)]
        direction: Direction,
    },
    /// Raise a node's `lo`.
    LoopbackUp {
        /// The node.
        node: NodeName,
    },
    /// Raise an interface of the hub.
    HubUp {
        /// The interface.
        interface: IfName,
    },
    /// Raise an interface of a node.
    Up {
        /// The interface.
        endpoint: Endpoint,
    },
    /// Add a route.
    Route {
        /// The node.
        node: NodeName,
        /// The route.
        route: Route,
    },
    /// Copy a file into a node's home directory.
    File {
        /// The node.
        node: NodeName,
        /// What is copied, and where to.
        file: SourceFile,
    },
    /// Start a program and wait until it is ready.
    Program {
        /// The node.
        node: NodeName,
        /// The program.
        program: Program,
    },
}

/// A node's interface as it is born.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// The interface.
    pub endpoint: Endpoint,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Its MTU.
    pub mtu: u32,
}

impl Plan {
    /// Everything that is done when the lab comes up, in order.
    ///
    /// Each node's files, namespaces and settings; all interfaces, born where they belong; offloads and addresses; what is
    /// recorded and what is done to frames; raising
    /// (an interface that is up makes its peer dear to configure) with the routes, which need their interface up;
    /// programs, each awaited.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.namespaces(&mut steps);
        self.wires(&mut steps);
        self.configure(&mut steps);
        steps.extend(self.captured().map(|(of, interfaces)| Step::Capture { of, interfaces }));
        self.bend(&mut steps);
        self.raise(&mut steps);
        for node in &self.nodes {
            let name = || node.name.clone();
            let program = |p: &Program| Step::Program { node: name(), program: p.clone() };
            steps.extend(node.programs.iter().map(program));
        }
        steps
    }

    fn namespaces(&self, steps: &mut Vec<Step>) {
        if !self.networks.is_empty() || !self.links.is_empty() {
            steps.push(Step::Hub);
            steps.extend(HUB_SYSCTLS.iter().map(|(key, value)| Step::HubSysctl {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            }));
        }
        for node in &self.nodes {
            let name = || node.name.clone();
            let file = |file: &SourceFile| Step::File { node: name(), file: file.clone() };
            steps.extend(node.files.iter().map(file));
            steps.push(Step::Node { node: name() });
            steps.extend(node.sysctls.iter().map(|(key, value)| Step::Sysctl {
                node: name(),
                key: key.clone(),
                value: value.clone(),
            }));
        }
    }

    fn wires(&self, steps: &mut Vec<Step>) {
        let interfaces: HashMap<Endpoint, &Interface> = self.interfaces().collect();
        let end = |endpoint: &Endpoint| {
            let interface = interfaces.get(endpoint)?;
            Some(End { endpoint: endpoint.clone(), mac: interface.mac, mtu: interface.mtu })
        };
        steps.extend(self.links.iter().filter_map(|link| {
            let [a, b] = &link.ends;
            let (link, hub) = (link.name.clone(), link.hub.clone());
            Some(Step::Link { link, ends: [end(a)?, end(b)?], hub })
        }));
        for Network { name, bridge, mtu, ports, .. } in &self.networks {
            steps.push(Step::Bridge { network: name.clone(), bridge: bridge.clone(), mtu: *mtu });
            steps.extend(ports.iter().filter_map(|port| {
                let (bridge, name) = (bridge.clone(), port.name.clone());
                Some(Step::Port { bridge, port: name, end: end(&port.endpoint)? })
            }));
        }
    }

    fn configure(&self, steps: &mut Vec<Step>) {
        for node in &self.nodes {
            let endpoint = |interface: &Interface| Endpoint {
                node: node.name.clone(),
                interface: interface.name.clone(),
            };
            let plain = node.interfaces.iter().filter(|interface| !interface.offload);
            steps.extend(plain.map(|plain| Step::OffloadOff { endpoint: endpoint(plain) }));
            for interface in &node.interfaces {
                let addresses = interface.addresses.iter().copied();
                let endpoint = || endpoint(interface);
                steps.extend(
                    addresses.map(|address| Step::Address { endpoint: endpoint(), address }),
                );
            }
        }
    }

    fn bend(&self, steps: &mut Vec<Step>) {
        let mut bend = |of: &str, ends: [Option<&Endpoint>; 2], backend, seed, way: &Direction| {
            if !way.is_nothing() {
                let [from, to] = ends.map(|end| end.cloned());
                let (of, direction) = (of.to_owned(), way.clone());
                steps.push(Step::Bend { of, from, to, backend, seed, direction });
            }
        };
        for Link { name, ends: [a, b], backend, seed, directions: [there, back], .. } in &self.links
        {
            bend(name.as_str(), [Some(a), Some(b)], *backend, *seed, there);
            bend(name.as_str(), [Some(b), Some(a)], *backend, *seed, back);
        }
        for network in &self.networks {
            for Port { endpoint, backend, seed, directions: [from, to], .. } in &network.ports {
                bend(network.name.as_str(), [Some(endpoint), None], *backend, *seed, from);
                bend(network.name.as_str(), [None, Some(endpoint)], *backend, *seed, to);
            }
        }
    }

    fn raise(&self, steps: &mut Vec<Step>) {
        for node in &self.nodes {
            let name = || node.name.clone();
            steps.push(Step::LoopbackUp { node: name() });
            let up = |interface: &Interface| Step::Up {
                endpoint: Endpoint { node: name(), interface: interface.name.clone() },
            };
            steps.extend(node.interfaces.iter().map(up));
            let route = |route: &Route| Step::Route { node: name(), route: route.clone() };
            steps.extend(node.routes.iter().map(route));
        }
        let ends = self.links.iter().flat_map(|link| link.hub.iter().cloned());
        steps.extend(ends.map(|interface| Step::HubUp { interface }));
        for network in &self.networks {
            let ports = network.ports.iter().map(|port| port.name.clone());
            let all = std::iter::once(network.bridge.clone()).chain(ports);
            steps.extend(all.map(|interface| Step::HubUp { interface }));
        }
    }

    /// The links and networks that are recorded from the start, each with the interfaces at which they are.
    pub fn captured(&self) -> impl Iterator<Item = (String, Vec<Endpoint>)> + use<'_> {
        let links = self.links.iter().filter(|link| link.capture);
        let networks = self.networks.iter().filter(|network| network.capture);
        links
            .map(|link| (link.name.to_string(), link.ends.to_vec()))
            .chain(networks.map(|network| (network.name.to_string(), network.endpoints())))
    }

    /// Has everything recorded from the start.
    pub fn capture_all(&mut self) {
        self.links.iter_mut().for_each(|link| link.capture = true);
        self.networks.iter_mut().for_each(|network| network.capture = true);
    }

    /// The link of this name, or the only one between two nodes if it is `NODE--NODE`.
    pub fn link(&self, name: &str) -> Option<&Link> {
        let between = |link: &&Link, (one, other): (&str, &str)| {
            let [a, b] = link.ends.each_ref().map(|end| end.node.as_str());
            (a, b) == (one, other) || (b, a) == (one, other)
        };
        self.links.iter().find(|link| link.name.as_str() == name).or_else(|| {
            let pair = name.split_once("--")?;
            let mut links = self.links.iter().filter(|link| between(link, pair));
            links.next().filter(|_| links.next().is_none())
        })
    }

    /// The name of a link or network, which may be given as for [`Plan::link`], and the interfaces it joins.
    pub fn segment(&self, name: &str) -> Option<(String, Vec<Endpoint>)> {
        let network = || self.networks.iter().find(|network| network.name.as_str() == name);
        match self.link(name) {
            Some(link) => Some((link.name.to_string(), link.ends.to_vec())),
            None => network().map(|network| (network.name.to_string(), network.endpoints())),
        }
    }

    /// The name of the link or network that an interface is at.
    pub fn segment_of(&self, interface: &Endpoint) -> Option<String> {
        let link = self.links.iter().find(|link| link.ends.contains(interface));
        let plugged =
            |network: &&Network| network.ports.iter().any(|port| port.endpoint == *interface);
        let network = || self.networks.iter().find(plugged);
        link.map(|link| link.name.to_string()).or_else(|| Some(network()?.name.to_string()))
    }

    /// Every interface with its endpoint, in file order.
    pub fn interfaces(&self) -> impl Iterator<Item = (Endpoint, &Interface)> {
        self.nodes.iter().flat_map(|node| {
            node.interfaces.iter().map(|interface| {
                let endpoint =
                    Endpoint { node: node.name.clone(), interface: interface.name.clone() };
                (endpoint, interface)
            })
        })
    }
}
