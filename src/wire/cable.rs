//! One wire: the two directions of a link, and what is asked of them.

use std::{os::fd::OwnedFd, thread};

use super::{
    Line,
    lane::Lane,
    message::{LaneDescription, WireDescription, WireReply, WireRequest},
    notice::Notifier,
};
use crate::kernel::{Attempt, KernelError, Outlet, Passing, Ring, RingSize};

/// An Ethernet header with two VLAN tags.
const HEADER: u32 = 22;
/// How long frames may still be on their way to a wire that nothing leads to any more, in ns.
const GRACE: u64 = 2_000_000;

pub(super) struct Cable {
    pub(super) lanes: [Lane; 2],
    awaited: Vec<Awaited>,
    leaving: Option<Leaving>,
}

/// A request that is answered when a fault has acted.
struct Awaited {
    request: u64,
    direction: usize,
    number: u32,
    hits: u64,
}

/// A request that is answered when the wire has gone, and that is not before this moment.
struct Leaving {
    request: u64,
    after: u64,
    drain: bool,
}

impl Cable {
    /// Makes a wire of its sockets, with so much memory for frames of each direction that have not been looked at yet; they wait there
    /// from here on.
    pub(super) fn new(
        wire: WireDescription,
        sockets: Vec<OwnedFd>,
        memory: usize,
    ) -> Result<Self, KernelError> {
        let WireDescription { name, mtu, lanes: [first, second] } = wire;
        let within = |error: KernelError| KernelError {
            step: format!("make the wire {name}: {}", error.step),
            ..error
        };
        let Ok([in0, out0, in1, out1]) = <[OwnedFd; 4]>::try_from(sockets) else {
            return Err(within(KernelError::odd("use its sockets", "there are not four")));
        };
        let size = RingSize { frame: (mtu + HEADER) as usize, memory };
        // For each ring the kernel waits until no processor can be using the socket; for both at once no longer.
        let (first, second) = thread::scope(|scope| {
            let start = || lane(first, size, in0, out0);
            let other = thread::Builder::new().spawn_scoped(scope, start);
            let second = lane(second, size, in1, out1);
            let lost = |_| Err(KernelError::odd("start", "a thread failed"));
            let other = other.attempt(|| "start a thread");
            (other.and_then(|thread| thread.join().unwrap_or_else(lost)), second)
        });
        let lanes = [first.map_err(within)?, second.map_err(within)?];
        Ok(Self { lanes, awaited: Vec::new(), leaving: None })
    }

    /// Accepts all that arrived before this: what is asked next is not meant for it.
    pub(super) fn catch_up(&mut self, wire: u32, notifier: &Notifier) {
        for (direction, lane) in self.lanes.iter_mut().enumerate() {
            lane.receive(lane.ring.slots(), (wire, direction), notifier);
        }
    }

    /// Begins the schedules at that moment, which is past for a wire that is new.
    pub(super) fn start(&mut self, start: u64) {
        for lane in &mut self.lanes {
            lane.line.schedule(start, std::mem::take(&mut lane.schedule));
        }
    }

    /// Does what a request asks of this wire; the answer, unless it comes later.
    pub(super) fn ask(
        &mut self,
        request: u64,
        what: WireRequest,
        now: u64,
    ) -> Result<Option<WireReply>, KernelError> {
        let reply = match what {
            WireRequest::Set { impairments, .. } => {
                for (lane, impairment) in self.lanes.iter_mut().zip(impairments) {
                    lane.line.set(now, impairment);
                }
                WireReply::Done
            }
            WireRequest::AddFault { direction, number, rule, .. } => {
                self.lane(direction)?.line.add_fault(number, rule);
                WireReply::Done
            }
            WireRequest::RemoveFault { direction, number, .. } => {
                WireReply::Count(self.lane(direction)?.line.remove_fault(now, number))
            }
            WireRequest::Release { direction, number, .. } => {
                WireReply::Count(self.lane(direction)?.line.release(now, number))
            }
            WireRequest::AwaitHits { direction, number, hits, .. } => {
                self.lane(direction)?;
                self.awaited.push(Awaited { request, direction, number, hits });
                return Ok(None);
            }
            WireRequest::State { .. } => {
                WireReply::State(Box::new(self.lanes.each_mut().map(|lane| lane.state(now))))
            }
            WireRequest::Remove { drain, .. } => {
                self.leave(request, now, drain);
                return Ok(None);
            }
            WireRequest::Add { .. } | WireRequest::Start | WireRequest::Forget { .. } => {
                return Err(KernelError::odd("ask this of one wire", "it is none's"));
            }
        };
        Ok(Some(reply))
    }

    fn lane(&mut self, direction: usize) -> Result<&mut Lane, KernelError> {
        let odd = || KernelError::odd("change a wire", format!("it has no direction {direction}"));
        self.lanes.get_mut(direction).ok_or_else(odd)
    }

    fn leave(&mut self, request: u64, now: u64, drain: bool) {
        for lane in &mut self.lanes {
            let faults: Vec<u32> = lane.line.faults().map(|fault| fault.number).collect();
            for number in faults {
                lane.line.remove_fault(now, number);
            }
        }
        self.leaving = Some(Leaving { request, after: now + GRACE, drain });
    }

    /// When it is worth while to ask whether it has gone, if it is leaving; it may have to wait for frames after that.
    pub(super) fn leaves_after(&self) -> Option<u64> {
        self.leaving.as_ref().map(|leaving| leaving.after)
    }

    /// The request to remove it, if it is done.
    pub(super) fn is_gone(&self, now: u64) -> Option<u64> {
        let Leaving { request, after, drain } = *self.leaving.as_ref()?;
        let drained = || now >= after && self.lanes.iter().all(Lane::is_empty);
        (!drain || drained()).then_some(request)
    }

    /// Nobody waits any more for the answer to this request.
    pub(super) fn forget(&mut self, request: u64) {
        self.awaited.retain(|awaited| awaited.request != request);
    }

    /// What is to be answered now that faults have acted, or have been removed.
    pub(super) fn answers(&mut self) -> Vec<(u64, WireReply)> {
        let lanes = &self.lanes;
        let gone = |number| {
            let step = format!("wait for fault {number}");
            WireReply::Failed(KernelError::odd(step, "it has been removed"))
        };
        let answer = |awaited: &mut Awaited| {
            let Awaited { request, direction, number, hits } = *awaited;
            let mut faults = lanes[direction].line.faults();
            match faults.find(|fault| fault.number == number) {
                Some(fault) if fault.hits < hits => None,
                Some(fault) => Some((request, WireReply::Count(fault.hits))),
                None => Some((request, gone(number))),
            }
        };
        let mut answers = Vec::new();
        self.awaited.retain_mut(|awaited| {
            let answer = answer(awaited);
            let waits = answer.is_none();
            answers.extend(answer);
            waits
        });
        answers
    }
}

fn lane(
    description: LaneDescription,
    size: RingSize,
    receive: OwnedFd,
    send: OwnedFd,
) -> Result<Lane, KernelError> {
    let LaneDescription { receive: from, send: to, mark, seed, impairment, schedule, faults } =
        description;
    let outlet = Outlet::new(send, to, mark)?;
    let ring = Ring::start(receive, from, &[], Passing::Received, size)?;
    let mut line = Line::new(seed, impairment);
    for (number, rule) in faults {
        line.add_fault(number, rule);
    }
    Ok(Lane::new(ring, outlet, line, schedule))
}
