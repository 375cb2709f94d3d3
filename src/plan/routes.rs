//! Routes: one for each subnet that a node is in, then those that the file lists.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Congestion, Route, address::is_host_prefix, draft::Draft};
use crate::{
    name::NodeName,
    spec::{self, Problem},
};

/// The routes of a node.
pub(super) fn of(draft: &mut Draft<'_>, node: usize) -> Vec<Route> {
    let spec = &draft.spec.nodes[node];
    let neighbourhood = Neighbourhood::of(draft, node);
    let mut routes = neighbourhood.routes.clone();
    let mut taken: HashSet<IpNet> = routes.iter().map(|route| route.to).collect();
    for route in &spec.routes {
        match neighbourhood.route(&spec.name.value, route) {
            Ok(route) if taken.insert(route.to) => routes.push(route),
            Ok(resolved) => {
                let name = &spec.name.value;
                let message = format!("node `{name}` has two routes to `{}`", resolved.to);
                let problem = Problem::new("bad-route", message)
                    .at(&route.to.span, "again")
                    .help("a subnet that the node is in needs no route");
                draft.problems.push(problem);
            }
            Err(problem) => draft.problems.push(*problem),
        }
    }
    routes
}

/// What a node reaches without a router.
#[derive(Default)]
struct Neighbourhood {
    own: HashSet<IpAddr>,
    /// One for each subnet.
    routes: Vec<Route>,
    by_subnet: HashMap<IpNet, usize>,
    prefix_lengths: BTreeSet<u8>,
}

impl Neighbourhood {
    /// The first address in a subnet is the source, as with the kernel's own prefix routes; IPv6 chooses by RFC 6724.
    fn of(draft: &Draft<'_>, node: usize) -> Self {
        let mut neighbourhood = Self::default();
        let interfaces = draft.spec.nodes[node].interfaces.iter().zip(&draft.addresses[node]);
        for (interface, addresses) in interfaces {
            for address in addresses.iter().map(|address| address.value) {
                neighbourhood.own.insert(address.addr());
                let subnet = address.trunc();
                if is_host_prefix(&address) || neighbourhood.by_subnet.contains_key(&subnet) {
                    continue;
                }
                neighbourhood.by_subnet.insert(subnet, neighbourhood.routes.len());
                neighbourhood.prefix_lengths.insert(subnet.prefix_len());
                neighbourhood.routes.push(Route {
                    to: subnet,
                    interface: interface.name.value.clone(),
                    via: None,
                    source: Some(address.addr()).filter(IpAddr::is_ipv4),
                    congestion: Congestion::default(),
                });
            }
        }
        neighbourhood
    }

    /// The route to the smallest subnet that holds this address.
    fn to(&self, address: IpAddr) -> Option<&Route> {
        self.prefix_lengths.iter().rev().find_map(|length| {
            let subnet = IpNet::new(address, *length).ok()?.trunc();
            self.by_subnet.get(&subnet).map(|index| &self.routes[*index])
        })
    }

    fn route(&self, node: &NodeName, route: &spec::Route) -> Result<Route, Box<Problem>> {
        let via = route.via.value;
        let to = route.to.value.unwrap_or_else(|| everywhere(via));
        let problem = |what: &str, label: &str, help: &str| {
            let message = format!("node `{node}` routes `{to}` via `{via}`, which is {what}");
            Problem::new("bad-route", message).at(&route.via.span, label).help(help).into()
        };
        if to.addr().is_ipv4() != via.is_ipv4() {
            let help = "the next hop is of the destination's family";
            return Err(problem("of another IP version", "another IP version", help));
        }
        if self.own.contains(&via) {
            let help = "the next hop is the router's address";
            return Err(problem("its own address", "its own address", help));
        }
        let Some(neighbour) = self.to(via) else {
            let help = "the next hop must be in a subnet of one of the node's interfaces";
            return Err(problem("in none of its subnets", "not a neighbour", help));
        };
        Ok(Route { to, via: Some(via), ..neighbour.clone() })
    }
}

fn everywhere(via: IpAddr) -> IpNet {
    match via {
        IpAddr::V4(_) => Ipv4Net::default().into(),
        IpAddr::V6(_) => Ipv6Net::default().into(),
    }
}
