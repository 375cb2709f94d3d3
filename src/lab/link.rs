//! A link of a running lab.

use std::{fs::File, sync::Arc};

use super::{
    Bend, BendBuilder, Capture, Error, Fault, LabError, LinkState, RunningFault, bend::sender,
    capture::CaptureBuilder, session::Session,
};
use crate::{
    init::{BendRequest, Reply, Request, Target},
    name::Endpoint,
};

/// A link of a running lab, or a network: the link that all nodes share which are plugged in. A handle, cheap to clone; it does
/// not keep the lab up.
///
/// ```
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let link = lab.link("R2--KALI");
/// assert_eq!(link.name(), "lan");
/// let capture = link.capture().filter("icmp or arp").start().await?;
/// # drop(capture);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Link {
    session: Arc<Session>,
    name: String,
    ends: Vec<Endpoint>,
}

impl Link {
    pub(super) fn new(session: Arc<Session>, name: String, ends: Vec<Endpoint>) -> Self {
        Self { session, name, ends }
    }

    /// Its name in the topology.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces it joins.
    pub fn ends(&self) -> &[Endpoint] {
        &self.ends
    }

    /// A change of what it does to frames, to be applied: delay, loss and the like.
    pub fn bend(&self) -> BendBuilder {
        BendBuilder::new(self.session.clone(), self.name.clone(), self.ends.clone())
    }

    /// Lets no frame pass, in either direction, as long as the value returned lives.
    ///
    /// # Errors
    ///
    /// If the lab has ended, or can't do it.
    pub async fn down(&self) -> Result<Bend, Error> {
        self.bend().down().apply().await
    }

    /// Lets something happen to chosen frames, as long as the value returned lives; when this returns, it happens to each that is sent.
    ///
    /// # Errors
    ///
    /// If the fault holds a mistake, its sender is not at this link, or the lab can't do it.
    pub async fn fault(&self, fault: Fault) -> Result<RunningFault, Error> {
        let (from, rule) = fault.rule(|node| sender(node, &self.name, &self.ends).cloned())?;
        let target = from.map_or_else(|| Target::Cable(self.name.clone()), Target::From);
        RunningFault::add(&self.session, target, rule).await
    }

    /// What it does to frames now, who does it and why, and what became of the frames so far.
    ///
    /// # Errors
    ///
    /// If the lab has ended.
    pub async fn state(&self) -> Result<LinkState, Error> {
        let of = Some(Target::Cable(self.name.clone()));
        Ok(LinkState::ask(&self.session, BendRequest::Links { of }).await?)
    }

    /// A capture at all its ends at once, merged by time: each frame is recorded where it is sent and where it arrives.
    pub fn capture(&self) -> CaptureBuilder {
        CaptureBuilder::new(self.session.clone(), self.name.clone(), self.ends.clone()).of_links()
    }

    /// What has passed since the lab came up, if the topology says `capture = true` here.
    ///
    /// Of a link that carries much, the first 256 MiB are kept.
    ///
    /// # Errors
    ///
    /// If it is not recorded.
    pub async fn recording(&self) -> Result<Capture, Error> {
        match self.session.call(Request::Recording { of: self.name.clone() }).await? {
            (Reply::Recorded(end), mut fds) if !fds.is_empty() => {
                let file = Arc::new(File::from(fds.remove(0)));
                Ok(Capture::new(file, end, true, self.session.hosts()))
            }
            (other, _) => Err(LabError::unexpected(&other).into()),
        }
    }
}
