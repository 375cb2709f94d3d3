//! From a spec to a plan.

use std::collections::{BTreeSet, HashMap};

use super::{
    Interface, Link, Node, Plan, Program, SourceFile, address,
    directions::{self, Bent},
    draft::{Draft, Place, Segment},
    hub, mac, routes, sysctls,
};
use crate::{
    name::{Endpoint, LinkName, NodeName},
    spec::{self, Problem, Problems, Spec},
};

/// The IP MTU of Ethernet (RFC 894).
pub(super) const MTU: u32 = 1500;
/// The least MTU of IPv6 (RFC 8200, section 5); below it Linux takes IPv6 off the interface.
const MTU_IPV6: u32 = 1280;

/// Makes a spec complete: names, addresses, MACs, routes and settings that were left out are filled in.
///
/// The result depends on the spec alone: it is the same on every machine.
///
/// # Errors
///
/// Everything that is wrong, what was found while reading the file included.
pub fn resolve(spec: &Spec) -> Result<Plan, Problems> {
    let mut draft = Draft::new(spec);
    address::complete(&mut draft);
    let macs = mac::assign(&mut draft);
    let mut nodes = Vec::new();
    for index in 0..spec.nodes.len() {
        let node = node(&mut draft, index, &macs);
        nodes.push(node);
    }
    let links = links(&mut draft);
    let networks = hub::networks(&mut draft);
    let ports = networks.iter().flat_map(|network| &network.ports);
    let cables = links.iter().map(|link| &link.directions);
    let cables = cables.chain(ports.map(|port| &port.directions)).flatten();
    directions::check_traces(cables, &mut draft.problems);
    match &spec.name {
        Some(name) if draft.problems.is_empty() => {
            Ok(Plan { name: name.value.clone(), nodes, networks, links })
        }
        _ => Err(draft.problems.sorted()),
    }
}

fn node(draft: &mut Draft<'_>, index: usize, macs: &mac::Macs) -> Node {
    let spec = &draft.spec.nodes[index];
    let positions = 0..spec.interfaces.len();
    let interfaces: Vec<Interface> = positions
        .map(|interface| self::interface(draft, Place { node: index, interface }, macs))
        .collect();
    let routes = routes::of(draft, index);
    let source = |file: &spec::File| SourceFile {
        target: file.target.value.clone(),
        source: file.source.clone(),
    };
    let program = |program: &spec::Program| Program {
        name: program.name.clone(),
        command: program.run.clone(),
        ready: program.ready.clone(),
        timeout: program.timeout.0,
        env: program.env.clone(),
    };
    Node {
        name: spec.name.value.clone(),
        sysctls: sysctls::of(spec, &interfaces),
        interfaces,
        routes,
        env: spec.env.clone(),
        files: spec.files.iter().map(source).collect(),
        programs: spec.programs.iter().map(program).collect(),
    }
}

fn interface(draft: &mut Draft<'_>, place: Place, macs: &mac::Macs) -> Interface {
    let interface = draft.interface(place);
    let offload = match draft.segment(place) {
        Some(Segment::Link(index)) => draft.spec.links[index].offload,
        Some(Segment::Network(index)) => draft.spec.networks[index].offload,
        None => false,
    };
    let written = draft.written_mtu(place);
    let mtu = draft.mtu(place);
    let addresses: Vec<_> =
        draft.addresses[place.node][place.interface].iter().map(|a| a.value).collect();
    if mtu < MTU_IPV6 && addresses.iter().any(|address| address.addr().is_ipv6()) {
        let message = format!("`{}` has IPv6 and an MTU of {mtu}", draft.name(place));
        let problem = Problem::new("bad-mtu", message)
            .at(&written.and_then(|mtu| mtu.span.clone()), "too small for IPv6")
            .help(format!("IPv6 needs at least {MTU_IPV6} (RFC 8200)"));
        draft.problems.push(problem);
    }
    Interface { name: interface.name.value.clone(), mac: macs[&place], mtu, addresses, offload }
}

/// The endpoint at a place.
pub(super) fn endpoint(spec: &Spec, place: Place) -> Endpoint {
    let node = &spec.nodes[place.node];
    Endpoint {
        node: node.name.value.clone(),
        interface: node.interfaces[place.interface].name.value.clone(),
    }
}

/// The links with their names; one without is named after its nodes, or its endpoints if the nodes share several.
fn links(draft: &mut Draft<'_>) -> Vec<Link> {
    let spec = draft.spec;
    let pair = |link: &spec::Link| -> BTreeSet<NodeName> {
        link.ends.iter().flatten().map(|end| end.value.node.clone()).collect()
    };
    let mut pairs: HashMap<BTreeSet<NodeName>, usize> = HashMap::new();
    for link in &spec.links {
        *pairs.entry(pair(link)).or_default() += 1;
    }
    let mut links = Vec::new();
    let mut taken = BTreeSet::new();
    for (link, places) in spec.links.iter().zip(draft.ends.clone()) {
        let Some(places) = places else { continue };
        let ends = places.map(|place| endpoint(spec, place));
        let [a, b] = &ends;
        let automatic = match pairs[&pair(link)] {
            1 => format!("{}--{}", a.node, b.node),
            _ => format!("{a}--{b}"),
        };
        let given = link.name.as_ref().map(|name| name.value.clone());
        let span = match (&link.name, &link.ends) {
            (Some(name), _) => name.span.clone(),
            (None, Some([first, _])) => first.span.clone(),
            (None, None) => None,
        };
        let name = match given.map_or_else(|| automatic.parse::<LinkName>(), Ok) {
            Ok(name) => name,
            Err(error) => {
                draft.problems.push(Problem::new("bad-name", error.to_string()).at(&span, ""));
                continue;
            }
        };
        if !taken.insert(name.clone()) {
            let problem = Problem::new("duplicate-link", format!("there are two links `{name}`"))
                .at(&span, "second")
                .help("give each link a name of its own: `[links.NAME]`");
            draft.problems.push(problem);
        }
        if spec.networks.iter().any(|network| network.name.value.as_str() == name.as_str()) {
            let message = format!("a link and a network are both called `{name}`");
            let problem = Problem::new("duplicate-link", message)
                .at(&span, "the link")
                .help("commands could mean either: give one of them another name");
            draft.problems.push(problem);
        }
        let Some(hub) = hub::link(links.len() + 1, &mut draft.problems) else { continue };
        let what = format!("link `{name}`");
        let bent = Bent { bends: &link.bends, what: &what };
        bent.check(&[&ends[0].node, &ends[1].node], &mut draft.problems);
        let directions = [0, 1].map(|end| {
            let mtu = draft.mtu(places[end]);
            bent.direction(Some(&ends[end].node), mtu, &mut draft.problems)
        });
        links.push(Link {
            name,
            ends,
            capture: link.capture,
            backend: bent.backend(),
            seed: bent.seed(),
            directions,
            hub,
        });
    }
    links
}
