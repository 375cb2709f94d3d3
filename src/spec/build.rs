//! A spec made by code.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    Bends, Document, File, Interface, Link, Network, Node, Problems, Program, Ready, Source,
    Spanned, Spec, build_bends::Newest, interfaces, load::Files, nodes, programs, reader::Reader,
    topology,
};

/// Describes a lab in code, with the words of the topology file.
///
/// Mistakes are kept and reported by [`plan::resolve`](crate::plan::resolve), all together, as with a file.
///
/// ```
/// use labnet::{plan, spec::Builder};
///
/// let spec = Builder::new("pair")
///     .node("R2", |node| node.interface("eth0", "10.10.10.2/24"))
///     .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
///     .link("R2:eth0", "KALI:eth0")
///     .build();
/// let plan = plan::resolve(&spec)?;
/// assert_eq!(plan.links[0].name.as_str(), "R2--KALI");
/// # Ok::<(), labnet::spec::Problems>(())
/// ```
pub struct Builder {
    pub(super) reader: Reader,
    pub(super) spec: Spec,
    pub(super) newest: Option<Newest>,
}

impl Builder {
    /// A lab without nodes.
    pub fn new(name: &str) -> Self {
        let document = Document { file: format!("lab {name}"), text: "".into() };
        let mut reader =
            Reader { problems: Problems::of(&document), files: Files::Below(PathBuf::new()) };
        let name = reader.parse_text("bad-name", &unplaced(name), "the lab");
        let spec = Spec {
            name,
            nodes: Vec::new(),
            links: Vec::new(),
            networks: Vec::new(),
            problems: Problems::default(),
        };
        Self { reader, spec, newest: None }
    }

    /// Adds a host, which `describe` gives interfaces, files and programs.
    pub fn node(mut self, name: &str, describe: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Self {
        let parsed = self.reader.parse_text("bad-name", &unplaced(name), "nodes");
        let Some(parsed) = parsed else { return self };
        let node = Node {
            name: parsed,
            interfaces: Vec::new(),
            routes: Vec::new(),
            sysctls: Vec::new(),
            env: BTreeMap::new(),
            files: Vec::new(),
            programs: Vec::new(),
        };
        let what = format!("node `{name}`");
        let described = describe(NodeBuilder { reader: self.reader, what, node });
        self.reader = described.reader;
        self.spec.nodes.push(described.node);
        self
    }

    /// Joins two interfaces, named as in `R2:eth0`, or `R2` if it has one free interface.
    pub fn link(mut self, a: &str, b: &str) -> Self {
        let mut end = |text| self.reader.parse_text("bad-name", &unplaced(text), "a link");
        if let (Some(a), Some(b)) = (end(a), end(b)) {
            self.spec.links.push(Link {
                name: None,
                ends: Some([a, b]),
                mtu: None,
                offload: false,
                capture: false,
                bends: Bends::default(),
            });
            self.newest = Some(Newest::Link);
        }
        self
    }

    /// Adds a switch with these subnets; a node plugs in with `interface("eth0", "NETWORK")`.
    pub fn network<'a>(mut self, name: &str, subnets: impl IntoIterator<Item = &'a str>) -> Self {
        let parsed = self.reader.parse_text("bad-name", &unplaced(name), "networks");
        let what = format!("network `{name}`");
        let subnets = subnets
            .into_iter()
            .filter_map(|subnet| topology::subnet(&mut self.reader, &unplaced(subnet), &what))
            .collect();
        let network = |name| Network {
            name,
            subnets,
            mtu: None,
            offload: false,
            capture: false,
            bends: Bends::default(),
        };
        if let Some(name) = parsed {
            self.spec.networks.push(network(name));
            self.newest = Some(Newest::Network);
        }
        self
    }

    /// Leaves segmentation and checksums of all links and networks so far to the virtual hardware: about twice the
    /// throughput, but captures show large segments and unfinished checksums.
    pub fn offload(mut self) -> Self {
        self.spec.links.iter_mut().for_each(|link| link.offload = true);
        self.spec.networks.iter_mut().for_each(|network| network.offload = true);
        self
    }

    /// Records every frame of all links and networks so far from the start; see [`Link::recording`](crate::Link::recording).
    pub fn capture(mut self) -> Self {
        self.spec.links.iter_mut().for_each(|link| link.capture = true);
        self.spec.networks.iter_mut().for_each(|network| network.capture = true);
        self
    }

    /// The spec.
    pub fn build(self) -> Spec {
        Spec { problems: self.reader.problems, ..self.spec }
    }
}

/// Describes one host.
pub struct NodeBuilder {
    reader: Reader,
    what: String,
    node: Node,
}

impl NodeBuilder {
    /// Adds an interface: an address as in `10.10.10.2/24`, or a network's name.
    pub fn interface(mut self, name: &str, attachment: &str) -> Self {
        let what = format!("interface `{name}` of {}", self.what);
        let name = interfaces::name(&mut self.reader, &unplaced(name), &self.what);
        let fields = interfaces::from_text(&mut self.reader, &unplaced(attachment), &what);
        let interfaces::Fields { addresses, network, mac, mtu } = fields;
        let interface = |name| Interface { name, addresses, network, mac, mtu };
        self.node.interfaces.extend(name.map(interface));
        self
    }

    /// Adds a route; `to` is a subnet or `default`.
    pub fn route(mut self, to: &str, via: &str) -> Self {
        let what = format!("route `{to}` of {}", self.what);
        let route = nodes::route(&mut self.reader, &unplaced(to), &unplaced(via), &what);
        self.node.routes.extend(route);
        self
    }

    /// Writes a kernel setting below `net.`.
    pub fn sysctl(mut self, key: &str, value: &str) -> Self {
        let (key, value) = (unplaced(key), value.to_owned());
        let sysctl = nodes::sysctl(&mut self.reader, key, value, &self.what);
        self.node.sysctls.extend(sysctl);
        self
    }

    /// Adds to the environment of the node's programs.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        if programs::variable(&mut self.reader, &unplaced(name), &self.what) {
            self.node.env.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Puts a file into the node's home directory.
    pub fn file(mut self, target: &str, source: Source) -> Self {
        let what = format!("file `{target}` of {}", self.what);
        let taken = self.node.files.iter().map(|file| file.target.value.clone()).collect();
        let target = programs::target(&mut self.reader, &unplaced(target), &what, &taken);
        self.node.files.extend(target.map(|target| File { target, source }));
        self
    }

    /// Starts a program with the lab: a command line as for a shell, and what it is awaited for.
    pub fn program(mut self, name: &str, run: &str, ready: impl Into<Option<Ready>>) -> Self {
        let what = format!("program `{name}` of {}", self.what);
        let name = self.reader.parse_text("bad-name", &unplaced(name), &what);
        let words = programs::words(&mut self.reader, &unplaced(run), &what);
        let run =
            words.and_then(|words| programs::non_empty(&mut self.reader, words, &None, &what));
        let program = name.zip(run).map(|(name, run)| Program {
            name: name.value,
            run,
            ready: ready.into(),
            timeout: programs::TIMEOUT,
            env: BTreeMap::new(),
        });
        self.node.programs.extend(program);
        self
    }
}

fn unplaced(text: &str) -> Spanned<String> {
    Spanned::unplaced(text.to_owned())
}
