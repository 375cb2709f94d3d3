//! A link of a running lab.

use std::{fs::File, sync::Arc};

use super::{Capture, Error, LabError, capture::CaptureBuilder, session::Session};
use crate::{
    init::{Reply, Request},
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
