//! Ethernet addresses that can be read and stay the same.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
};

use super::draft::{Draft, Place};
use crate::{spec::Problem, units::MacAddr};

pub(super) type Macs = HashMap<Place, MacAddr>;

/// Gives every interface its MAC and checks that none is twice on a segment.
pub(super) fn assign(draft: &mut Draft<'_>) -> Macs {
    let mut macs = Macs::new();
    let mut seen = HashMap::new();
    for place in draft.places() {
        let mac = of(draft, place);
        macs.insert(place, mac);
        let Some(segment) = draft.segment(place) else { continue };
        match seen.entry((segment, mac)) {
            Entry::Vacant(entry) => drop(entry.insert(place)),
            Entry::Occupied(entry) => duplicate(draft, *entry.get(), place, mac),
        }
    }
    macs
}

/// As written; else `02:00:` and the first IPv4 address; else `06:` and a hash of node and interface name.
///
/// Both leading bytes mark a locally administered unicast address (IEEE 802, section 8.4), and differ so that the two
/// kinds never meet. Nothing depends on other nodes.
fn of(draft: &Draft<'_>, place: Place) -> MacAddr {
    if let Some(mac) = &draft.interface(place).mac {
        return mac.value;
    }
    let addresses = &draft.addresses[place.node][place.interface];
    let v4 = addresses.iter().find_map(|address| match address.value.addr() {
        IpAddr::V4(address) => Some(address.octets()),
        IpAddr::V6(_) => None,
    });
    if let Some([a, b, c, d]) = v4 {
        return MacAddr([0x02, 0x00, a, b, c, d]);
    }
    let hash = blake3::hash(draft.name(place).as_bytes());
    let [a, b, c, d, e, ..] = *hash.as_bytes();
    MacAddr([0x06, a, b, c, d, e])
}

fn duplicate(draft: &mut Draft<'_>, first: Place, second: Place, mac: MacAddr) {
    let span = |place: Place| {
        let interface = draft.interface(place);
        let mac = interface.mac.as_ref().and_then(|mac| mac.span.clone());
        mac.or_else(|| interface.name.span.clone())
    };
    let shared = |list: &[crate::spec::Spanned<ipnet::IpNet>], place: Place| {
        let own = &draft.addresses[place.node][place.interface];
        own.iter().any(|a| list.iter().any(|b| a.value.addr() == b.value.addr()))
    };
    // Equal addresses make equal MACs; that is one mistake, and it is reported already.
    if shared(&draft.addresses[first.node][first.interface], second) {
        return;
    }
    let (a, b) = (draft.name(first), draft.name(second));
    let message = format!("`{a}` and `{b}` have the same MAC `{mac}` on one segment");
    let mut problem = Problem::new("duplicate-mac", message)
        .at(&span(second), "again here")
        .help("leave `mac` out: each interface gets its own");
    if span(first) != span(second) {
        problem = problem.and(&span(first), "first here");
    }
    draft.problems.push(problem);
}
