//! One cable: what is asked of it, and who carries it out.

use std::{os::fd::BorrowedFd, rc::Rc};

use super::{
    about::About,
    bend::{CableState, Carrier, DirectionState, FaultState},
    choice::{self, Choice, choose},
    error::LabError,
    splice::{Pair, Splicer},
    wires::{added, ask, count, done, lanes, sockets, state, wire},
    worker::WorkerRequest,
    workers::{Early, Worker, Workers},
};
use crate::{
    impairment::{Change, Impairment, Rule},
    wire::{LaneState, WireRequest},
};

/// What is asked of a cable.
#[derive(Clone)]
pub(super) struct Asked {
    /// What the topology says, and was set since.
    pub(super) base: [Impairment; 2],
    /// What lies over that, in this order.
    pub(super) overlays: Vec<(u32, [Change; 2])>,
    pub(super) faults: Vec<Fault>,
}

/// A fault on one direction.
#[derive(Clone)]
pub(super) struct Fault {
    pub(super) number: u32,
    pub(super) direction: usize,
    pub(super) rule: Rule,
    /// Whether only who made it ends it.
    pub(super) lasting: bool,
}

/// A cable of a running lab.
pub(super) struct Cable {
    pub(super) about: Rc<About>,
    pub(super) asked: Asked,
    pub(super) way: Way,
    why: String,
}

/// Which way frames go.
#[derive(Clone)]
pub(super) enum Way {
    /// The ends are joined.
    Direct,
    /// Through a wire that was made while the lab came up.
    Early(Pair),
    Wire(Wire),
}

/// A wire in a worker.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) pair: Pair,
    pub(super) worker: Rc<Worker>,
    /// Whether frames are led there; if not, those that are in it still arrive.
    pub(super) leads: bool,
}

impl Asked {
    /// What is done to every frame.
    pub(super) fn in_force(&self) -> [Impairment; 2] {
        [0, 1].map(|direction| {
            let overlays = self.overlays.iter();
            overlays.fold(self.base[direction].clone(), |below, (_, changes)| {
                below.with(&changes[direction])
            })
        })
    }
}

impl Cable {
    /// Asked for what the topology says, but still joined directly.
    pub(super) fn new(about: Rc<About>) -> Self {
        let (base, faults) = (about.planned(), about.faults.clone());
        let asked = Asked { base, overlays: Vec::new(), faults };
        Self { about, asked, way: Way::Direct, why: String::new() }
    }

    /// Who would carry out what is asked.
    ///
    /// # Errors
    ///
    /// If it has no meaning, or who has to do it can't.
    pub(super) fn choose(&self, asked: &Asked) -> Result<Choice, LabError> {
        let impairments = asked.in_force();
        for (direction, impairment) in impairments.iter().enumerate() {
            impairment.check(self.about.mtu).map_err(|why| LabError::Contradiction {
                cable: self.about.name(),
                from: self.about.from(direction),
                why: why.to_string(),
            })?;
        }
        let asked = choice::Asked {
            backend: self.about.backend,
            impairments: &impairments,
            scheduled: self.about.is_scheduled(),
            faults: !asked.faults.is_empty(),
        };
        choose(&asked).map_err(|why| LabError::NotByKernel { cable: self.about.name(), why })
    }

    /// Makes what the topology asks for hold before the lab is up; the wires are asked for here, and answered later.
    pub(super) fn prepare(
        &mut self,
        splicer: &Splicer,
        worker: impl FnOnce(WorkerRequest, &[BorrowedFd<'_>]) -> Result<u64, LabError>,
    ) -> Result<(), LabError> {
        let choice = self.choose(&self.asked)?;
        self.why = choice.why;
        if choice.carrier.is_some() {
            let pair = splicer.pair()?;
            let fds = Splicer::sockets()?;
            let request = lanes(&self.about, pair, &self.asked);
            worker(wire(request), &sockets(&fds))?;
            self.way = Way::Early(pair);
        }
        Ok(())
    }

    /// Leads frames through the wire that was prepared.
    pub(super) fn lead(&self, splicer: &Splicer) -> Result<(), LabError> {
        match self.way {
            Way::Early(pair) => Ok(splicer.divert(&self.about.name(), self.about.place, pair)?),
            _ => Ok(()),
        }
    }

    /// The event loop runs: what was prepared is the worker's.
    pub(super) fn begin(&mut self, worker: &Rc<Worker>) {
        if let Way::Early(pair) = self.way {
            self.way = Way::Wire(Wire { pair, worker: worker.clone(), leads: true });
        }
    }

    /// The wire that frames are led through, if its worker lives.
    pub(super) fn wire(&self) -> Option<&Wire> {
        match &self.way {
            Way::Wire(wire) if !wire.worker.is_gone() => Some(wire),
            _ => None,
        }
    }

    /// Whether frames are led through somebody's hands.
    pub(super) fn leads(&self) -> bool {
        match &self.way {
            Way::Direct => false,
            Way::Early(_) => true,
            Way::Wire(wire) => wire.leads,
        }
    }

    /// Whether its worker has ended, so that nothing passes.
    pub(super) fn is_lost(&self) -> bool {
        matches!(&self.way, Way::Wire(wire) if wire.leads && wire.worker.is_gone())
    }

    /// Makes what is asked hold; how many frames were let go that faults held which are no more.
    pub(super) async fn apply(
        &mut self,
        asked: Asked,
        splicer: &Splicer,
        workers: &Workers,
    ) -> Result<u64, LabError> {
        let choice = self.choose(&asked)?;
        let (name, place) = (self.about.name(), self.about.place);
        let mut released = 0;
        if choice.carrier.is_none() {
            if let Way::Wire(wire) = &mut self.way {
                if wire.leads {
                    splicer.join(&name, place)?;
                    wire.leads = false;
                }
                if wire.worker.is_gone() {
                    splicer.give_back(wire.pair);
                    self.way = Way::Direct;
                }
            }
            if self.wire().is_some() {
                released = self.change(&asked).await?;
            }
        } else if self.wire().is_some() {
            released = self.change(&asked).await?;
            if let Way::Wire(wire) = &mut self.way
                && !wire.leads
            {
                splicer.divert(&name, place, wire.pair)?;
                wire.leads = true;
            }
        } else {
            let (pair, cut) = match &self.way {
                Way::Wire(wire) => (wire.pair, wire.leads),
                _ => (splicer.pair()?, false),
            };
            let worker = workers.get()?;
            let fds = Splicer::sockets()?;
            let request = lanes(&self.about, pair, &asked);
            ask(&worker, request, &sockets(&fds)).await?;
            if !cut {
                splicer.divert(&name, place, pair)?;
            }
            self.way = Way::Wire(Wire { pair, worker, leads: true });
        }
        self.asked = asked;
        self.why = choice.why;
        Ok(released)
    }

    /// Has the wire do what is asked from now on.
    async fn change(&self, asked: &Asked) -> Result<u64, LabError> {
        let Some(Wire { worker, .. }) = self.wire() else { return Ok(0) };
        let id = self.about.number;
        let has = |faults: &[Fault], fault: &Fault| {
            let same =
                |other: &Fault| (other.number, other.direction) == (fault.number, fault.direction);
            faults.iter().any(same)
        };
        let impairments = asked.in_force();
        if impairments != self.asked.in_force() {
            done(worker, WireRequest::Set { id, impairments }).await?;
        }
        let mut released = 0;
        for fault in self.asked.faults.iter().filter(|fault| !has(&asked.faults, fault)) {
            let Fault { number, direction, .. } = *fault;
            let request = WireRequest::RemoveFault { id, direction, number };
            released += count(worker, request).await?;
        }
        for fault in asked.faults.iter().filter(|fault| !has(&self.asked.faults, fault)) {
            let Fault { number, direction, rule, .. } = fault.clone();
            done(worker, WireRequest::AddFault { id, direction, number, rule }).await?;
        }
        Ok(released)
    }

    /// What is in force, read back from who carries it out.
    pub(super) async fn state(&self) -> Result<CableState, LabError> {
        let wire = self.wire().filter(|wire| wire.leads);
        let lanes = match wire {
            Some(wire) => match state(&wire.worker, self.about.number).await {
                Ok(lanes) => Some(lanes),
                Err(_) if wire.worker.is_gone() => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let asked = self.asked.in_force();
        let direction = |direction: usize| {
            let lane = lanes.as_ref().map(|lanes| &lanes[direction]);
            let asked = asked[direction].clone();
            DirectionState {
                from: self.about.ends[direction].clone(),
                to: self.about.ends[1 - direction].clone(),
                impairment: lane.map_or(asked, |lane| lane.impairment.clone()),
                counters: lane.map(|lane| lane.counters),
                missed: lane.map_or(0, |lane| lane.missed),
                refused: lane.map_or(0, |lane| lane.refused),
                faults: self.faults(direction, lane),
            }
        };
        let (carrier, why) = self.carrier();
        Ok(CableState {
            name: self.about.segment.clone(),
            kind: self.about.kind,
            carrier,
            why,
            directions: [0, 1].map(direction),
        })
    }

    fn faults(&self, direction: usize, lane: Option<&LaneState>) -> Vec<FaultState> {
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
    pub(super) fn carrier(&self) -> (Option<Carrier>, String) {
        if self.is_lost() {
            let name = &self.about.segment;
            let why = format!(
                "the worker process that carried its frames has ended; `labnet link reset {name}` or `set` starts another"
            );
            return (Some(Carrier::Lost), why);
        }
        (self.leads().then_some(Carrier::Userspace), self.why.clone())
    }

    /// What is asked of it, in a line; none, if nothing is.
    pub(super) fn summary(&self) -> Option<String> {
        let (carrier, why) = self.carrier();
        let impairments = self.asked.in_force();
        let says = |direction: usize| {
            let from = self.about.from(direction);
            let faults = self.asked.faults.iter().filter(|fault| fault.direction == direction);
            let faults = match faults.count() {
                0 => String::new(),
                1 => ", 1 fault".to_owned(),
                count => format!(", {count} faults"),
            };
            format!("{from}: {}{faults}", impairments[direction])
        };
        let asked = format!("{}; {}", says(0), says(1));
        let name = self.about.name();
        match carrier? {
            Carrier::Lost => Some(format!("{name} is cut: {why}")),
            Carrier::Kernel => Some(format!("{name} (kernel) {asked}")),
            Carrier::Userspace => Some(format!("{name} (userspace) {asked}")),
        }
    }
}

/// Waits for the answers to what was asked of a worker while cables were prepared.
pub(super) fn await_prepared(worker: &mut Early, count: usize) -> Result<(), LabError> {
    worker.answers(count)?.into_iter().try_for_each(added)
}
