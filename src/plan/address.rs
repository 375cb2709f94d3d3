//! Addresses: those that networks hand out, and the rules for all.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    net::IpAddr,
    ops::Range,
};

use ipnet::IpNet;

use super::draft::{Draft, Place, Segment};
use crate::spec::{Problem, Spanned};

/// Gives every interface of a network its addresses and checks all addresses.
pub(super) fn complete(draft: &mut Draft<'_>) {
    check_given(draft);
    hand_out(draft);
    check_unique(draft);
    check_links(draft);
    check_overlaps(draft);
}

/// Whether the prefix leaves no room for other hosts, so that it describes no subnet.
pub(super) fn is_host_prefix(net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

fn check_given(draft: &mut Draft<'_>) {
    for place in draft.places() {
        for address in draft.addresses[place.node][place.interface].clone() {
            if let Some((label, help)) = not_a_host(&address.value) {
                let message =
                    format!("`{}` can't have the address `{}`", draft.name(place), address.value);
                let problem =
                    Problem::new("host-address", message).at(&address.span, label).help(help);
                draft.problems.push(problem);
            } else {
                check_in_subnet(draft, place, &address);
            }
        }
    }
}

/// The addresses of a subnet that hosts can have, in order.
fn hosts(subnet: IpNet) -> impl Iterator<Item = IpAddr> {
    // Of IPv6 subnets the first address is the routers' (RFC 4291, section 2.6.1); here it is kept free.
    let first = has_room(&subnet).then(|| subnet.network());
    subnet.hosts().filter(move |host| Some(*host) != first)
}

/// Whether the subnet has more than a point-to-point link's two addresses (RFC 3021, RFC 6164).
fn has_room(subnet: &IpNet) -> bool {
    subnet.prefix_len() + 1 < subnet.max_prefix_len()
}

/// Why no host can have this address, and what to do.
fn not_a_host(net: &IpNet) -> Option<(String, String)> {
    let address = net.addr();
    let example = || {
        let first = hosts(*net).next().unwrap_or(address);
        format!("the first host is `{first}/{}`", net.prefix_len())
    };
    if has_room(net) && address == net.network() {
        return Some((format!("this is the network address of {}", net.trunc()), example()));
    }
    if has_room(net) && net.addr().is_ipv4() && address == net.broadcast() {
        return Some((format!("this is the broadcast address of {}", net.trunc()), example()));
    }
    let kind = match address {
        a if a.is_unspecified() => "the unspecified address",
        IpAddr::V4(a) if a.is_broadcast() => "the broadcast address of every network",
        a if a.is_loopback() => "a loopback address, which `lo` has",
        a if a.is_multicast() => "a multicast address",
        _ => return None,
    };
    Some((format!("this is {kind}"), "take a unicast address, as in `10.0.0.2/24`".to_owned()))
}

fn check_in_subnet(draft: &mut Draft<'_>, place: Place, address: &Spanned<IpNet>) {
    let Some(Segment::Network(index)) = draft.segment(place) else { return };
    let network = &draft.spec.networks[index];
    let fits = |subnet: &Spanned<IpNet>| subnet.value == address.value.trunc();
    if network.subnets.is_empty() || network.subnets.iter().any(fits) {
        return;
    }
    let subnets: Vec<_> = network.subnets.iter().map(|s| format!("`{}`", s.value)).collect();
    let message = format!(
        "`{}` has the address `{}`, which is not in a subnet of network `{}`",
        draft.name(place),
        address.value,
        network.name.value
    );
    let problem = Problem::new("different-subnets", message)
        .at(&address.span, "not in the network's subnet")
        .help(format!("the network has {}", subnets.join(" and ")));
    draft.problems.push(problem);
}

/// Takes the next free address of each subnet, in the order of nodes and interfaces.
fn hand_out(draft: &mut Draft<'_>) {
    let spec = draft.spec;
    let mut plugged: Vec<Vec<Place>> = vec![Vec::new(); spec.networks.len()];
    for place in draft.places() {
        if let Some(Segment::Network(index)) = draft.segment(place) {
            plugged[index].push(place);
        }
    }
    for (network, places) in spec.networks.iter().zip(plugged) {
        let given = places.iter().flat_map(|p| &draft.addresses[p.node][p.interface]);
        let taken: HashSet<IpAddr> = given.map(|address| address.value.addr()).collect();
        let waiting: Vec<Place> =
            places.into_iter().filter(|p| draft.interface(*p).addresses.is_none()).collect();
        for subnet in &network.subnets {
            let mut free = hosts(subnet.value).filter(|host| !taken.contains(host));
            for place in &waiting {
                let span = draft.interface(*place).network.as_ref().and_then(|n| n.span.clone());
                let Some(host) = free.next() else {
                    exhausted(draft, *place, subnet, &span);
                    break;
                };
                let Ok(value) = IpNet::new(host, subnet.value.prefix_len()) else { continue };
                draft.addresses[place.node][place.interface].push(Spanned { value, span });
            }
        }
    }
}

fn exhausted(
    draft: &mut Draft<'_>,
    place: Place,
    subnet: &Spanned<IpNet>,
    span: &Option<Range<usize>>,
) {
    let message =
        format!("subnet `{}` has no address left for `{}`", subnet.value, draft.name(place));
    let problem = Problem::new("subnet-exhausted", message)
        .at(span, "all addresses are taken")
        .and(&subnet.span, "this subnet is too small")
        .help("give the network a larger subnet");
    draft.problems.push(problem);
}

/// No address twice in one node or on one segment; elsewhere it may return, as behind two translators.
fn check_unique(draft: &mut Draft<'_>) {
    #[derive(PartialEq, Eq, Hash)]
    enum Scope {
        Node(usize),
        Segment(Segment),
    }
    let mut seen = HashMap::new();
    for place in draft.places() {
        for address in draft.addresses[place.node][place.interface].clone() {
            let scopes = [Some(Scope::Node(place.node)), draft.segment(place).map(Scope::Segment)];
            for scope in scopes.into_iter().flatten() {
                match seen.entry((scope, address.value.addr())) {
                    Entry::Vacant(entry) => {
                        entry.insert((place, address.span.clone()));
                    }
                    Entry::Occupied(entry) => {
                        let (first, span) = entry.get();
                        duplicate(draft, (*first, span), (place, &address));
                        break;
                    }
                }
            }
        }
    }
}

fn duplicate(
    draft: &mut Draft<'_>,
    (first, first_span): (Place, &Option<Range<usize>>),
    (second, address): (Place, &Spanned<IpNet>),
) {
    let (a, b) = (draft.name(first), draft.name(second));
    let ip = address.value.addr();
    let message = format!("`{a}` and `{b}` have the same address `{ip}`");
    let mut problem = Problem::new("duplicate-address", message).at(&address.span, "again here");
    problem = match *first_span == address.span {
        true => problem.help("a range of nodes needs a network: `interfaces.eth0 = \"NETWORK\"`"),
        false => problem.and(first_span, "first here"),
    };
    draft.problems.push(problem);
}

/// In each family that both ends have, they must share a subnet; and there must be such a family.
fn check_links(draft: &mut Draft<'_>) {
    for (index, ends) in draft.ends.clone().into_iter().enumerate() {
        let Some([a, b]) = ends else { continue };
        let addresses = |p: Place| draft.addresses[p.node][p.interface].as_slice();
        let (ours, theirs) = (addresses(a), addresses(b));
        let of = |list: &[Spanned<IpNet>], v4: bool| -> Vec<IpNet> {
            list.iter().map(|n| n.value).filter(|n| n.addr().is_ipv4() == v4).collect()
        };
        let mut common = false;
        let mut apart = false;
        for v4 in [true, false] {
            let (ours, theirs) = (of(ours, v4), of(theirs, v4));
            if ours.is_empty() || theirs.is_empty() {
                continue;
            }
            common = true;
            apart |= !ours.iter().any(|a| theirs.iter().any(|b| on_link(a, b)));
        }
        let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) else { continue };
        if common && !apart {
            continue;
        }
        let message = format!(
            "the ends of {} are in different subnets: `{}` has `{}`, `{}` has `{}`",
            draft.segment_name(Segment::Link(index)),
            draft.name(a),
            ours.value,
            draft.name(b),
            theirs.value
        );
        let problem = Problem::new("different-subnets", message)
            .at(&theirs.span, format!("not in {}", ours.value.trunc()))
            .and(&ours.span, "the other end")
            .help("both ends of a link need addresses of one subnet");
        draft.problems.push(problem);
    }
}

/// Whether two hosts reach each other without a router; a host prefix says nothing, routes may.
fn on_link(a: &IpNet, b: &IpNet) -> bool {
    is_host_prefix(a) || is_host_prefix(b) || (a.contains(&b.addr()) && b.contains(&a.addr()))
}

/// A node whose interfaces have overlapping subnets would not know which one to use.
fn check_overlaps(draft: &mut Draft<'_>) {
    for node in 0..draft.spec.nodes.len() {
        let mut subnets: Vec<(IpNet, usize, Option<Range<usize>>)> = Vec::new();
        for (interface, addresses) in draft.addresses[node].iter().enumerate() {
            let shared = addresses.iter().filter(|address| !is_host_prefix(&address.value));
            subnets.extend(shared.map(|a| (a.value.trunc(), interface, a.span.clone())));
        }
        subnets.sort_by_key(|(net, ..)| (net.network(), net.prefix_len()));
        let mut widest: Option<&(IpNet, usize, Option<Range<usize>>)> = None;
        for subnet in &subnets {
            match widest {
                Some(wide) if wide.0.contains(&subnet.0) => {
                    if wide.1 != subnet.1 {
                        let problem = overlap(draft, node, wide, subnet);
                        draft.problems.push(problem);
                    }
                }
                _ => widest = Some(subnet),
            }
        }
    }
}

fn overlap(
    draft: &Draft<'_>,
    node: usize,
    (wide, first, first_span): &(IpNet, usize, Option<Range<usize>>),
    (narrow, second, span): &(IpNet, usize, Option<Range<usize>>),
) -> Problem {
    let name = |interface: usize| draft.name(Place { node, interface });
    let message = format!(
        "the subnets of `{}` (`{wide}`) and `{}` (`{narrow}`) overlap",
        name(*first),
        name(*second)
    );
    Problem::new("overlapping-subnets", message)
        .at(span, "the same addresses lie behind two interfaces")
        .and(first_span, "the other interface")
        .help("give each interface of a node a subnet of its own")
}
