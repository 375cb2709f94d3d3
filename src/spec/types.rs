//! What a topology file says; also what the schema for editors is made from.

use std::{collections::BTreeMap, net::IpAddr, ops::Range, path::PathBuf};

use ipnet::IpNet;
use schemars::JsonSchema;

use super::{Bends, Problems, Ready, Source, bends_schema, schema};
use crate::{
    name::{IfName, LabName, LinkName, NetworkName, NodeName, ProgramName},
    units::{Delay, MacAddr},
};

/// A value and its place in the topology file, in bytes; no place if code made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it is written.
    pub(crate) span: Option<Range<usize>>,
}

impl<T> Spanned<T> {
    /// A value that no file holds.
    pub(crate) fn unplaced(value: T) -> Self {
        Self { value, span: None }
    }

    /// The same place, another value.
    pub(crate) fn with<U>(&self, value: U) -> Spanned<U> {
        Spanned { value, span: self.span.clone() }
    }
}

/// A network lab of hosts, links between them and networks that they share.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename = "Topology", deny_unknown_fields)]
pub struct Spec {
    /// The lab's name; left out: the file's name without `.toml`.
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Spanned<LabName>>,
    /// The hosts by name; `h{1..50}` makes fifty.
    #[schemars(with = "BTreeMap<String, Node>")]
    pub(crate) nodes: Vec<Node>,
    /// Cables between two interfaces: a table by name, or a list in which each is named after its nodes, `R2--KALI`.
    #[schemars(with = "Option<schema::Links>")]
    pub(crate) links: Vec<Link>,
    /// Switches by name.
    #[schemars(with = "Option<BTreeMap<String, Network>>")]
    pub(crate) networks: Vec<Network>,
    /// What is wrong with single values; those values are left out of the above.
    #[schemars(skip)]
    pub(crate) problems: Problems,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Node {
    /// Its name.
    #[schemars(skip)]
    pub(crate) name: Spanned<NodeName>,
    /// Network interfaces by name: an address `"10.0.0.2/24"`, a list of them, the name of a network, or a table.
    #[schemars(with = "Option<schema::Interfaces>")]
    pub(crate) interfaces: Vec<Interface>,
    /// Routes: destination (`"10.2.0.0/16"` or `default`) to next hop (`"10.0.0.1"`).
    #[schemars(with = "Option<BTreeMap<String, IpAddr>>")]
    pub(crate) routes: Vec<Route>,
    /// Kernel settings below `net.`, as in `"net.ipv4.ip_forward" = 1`; written after labnet's own.
    #[schemars(with = "Option<schema::Sysctls>")]
    pub(crate) sysctls: Vec<Sysctl>,
    /// Environment variables of its programs.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(crate) env: BTreeMap<String, String>,
    /// Files in its home directory: target below the home to source, relative to this file.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(crate) files: Vec<File>,
    /// Programs started with the lab, in file order, each awaited until ready.
    #[schemars(with = "Option<BTreeMap<String, Program>>")]
    pub(crate) programs: Vec<Program>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Interface {
    /// Its name.
    #[schemars(skip)]
    pub(crate) name: Spanned<IfName>,
    /// An address with its prefix length, or a list of them; left out on a network: the next free of each subnet.
    #[schemars(with = "Option<schema::Addresses>")]
    pub(crate) addresses: Option<Vec<Spanned<IpNet>>>,
    /// The network it is plugged into.
    #[schemars(with = "Option<String>")]
    pub(crate) network: Option<Spanned<NetworkName>>,
    /// Ethernet address; left out: `02:00:` and its IPv4 address, else derived from its names.
    #[schemars(with = "Option<String>")]
    pub(crate) mac: Option<Spanned<MacAddr>>,
    /// Largest IP packet in bytes; left out: that of its link or network.
    #[schemars(with = "Option<schema::Mtu>")]
    pub(crate) mtu: Option<Spanned<u32>>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Where to; none: everywhere else (`default`).
    pub(crate) to: Spanned<Option<IpNet>>,
    /// The next hop.
    pub(crate) via: Spanned<IpAddr>,
}

/// A kernel setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sysctl {
    /// Dotted, below `net.`.
    pub(crate) key: String,
    /// What is written.
    pub(crate) value: String,
}

/// A file in a node's home directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Below the home; relative, without `.` and `..`.
    pub(crate) target: Spanned<PathBuf>,
    /// Where its content comes from.
    pub(crate) source: Source,
}

/// A program that is started with the lab.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Program {
    /// Its name within the node.
    #[schemars(skip)]
    pub(crate) name: ProgramName,
    /// The command line: one string split into words as a shell would, or a list of words.
    #[schemars(with = "schema::Command")]
    pub(crate) run: Vec<String>,
    /// When it is ready: `tcp:PORT`, `udp:PORT`, `socket` (any of its own) or `file:PATH`; left out: as soon as it runs.
    #[schemars(with = "Option<String>")]
    pub(crate) ready: Option<Ready>,
    /// How long it may take to get ready, as in `"5s"`; left out: `10s`.
    #[schemars(with = "Option<String>")]
    pub(crate) timeout: Delay,
    /// Environment variables of this program.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(crate) env: BTreeMap<String, String>,
}

/// A cable between two interfaces.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Link {
    /// Its name, if it has one.
    #[schemars(skip)]
    pub(crate) name: Option<Spanned<LinkName>>,
    /// The two interfaces, as in `["R2:eth0", "KALI:eth0"]`; `"R2"` is enough if R2 has one free interface.
    #[schemars(with = "schema::Ends")]
    pub(crate) ends: Option<[Spanned<End>; 2]>,
    /// Largest IP packet in bytes; left out: 1500.
    #[schemars(with = "Option<schema::Mtu>")]
    pub(crate) mtu: Option<Spanned<u32>>,
    /// Whether segmentation and checksums are left to the virtual hardware: faster, but captures look odd.
    #[schemars(with = "Option<bool>")]
    pub(crate) offload: bool,
    /// Whether every frame is recorded from the start, at both ends: `labnet packets` shows them.
    #[schemars(with = "Option<bool>")]
    pub(crate) capture: bool,
    /// What its cables do to frames.
    #[schemars(flatten, with = "bends_schema::Bends")]
    pub(crate) bends: Bends,
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// The node.
    pub(crate) node: NodeName,
    /// Its interface; none: the only free one.
    pub(crate) interface: Option<IfName>,
}

/// A switch with subnets.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Network {
    /// Its name.
    #[schemars(skip)]
    pub(crate) name: Spanned<NetworkName>,
    /// A subnet as in `"203.0.113.0/24"`, or a list of them; `[]` for a bare switch.
    #[schemars(rename = "subnet", with = "schema::Addresses")]
    pub(crate) subnets: Vec<Spanned<IpNet>>,
    /// Largest IP packet in bytes; left out: 1500.
    #[schemars(with = "Option<schema::Mtu>")]
    pub(crate) mtu: Option<Spanned<u32>>,
    /// Whether segmentation and checksums are left to the virtual hardware: faster, but captures look odd.
    #[schemars(with = "Option<bool>")]
    pub(crate) offload: bool,
    /// Whether every frame is recorded from the start, at every node plugged in: `labnet packets` shows them.
    #[schemars(with = "Option<bool>")]
    pub(crate) capture: bool,
    /// What its cables do to frames.
    #[schemars(flatten, with = "bends_schema::Bends")]
    pub(crate) bends: Bends,
}
