//! What clients and init say of links that bend, and how a link that bends is described.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    impairment::{Change, Impairment, Rule},
    name::{Endpoint, NodeName},
    wire::Counters,
};

/// What is bent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// A link by its name or as `R2--KALI`, or every cable of a network; both directions.
    Cable(String),
    /// What this interface sends.
    From(Endpoint),
}

/// A change in both directions or, with a name, of what that node sends; later ones go over earlier ones.
pub(crate) type Changes = Vec<(Option<NodeName>, Change)>;

/// What a client may ask of links; the reply comes when what it asks for holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum BendRequest {
    /// What is in force, of one target or of all cables: [`BendReply::Links`].
    Links { of: Option<Target> },
    /// Merges changes into what the target does, or, with `replace`, into nothing: [`BendReply::Links`].
    Set { target: Target, changes: Changes, replace: bool },
    /// Back to what the topology says, without faults that were added: [`BendReply::Links`].
    Reset { target: Target },
    /// Changes that lie over all others until they are removed or this client ends: [`BendReply::Number`].
    Overlay { target: Target, changes: Changes },
    /// [`BendReply::Done`] when the changes are gone.
    RemoveOverlay { number: u32 },
    /// Watches for frames in each direction of the target: [`BendReply::Number`]. A `guarded` one ends with this client.
    AddFault { target: Target, rule: Rule, guarded: bool },
    /// Ends a fault; frames that it holds go on: [`BendReply::Count`] of those.
    RemoveFault { number: u32 },
    /// Lets the frames go on that a fault holds: [`BendReply::Count`].
    ReleaseFault { number: u32 },
    /// [`BendReply::Count`] of hits when there are at least so many, or [`LabError::NotHit`](super::LabError::NotHit) after `timeout`.
    AwaitHits { number: u32, hits: u64, timeout: Duration },
    /// All faults: [`BendReply::Faults`].
    Faults,
    /// Cuts what joins the nodes of one group with those of the other directly: [`BendReply::Links`] that are cut, or, if it is
    /// `guarded`, [`BendReply::Number`] of an overlay.
    Partition { groups: [Vec<NodeName>; 2], guarded: bool },
    /// Ends the partitions of these groups, whichever is named first, or all: [`BendReply::Links`] that were cut.
    Heal { groups: Option<[Vec<NodeName>; 2]> },
}

/// What init answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum BendReply {
    /// Cables, in the order of the plan: links, then networks.
    Links(Vec<CableState>),
    /// The number of an overlay or fault.
    Number(u32),
    Count(u64),
    Faults(Vec<PlacedFault>),
    Done,
}

/// What a cable does to frames right now: a link, or what joins a node with a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CableState {
    /// The link, or the network whose switch it leads to.
    pub name: String,
    /// What it joins.
    pub kind: CableKind,
    /// Who carries out what is asked of it; none: its ends are joined directly, and nothing is asked.
    pub carrier: Option<Carrier>,
    /// Why that one, and if it no longer does what is asked, how to get that back.
    pub why: String,
    /// What is sent by the first end; by the second, or the switch.
    pub directions: [DirectionState; 2],
}

/// What a cable joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CableKind {
    /// Two interfaces.
    Link,
    /// An interface and a switch.
    Port,
}

/// Who carries out what is asked of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// Queueing disciplines of the kernel (tc-netem(8)).
    Kernel,
    /// The lab's worker process.
    Userspace,
    /// Nobody, since the worker process has ended: the cable is cut.
    Lost,
}

/// What is in force in one direction of a cable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionState {
    /// The interface that sends; none: the switch.
    pub from: Option<Endpoint>,
    /// The interface that receives; none: the switch.
    pub to: Option<Endpoint>,
    /// What is done to every frame.
    pub impairment: Impairment,
    /// What became of the frames so far; none: nobody counts.
    pub counters: Option<Counters>,
    /// Frames that came faster than they could be taken, and are lost.
    pub missed: u64,
    /// Frames that could not be given to the receiver, whose interface is down or takes none so long.
    pub refused: u64,
    /// What is done to chosen frames.
    pub faults: Vec<FaultState>,
}

/// A fault that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultState {
    /// What it is called in the whole lab.
    pub number: u32,
    /// What it does to which frames.
    pub rule: Rule,
    /// To how many it was done so far.
    pub hits: u64,
    /// How many frames it holds.
    pub held: u64,
}

/// A fault and the direction that it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFault {
    /// The link or network.
    pub cable: String,
    /// The interface that sends; none: the switch.
    pub from: Option<Endpoint>,
    /// The interface that receives; none: the switch.
    pub to: Option<Endpoint>,
    /// What and how often.
    pub fault: FaultState,
}

impl CableState {
    /// Whether anything is asked of it.
    pub fn is_bent(&self) -> bool {
        self.carrier.is_some()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cable(name) => name.fmt(f),
            Self::From(endpoint) => endpoint.fmt(f),
        }
    }
}
