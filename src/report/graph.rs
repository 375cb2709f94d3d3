//! A plan as a graph: what every drawing of a topology starts from.

use std::collections::HashMap;

use ipnet::IpNet;

use super::bend;
use crate::{
    name::{Endpoint, NodeName},
    plan::{Direction, Interface, Node, Plan},
};

/// A topology as a graph: nodes and networks are its vertices, cables are its edges.
///
/// Vertices and edges are in file order, nodes before networks and links before attachments to networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    pub(super) name: String,
    pub(super) vertices: Vec<Vertex>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vertex {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) subnets: Vec<String>,
}

/// What a box of a drawing stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A host.
    Node,
    /// A switch.
    Network,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    /// The link's name; attachments to a network have none.
    pub(super) name: Option<String>,
    pub(super) ends: [End; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) vertex: usize,
    /// None at a switch: its ports have no names that a topology could use.
    pub(super) interface: Option<String>,
    pub(super) addresses: Vec<String>,
    /// What is done to the frames that are sent here, in lines; none: nothing.
    pub(super) bend: Vec<String>,
}

impl End {
    /// The lines that stand below its wire.
    pub(super) fn below(&self) -> impl Iterator<Item = &String> {
        self.addresses.iter().chain(&self.bend)
    }
}

impl Graph {
    /// The graph of a plan. Cables to nodes that the plan does not have are left out.
    pub fn new(plan: &Plan) -> Self {
        let nodes = &Nodes::new(plan);
        let vertices = plan
            .nodes
            .iter()
            .map(|node| Vertex {
                kind: Kind::Node,
                name: node.name.to_string(),
                subnets: Vec::new(),
            })
            .chain(plan.networks.iter().map(|network| Vertex {
                kind: Kind::Network,
                name: network.name.to_string(),
                subnets: texts(&network.subnets),
            }));
        let links = plan.links.iter().filter_map(|link| {
            let ([a, b], [there, back]) = (&link.ends, &link.directions);
            let ends = [nodes.end(a, there)?, nodes.end(b, back)?];
            Some(Edge { name: Some(link.name.to_string()), ends })
        });
        let attachments = plan.networks.iter().zip(plan.nodes.len()..);
        let attachments = attachments.flat_map(|(network, vertex)| {
            network.ports.iter().filter_map(move |port| {
                let [from, to] = &port.directions;
                let (interface, addresses) = (None, Vec::new());
                let switch = End { vertex, interface, addresses, bend: bend::lines(to) };
                Some(Edge { name: None, ends: [switch, nodes.end(&port.endpoint, from)?] })
            })
        });
        Self {
            name: plan.name.to_string(),
            vertices: vertices.collect(),
            edges: links.chain(attachments).collect(),
        }
    }

    /// For each vertex the vertices it has cables to, in edge order, with repetitions.
    pub(super) fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut neighbours = vec![Vec::new(); self.vertices.len()];
        for Edge { ends: [a, b], .. } in &self.edges {
            neighbours[a.vertex].push(b.vertex);
            neighbours[b.vertex].push(a.vertex);
        }
        neighbours
    }

    /// The connected parts, each a graph of its own, in the order of their first vertices.
    pub(super) fn components(&self) -> Vec<Self> {
        let neighbours = self.neighbours();
        let mut part = vec![usize::MAX; self.vertices.len()];
        let mut parts = 0;
        for first in 0..self.vertices.len() {
            if part[first] != usize::MAX {
                continue;
            }
            let mut stack = vec![first];
            while let Some(vertex) = stack.pop() {
                if part[vertex] == usize::MAX {
                    part[vertex] = parts;
                    stack.extend(&neighbours[vertex]);
                }
            }
            parts += 1;
        }
        let mut components =
            vec![Self { name: String::new(), vertices: Vec::new(), edges: Vec::new() }; parts];
        let mut index = Vec::with_capacity(part.len());
        for (vertex, &part) in self.vertices.iter().zip(&part) {
            index.push(components[part].vertices.len());
            components[part].vertices.push(vertex.clone());
        }
        for edge in &self.edges {
            let mut edge = edge.clone();
            let component = &mut components[part[edge.ends[0].vertex]];
            for end in &mut edge.ends {
                end.vertex = index[end.vertex];
            }
            component.edges.push(edge);
        }
        components
    }
}

struct Nodes<'a>(HashMap<&'a NodeName, (usize, &'a Node)>);

impl<'a> Nodes<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self(plan.nodes.iter().enumerate().map(|(i, node)| (&node.name, (i, node))).collect())
    }

    fn end(&self, endpoint: &Endpoint, sent: &Direction) -> Option<End> {
        let &(vertex, node) = self.0.get(&endpoint.node)?;
        let named = |interface: &&Interface| interface.name == endpoint.interface;
        let interface = node.interfaces.iter().find(named);
        Some(End {
            vertex,
            interface: Some(endpoint.interface.to_string()),
            addresses: interface.map(|i| texts(&i.addresses)).unwrap_or_default(),
            bend: bend::lines(sent),
        })
    }
}

fn texts(nets: &[IpNet]) -> Vec<String> {
    nets.iter().map(IpNet::to_string).collect()
}
