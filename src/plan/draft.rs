//! The plan while it is being worked out: what is plugged into what.

use std::{collections::HashMap, ops::Range};

use ipnet::IpNet;

use super::resolve::MTU;
use crate::{
    name::{IfName, NodeName},
    spec::{self, End, Problem, Problems, Spanned, Spec},
};

/// What an interface is plugged into: a link or a network, by its index in the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Link(usize),
    Network(usize),
}

/// An interface, by its node's index in the spec and its own in the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) node: usize,
    pub(super) interface: usize,
}

/// What has been worked out so far.
pub(super) struct Draft<'s> {
    pub(super) spec: &'s Spec,
    pub(super) problems: Problems,
    /// By node and interface; none while it is free.
    pub(super) segments: Vec<Vec<Option<Segment>>>,
    /// By link; none if an end is wrong.
    pub(super) ends: Vec<Option<[Place; 2]>>,
    /// By node and interface.
    pub(super) addresses: Vec<Vec<Vec<Spanned<IpNet>>>>,
    nodes: HashMap<&'s NodeName, usize>,
    interfaces: HashMap<(usize, &'s IfName), usize>,
    /// By node: how many of its interfaces are free.
    free: Vec<usize>,
}

impl<'s> Draft<'s> {
    /// Plugs every interface in.
    pub(super) fn new(spec: &'s Spec) -> Self {
        let per_interface = |node: &spec::Node| vec![None; node.interfaces.len()];
        let given = |i: &spec::Interface| i.addresses.clone().unwrap_or_default();
        let mut draft = Self {
            spec,
            problems: spec.problems.clone(),
            segments: spec.nodes.iter().map(per_interface).collect(),
            ends: Vec::new(),
            addresses: spec
                .nodes
                .iter()
                .map(|node| node.interfaces.iter().map(given).collect())
                .collect(),
            nodes: HashMap::new(),
            interfaces: HashMap::new(),
            free: spec.nodes.iter().map(|node| node.interfaces.len()).collect(),
        };
        draft.index();
        draft.plug_networks();
        draft.plug_links();
        draft.find_unconnected();
        draft
    }

    /// The spec's interface at a place.
    pub(super) fn interface(&self, place: Place) -> &'s spec::Interface {
        &self.spec.nodes[place.node].interfaces[place.interface]
    }

    /// The place as people write it: `R2:eth0`.
    pub(super) fn name(&self, place: Place) -> String {
        format!("{}:{}", self.spec.nodes[place.node].name.value, self.interface(place).name.value)
    }

    /// The MTU that the file gives an interface, itself or by its link or network.
    pub(super) fn written_mtu(&self, place: Place) -> Option<&'s Spanned<u32>> {
        let common = match self.segment(place) {
            Some(Segment::Link(index)) => self.spec.links[index].mtu.as_ref(),
            Some(Segment::Network(index)) => self.spec.networks[index].mtu.as_ref(),
            None => None,
        };
        self.interface(place).mtu.as_ref().or(common)
    }

    /// An interface's MTU.
    pub(super) fn mtu(&self, place: Place) -> u32 {
        self.written_mtu(place).map_or(MTU, |mtu| mtu.value)
    }

    /// What is plugged in at a place.
    pub(super) fn segment(&self, place: Place) -> Option<Segment> {
        self.segments[place.node][place.interface]
    }

    /// Every interface, in file order.
    pub(super) fn places(&self) -> Vec<Place> {
        let nodes = self.spec.nodes.iter().enumerate();
        nodes
            .flat_map(|(node, spec)| {
                (0..spec.interfaces.len()).map(move |interface| Place { node, interface })
            })
            .collect()
    }

    /// A segment as people name it.
    pub(super) fn segment_name(&self, segment: Segment) -> String {
        match segment {
            Segment::Network(index) => {
                format!("network `{}`", self.spec.networks[index].name.value)
            }
            Segment::Link(index) => {
                let link = &self.spec.links[index];
                match (&link.name, &link.ends) {
                    (Some(name), _) => format!("link `{}`", name.value),
                    (None, Some([a, b])) => {
                        format!("the link from `{}` to `{}`", a.value.node, b.value.node)
                    }
                    (None, None) => "a link".to_owned(),
                }
            }
        }
    }

    fn index(&mut self) {
        let spec = self.spec;
        // Capitals make no other host name (RFC 4343).
        let mut folded: HashMap<String, &NodeName> = HashMap::new();
        for (index, node) in spec.nodes.iter().enumerate() {
            let name = &node.name.value;
            let same = folded.insert(name.as_str().to_ascii_lowercase(), name);
            self.nodes.entry(name).or_insert(index);
            if let Some(&first) = same.and_then(|same| self.nodes.get(same)) {
                let known = &spec.nodes[first].name;
                let message = match known.value == *name {
                    true => format!("there are two nodes `{name}`"),
                    false => {
                        format!("nodes `{}` and `{name}` have the same host name", known.value)
                    }
                };
                let problem = Problem::new("duplicate-node", message)
                    .at(&node.name.span, "second")
                    .and(&known.span, "first");
                self.problems.push(problem);
            }
            for (position, interface) in node.interfaces.iter().enumerate() {
                let name = &interface.name.value;
                if self.interfaces.insert((index, name), position).is_some() {
                    // A file can't say this; code can.
                    let message = format!("node `{}` has two interfaces `{name}`", node.name.value);
                    self.problems.push(Problem::new("duplicate-interface", message));
                }
            }
        }
    }

    fn plug_networks(&mut self) {
        let spec = self.spec;
        let networks: HashMap<_, _> =
            spec.networks.iter().enumerate().map(|(i, network)| (&network.name.value, i)).collect();
        for place in self.places() {
            let Some(network) = &self.interface(place).network else { continue };
            // Taken even if there is no such network: the interface is not what is wrong.
            self.free[place.node] -= 1;
            self.segments[place.node][place.interface] = match networks.get(&network.value) {
                Some(index) => Some(Segment::Network(*index)),
                None => {
                    self.unknown_network(place, network);
                    None
                }
            };
        }
    }

    fn unknown_network(&mut self, place: Place, network: &Spanned<crate::name::NetworkName>) {
        const RULE: &str = "unknown-network";
        // A range of nodes asks as often as it has nodes, and among as many networks as a file holds.
        if self.problems.knows(RULE, &network.span) {
            return;
        }
        let names = self.spec.networks.iter().map(|network| network.name.value.as_str());
        let help = self.problems.suggest(network.value.as_str(), names).unwrap_or_else(|| {
            format!("declare it: `[networks.{0}]`, and its `subnet`", network.value)
        });
        let message = format!(
            "`{}` is plugged into an unknown network `{}`",
            self.name(place),
            network.value
        );
        let problem = Problem::new(RULE, message).at(&network.span, "no such network").help(help);
        self.problems.push(problem);
    }

    /// Ends that name their interface are plugged first, so that what is left over for the others is known.
    fn plug_links(&mut self) {
        let spec = self.spec;
        let mut ends = vec![[None; 2]; spec.links.len()];
        for named in [true, false] {
            for (index, link) in spec.links.iter().enumerate() {
                for (side, end) in link.ends.iter().flatten().enumerate() {
                    if end.value.interface.is_some() == named {
                        ends[index][side] = self.plug(end, Segment::Link(index));
                    }
                }
            }
        }
        self.ends = ends.into_iter().map(|[a, b]| a.zip(b).map(|(a, b)| [a, b])).collect();
    }

    fn plug(&mut self, end: &Spanned<End>, segment: Segment) -> Option<Place> {
        let Some(&node) = self.nodes.get(&end.value.node) else {
            self.unknown_node(end, segment);
            return None;
        };
        let interface = match &end.value.interface {
            Some(name) => match self.interfaces.get(&(node, name)) {
                Some(interface) => *interface,
                None => {
                    self.unknown_interface(node, name, &end.span);
                    return None;
                }
            },
            None => self.only_free(node, &end.span)?,
        };
        let place = Place { node, interface };
        if self.segment(place).is_some() || self.interface(place).network.is_some() {
            self.used_twice(place, segment, &end.span);
            return None;
        }
        self.segments[node][interface] = Some(segment);
        self.free[node] -= 1;
        Some(place)
    }

    fn unknown_node(&mut self, end: &Spanned<End>, segment: Segment) {
        let name = end.value.node.as_str();
        let names = self.spec.nodes.iter().map(|node| node.name.value.as_str());
        let help = self
            .problems
            .suggest(name, names)
            .unwrap_or_else(|| format!("declare it: `[nodes.{name}]`"));
        let message = format!("{} ends at an unknown node `{name}`", self.segment_name(segment));
        let problem =
            Problem::new("unknown-node", message).at(&end.span, "no such node").help(help);
        self.problems.push(problem);
    }

    fn unknown_interface(&mut self, node: usize, name: &IfName, span: &Option<Range<usize>>) {
        let node = &self.spec.nodes[node];
        let names = || node.interfaces.iter().map(|interface| interface.name.value.as_str());
        let help = self.problems.suggest(name.as_str(), names()).unwrap_or_else(|| {
            let known: Vec<_> = names().take(8).collect();
            match known.is_empty() {
                true => format!("declare it: `interfaces.{name} = \"10.0.0.2/24\"`"),
                false => format!("it has `{}`", known.join("`, `")),
            }
        });
        let message = format!("node `{}` has no interface `{name}`", node.name.value);
        let problem =
            Problem::new("unknown-interface", message).at(span, "no such interface").help(help);
        self.problems.push(problem);
    }

    fn only_free(&mut self, node: usize, span: &Option<Range<usize>>) -> Option<usize> {
        if self.free[node] == 1 {
            let interfaces = &self.spec.nodes[node].interfaces;
            let is_free =
                |i: &usize| self.segments[node][*i].is_none() && interfaces[*i].network.is_none();
            return (0..interfaces.len()).find(is_free);
        }
        let name = &self.spec.nodes[node].name.value;
        let message = match self.free[node] {
            0 => format!("node `{name}` has no free interface for this link"),
            free => format!("node `{name}` has {free} free interfaces; which one is meant?"),
        };
        let problem = Problem::new("no-free-interface", message)
            .at(span, "one free interface is needed")
            .help(format!("name the interface, as in `{name}:eth0`"));
        self.problems.push(problem);
        None
    }

    fn used_twice(&mut self, place: Place, segment: Segment, span: &Option<Range<usize>>) {
        let (by, first) = match self.segment(place) {
            Some(Segment::Link(index)) => {
                let node = &self.spec.nodes[place.node].name.value;
                let interface = &self.interface(place).name.value;
                let is_here = |end: &&Spanned<End>| {
                    let named = end.value.interface.as_ref();
                    end.value.node == *node && named.is_none_or(|named| named == interface)
                };
                let end = self.spec.links[index].ends.iter().flatten().find(is_here);
                (self.segment_name(Segment::Link(index)), end.and_then(|end| end.span.clone()))
            }
            _ => {
                let network = self.interface(place).network.as_ref();
                let name =
                    network.map_or("a network".to_owned(), |n| format!("network `{}`", n.value));
                (name, network.and_then(|network| network.span.clone()))
            }
        };
        let endpoint = self.name(place);
        let message = match by == self.segment_name(segment) {
            true => format!("`{endpoint}` is both ends of {by}"),
            false => {
                let segment = self.segment_name(segment);
                format!("`{endpoint}` is used by {segment}, but {by} already uses it")
            }
        };
        let problem = Problem::new("endpoint-used-twice", message)
            .at(span, "used again")
            .and(&first, "first used here")
            .help("an interface has one cable; give the node another interface");
        self.problems.push(problem);
    }

    fn find_unconnected(&mut self) {
        // After a wrong end it is unknown which interfaces were meant to be free.
        if self.ends.iter().any(Option::is_none) {
            return;
        }
        for place in self.places() {
            let interface = self.interface(place);
            if self.segment(place).is_some() || interface.network.is_some() {
                continue;
            }
            let message = format!("`{}` is not plugged into anything", self.name(place));
            let problem = Problem::new("unconnected", message)
                .at(&interface.name.span, "no link ends here, and no network is named")
                .help(format!("end a link here: `ends = [\"{}\", …]`", self.name(place)));
            self.problems.push(problem);
        }
    }
}
