//! What a plan holds.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Direction;
use crate::{
    name::{Endpoint, IfName, LabName, LinkName, NetworkName, NodeName, ProgramName},
    spec::{Backend, Ready, Source},
    units::MacAddr,
};

/// A lab, complete: nothing is left for the engine to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The lab's name.
    pub name: LabName,
    /// The nodes, in file order.
    pub nodes: Vec<Node>,
    /// The switches, in file order; each is a bridge in the lab's hub namespace.
    pub networks: Vec<Network>,
    /// The point-to-point links, in file order.
    pub links: Vec<Link>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name and host name.
    pub name: NodeName,
    /// Its interfaces besides `lo`, in file order.
    pub interfaces: Vec<Interface>,
    /// Its routes, connected ones included (addresses are added without their automatic prefix route).
    pub routes: Vec<Route>,
    /// Settings below `/proc/sys`, dotted (`net.ipv4.ip_forward`), in the order they are written.
    pub sysctls: Vec<(String, String)>,
    /// Added to the environment of its programs.
    pub env: BTreeMap<String, String>,
    /// Files copied into its home directory.
    pub files: Vec<SourceFile>,
    /// Programs that are started with the lab, in order, each awaited until ready.
    pub programs: Vec<Program>,
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: IfName,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Its addresses with prefix lengths.
    pub addresses: Vec<IpNet>,
    /// Whether segmentation and checksums may be left to the (virtual) hardware.
    pub offload: bool,
}

/// A route of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub to: IpNet,
    /// The interface it leaves through.
    pub interface: IfName,
    /// The next hop; none for a connected network.
    pub via: Option<IpAddr>,
    /// The source address it prefers.
    pub source: Option<IpAddr>,
    /// The congestion control that TCP uses over it, pinned because hosts differ.
    pub congestion: Congestion,
}

/// A TCP congestion control algorithm, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Congestion {
    /// CUBIC (RFC 9438), the Linux default.
    #[default]
    Cubic,
}

impl fmt::Display for Congestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("cubic")
    }
}

/// A switch and what is plugged into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name in the topology.
    pub name: NetworkName,
    /// The bridge's interface name in the hub namespace.
    pub bridge: IfName,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Its subnets.
    pub subnets: Vec<IpNet>,
    /// Its ports, in the order of their nodes; at most 1023 (BR_MAX_PORTS in `net/bridge/br_private.h`, less one).
    pub ports: Vec<Port>,
    /// Whether its frames are recorded from the start, at every node plugged in.
    pub capture: bool,
}

impl Network {
    /// The interfaces plugged in.
    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        self.ports.iter().map(|port| port.endpoint.clone()).collect()
    }
}

/// A switch port and the interface it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The port's interface name in the hub namespace.
    pub name: IfName,
    /// The interface at the other end of its cable.
    pub endpoint: Endpoint,
    /// Who bends it.
    pub backend: Backend,
    /// The seed of its random decisions, from 0 to 2^63 − 1.
    pub seed: u64,
    /// What it does to frames: first to those that the node sends, then to those that are sent to the node.
    pub directions: [Direction; 2],
}

/// A cable between two interfaces: two pairs of interfaces that are joined in the lab's hub namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name: as given, else `R2--KALI`.
    pub name: LinkName,
    /// Its two ends, in file order.
    pub ends: [Endpoint; 2],
    /// Whether its frames are recorded from the start, at both ends.
    pub capture: bool,
    /// Who bends it.
    pub backend: Backend,
    /// The seed of its random decisions, from 0 to 2^63 − 1.
    pub seed: u64,
    /// What it does to frames: those that the end of the same index sends.
    pub directions: [Direction; 2],
    /// The interfaces in the hub namespace to which its ends lead; there they are joined.
    pub hub: [IfName; 2],
}

/// A file that is copied into a node's home directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Below the node's home; relative, without `..`.
    pub target: PathBuf,
    /// Where its content comes from.
    pub source: Source,
}

/// A program that is started with the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name within the node.
    pub name: ProgramName,
    /// The words of its command line, at least one.
    pub command: ProgramCommand,
    /// When it counts as ready; none: as soon as it runs.
    pub ready: Option<Ready>,
    /// How long it may take to get ready.
    pub timeout: Duration,
    /// Added to its environment.
    pub env: BTreeMap<String, String>,
}

/// The words of a command line; the first is the program.
pub type ProgramCommand = Vec<String>;
