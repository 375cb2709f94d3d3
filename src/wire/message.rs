//! What is asked of the wires in a worker, and answered.

use serde::{Deserialize, Serialize};

use super::{Counters, FaultState};
use crate::{
    impairment::{Impairment, Rule, Schedule},
    kernel::KernelError,
};

/// A request to the wires of a worker. Each gets one answer, a failure if it names a wire that is not there.
///
/// `id` is a wire's number, that of its cable in the plan ([`Plan::cable`](crate::plan::Plan::cable)); `direction` is 0 or 1.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WireRequest {
    /// Makes a wire: [`WireReply::Added`] when it forwards. With it come four sockets of
    /// [`capture_socket`](crate::kernel::capture_socket), made in the namespace of its interfaces: those that receive and send for
    /// direction 0, then for direction 1.
    Add { id: u32, wire: WireDescription },
    /// Schedules begin now, also those of wires to come: [`WireReply::Done`].
    Start,
    /// Does this to frames from now on, in both directions at once, and what schedules say over it: [`WireReply::Done`].
    Set { id: u32, impairments: [Impairment; 2] },
    /// [`WireReply::Done`] when the next frame is subject to the rule.
    AddFault { id: u32, direction: usize, number: u32, rule: Rule },
    /// [`WireReply::Count`] of the frames that it held, which go on.
    RemoveFault { id: u32, direction: usize, number: u32 },
    /// Lets go on what a fault holds: [`WireReply::Count`].
    Release { id: u32, direction: usize, number: u32 },
    /// [`WireReply::Count`] when the fault has acted that often; a failure if it is gone before.
    AwaitHits { id: u32, direction: usize, number: u32, hits: u64 },
    /// Nobody waits any more for what the request of this number awaits: [`WireReply::Done`].
    Forget { request: u64 },
    /// [`WireReply::State`].
    State { id: u32 },
    /// Removes a wire that nothing leads to any more: [`WireReply::Removed`] when what is in it has arrived (what faults hold included),
    /// or at once if it need not arrive.
    Remove { id: u32, drain: bool },
}

impl WireRequest {
    /// Whether it must find in the wire what was sent before it.
    pub(crate) fn looks_back(&self) -> bool {
        match self {
            Self::Add { .. } | Self::Start | Self::AwaitHits { .. } | Self::Forget { .. } => false,
            Self::Remove { drain, .. } => *drain,
            Self::Set { .. }
            | Self::AddFault { .. }
            | Self::RemoveFault { .. }
            | Self::Release { .. }
            | Self::State { .. } => true,
        }
    }

    /// The wire it is about; none if about all.
    pub(super) fn wire(&self) -> Option<u32> {
        match *self {
            Self::Start | Self::Forget { .. } => None,
            Self::Add { id, .. }
            | Self::Set { id, .. }
            | Self::AddFault { id, .. }
            | Self::RemoveFault { id, .. }
            | Self::Release { id, .. }
            | Self::AwaitHits { id, .. }
            | Self::State { id }
            | Self::Remove { id, .. } => Some(id),
        }
    }
}

/// A wire to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireDescription {
    /// For people.
    pub(crate) name: String,
    /// The largest IP packet in bytes.
    pub(crate) mtu: u32,
    pub(crate) lanes: [LaneDescription; 2],
}

/// One direction of a wire to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LaneDescription {
    /// The index of the interface at which its frames arrive.
    pub(crate) receive: u32,
    /// The index of the interface that they are sent on.
    pub(crate) send: u32,
    /// Sent through the interface's queue and egress hook with this mark, instead of past them.
    pub(crate) mark: Option<u32>,
    /// Of this direction ([`direction_seed`](super::direction_seed)).
    pub(crate) seed: u64,
    pub(crate) impairment: Impairment,
    pub(crate) schedule: Schedule,
    /// With their numbers.
    pub(crate) faults: Vec<(u32, Rule)>,
}

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WireReply {
    /// `real_time`: whether wires are served before all ordinary programs (SCHED_FIFO).
    Added {
        id: u32,
        real_time: bool,
    },
    Removed {
        id: u32,
    },
    Done,
    Count(u64),
    State(Box<[LaneState; 2]>),
    Failed(KernelError),
}

/// What is in force in a direction of a wire, and what it has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaneState {
    /// With what the schedule says now.
    pub(crate) impairment: Impairment,
    pub(crate) counters: Counters,
    pub(crate) faults: Vec<FaultState>,
    /// Frames that never came to the wire: the kernel had no room for them.
    pub(crate) missed: u64,
    /// Frames that the interface did not take, as it is down, or they are too long.
    pub(crate) refused: u64,
}
