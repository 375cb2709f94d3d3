//! Captures as init sees them: sockets made in nodes, handed to the worker, and what the worker says of them.

use std::{
    fs::{File, OpenOptions},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    rc::Rc,
};

use nix::net::if_::if_nametoindex;

use super::{
    error::LabError,
    files::LabFiles,
    node::{Home, Node},
    protocol::{CaptureEnd, CaptureRequest, EndReason},
    recorder::{RecordedInterface, Recording},
    worker::{WorkerReply, WorkerRequest},
    workers::{Answers, Worker, Workers, gone, odd},
};
use crate::{
    kernel::{Attempt, KernelError, capture_socket, enter},
    name::Endpoint,
    plan::Plan,
};

/// What is kept of a link that is captured from the start; what comes later is not.
const LIMIT: u64 = 256 << 20;
/// Memory for the frames of an interface that the worker has not come to yet.
const MEMORY: usize = 8 << 20;
/// The same where a frame may be as long as [`LONGEST`].
const OFFLOAD_MEMORY: usize = 32 << 20;
/// An IP packet of the greatest length with all that comes before it.
const LONGEST: u32 = 65_535 + ETHERNET;
/// An Ethernet header with a VLAN tag, for which the MTU leaves room (`packet_snd` in net/packet/af_packet.c).
const ETHERNET: u32 = 18;
/// Descriptors in a message (SCM_MAX_FD), less the output and one for a long body.
const MOST: usize = 251;

/// What is recorded for the lab itself, by its first worker.
#[derive(Default)]
pub(super) struct Captures {
    recorded: Vec<Recorded>,
}

/// A link or network that is captured from the start.
struct Recorded {
    of: String,
    path: PathBuf,
    capture: u64,
}

/// A capture that ends with this value.
pub(super) struct Capture {
    worker: Rc<Worker>,
    id: u64,
    answers: Answers,
    on: bool,
}

impl Captures {
    /// Starts the captures that the plan asks for; no interface is up yet.
    pub(super) fn of_plan(
        (plan, nodes, home): (&Plan, &[Node], &Home),
        workers: &Workers,
        files: &LabFiles,
    ) -> Result<Self, LabError> {
        let wanted: Vec<(String, Vec<Endpoint>)> = plan.captured().collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let recorded = workers.early(|worker| {
            let mut recorded = Vec::new();
            for (of, interfaces) in wanted {
                let path = files.recording(&of);
                let step = || format!("record {of} in {}", path.display());
                let file =
                    OpenOptions::new().write(true).create_new(true).open(&path).attempt(step)?;
                let request = CaptureRequest {
                    interfaces,
                    filter: None,
                    snap_length: 0,
                    count: None,
                    only_sent: false,
                };
                let (mut recording, sockets) = prepare(plan, nodes, home, request)?;
                recording.limit = Some(LIMIT);
                let request = WorkerRequest::Start(recording);
                let capture = worker.ask(request, &all(&file, &sockets))?;
                recorded.push(Recorded { of, path, capture });
            }
            for answer in worker.answers(recorded.len())? {
                started(answer)?;
            }
            Ok(recorded)
        })?;
        Ok(Self { recorded })
    }

    /// Starts a capture; it is on when this returns.
    pub(super) async fn start(
        &self,
        (plan, nodes, home): (&Plan, &[Node], &Home),
        workers: &Workers,
        request: CaptureRequest,
        output: &OwnedFd,
    ) -> Result<Capture, LabError> {
        let (recording, sockets) = prepare(plan, nodes, home, request)?;
        let worker = workers.get()?;
        let (id, answers) =
            worker.ask(WorkerRequest::Start(recording), &all(output, &sockets)).await?;
        let mut capture = Capture { worker, id, answers, on: true };
        started(capture.answers.recv().await.ok_or_else(gone)?)?;
        Ok(capture)
    }

    /// What is recorded of a link or network until now, and how the recording ended if it has.
    pub(super) async fn recording(
        &self,
        plan: &Plan,
        workers: &Workers,
        of: &str,
    ) -> Result<(File, Option<CaptureEnd>), LabError> {
        let recorded = self.recorded.iter().find(|recorded| recorded.of == of);
        let recorded = recorded.ok_or_else(|| LabError::no_recording(plan, of))?;
        let first = workers.first()?;
        let flushed = flush(&first, recorded.capture).await;
        let file = File::open(&recorded.path).attempt(|| format!("open the recording of {of}"))?;
        let end = first.ended.borrow().get(&recorded.capture).cloned();
        let lost =
            |error| CaptureEnd { interfaces: Vec::new(), frames: 0, why: EndReason::Failed(error) };
        Ok((file, end.or_else(|| flushed.err().map(lost))))
    }
}

impl Capture {
    /// What ends it, when what has passed is recorded.
    pub(super) fn stopper(&self) -> impl Fn() + use<> {
        let (worker, id) = (self.worker.clone(), self.id);
        move || worker.tell(WorkerRequest::Stop(id))
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) -> Result<CaptureEnd, LabError> {
        let answer = self.answers.recv().await.ok_or_else(gone)?;
        self.on = false;
        match answer {
            WorkerReply::Ended(end) => Ok(end),
            other => Err(odd(&other)),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.on {
            self.worker.tell(WorkerRequest::Stop(self.id));
        }
    }
}

/// Returns when what passed before this is written.
async fn flush(worker: &Worker, capture: u64) -> Result<(), KernelError> {
    let lost = || KernelError::odd("record on", "the lab's worker process has ended");
    let (_, mut answers) =
        worker.ask(WorkerRequest::Flush(capture), &[]).await.map_err(|_| lost())?;
    // Nothing else answers this.
    answers.recv().await.map(drop).ok_or_else(lost)
}

fn started(answer: WorkerReply) -> Result<(), LabError> {
    match answer {
        WorkerReply::Started => Ok(()),
        WorkerReply::NotStarted(error) => Err(error.into()),
        other => Err(odd(&other)),
    }
}

/// The output and the sockets, as they travel to the worker.
fn all<'a>(output: &'a impl AsFd, sockets: &'a [OwnedFd]) -> Vec<BorrowedFd<'a>> {
    std::iter::once(output.as_fd()).chain(sockets.iter().map(AsFd::as_fd)).collect()
}

/// Makes a socket in the node of each interface.
fn prepare(
    plan: &Plan,
    nodes: &[Node],
    home: &Home,
    request: CaptureRequest,
) -> Result<(Recording, Vec<OwnedFd>), LabError> {
    let CaptureRequest { interfaces, filter, snap_length, count, only_sent } = request;
    if interfaces.len() > MOST {
        let said = format!("{} interfaces; {MOST} can be", interfaces.len());
        return Err(KernelError::odd("capture on all of them at once", said).into());
    }
    let (mut recorded, mut sockets) = (Vec::new(), Vec::new());
    for endpoint in interfaces {
        let node = nodes.iter().find(|node| node.plan.name == endpoint.node);
        let node = node.ok_or_else(|| LabError::no_node(plan, endpoint.node.as_str()))?;
        let name = endpoint.interface.as_str();
        let (index, socket) =
            enter(&node.net, &home.net, || (if_nametoindex(name), capture_socket()))?;
        let index = index.map_err(|_| LabError::no_interface(&node.plan, name))?;
        sockets.push(socket?);
        let planned = node.plan.interfaces.iter().find(|known| known.name == endpoint.interface);
        let plain = planned.filter(|planned| !planned.offload);
        recorded.push(RecordedInterface {
            name: endpoint.to_string(),
            index,
            offload: planned.is_some_and(|planned| planned.offload),
            longest: plain.map_or(LONGEST, |plain| plain.mtu + ETHERNET),
            memory: if plain.is_some() { MEMORY } else { OFFLOAD_MEMORY },
            // With offload a wire has segments where this has what is cut into them.
            cable: plain.and_then(|_| plan.cable(&endpoint)),
        });
    }
    let interfaces = recorded;
    Ok((Recording { interfaces, filter, snap_length, count, only_sent, limit: None }, sockets))
}
