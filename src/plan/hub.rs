//! The hub: a namespace in which all cables meet, with a bridge for each network; and names for what is in it.

use std::collections::HashSet;

use super::{
    Network, Port,
    directions::Bent,
    draft::{Draft, Place, Segment},
    resolve::{MTU, endpoint},
};
use crate::{
    name::{IfName, NetworkName},
    spec::{Problem, Problems},
};

/// `BR_MAX_PORTS` in the kernel's net/bridge/br_private.h, less the one that it never gives.
const MAX_PORTS: usize = 1023;

/// The networks with their ports.
pub(super) fn networks(draft: &mut Draft<'_>) -> Vec<Network> {
    let spec = draft.spec;
    let mut plugged: Vec<Vec<Place>> = vec![Vec::new(); spec.networks.len()];
    for place in draft.places() {
        if let Some(Segment::Network(index)) = draft.segment(place) {
            plugged[index].push(place);
        }
    }
    let mut bridges = HashSet::new();
    let mut count = 0;
    let mut networks = Vec::new();
    for (network, places) in spec.networks.iter().zip(plugged) {
        if places.len() > MAX_PORTS {
            let name = &network.name.value;
            let message = format!("network `{name}` has {} ports", places.len());
            let problem = Problem::new("too-many-ports", message)
                .at(&network.name.span, format!("a Linux bridge has at most {MAX_PORTS}"))
                .help("spread the nodes over several networks");
            draft.problems.push(problem);
        }
        let mtu = network.mtu.as_ref().map_or(MTU, |mtu| mtu.value);
        let what = format!("network `{}`", network.name.value);
        let bent = Bent { bends: &network.bends, what: &what };
        let senders: Vec<_> =
            places.iter().map(|place| &spec.nodes[place.node].name.value).collect();
        bent.check(&senders, &mut draft.problems);
        let to_node = bent.direction(None, mtu, &mut draft.problems);
        let mut port = |place: Place| {
            count += 1;
            let name = interface_name(&format!("p{count}"), &mut draft.problems)?;
            let endpoint = endpoint(spec, place);
            let mtu = draft.mtu(place);
            let from_node = bent.direction(Some(&endpoint.node), mtu, &mut draft.problems);
            Some(Port {
                name,
                endpoint,
                backend: bent.backend(),
                seed: bent.seed(),
                directions: [from_node, to_node.clone()],
            })
        };
        let ports = places.into_iter().filter_map(&mut port).collect();
        let Some(bridge) = bridge(&network.name.value, &mut bridges, &mut draft.problems) else {
            continue;
        };
        networks.push(Network {
            name: network.name.value.clone(),
            bridge,
            mtu,
            subnets: network.subnets.iter().map(|subnet| subnet.value).collect(),
            ports,
            capture: network.capture,
        });
    }
    networks
}

/// The two interfaces to which the ends of the link with this number lead.
pub(super) fn link(number: usize, problems: &mut Problems) -> Option<[IfName; 2]> {
    let [a, b] = ["a", "b"].map(|end| interface_name(&format!("l{number}{end}"), problems));
    a.zip(b).map(|(a, b)| [a, b])
}

/// `br-` and the network's name; of a long name the beginning and a hash, so that it stays its own.
fn bridge(
    network: &NetworkName,
    taken: &mut HashSet<String>,
    problems: &mut Problems,
) -> Option<IfName> {
    const KEPT: usize = IfName::MAX - "br-".len() - "-0000".len();
    let mut text = format!("br-{network}");
    let mut salt = 0;
    while text.len() > IfName::MAX || taken.contains(&text) {
        let hash = blake3::hash(format!("{network}/{salt}").as_bytes());
        text = format!("br-{:.KEPT$}-{:.4}", network, hash.to_hex());
        salt += 1;
    }
    taken.insert(text.clone());
    interface_name(&text, problems)
}

fn interface_name(text: &str, problems: &mut Problems) -> Option<IfName> {
    let problem = |error| Problem::new("bad-name", format!("{error}"));
    text.parse::<IfName>().map_err(|error| problems.push(problem(error))).ok()
}
