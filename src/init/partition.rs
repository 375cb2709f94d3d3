//! Partitions: what joins two groups of nodes directly is cut.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    about::{About, Placed},
    bend::{BendReply, CableKind},
    cable::{Asked, Fault},
    cables::{Cables, State},
    error::LabError,
};
use crate::{
    impairment::{Action, Change, Rule, Which},
    name::NodeName,
    packet::Filter,
};

/// A partition.
pub(super) struct Partition {
    /// What takes it back, if that is who asked for it.
    guard: Option<u32>,
    groups: [BTreeSet<NodeName>; 2],
    /// On the links between the groups.
    overlay: Option<u32>,
    /// On the switch ports.
    fault: Option<u32>,
    /// The cables that are cut, wholly or for some.
    cables: Vec<usize>,
}

/// Where two groups meet at a switch: the direction to the node of this cable drops what these rules match.
type Screen = (usize, Rule);

impl Cables {
    /// Cuts what joins the groups directly: their links, and where they share a switch, the ways from one to the other. If it is
    /// guarded, it is taken back as an overlay is.
    pub(super) async fn partition(
        self: &Rc<Self>,
        groups: [Vec<NodeName>; 2],
        guarded: bool,
    ) -> Result<BendReply, LabError> {
        self.known(groups.iter().flatten())?;
        let groups = groups.map(|group| group.into_iter().collect::<BTreeSet<_>>());
        if let Some(node) = groups[0].intersection(&groups[1]).next() {
            return Err(LabError::OnBothSides { node: node.clone() });
        }
        let links = self.between(&groups);
        let screens = self.screens(&groups)?;
        let mut cables: Vec<usize> = links.iter().map(|(number, _)| *number).collect();
        cables.extend(screens.iter().map(|(number, _)| *number));
        if cables.is_empty() {
            let [one, other] = groups.map(|group| group.into_iter().collect());
            return Err(LabError::NotJoined { one, other });
        }
        let mut state = self.lock().await;
        let fault = match screens.is_empty() {
            true => None,
            false => Some(self.screen(&mut state, screens).await?),
        };
        let overlay = match links.is_empty() {
            true => None,
            false => match self.overlay_at(&mut state, &links).await {
                Ok(overlay) => Some(overlay),
                Err(error) => {
                    if let Some(fault) = fault {
                        // The client is told of what failed first.
                        let _ = self.unscreen(&mut state, fault).await;
                    }
                    return Err(error);
                }
            },
        };
        let guard = guarded.then(|| self.number());
        state.partitions.push(Partition { guard, groups, overlay, fault, cables: cables.clone() });
        drop(state);
        match guard {
            Some(number) => Ok(BendReply::Number(number)),
            None => self.links(cables).await,
        }
    }

    /// Ends the partitions of these groups, or all.
    pub(super) async fn heal(
        self: &Rc<Self>,
        groups: Option<[Vec<NodeName>; 2]>,
    ) -> Result<BendReply, LabError> {
        let groups = groups.map(|groups| groups.map(|group| group.into_iter().collect()));
        if let Some(groups) = &groups {
            self.known(groups.iter().flat_map(|group: &BTreeSet<NodeName>| group))?;
        }
        let meant = |partition: &Partition| {
            groups.as_ref().is_none_or(|[one, other]| {
                partition.groups == [one.clone(), other.clone()]
                    || partition.groups == [other.clone(), one.clone()]
            })
        };
        let mut state = self.lock().await;
        let mut cables = BTreeSet::new();
        while let Some(place) = state.partitions.iter().position(meant) {
            cables.extend(self.join(&mut state, place).await?);
        }
        drop(state);
        if let Some([one, other]) = groups.filter(|_| cables.is_empty()) {
            let [one, other] = [one, other].map(|group| group.into_iter().collect());
            return Err(LabError::NotParted { one, other });
        }
        self.links(cables).await
    }

    /// Ends the partition that is taken back by this number, if there is one.
    pub(super) async fn join_guarded(
        self: &Rc<Self>,
        state: &mut State,
        guard: u32,
    ) -> Result<(), LabError> {
        let place = state.partitions.iter().position(|partition| partition.guard == Some(guard));
        match place {
            Some(place) => self.join(state, place).await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends a partition, by its place in the list; which cables it had cut.
    async fn join(
        self: &Rc<Self>,
        state: &mut State,
        place: usize,
    ) -> Result<Vec<usize>, LabError> {
        let Partition { overlay, fault, .. } = state.partitions[place];
        if let Some(overlay) = overlay {
            self.remove_overlay_at(state, overlay).await?;
        }
        if let Some(fault) = fault {
            self.unscreen(state, fault).await?;
        }
        Ok(state.partitions.remove(place).cables)
    }

    fn known<'a>(&self, nodes: impl Iterator<Item = &'a NodeName>) -> Result<(), LabError> {
        for node in nodes {
            if !self.plan.nodes.iter().any(|known| known.name == *node) {
                return Err(LabError::no_node(&self.plan, node.as_str()));
            }
        }
        Ok(())
    }

    /// The links from one group to the other, to be cut.
    fn between(&self, groups: &[BTreeSet<NodeName>; 2]) -> Vec<Placed> {
        let joins = |about: &About| match &about.ends {
            [Some(a), Some(b)] => {
                let holds = |group: usize, node| groups[group].contains(node);
                (holds(0, &a.node) && holds(1, &b.node)) || (holds(1, &a.node) && holds(0, &b.node))
            }
            _ => false,
        };
        let cut = Change { down: Some(true), ..Change::default() };
        let links = self.abouts.iter().enumerate().filter(|(_, about)| joins(about));
        links.map(|(number, _)| (number, [Some(cut.clone()), Some(cut.clone())])).collect()
    }

    /// What to drop at which port, so that neither group hears the other over the switches that both are at.
    fn screens(&self, groups: &[BTreeSet<NodeName>; 2]) -> Result<Vec<Screen>, LabError> {
        let group_of = |about: &About| {
            let node = &about.ends[0].as_ref()?.node;
            groups.iter().position(|group| group.contains(node))
        };
        let ports = self.abouts.iter().filter(|about| about.kind == CableKind::Port);
        let ports: Vec<(&Rc<About>, usize)> =
            ports.filter_map(|about| Some((about, group_of(about)?))).collect();
        let mut screens = Vec::new();
        for (about, group) in &ports {
            let others =
                ports.iter().filter(|(other, of)| of != group && other.segment == about.segment);
            let sources: Vec<String> =
                others.map(|(other, _)| format!("ether src {}", other.mac)).collect();
            if sources.is_empty() {
                continue;
            }
            let text = sources.join(" or ");
            let matching = Filter::parse(&text)
                .map_err(|error| LabError::Protocol { what: format!("{text}: {error}") })?;
            let rule = Rule { matching: Some(matching), which: Which::All, action: Action::Drop };
            screens.push((about.number as usize, rule));
        }
        Ok(screens)
    }

    async fn screen(
        self: &Rc<Self>,
        state: &mut State,
        screens: Vec<Screen>,
    ) -> Result<u32, LabError> {
        let fault = self.number();
        let numbers: Vec<usize> = screens.iter().map(|(number, _)| *number).collect();
        let change = |number: usize, asked: &mut Asked| {
            let here = screens.iter().filter(|(cable, _)| *cable == number);
            asked.faults.extend(here.map(|(_, rule)| Fault {
                number: fault,
                direction: 1,
                rule: rule.clone(),
                lasting: true,
            }));
        };
        self.edit(state, numbers, change).await?;
        Ok(fault)
    }

    async fn unscreen(self: &Rc<Self>, state: &mut State, fault: u32) -> Result<(), LabError> {
        let is_on = |asked: &Asked| asked.faults.iter().any(|other| other.number == fault);
        let on = state.cables.iter().enumerate().filter(|(_, cable)| is_on(&cable.asked));
        let numbers: Vec<usize> = on.map(|(number, _)| number).collect();
        let change = |_: usize, asked: &mut Asked| {
            asked.faults.retain(|other| other.number != fault);
        };
        self.edit(state, numbers, change).await.map(drop)
    }
}
