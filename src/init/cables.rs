//! The cables of a lab: which are bent, and what clients ask of them.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::{sync::Mutex, task::spawn_local, time::sleep};

use super::{
    about::{self, About},
    bend::{BendReply, BendRequest, CableState},
    cable::{Asked, Cable},
    error::LabError,
    indices::Indices,
    partition::Partition,
    splice::Splicer,
    wires::{added, done, settle},
    workers::{Worker, Workers},
};
use crate::{kernel::Netlink, plan::Plan, wire::WireRequest};

/// How long to wait before looking again whether a wire is empty that nothing leads to any more; doubled each time.
const SOON: Duration = Duration::from_millis(10);
const LATE: Duration = Duration::from_secs(1);

/// All cables of a lab.
pub(super) struct Cables {
    pub(super) plan: Rc<Plan>,
    /// By their numbers in the plan.
    pub(super) abouts: Vec<Rc<About>>,
    workers: Rc<Workers>,
    splicer: Splicer,
    state: Mutex<State>,
    /// What the next overlay or fault is called.
    next: Cell<u32>,
}

/// What changes of them, one request at a time.
pub(super) struct State {
    /// By their numbers in the plan.
    pub(super) cables: Vec<Cable>,
    pub(super) partitions: Vec<Partition>,
    /// The worker whose schedules have begun, once they are to.
    begun: Option<Rc<Worker>>,
}

impl Cables {
    /// Those of a plan, all joined directly; `hub` is a socket where they meet.
    ///
    /// # Errors
    ///
    /// If what the plan asks for can't be done.
    pub(super) fn new(
        plan: Rc<Plan>,
        indices: Rc<Indices>,
        hub: Netlink,
        workers: Rc<Workers>,
    ) -> Result<Self, LabError> {
        let abouts = about::all(&plan, &indices)?;
        let cables = abouts.iter().map(|about| Cable::new(about.clone())).collect();
        let faults = abouts.iter().flat_map(|about| &about.faults);
        let next = Cell::new(1 + faults.map(|fault| fault.number).max().unwrap_or(0));
        let state = State { cables, partitions: Vec::new(), begun: None };
        let links = indices.links(&plan).flat_map(|(ends, _)| ends).collect();
        let splicer = Splicer::new(hub, indices, links);
        for cable in &state.cables {
            cable.choose(&cable.asked, &splicer)?;
        }
        Ok(Self { plan, abouts, workers, splicer, state: Mutex::new(state), next })
    }

    /// Makes what the topology asks for hold before any interface is up.
    pub(super) fn prepare(&mut self) -> Result<(), LabError> {
        let cables = &mut self.state.get_mut().cables;
        let asking = |cable: &&mut Cable| !cable.about.plan.iter().all(|d| d.is_nothing());
        let mut asking: Vec<&mut Cable> = cables.iter_mut().filter(asking).collect();
        if asking.is_empty() {
            return Ok(());
        }
        self.workers.early(|worker| {
            let mut wires = 0;
            for cable in &mut asking {
                let wire = cable.prepare(&self.splicer, |request, fds| worker.ask(request, fds))?;
                wires += usize::from(wire);
            }
            worker.answers(wires)?.into_iter().try_for_each(added)
        })?;
        asking.iter().try_for_each(|cable| cable.lead(&self.splicer))
    }

    /// The event loop runs: from now on requests can be served.
    pub(super) async fn serve(&self) -> Result<(), LabError> {
        let mut state = self.state.lock().await;
        if state.cables.iter().any(|cable| cable.wire.is_some()) {
            let worker = self.workers.get()?;
            state.cables.iter_mut().for_each(|cable| cable.begin(&worker));
        }
        Ok(())
    }

    /// The lab is ready: schedules begin.
    pub(super) async fn begin(&self) -> Result<(), LabError> {
        let mut state = self.state.lock().await;
        let mut scheduled = state.cables.iter().filter(|cable| cable.about.is_scheduled());
        let worker = scheduled.find_map(|cable| cable.worker().cloned());
        if let Some(worker) = worker {
            done(&worker, WireRequest::Start).await?;
            state.begun = Some(worker);
        }
        Ok(())
    }

    /// Serves a request.
    pub(super) async fn answer(
        self: &Rc<Self>,
        request: BendRequest,
    ) -> Result<BendReply, LabError> {
        match request {
            BendRequest::Links { of: None } => self.links(0..self.abouts.len()).await,
            BendRequest::Links { of: Some(target) } => {
                self.links(self.meant(&target)?.into_iter().map(|(number, _)| number)).await
            }
            BendRequest::Set { target, changes, replace } => {
                self.set(&target, &changes, replace).await
            }
            BendRequest::Reset { target } => self.reset(&target).await,
            BendRequest::Overlay { target, changes } => {
                self.overlay(&target, &changes).await.map(BendReply::Number)
            }
            BendRequest::RemoveOverlay { number } => {
                self.remove_overlay(number).await.map(|()| BendReply::Done)
            }
            BendRequest::AddFault { target, rule, .. } => {
                self.add_fault(&target, &rule).await.map(BendReply::Number)
            }
            BendRequest::RemoveFault { number } => {
                self.remove_fault(number).await.map(BendReply::Count)
            }
            BendRequest::ReleaseFault { number } => {
                self.release_fault(number).await.map(BendReply::Count)
            }
            BendRequest::AwaitHits { number, hits, timeout } => {
                self.await_hits(number, hits, timeout).await.map(BendReply::Count)
            }
            BendRequest::Faults => self.faults().await.map(BendReply::Faults),
            BendRequest::Partition { groups, guarded } => self.partition(groups, guarded).await,
            BendRequest::Heal { groups } => self.heal(groups).await,
        }
    }

    /// Ends what a client that has ended asked for as long as it lives.
    pub(super) async fn forget(self: &Rc<Self>, overlays: &[u32], faults: &[u32]) {
        for number in overlays {
            // What the kernel refuses here has nobody to be told to.
            let _ = self.remove_overlay(*number).await;
        }
        for number in faults {
            // The client may have ended it itself.
            let _ = self.remove_fault(*number).await;
        }
    }

    /// A number that no overlay or fault has had.
    pub(super) fn number(&self) -> u32 {
        self.next.replace(self.next.get() + 1)
    }

    /// Whoever holds this is alone.
    pub(super) async fn lock(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.state.lock().await
    }

    /// The state of these cables, read back.
    pub(super) async fn links(
        &self,
        of: impl IntoIterator<Item = usize>,
    ) -> Result<BendReply, LabError> {
        let state = self.lock().await;
        let mut links = Vec::new();
        for number in of {
            links.push(self.state(&state.cables[number]).await?);
        }
        Ok(BendReply::Links(links))
    }

    /// What is in force on a cable.
    pub(super) async fn state(&self, cable: &Cable) -> Result<CableState, LabError> {
        cable.state(&self.splicer).await
    }

    /// Bent cables in a line each, for people.
    pub(super) fn bends(&self) -> Vec<String> {
        // While a request is served, what it asks for does not hold yet.
        let state = self.state.try_lock();
        let lines = |state: &State| state.cables.iter().filter_map(Cable::summary).collect();
        state.as_deref().map_or_else(|_| Vec::new(), lines)
    }

    /// Asks something else of cables, all at once: nothing is changed if it has no meaning at one of them. How many frames were let
    /// go that faults held which are no more.
    pub(super) async fn edit(
        self: &Rc<Self>,
        state: &mut State,
        numbers: impl IntoIterator<Item = usize>,
        change: impl Fn(usize, &mut Asked),
    ) -> Result<u64, LabError> {
        let (mut wanted, mut moved) = (Vec::new(), false);
        for number in numbers {
            let mut asked = state.cables[number].asked.clone();
            change(number, &mut asked);
            let cable = &state.cables[number];
            moved |= cable.is_moved_by(&asked, &cable.choose(&asked, &self.splicer)?);
            wanted.push((number, asked));
        }
        if moved && let Ok(worker) = self.workers.get() {
            // What was sent by now meets what held by now. Where that can't be waited for, as in a flood, the change is not held up by it.
            let _ = settle(&worker).await;
        }
        let mut released = 0;
        let mut before = Vec::new();
        for (number, asked) in wanted {
            before.push((number, state.cables[number].asked.clone()));
            match self.apply(state, number, asked).await {
                Ok(count) => released += count,
                Err(error) => {
                    for (number, asked) in before {
                        // What fails here has failed above: the client is told of that.
                        let _ = self.apply(state, number, asked).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(released)
    }

    async fn apply(
        self: &Rc<Self>,
        state: &mut State,
        number: usize,
        asked: Asked,
    ) -> Result<u64, LabError> {
        let cable = &mut state.cables[number];
        let before = cable.leads;
        let released = cable.apply(asked, &self.splicer, &self.workers).await?;
        if let Some(worker) = cable.worker().filter(|_| cable.about.is_scheduled()).cloned()
            && state.begun.as_ref().is_some_and(|begun| !Rc::ptr_eq(begun, &worker))
        {
            // A new worker: schedules begin anew with it.
            done(&worker, WireRequest::Start).await?;
            state.begun = Some(worker);
        }
        if before.is_some() && before != state.cables[number].leads {
            spawn_local(self.clone().retire(number));
        }
        Ok(released)
    }

    /// Removes what frames are no longer led to when it is empty, unless it is needed before.
    async fn retire(self: Rc<Self>, number: usize) {
        let mut pause = SOON;
        loop {
            sleep(pause).await;
            pause = LATE.min(2 * pause);
            let mut state = self.lock().await;
            let cable = &mut state.cables[number];
            // What can't be looked at or removed stays: it carries nothing.
            let wire = cable.retire_wire(&self.splicer).await;
            let queues = cable.retire_queues(&self.splicer);
            if !matches!((wire, queues), (Ok(false), _) | (_, Ok(false))) {
                return;
            }
        }
    }
}
