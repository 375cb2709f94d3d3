//! What is in force on a cable, read back from who carries it out.

use super::{
    bend::{CableState, Carrier, DirectionState, FaultState},
    cable::{Cable, Fault, Leader},
    error::LabError,
    splice::Splicer,
    wires::{done, state},
};
use crate::{
    impairment::Impairment,
    kernel::qdisc::{self, Egress},
    wire::{Counters, LaneState, WireRequest},
};

/// What one direction does, and has done.
type Seen = (Impairment, Option<Counters>, Option<LaneState>);

impl Cable {
    /// What is in force.
    pub(super) async fn state(&self, splicer: &Splicer) -> Result<CableState, LabError> {
        let seen = match self.leads {
            Some(Leader::Kernel) => self.read_queues(splicer)?,
            Some(Leader::Worker) => self.read_wire().await?,
            None => None,
        };
        let seen = seen.unwrap_or_else(|| self.asked.in_force().map(|asked| (asked, None, None)));
        let mut direction = 0;
        let directions = seen.map(|(impairment, counters, lane)| {
            let (from, to) = (direction, 1 - direction);
            direction += 1;
            DirectionState {
                from: self.about.ends[from].clone(),
                to: self.about.ends.get(to).cloned().flatten(),
                impairment,
                counters,
                missed: lane.as_ref().map_or(0, |lane| lane.missed),
                refused: lane.as_ref().map_or(0, |lane| lane.refused),
                faults: self.fault_states(from, lane.as_ref()),
            }
        });
        let (carrier, why) = self.carrier();
        let (name, kind) = (self.about.segment.clone(), self.about.kind);
        Ok(CableState { name, kind, carrier, why, directions })
    }

    async fn read_wire(&self) -> Result<Option<[Seen; 2]>, LabError> {
        let Some(worker) = self.worker() else { return Ok(None) };
        match state(worker, self.about.number).await {
            Ok(lanes) => Ok(Some(
                lanes.map(|lane| (lane.impairment.clone(), Some(lane.counters), Some(lane))),
            )),
            Err(_) if worker.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_queues(&self, splicer: &Splicer) -> Result<Option<[Seen; 2]>, LabError> {
        let Some(queues) = &self.queues else { return Ok(None) };
        let read = |direction: usize| -> Result<Seen, LabError> {
            let ifb = Egress { index: queues.ifbs[direction], mtu: self.about.mtu };
            let asked = &queues.impairments[direction];
            let (impairment, counters) = splicer.read_ifb(&self.about.name(), ifb, asked)?;
            Ok((impairment, Some(as_of_wire(counters)), None))
        };
        Ok(Some([read(0)?, read(1)?]))
    }

    /// Removes its wire if nothing is led there and nothing is in it; false: something still is.
    pub(super) async fn retire_wire(&mut self, splicer: &Splicer) -> Result<bool, LabError> {
        let Some(wire) = self.wire.as_ref().filter(|_| self.leads != Some(Leader::Worker)) else {
            return Ok(true);
        };
        if let Some(worker) = self.worker() {
            let id = self.about.number;
            let lanes = state(worker, id).await?;
            if lanes.iter().any(|lane| lane.counters.queued > 0) {
                return Ok(false);
            }
            done(worker, WireRequest::Remove { id, drain: true }).await?;
        }
        splicer.give_back_pair(wire.pair);
        self.wire = None;
        Ok(true)
    }

    /// Likewise with the kernel's queues.
    pub(super) fn retire_queues(&mut self, splicer: &Splicer) -> Result<bool, LabError> {
        let Some(queues) = self.queues.as_ref().filter(|_| self.leads != Some(Leader::Kernel))
        else {
            return Ok(true);
        };
        let seen = self.read_queues(splicer)?;
        let mut counters = seen.iter().flatten().filter_map(|(_, counters, _)| counters.as_ref());
        if counters.any(|counters| counters.queued > 0) {
            return Ok(false);
        }
        for index in queues.ifbs {
            splicer.straighten_ifb(Egress { index, mtu: self.about.mtu })?;
        }
        self.queues = None;
        Ok(true)
    }

    fn fault_states(&self, direction: usize, lane: Option<&LaneState>) -> Vec<FaultState> {
        let faults = self.asked.faults.iter().filter(|fault| fault.direction == direction);
        let state = |fault: &Fault| {
            let mut states = lane.into_iter().flat_map(|lane| &lane.faults);
            let state = states.find(|state| state.number == fault.number);
            FaultState {
                number: fault.number,
                rule: fault.rule.clone(),
                hits: state.map_or(0, |state| state.hits),
                held: state.map_or(0, |state| state.held),
            }
        };
        faults.map(state).collect()
    }

    /// Who carries it out, and why.
    fn carrier(&self) -> (Option<Carrier>, String) {
        if self.is_lost() {
            let name = &self.about.segment;
            let why = format!(
                "the worker process that carried its frames has ended; `labnet link reset {name}` or `set` starts another"
            );
            return (Some(Carrier::Lost), why);
        }
        let carrier = self.leads.map(|leader| match leader {
            Leader::Kernel => Carrier::Kernel,
            Leader::Worker => Carrier::Userspace,
        });
        (carrier, self.why.clone())
    }

    /// What is asked of it, in a line; none, if nothing is.
    pub(super) fn summary(&self) -> Option<String> {
        let (carrier, why) = self.carrier();
        let impairments = self.asked.in_force();
        let says = |direction: usize| {
            let faults = self.asked.faults.iter().filter(|fault| fault.direction == direction);
            let faults = match faults.count() {
                0 => String::new(),
                1 => ", 1 fault".to_owned(),
                count => format!(", {count} faults"),
            };
            format!("{}{faults}", impairments[direction])
        };
        let asked = match says(0) == says(1) {
            true => says(0),
            false => {
                let [one, other] = [0, 1].map(|from| (self.about.from(from), says(from)));
                format!("from {} {}, from {} {}", one.0, one.1, other.0, other.1)
            }
        };
        let name = self.about.name();
        match carrier? {
            Carrier::Lost => Some(format!("{name} is cut: {why}")),
            Carrier::Kernel => Some(format!("{name}: {asked} (by the kernel)")),
            Carrier::Userspace => Some(format!("{name}: {asked} (by the lab's wire)")),
        }
    }
}

/// As a wire counts.
fn as_of_wire(kernel: qdisc::Counters) -> Counters {
    let qdisc::Counters { frames, lost, queue_full, reordered, .. } = kernel;
    let (queued, queued_bytes) = (kernel.queued_frames, kernel.queued_bytes);
    Counters {
        sent: frames + lost + queue_full + queued,
        delivered: frames,
        lost,
        queue_full,
        reordered,
        queued,
        queued_bytes,
        ..Counters::default()
    }
}
