//! Who bent links while a manual was done.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    init::{BendRequest, Carrier},
    lab::{Lab, LinkState},
    plan::Plan,
};

/// By link or network, who was seen to bend it, each with why that one.
#[derive(Debug, Default)]
pub(super) struct Carriers(BTreeMap<String, BTreeMap<&'static str, String>>);

impl Carriers {
    /// Looks at all links. Of a lab that broke nothing can be had, and who runs it learns of that otherwise.
    pub(super) async fn look(&mut self, lab: &Lab) {
        let request = BendRequest::Links { of: None };
        let Ok(state) = LinkState::ask(lab.session(), request).await else { return };
        for cable in state.cables {
            let by = match cable.carrier {
                Some(Carrier::Kernel) => "kernel",
                Some(Carrier::Userspace) => "userspace",
                Some(Carrier::Lost) | None => continue,
            };
            self.0.entry(cable.name).or_default().entry(by).or_insert(cable.why);
        }
    }
}

/// In words; for readers who want to know whether the same would happen elsewhere.
impl std::fmt::Display for Carriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none: no link was bent");
        }
        let links = self.0.iter().flat_map(|(name, by)| by.iter().map(move |by| (name, by)));
        for (place, (name, (by, why))) in links.enumerate() {
            let comma = if place > 0 { "; " } else { "" };
            write!(f, "{comma}{by} for {name} ({why})")?;
        }
        Ok(())
    }
}

/// The seeds of all links and networks: one, if all have the same, else one for each.
pub(super) fn seeds(plan: &Plan) -> String {
    let links = plan.links.iter().map(|link| (link.name.to_string(), link.seed));
    let ports = plan
        .networks
        .iter()
        .flat_map(|network| network.ports.iter().map(|port| (network.name.to_string(), port.seed)));
    let all: BTreeSet<(String, u64)> = links.chain(ports).collect();
    let different: BTreeSet<u64> = all.iter().map(|(_, seed)| *seed).collect();
    match different.first() {
        None => "none: there are no links".to_owned(),
        Some(seed) if different.len() == 1 => seed.to_string(),
        Some(_) => {
            let each: Vec<String> =
                all.iter().map(|(name, seed)| format!("{seed} for {name}")).collect();
            each.join("; ")
        }
    }
}
