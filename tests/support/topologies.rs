//! Plans of many shapes, built in place.

use labnet::{
    impairment::Schedule,
    plan::{Backend, Direction, Interface, Link, Network, Node, Plan, Port},
};

/// A plan under construction; addresses are dealt in order.
pub(crate) struct Topology {
    plan: Plan,
    subnets: u16,
}

impl Topology {
    pub(crate) fn new(name: &str) -> Self {
        let plan = Plan {
            name: name.parse().unwrap(),
            nodes: Vec::new(),
            networks: Vec::new(),
            links: Vec::new(),
        };
        Self { plan, subnets: 0 }
    }

    pub(crate) fn nodes(mut self, names: &[&str]) -> Self {
        self.plan.nodes.extend(names.iter().map(|name| Node {
            name: name.parse().unwrap(),
            interfaces: Vec::new(),
            routes: Vec::new(),
            sysctls: Vec::new(),
            env: Default::default(),
            files: Vec::new(),
            programs: Vec::new(),
        }));
        self
    }

    /// `h1` to `h{count}`.
    pub(crate) fn hosts(self, count: usize) -> Self {
        let names: Vec<String> = (1..=count).map(|n| format!("h{n}")).collect();
        self.nodes(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A link with a /30 (and its name, unless that is empty).
    pub(crate) fn link(mut self, a: &str, b: &str, name: &str) -> Self {
        self.subnets += 1;
        let [high, low] = self.subnets.to_be_bytes();
        let addresses = [1, 2].map(|host| vec![format!("10.{high}.{low}.{host}/30")]);
        let [first, second] = addresses;
        let ends = [self.interface(a, &first), self.interface(b, &second)];
        let name = if name.is_empty() { format!("{a}--{b}") } else { name.to_owned() };
        self.plan.links.push(Link {
            name: name.parse().unwrap(),
            ends: ends.map(|end| end.parse().unwrap()),
            capture: false,
            backend: Backend::Auto,
            seed: 1,
            directions: Default::default(),
            hub: ["a", "b"].map(|end| format!("l{}{end}", self.subnets).parse().unwrap()),
        });
        self
    }

    pub(crate) fn network(mut self, name: &str, subnets: &[&str], members: &[&str]) -> Self {
        let ports = members.iter().enumerate().map(|(index, member)| {
            let addresses: Vec<String> = subnets
                .iter()
                .map(|subnet| match subnet.split_once("::/") {
                    Some((prefix, length)) => format!("{prefix}::{:x}/{length}", index + 1),
                    None => {
                        let (prefix, length) = subnet.split_once("0/").unwrap();
                        format!("{prefix}{}/{length}", index + 1)
                    }
                })
                .collect();
            let endpoint = self.interface(member, &addresses).parse().unwrap();
            Port {
                name: format!("p{index}").parse().unwrap(),
                endpoint,
                backend: Backend::Auto,
                seed: 1,
                directions: Default::default(),
            }
        });
        let ports = ports.collect();
        self.plan.networks.push(Network {
            name: name.parse().unwrap(),
            bridge: format!("br{}", self.plan.networks.len()).parse().unwrap(),
            mtu: 1500,
            subnets: subnets.iter().map(|subnet| subnet.parse().unwrap()).collect(),
            ports,
            capture: false,
        });
        self
    }

    pub(crate) fn plan(self) -> Plan {
        self.plan
    }

    fn interface(&mut self, node: &str, addresses: &[String]) -> String {
        let node = self.plan.nodes.iter_mut().find(|n| n.name.as_str() == node).unwrap();
        let name = format!("eth{}", node.interfaces.len());
        node.interfaces.push(Interface {
            name: name.parse().unwrap(),
            mac: "02:00:0a:00:00:01".parse().unwrap(),
            mtu: 1500,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            offload: false,
        });
        format!("{}:{name}", node.name)
    }
}

/// Every shape that a drawing is known to have to get right, by name.
pub(crate) fn all() -> Vec<(&'static str, Plan)> {
    let plain = [small(), regular(), networked()].concat();
    let chosen = [
        ("pair", "bent-pair"),
        ("parallel", "bent-parallel"),
        ("loop", "bent-loop"),
        ("mesh4", "bent-mesh4"),
        ("routed", "bent-routed"),
    ];
    let bent = plain.iter().filter_map(|(name, plan)| {
        let (_, bent_name) = chosen.iter().find(|(plain, _)| plain == name)?;
        Some((*bent_name, bent(plan.clone())))
    });
    let bent: Vec<_> = bent.collect();
    [plain, bent].concat()
}

/// The same with cables that do something, more in one direction than in the other.
pub(crate) fn bent(mut plan: Plan) -> Plan {
    let [there, back] = ["delay 10ms", "delay 10ms, jitter 1ms, loss gemodel 1% 20% 90% 0.1%"];
    let bend = |text: &str| Direction { impairment: text.parse().unwrap(), ..Direction::default() };
    let mut back = bend(back);
    back.faults = vec!["drop first 1".parse().unwrap()];
    back.schedule = Schedule::new(vec!["at 5s: down".parse().unwrap()]).unwrap();
    let links = plan.links.iter_mut().map(|link| &mut link.directions);
    let ports = plan.networks.iter_mut().flat_map(|network| &mut network.ports);
    for directions in links.chain(ports.map(|port| &mut port.directions)) {
        *directions = [bend(there), back.clone()];
    }
    plan
}

fn small() -> Vec<(&'static str, Plan)> {
    let of = |nodes: &[&str]| Topology::new("small").nodes(nodes);
    let long = "a-node-with-quite-a-long-name";
    vec![
        ("pair", of(&["R2", "KALI"]).link("R2", "KALI", "lan").plan()),
        ("one", of(&["alone"]).plan()),
        ("empty", of(&[]).plan()),
        ("apart", Topology::new("apart").hosts(20).plan()),
        ("parallel", of(&["a", "b"]).link("a", "b", "first").link("a", "b", "second").plan()),
        ("loop", of(&["a", "b"]).link("a", "a", "self").link("a", "b", "").plan()),
        ("long", of(&[long, "b"]).link(long, "b", "").plan()),
    ]
}

fn regular() -> Vec<(&'static str, Plan)> {
    let linked = |count: usize, pairs: Vec<(usize, usize)>| {
        let hosts = Topology::new("regular").hosts(count);
        let link = |t: Topology, (a, b)| t.link(&format!("h{a}"), &format!("h{b}"), "");
        pairs.into_iter().fold(hosts, link).plan()
    };
    let chain = |count: usize| linked(count, (1..count).map(|n| (n, n + 1)).collect());
    let ring = |count: usize| linked(count, (1..=count).map(|n| (n, n % count + 1)).collect());
    let star = |count: usize| linked(count, (2..=count).map(|n| (1, n)).collect());
    let mesh = |count: usize| {
        let pairs = (1..=count).flat_map(|a| (a + 1..=count).map(move |b| (a, b)));
        linked(count, pairs.collect())
    };
    vec![
        ("chain3", chain(3)),
        ("chain20", chain(20)),
        ("ring3", ring(3)),
        ("ring6", ring(6)),
        ("ring20", ring(20)),
        ("star6", star(6)),
        ("star20", star(20)),
        ("mesh4", mesh(4)),
        ("mesh6", mesh(6)),
        ("crossed", linked(4, vec![(1, 3), (1, 4), (2, 3), (2, 4)])),
    ]
}

fn networked() -> Vec<(&'static str, Plan)> {
    let names: Vec<String> = (1..=20).map(|n| format!("h{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let one = |count: usize, subnets: &[&str]| {
        Topology::new("lan").hosts(count).network("lan", subnets, &names[..count]).plan()
    };
    let routed = Topology::new("routed")
        .nodes(&["client", "r1", "r2", "server", "printer"])
        .network("office", &["192.168.1.0/24"], &["r1", "client", "printer"])
        .network("dc", &["203.0.113.0/24"], &["r2", "server"])
        .link("r1", "r2", "wan");
    let joined = Topology::new("joined")
        .nodes(&["a", "b", "router", "c", "d"])
        .network("left", &["10.1.0.0/24"], &["router", "a", "b"])
        .network("right", &["10.2.0.0/24"], &["router", "c", "d"]);
    let redundant = Topology::new("redundant")
        .nodes(&["a", "b", "r1", "r2", "c", "d"])
        .network("left", &["10.1.0.0/24"], &["r1", "r2", "a", "b"])
        .network("right", &["10.2.0.0/24"], &["r1", "r2", "c", "d"]);
    vec![
        ("network4", one(4, &["192.168.1.0/24"])),
        ("network20", one(20, &["192.168.1.0/24"])),
        ("dual", one(5, &["203.0.113.0/24", "2001:db8:2::/64"])),
        ("routed", routed.plan()),
        ("joined", joined.plan()),
        ("redundant", redundant.plan()),
    ]
}
