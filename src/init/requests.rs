//! What clients ask of cables: changes for good, changes over those, and faults.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::timeout_at};

use super::{
    about::Placed,
    bend::{BendReply, Changes, PlacedFault, Target},
    cable::{Asked, Cable, Fault},
    cables::{Cables, State},
    error::LabError,
    wires::{count, reply, state, unfit, wire},
    workers::{Worker, gone},
};
use crate::{
    impairment::{Impairment, Rule},
    wire::{WireReply, WireRequest},
};

/// A direction that a fault is on: its wire's worker and number.
struct Watched {
    worker: Rc<Worker>,
    id: u32,
    direction: usize,
}

/// A request of which the worker is told when nobody waits for its answer any more.
struct Waiting {
    worker: Rc<Worker>,
    request: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.worker.tell(wire(WireRequest::Forget { request: self.request }));
    }
}

impl Cables {
    pub(super) async fn set(
        self: &Rc<Self>,
        target: &Target,
        changes: &Changes,
        replace: bool,
    ) -> Result<BendReply, LabError> {
        let meant = self.meant(target)?;
        let placed: BTreeMap<usize, _> = self.placed(target, changes)?.into_iter().collect();
        let mut state = self.lock().await;
        let numbers: Vec<usize> = meant.iter().map(|(number, _)| *number).collect();
        let directions: BTreeMap<usize, Vec<usize>> = meant.into_iter().collect();
        let change = |number: usize, asked: &mut Asked| {
            for &direction in &directions[&number] {
                let base = &mut asked.base[direction];
                if replace {
                    *base = Impairment::default();
                }
                if let Some(change) = &placed[&number][direction] {
                    *base = base.with(change);
                }
            }
        };
        self.edit(&mut state, numbers.clone(), change).await?;
        drop(state);
        self.links(numbers).await
    }

    pub(super) async fn reset(self: &Rc<Self>, target: &Target) -> Result<BendReply, LabError> {
        let directions: BTreeMap<usize, Vec<usize>> = self.meant(target)?.into_iter().collect();
        let numbers: Vec<usize> = directions.keys().copied().collect();
        let mut state = self.lock().await;
        let change = |number: usize, asked: &mut Asked| {
            let planned = self.abouts[number].planned();
            let directions = &directions[&number];
            for &direction in directions {
                asked.base[direction] = planned[direction].clone();
            }
            // The topology's go on counting, if they are still there.
            let own = &self.abouts[number].faults;
            let is_own = |fault: &Fault| own.iter().any(|other| other.number == fault.number);
            let there = |fault: &Fault| directions.contains(&fault.direction);
            asked.faults.retain(|fault| !there(fault) || is_own(fault) || fault.lasting);
            for fault in own.iter().filter(|fault| there(fault)) {
                if !asked.faults.iter().any(|other| other.number == fault.number) {
                    asked.faults.push(fault.clone());
                }
            }
        };
        self.edit(&mut state, numbers.clone(), change).await?;
        drop(state);
        self.links(numbers).await
    }

    pub(super) async fn overlay(
        self: &Rc<Self>,
        target: &Target,
        changes: &Changes,
    ) -> Result<u32, LabError> {
        let placed = self.placed(target, changes)?;
        let mut state = self.lock().await;
        self.overlay_at(&mut state, &placed).await
    }

    /// Lays changes over what cables do.
    pub(super) async fn overlay_at(
        self: &Rc<Self>,
        state: &mut State,
        placed: &[Placed],
    ) -> Result<u32, LabError> {
        let overlay = self.number();
        let changes: BTreeMap<usize, _> = placed.iter().cloned().collect();
        let change = |number: usize, asked: &mut Asked| {
            let changes = changes[&number].clone().map(Option::unwrap_or_default);
            asked.overlays.push((overlay, changes));
        };
        self.edit(state, changes.keys().copied(), change).await?;
        Ok(overlay)
    }

    pub(super) async fn remove_overlay(self: &Rc<Self>, overlay: u32) -> Result<(), LabError> {
        let mut state = self.lock().await;
        self.join_guarded(&mut state, overlay).await?;
        self.remove_overlay_at(&mut state, overlay).await
    }

    /// Takes away what lies over cables; what is gone already, is.
    pub(super) async fn remove_overlay_at(
        self: &Rc<Self>,
        state: &mut State,
        overlay: u32,
    ) -> Result<(), LabError> {
        let bent =
            state.cables.iter().enumerate().filter(|(_, cable)| {
                cable.asked.overlays.iter().any(|(number, _)| *number == overlay)
            });
        let numbers: Vec<usize> = bent.map(|(number, _)| number).collect();
        let change = |_: usize, asked: &mut Asked| {
            asked.overlays.retain(|(number, _)| *number != overlay);
        };
        self.edit(state, numbers, change).await.map(drop)
    }

    pub(super) async fn add_fault(
        self: &Rc<Self>,
        target: &Target,
        rule: &Rule,
    ) -> Result<u32, LabError> {
        let fault = self.number();
        let directions: BTreeMap<usize, Vec<usize>> = self.meant(target)?.into_iter().collect();
        let mut state = self.lock().await;
        let change = |number: usize, asked: &mut Asked| {
            let faults = directions[&number].iter().map(|&direction| Fault {
                number: fault,
                direction,
                rule: rule.clone(),
                lasting: false,
            });
            asked.faults.extend(faults);
        };
        self.edit(&mut state, directions.keys().copied(), change).await?;
        Ok(fault)
    }

    pub(super) async fn remove_fault(self: &Rc<Self>, fault: u32) -> Result<u64, LabError> {
        let mut state = self.lock().await;
        let numbers = with_fault(&state, fault)?;
        let change = |_: usize, asked: &mut Asked| {
            asked.faults.retain(|other| other.number != fault);
        };
        self.edit(&mut state, numbers, change).await
    }

    pub(super) async fn release_fault(&self, fault: u32) -> Result<u64, LabError> {
        let state = self.lock().await;
        let mut released = 0;
        for Watched { worker, id, direction } in watched(&state, fault)? {
            let request = WireRequest::Release { id, direction, number: fault };
            released += count(&worker, request).await?;
        }
        Ok(released)
    }

    /// All faults, with their hits.
    pub(super) async fn faults(&self) -> Result<Vec<PlacedFault>, LabError> {
        let state = self.lock().await;
        let mut faults = Vec::new();
        for cable in state.cables.iter().filter(|cable| !cable.asked.faults.is_empty()) {
            let cable = self.state(cable).await?;
            for direction in cable.directions {
                let place = |fault| PlacedFault {
                    cable: cable.name.clone(),
                    from: direction.from.clone(),
                    to: direction.to.clone(),
                    fault,
                };
                faults.extend(direction.faults.into_iter().map(place));
            }
        }
        faults.sort_by_key(|placed: &PlacedFault| placed.fault.number);
        Ok(faults)
    }

    /// Returns when a fault has acted that often, with how often it has; in all its directions together.
    pub(super) async fn await_hits(
        &self,
        fault: u32,
        hits: u64,
        patience: Duration,
    ) -> Result<u64, LabError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let watched = watched(&*self.lock().await, fault)?;
            let mut total = 0;
            let mut waits = JoinSet::new();
            let mut requests = Vec::new();
            for Watched { worker, id, direction } in watched {
                let lanes = state(&worker, id).await?;
                let now = lanes[direction].faults.iter().find(|state| state.number == fault);
                let now = now.map_or(0, |state| state.hits);
                total += now;
                let hits = now + 1;
                let request = WireRequest::AwaitHits { id, direction, number: fault, hits };
                let (request, mut answers) = worker.ask(wire(request), &[]).await?;
                requests.push(Waiting { worker, request });
                waits.spawn_local(async move { answers.recv().await });
            }
            let hit = match total >= hits {
                true => Ok(None),
                false => timeout_at(deadline, waits.join_next()).await,
            };
            drop(requests);
            match hit {
                Ok(None) => return Ok(total),
                Ok(Some(Ok(Some(answer)))) => match reply(answer)? {
                    WireReply::Count(_) => {}
                    other => return Err(unfit(other)),
                },
                Ok(Some(_)) => return Err(gone()),
                Err(_) => {
                    return Err(LabError::NotHit { fault, hits: total, wanted: hits, patience });
                }
            }
        }
    }
}

/// The cables that a fault is on.
fn with_fault(state: &State, fault: u32) -> Result<Vec<usize>, LabError> {
    let on =
        |(_, cable): &(usize, &Cable)| cable.asked.faults.iter().any(|other| other.number == fault);
    let numbers: Vec<usize> =
        state.cables.iter().enumerate().filter(on).map(|(number, _)| number).collect();
    if numbers.is_empty() { Err(no_fault(state, fault)) } else { Ok(numbers) }
}

/// The directions that a fault is on, of wires whose worker lives.
fn watched(state: &State, fault: u32) -> Result<Vec<Watched>, LabError> {
    let mut watched = Vec::new();
    for number in with_fault(state, fault)? {
        let cable = &state.cables[number];
        let Some(worker) = cable.worker() else { continue };
        let faults = cable.asked.faults.iter().filter(|other| other.number == fault);
        watched.extend(faults.map(|other| Watched {
            worker: worker.clone(),
            id: cable.about.number,
            direction: other.direction,
        }));
    }
    if watched.is_empty() { Err(gone()) } else { Ok(watched) }
}

fn no_fault(state: &State, fault: u32) -> LabError {
    let faults = state.cables.iter().flat_map(|cable| &cable.asked.faults);
    let mut known: Vec<u32> = faults.map(|fault| fault.number).collect();
    known.sort_unstable();
    known.dedup();
    LabError::NoFault { fault, known }
}
