//! What the cables of a lab are, and which of them a client means.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    bend::{CableKind, Changes, Target},
    cable::Fault,
    cables::Cables,
    error::LabError,
    indices::Indices,
    ways::Place,
};
use crate::{
    impairment::{Change, Impairment},
    name::{Endpoint, NodeName},
    plan::{Backend, Direction, Link, Network, Plan, Port},
    units::MacAddr,
    wire::direction_seed,
};

/// What a cable is.
pub(super) struct About {
    /// Its number in the plan.
    pub(super) number: u32,
    /// The link or network.
    pub(super) segment: String,
    pub(super) kind: CableKind,
    pub(super) place: Place,
    /// What it joins; none: the switch.
    pub(super) ends: [Option<Endpoint>; 2],
    /// The Ethernet address of its first end.
    pub(super) mac: MacAddr,
    pub(super) mtu: u32,
    /// Whether frames may be bursts that are to be cut later.
    pub(super) offload: bool,
    pub(super) backend: Backend,
    pub(super) seeds: [u64; 2],
    pub(super) plan: [Direction; 2],
    /// The plan's, with their numbers in the lab.
    pub(super) faults: Vec<Fault>,
}

impl About {
    /// For people.
    pub(super) fn name(&self) -> String {
        match &self.ends {
            [Some(end), None] => format!("{end} on network {}", self.segment),
            _ => format!("link {}", self.segment),
        }
    }

    /// Who sends in this direction, for people.
    pub(super) fn from(&self, direction: usize) -> String {
        let end = self.ends[direction].as_ref();
        end.map_or_else(|| "the switch".to_owned(), Endpoint::to_string)
    }

    /// Whether this node sends in this direction.
    pub(super) fn is_from(&self, direction: usize, node: &NodeName) -> bool {
        self.ends[direction].as_ref().is_some_and(|end| end.node == *node)
    }

    /// Whether a schedule changes it.
    pub(super) fn is_scheduled(&self) -> bool {
        self.plan.iter().any(|direction| !direction.schedule.is_empty())
    }

    /// What the topology asks of it but for faults.
    pub(super) fn planned(&self) -> [Impairment; 2] {
        self.plan.each_ref().map(|direction| direction.impairment.clone())
    }
}

/// The cables of a plan, by their numbers there.
pub(super) fn all(plan: &Plan, indices: &Indices) -> Result<Vec<Rc<About>>, LabError> {
    let links = indices.links(plan).map(|(ends, link)| of_link(plan, indices, link, ends));
    let ports = indices.ports(plan);
    let networks = plan.networks.iter().map(|network| {
        Plugged::into(network, plan, indices).map(|plugged| (network.name.as_str(), plugged))
    });
    let networks: BTreeMap<&str, Plugged<'_>> = networks.collect::<Result<_, _>>()?;
    let ports = ports.map(|(index, network, port)| {
        of_port(plan, indices, &networks[network.name.as_str()], port, index)
    });
    let mut faults = 0;
    let number = |(number, about): (u32, Result<About, LabError>)| {
        let mut about = About { number, ..about? };
        for (direction, planned) in about.plan.iter().enumerate() {
            for rule in planned.faults.iter().cloned() {
                faults += 1;
                about.faults.push(Fault { number: faults, direction, rule, lasting: false });
            }
        }
        Ok(Rc::new(about))
    };
    (0..).zip(links.chain(ports)).map(number).collect()
}

fn of_link(plan: &Plan, indices: &Indices, link: &Link, hub: [u32; 2]) -> Result<About, LabError> {
    let [a, b] = &link.ends;
    let (_, _, first) = indices.find(plan, a)?;
    let (_, _, second) = indices.find(plan, b)?;
    let segment = link.name.to_string();
    // A node at both ends is two senders.
    let sender = |end: &Endpoint| match a.node == b.node {
        true => end.to_string(),
        false => end.node.to_string(),
    };
    Ok(About {
        number: 0,
        kind: CableKind::Link,
        place: Place::Link(hub),
        ends: [Some(a.clone()), Some(b.clone())],
        mac: first.mac,
        mtu: first.mtu.max(second.mtu),
        offload: first.offload || second.offload,
        backend: link.backend,
        seeds: [a, b].map(|end| direction_seed(link.seed, &segment, &sender(end))),
        plan: link.directions.clone(),
        faults: Vec::new(),
        segment,
    })
}

fn of_port(
    plan: &Plan,
    indices: &Indices,
    plugged: &Plugged<'_>,
    port: &Port,
    index: u32,
) -> Result<About, LabError> {
    let (_, _, interface) = indices.find(plan, &port.endpoint)?;
    let segment = plugged.network.to_owned();
    let end = &port.endpoint;
    let sender =
        if plugged.twice.contains(&end.node) { end.to_string() } else { end.node.to_string() };
    // What the switch sends to this one.
    let receiver = format!("{segment}--{sender}");
    Ok(About {
        number: 0,
        kind: CableKind::Port,
        place: Place::Port(index),
        ends: [Some(end.clone()), None],
        mac: interface.mac,
        mtu: interface.mtu,
        offload: plugged.offload,
        backend: port.backend,
        seeds: [sender, receiver].map(|from| direction_seed(port.seed, &segment, &from)),
        plan: port.directions.clone(),
        faults: Vec::new(),
        segment,
    })
}

/// What is plugged into a network.
struct Plugged<'p> {
    network: &'p str,
    /// Whether one of the interfaces sends bursts.
    offload: bool,
    /// The nodes that are plugged in more than once.
    twice: BTreeSet<&'p NodeName>,
}

impl<'p> Plugged<'p> {
    fn into(network: &'p Network, plan: &Plan, indices: &Indices) -> Result<Self, LabError> {
        let (mut offload, mut once, mut twice) = (false, BTreeSet::new(), BTreeSet::new());
        for Port { endpoint, .. } in &network.ports {
            let (_, _, interface) = indices.find(plan, endpoint)?;
            offload |= interface.offload;
            if !once.insert(&endpoint.node) {
                twice.insert(&endpoint.node);
            }
        }
        Ok(Self { network: network.name.as_str(), offload, twice })
    }
}

/// A cable, by its number, and which of its directions are meant.
pub(super) type Meant = (usize, Vec<usize>);

/// A cable, by its number, and what is to change in its directions.
pub(super) type Placed = (usize, [Option<Change>; 2]);

impl Cables {
    /// The cables that a client means.
    pub(super) fn meant(&self, target: &Target) -> Result<Vec<Meant>, LabError> {
        let numbered = self.abouts.iter().enumerate();
        let meant: Vec<Meant> = match target {
            Target::From(endpoint) => {
                let ends = numbered.flat_map(|(number, about)| {
                    [0, 1].map(|direction| (number, direction, about.ends[direction].as_ref()))
                });
                let here = ends.filter(|(_, _, end)| *end == Some(endpoint));
                here.map(|(number, direction, _)| (number, vec![direction])).collect()
            }
            Target::Cable(name) => {
                let (segment, _) =
                    self.plan.segment(name).ok_or_else(|| LabError::no_link(&self.plan, name))?;
                let of = numbered.filter(|(_, about)| about.segment == segment);
                of.map(|(number, _)| (number, vec![0, 1])).collect()
            }
        };
        match target {
            Target::From(endpoint) if meant.is_empty() => {
                let node = self.plan.nodes.iter().find(|node| node.name == endpoint.node);
                Err(match node {
                    Some(node) => LabError::no_interface(node, endpoint.interface.as_str()),
                    None => LabError::no_node(&self.plan, endpoint.node.as_str()),
                })
            }
            _ => Ok(meant),
        }
    }

    /// What is to change where; each sender named must be there.
    pub(super) fn placed(
        &self,
        target: &Target,
        changes: &Changes,
    ) -> Result<Vec<Placed>, LabError> {
        let meant = self.meant(target)?;
        for node in changes.iter().filter_map(|(sender, _)| sender.as_ref()) {
            let sends = |(number, directions): &Meant| {
                directions.iter().any(|&direction| self.abouts[*number].is_from(direction, node))
            };
            if !meant.iter().any(sends) {
                let (node, target) = (node.clone(), target.to_string());
                return Err(LabError::NotASender { node, target });
            }
        }
        let placed = meant.into_iter().map(|(number, directions)| {
            let about = &self.abouts[number];
            let change = |direction: usize| {
                let counts = |(sender, _): &&(Option<NodeName>, Change)| {
                    sender.as_ref().is_none_or(|node| about.is_from(direction, node))
                };
                let here = directions.contains(&direction);
                let mut changes = changes.iter().filter(counts).peekable();
                changes.peek()?;
                here.then(|| {
                    changes
                        .fold(Change::default(), |below, (_, change)| change.clone().over(&below))
                })
            };
            (number, [0, 1].map(change))
        });
        Ok(placed.collect())
    }
}
