//! One cable: what is asked of it, and who carries it out.

use std::{os::fd::BorrowedFd, rc::Rc};

use super::{
    about::About,
    bend::Carrier,
    choice::{self, Choice, Refusal, choose},
    error::LabError,
    splice::Splicer,
    ways::{Pair, Way},
    wires::{ask, count, done, lanes, sockets, wire},
    worker::WorkerRequest,
    workers::{Worker, Workers},
};
use crate::{
    impairment::{Change, Impairment, Rule},
    kernel::qdisc::Egress,
    wire::WireRequest,
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
    /// Who frames are led to; none: directly from one end to the other.
    pub(super) leads: Option<Leader>,
    /// There as long as frames may be in it.
    pub(super) wire: Option<Wire>,
    /// Likewise.
    pub(super) queues: Option<Queues>,
    pub(super) why: String,
}

/// Who carries out what is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    Kernel,
    Worker,
}

/// A wire in a worker.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) pair: Pair,
    /// None while the lab comes up.
    pub(super) worker: Option<Rc<Worker>>,
}

/// Queues of the kernel, one in each direction, and what they do.
#[derive(Clone)]
pub(super) struct Queues {
    pub(super) ifbs: [u32; 2],
    pub(super) impairments: [Impairment; 2],
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
        Self { about, asked, leads: None, wire: None, queues: None, why: String::new() }
    }

    /// Who would carry out what is asked.
    ///
    /// # Errors
    ///
    /// If it has no meaning, or who has to do it can't.
    pub(super) fn choose(&self, asked: &Asked, splicer: &Splicer) -> Result<Choice, LabError> {
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
            offload: self.about.offload,
            impairments: &impairments,
            scheduled: self.about.is_scheduled(),
            faults: !asked.faults.is_empty(),
        };
        choose(&asked, || splicer.features()).map_err(|refusal| match refusal {
            Refusal::NotByKernel(why) => LabError::NotByKernel { cable: self.about.name(), why },
            Refusal::Unknown(error) => error.into(),
        })
    }

    /// Makes what the topology asks for, before the lab is up; whether a wire is asked for, which is answered later.
    pub(super) fn prepare(
        &mut self,
        splicer: &Splicer,
        worker: impl FnOnce(WorkerRequest, &[BorrowedFd<'_>]) -> Result<u64, LabError>,
    ) -> Result<bool, LabError> {
        let choice = self.choose(&self.asked, splicer)?;
        self.why = choice.why;
        match choice.carrier {
            Some(Carrier::Kernel) => {
                self.leads = Some(Leader::Kernel);
                self.queues = Some(self.make_queues(splicer, self.asked.in_force())?);
                Ok(false)
            }
            Some(_) => {
                let pair = splicer.pair()?;
                let fds = Splicer::sockets()?;
                worker(wire(lanes(&self.about, pair, &self.asked)), &sockets(&fds))?;
                self.leads = Some(Leader::Worker);
                self.wire = Some(Wire { pair, worker: None });
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Leads frames where they are to go.
    pub(super) fn lead(&self, splicer: &Splicer) -> Result<(), LabError> {
        let way = match (self.leads, &self.wire, &self.queues) {
            (Some(Leader::Worker), Some(wire), _) => Way::Worker(wire.pair),
            (Some(Leader::Kernel), _, Some(queues)) => Way::Kernel(queues.ifbs),
            _ => Way::Direct,
        };
        Ok(splicer.lead(&self.about.name(), self.about.place, way)?)
    }

    /// The event loop runs: wires that were prepared are this worker's.
    pub(super) fn begin(&mut self, worker: &Rc<Worker>) {
        if let Some(wire) = &mut self.wire {
            wire.worker.get_or_insert_with(|| worker.clone());
        }
    }

    /// The worker of its wire, if it lives.
    pub(super) fn worker(&self) -> Option<&Rc<Worker>> {
        let worker = self.wire.as_ref()?.worker.as_ref();
        worker.filter(|worker| !worker.is_gone())
    }

    /// Whether its worker has ended, so that nothing passes.
    pub(super) fn is_lost(&self) -> bool {
        let worker = self.wire.as_ref().and_then(|wire| wire.worker.as_ref());
        self.leads == Some(Leader::Worker) && worker.is_some_and(|worker| worker.is_gone())
    }

    /// Whether this choice, of who does what is asked, has frames go another way, or the kernel do something else to them. The worker
    /// itself looks to what is on its way to a wire that stays.
    pub(super) fn is_moved_by(&self, asked: &Asked, choice: &Choice) -> bool {
        match (self.leads, leader(choice)) {
            (None, None) | (Some(Leader::Worker), Some(Leader::Worker)) => false,
            (Some(Leader::Kernel), Some(Leader::Kernel)) => {
                let queues = self.queues.as_ref();
                queues.is_none_or(|queues| queues.impairments != asked.in_force())
            }
            _ => true,
        }
    }

    /// Makes what is asked hold; how many frames were let go that faults held which are no more.
    pub(super) async fn apply(
        &mut self,
        asked: Asked,
        splicer: &Splicer,
        workers: &Workers,
    ) -> Result<u64, LabError> {
        let choice = self.choose(&asked, splicer)?;
        let leads = leader(&choice);
        let mut released = 0;
        if leads == Some(Leader::Worker) {
            released = self.wire_up(&asked, splicer, workers).await?;
        }
        let mut moved = self.leads != leads;
        if leads == Some(Leader::Kernel) {
            moved |= self.queue_up(&asked, splicer)?;
        }
        let before = std::mem::replace(&mut self.leads, leads);
        if moved && let Err(error) = self.lead(splicer) {
            self.leads = before;
            return Err(error);
        }
        if leads != Some(Leader::Worker) {
            // What a fault holds in a wire that nothing leads to any more goes on, too.
            released = self.change_wire(&asked).await?;
        }
        self.asked = asked;
        self.why = choice.why;
        Ok(released)
    }

    /// Has the wire do what is asked, or a new one if there is none that lives.
    async fn wire_up(
        &mut self,
        asked: &Asked,
        splicer: &Splicer,
        workers: &Workers,
    ) -> Result<u64, LabError> {
        if self.worker().is_some() {
            return self.change_wire(asked).await;
        }
        // Of a worker that has ended, the pair is left.
        let pair = match &self.wire {
            Some(wire) => wire.pair,
            None => splicer.pair()?,
        };
        let worker = workers.get()?;
        let fds = Splicer::sockets()?;
        ask(&worker, lanes(&self.about, pair, asked), &sockets(&fds)).await?;
        self.wire = Some(Wire { pair, worker: Some(worker) });
        Ok(0)
    }

    /// Has the wire, if there is one, do what is asked from now on.
    async fn change_wire(&self, asked: &Asked) -> Result<u64, LabError> {
        let Some(worker) = self.worker() else { return Ok(0) };
        let id = self.about.number;
        let has = |faults: &[Fault], fault: &Fault| {
            let key = |fault: &Fault| (fault.number, fault.direction);
            faults.iter().any(|other| key(other) == key(fault))
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

    fn make_queues(
        &self,
        splicer: &Splicer,
        impairments: [Impairment; 2],
    ) -> Result<Queues, LabError> {
        let About { mtu, seeds, .. } = *self.about;
        let name = self.about.name();
        let make = |direction: usize| {
            splicer.bent_ifb(&name, mtu, &impairments[direction], seeds[direction])
        };
        let ifbs = [make(0)?, make(1)?];
        Ok(Queues { ifbs, impairments })
    }

    /// Has the kernel's queues do what is asked; whether they are others than before.
    fn queue_up(&mut self, asked: &Asked, splicer: &Splicer) -> Result<bool, LabError> {
        let impairments = asked.in_force();
        let Some(queues) = &mut self.queues else {
            self.queues = Some(self.make_queues(splicer, impairments)?);
            return Ok(true);
        };
        let name = self.about.name();
        for direction in [0, 1] {
            let (before, to) = (&queues.impairments[direction], &impairments[direction]);
            if before != to {
                let ifb = Egress { index: queues.ifbs[direction], mtu: self.about.mtu };
                splicer.bend_ifb(&name, ifb, Some(before), to, self.about.seeds[direction])?;
            }
        }
        queues.impairments = impairments;
        Ok(false)
    }
}

/// Who frames are led to by a choice.
fn leader(choice: &Choice) -> Option<Leader> {
    match choice.carrier {
        None => None,
        Some(Carrier::Kernel) => Some(Leader::Kernel),
        Some(_) => Some(Leader::Worker),
    }
}
