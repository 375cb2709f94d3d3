//! What init asks the wires of its worker.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{
    about::About,
    cable::Asked,
    error::LabError,
    ways::Pair,
    worker::{WorkerReply, WorkerRequest},
    workers::{Worker, gone, odd},
};
use crate::wire::{LaneDescription, LaneState, WireDescription, WireReply, WireRequest};

/// The request for a wire that does what is asked of a cable.
pub(super) fn lanes(about: &About, pair: Pair, asked: &Asked) -> WireRequest {
    let impairments = asked.in_force();
    let stretches = about.place.stretches(pair);
    let lane = |direction: usize| {
        let stretch = &stretches[direction];
        let faults = asked.faults.iter().filter(|fault| fault.direction == direction);
        LaneDescription {
            receive: stretch.receive,
            send: stretch.send,
            mark: stretch.mark,
            seed: about.seeds[direction],
            impairment: impairments[direction].clone(),
            schedule: about.plan[direction].schedule.clone(),
            faults: faults.map(|fault| (fault.number, fault.rule.clone())).collect(),
        }
    };
    let wire = WireDescription { name: about.name(), mtu: about.mtu, lanes: [0, 1].map(lane) };
    WireRequest::Add { id: about.number, wire }
}

/// As the worker takes it.
pub(super) fn wire(request: WireRequest) -> WorkerRequest {
    WorkerRequest::Wire(Box::new(request))
}

/// The sockets, as they travel.
pub(super) fn sockets(fds: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    fds.iter().map(AsFd::as_fd).collect()
}

/// The answer to a request.
pub(super) async fn ask(
    worker: &Worker,
    request: WireRequest,
    fds: &[BorrowedFd<'_>],
) -> Result<WireReply, LabError> {
    let (_, mut answers) = worker.ask(wire(request), fds).await?;
    reply(answers.recv().await.ok_or_else(gone)?)
}

/// Waits until what nodes have sent has gone the way that their cables lead it.
pub(super) async fn settle(worker: &Worker) -> Result<(), LabError> {
    let (_, mut answers) = worker.ask(WorkerRequest::Settle, &[]).await?;
    match answers.recv().await.ok_or_else(gone)? {
        WorkerReply::Settled(settled) => Ok(settled?),
        other => Err(odd(&other)),
    }
}

/// Has it do something.
pub(super) async fn done(worker: &Worker, request: WireRequest) -> Result<(), LabError> {
    match ask(worker, request, &[]).await? {
        WireReply::Done | WireReply::Removed { .. } => Ok(()),
        other => Err(unfit(other)),
    }
}

/// Has it do something to frames: to how many.
pub(super) async fn count(worker: &Worker, request: WireRequest) -> Result<u64, LabError> {
    match ask(worker, request, &[]).await? {
        WireReply::Count(count) => Ok(count),
        other => Err(unfit(other)),
    }
}

/// What a wire does, and has done.
pub(super) async fn state(worker: &Worker, id: u32) -> Result<Box<[LaneState; 2]>, LabError> {
    match ask(worker, WireRequest::State { id }, &[]).await? {
        WireReply::State(lanes) => Ok(lanes),
        other => Err(unfit(other)),
    }
}

/// Whether a wire was made.
pub(super) fn added(answer: WorkerReply) -> Result<(), LabError> {
    match reply(answer)? {
        WireReply::Added { .. } => Ok(()),
        other => Err(unfit(other)),
    }
}

/// What the wires say, unless they have failed.
pub(super) fn reply(answer: WorkerReply) -> Result<WireReply, LabError> {
    match answer {
        WorkerReply::Wire(WireReply::Failed(error)) => Err(error.into()),
        WorkerReply::Wire(reply) => Ok(reply),
        other => Err(odd(&other)),
    }
}

pub(super) fn unfit(reply: WireReply) -> LabError {
    odd(&WorkerReply::Wire(reply))
}
