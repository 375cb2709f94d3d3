//! Faults: what happens to chosen frames of a link.

use std::{sync::Arc, time::Duration};

use super::{
    Error, LabError,
    session::Session,
    undo::Undo,
    value::{Mistake, Value},
};
use crate::{
    impairment::{Action, Rule, Which},
    init::{BendReply, BendRequest, Reply, Target},
    name::Endpoint,
    packet::Filter,
    units::Delay,
};

/// How long [`RunningFault::hits`] waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to happen to chosen frames of a link; [`Link::fault`](super::Link::fault) has it happen.
///
/// Frames are chosen by a filter ([`Fault::matching`]), their direction ([`Fault::from`]), and, of those that match, by number
/// ([`Fault::first`], [`Fault::nth`], [`Fault::every`]) or time ([`Fault::lasting`]); all there are, unless something is said.
/// A mistake in what it is given is an error of [`Link::fault`](super::Link::fault).
///
/// ```
/// use labnet::{Fault, Lab};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let syn = Fault::drop().first(1).matching("tcp[tcpflags] & tcp-syn != 0").from("KALI");
/// let fault = lab.link("R2--KALI").fault(syn).await?;
/// lab.node("KALI").command("labnet echo send R2:5001 hi").run().await?.success()?; // a second later
/// fault.hits(1).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing before it is given to a link"]
pub struct Fault {
    action: Action,
    which: Which,
    matching: Option<String>,
    from: Option<String>,
    mistake: Mistake,
}

impl Fault {
    fn new(action: Action) -> Self {
        let (which, mistake) = (Which::All, Mistake::default());
        Self { action, which, matching: None, from: None, mistake }
    }

    /// The frame never leaves the link.
    pub fn drop() -> Self {
        Self::new(Action::Drop)
    }

    /// The frame takes so much longer, on top of the link's own delay.
    pub fn delay(time: impl Value<Delay>) -> Self {
        let mut mistake = Mistake::default();
        let time = mistake.read("delay", time).unwrap_or_default();
        Self { mistake, ..Self::new(Action::Delay(time)) }
    }

    /// The frame arrives twice.
    pub fn duplicate() -> Self {
        Self::new(Action::Duplicate)
    }

    /// One bit of the frame is turned.
    pub fn corrupt() -> Self {
        Self::new(Action::Corrupt)
    }

    /// The frame waits until [`RunningFault::release`], or until the fault is removed.
    pub fn hold() -> Self {
        Self::new(Action::Hold)
    }

    /// The first so many.
    pub fn first(self, frames: u64) -> Self {
        self.counted("first", frames, Which::First)
    }

    /// The n-th alone; 1 is the first.
    pub fn nth(self, number: u64) -> Self {
        self.counted("nth", number, Which::Nth)
    }

    /// Each n-th.
    pub fn every(self, frames: u64) -> Self {
        self.counted("every", frames, Which::Every)
    }

    /// All in so long a time, which begins with the first.
    pub fn lasting(mut self, time: impl Value<Delay>) -> Self {
        if let Some(time) = self.mistake.read("lasting", time) {
            self.which = Which::For(time);
        }
        self
    }

    fn counted(mut self, name: &'static str, number: u64, which: fn(u64) -> Which) -> Self {
        if number == 0 {
            self.mistake.note(name, "0 chooses no frame; frames are counted from 1");
        }
        self.which = which(number);
        self
    }

    /// Only frames that pass a filter, in the language of [`Filter`].
    pub fn matching(mut self, filter: impl Into<String>) -> Self {
        self.matching = Some(filter.into());
        self
    }

    /// Only what this node sends.
    pub fn from(mut self, node: impl Into<String>) -> Self {
        self.from = Some(node.into());
        self
    }

    /// Whose frames it is about, and what is done to which of them.
    pub(super) fn rule(
        self,
        sender: impl FnOnce(&str) -> Result<Endpoint, Error>,
    ) -> Result<(Option<Endpoint>, Rule), Error> {
        self.mistake.check()?;
        let from = self.from.as_deref().map(sender).transpose()?;
        let matching = self.matching.map(|text| text.parse::<Filter>()).transpose()?;
        Ok((from, Rule { matching, which: self.which, action: self.action }))
    }
}

/// A fault that is in force; when this is dropped it is removed, and what it holds goes on.
///
/// ```
/// use labnet::{Fault, Lab};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let sent = lab.node("KALI").command("labnet echo send R2:5001 hi").spawn().await?;
/// sent.wait().await?.success()?; // from here on they know each other's MAC addresses
///
/// let fault = lab.link("R2--KALI").fault(Fault::hold().matching("udp").from("KALI")).await?;
/// let [kali, r2] = ["KALI", "R2"].map(|node| lab.node(node));
/// let (sender, receiver) = (kali.udp_bind("10.10.10.3:7000".parse()?).await?, r2.udp_bind("10.10.10.2:7000".parse()?).await?);
/// sender.send_to(b"late", "10.10.10.2:7000").await?;
/// fault.hits(1).await?;
/// assert_eq!(fault.release().await?, 1);
/// assert_eq!(receiver.recv_from(&mut [0; 4]).await?.0, 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a fault is removed when this is dropped; `keep` makes it last"]
pub struct RunningFault {
    session: Arc<Session>,
    number: u32,
    undo: Undo,
}

impl RunningFault {
    /// Adds a fault; it is removed again if nobody waits for it any more.
    pub(super) async fn add(
        session: &Arc<Session>,
        target: Target,
        rule: Rule,
    ) -> Result<Self, Error> {
        let request = BendRequest::AddFault { target, rule, guarded: true };
        let undone = |reply: &BendReply| match reply {
            BendReply::Number(number) => Some(BendRequest::RemoveFault { number: *number }),
            _ => None,
        };
        match Undo::ask(session, request, undone).await? {
            (undo, BendReply::Number(number)) => {
                Ok(Self { session: session.clone(), number, undo })
            }
            (_, other) => Err(LabError::unexpected(&Reply::Bend(other)).into()),
        }
    }

    /// Its number in the lab, as `labnet link show` has it.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Waits until it has happened to so many frames since it was added, for 10 seconds at most.
    ///
    /// # Errors
    ///
    /// If it has not by then, with how often it has.
    pub async fn hits(&self, frames: u64) -> Result<(), Error> {
        self.hits_within(frames, PATIENCE).await
    }

    /// As [`RunningFault::hits`], for so long at most.
    ///
    /// # Errors
    ///
    /// As for [`RunningFault::hits`].
    pub async fn hits_within(&self, frames: u64, timeout: Duration) -> Result<(), Error> {
        let request = BendRequest::AwaitHits { number: self.number, hits: frames, timeout };
        self.session.bend(request).await?;
        Ok(())
    }

    /// To how many frames it has happened so far.
    ///
    /// # Errors
    ///
    /// If the lab has ended.
    pub async fn count(&self) -> Result<u64, Error> {
        match self.session.bend(BendRequest::Faults).await? {
            BendReply::Faults(faults) => {
                let own = faults.iter().filter(|placed| placed.fault.number == self.number);
                Ok(own.map(|placed| placed.fault.hits).sum())
            }
            other => Err(LabError::unexpected(&Reply::Bend(other)).into()),
        }
    }

    /// Lets all frames go on that it holds, and says how many they were; those that come later it holds again.
    ///
    /// # Errors
    ///
    /// If the lab has ended.
    pub async fn release(&self) -> Result<u64, Error> {
        match self.session.bend(BendRequest::ReleaseFault { number: self.number }).await? {
            BendReply::Count(count) => Ok(count),
            other => Err(LabError::unexpected(&Reply::Bend(other)).into()),
        }
    }

    /// Removes it; when this returns, it happens to no frame any more, and what it held goes on.
    ///
    /// # Errors
    ///
    /// If the lab has ended.
    pub async fn remove(self) -> Result<(), Error> {
        Ok(self.undo.undo().await?)
    }

    /// Lets it last as long as the lab; `labnet fault remove` still removes it.
    pub fn keep(self) {
        self.undo.keep();
    }
}
