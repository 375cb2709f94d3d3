//! Changes of what a link does to frames, that last as long as a value lives.

use std::sync::Arc;

use super::{
    Error, Lab,
    session::Session,
    undo::Undo,
    value::{Mistake, Value},
};
use crate::{
    impairment::{Change, Distribution, Loss, Pace, QueueLimit},
    init::{BendReply, BendRequest, Target},
    name::Endpoint,
    units::{ByteSize, Delay, Probability},
};

/// A change to be of what a link does to frames; [`BendBuilder::apply`] applies it.
///
/// It holds for both directions unless [`BendBuilder::from`] names the sender. What is not named stays as the topology or an
/// earlier change has it. Values are typed ([`units`](crate::units), [`impairment`](crate::impairment)) or text as in
/// topologies; a mistake in a text is an error of [`BendBuilder::apply`].
///
/// ```
/// use std::time::Duration;
///
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let link = lab.link("R2--KALI");
/// let far = link.bend().delay("50ms").jitter(Duration::from_millis(2)).apply().await?;
/// let thin = link.bend().from("KALI").rate("1Mbit").limit("20").apply().await?;
/// assert!(link.state().await?.to_string().contains("delay 50ms, jitter 2ms, rate 1Mbit"));
///
/// thin.undo().await?; // now; when dropped, soon
/// far.keep(); // as long as the lab
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a link does not change before this is applied"]
pub struct BendBuilder {
    session: Arc<Session>,
    name: String,
    ends: Vec<Endpoint>,
    from: Option<String>,
    change: Change,
    mistake: Mistake,
}

impl BendBuilder {
    pub(super) fn new(session: Arc<Session>, name: String, ends: Vec<Endpoint>) -> Self {
        let (change, mistake) = (Change::default(), Mistake::default());
        Self { session, name, ends, from: None, change, mistake }
    }

    /// Only what this node sends.
    pub fn from(mut self, node: impl Into<String>) -> Self {
        self.from = Some(node.into());
        self
    }

    /// Each frame takes so much longer.
    pub fn delay(mut self, delay: impl Value<Delay>) -> Self {
        self.change.delay = self.mistake.read("delay", delay);
        self
    }

    /// The delay varies by so much; frames may then overtake each other.
    pub fn jitter(mut self, jitter: impl Value<Delay>) -> Self {
        self.change.jitter = self.mistake.read("jitter", jitter);
        self
    }

    /// How the delay varies: [`Distribution::Uniform`] unless said.
    pub fn distribution(mut self, distribution: impl Value<Distribution>) -> Self {
        self.change.distribution = self.mistake.read("distribution", distribution);
        self
    }

    /// So many frames are lost: one by one, `"1%"`, or in bursts, `"1% burst 5"`.
    pub fn loss(mut self, loss: impl Value<Loss>) -> Self {
        self.change.loss = self.mistake.read("loss", loss);
        self
    }

    /// So many frames arrive twice.
    pub fn duplicate(mut self, share: impl Value<Probability>) -> Self {
        self.change.duplicate = self.mistake.read("duplicate", share);
        self
    }

    /// So many frames skip the delay.
    pub fn reorder(mut self, share: impl Value<Probability>) -> Self {
        self.change.reorder = self.mistake.read("reorder", share);
        self
    }

    /// Only each n-th frame may skip the delay.
    pub fn gap(mut self, frames: u32) -> Self {
        self.change.gap = Some(frames);
        self
    }

    /// In so many frames, one bit is turned.
    pub fn corrupt(mut self, share: impl Value<Probability>) -> Self {
        self.change.corrupt = self.mistake.read("corrupt", share);
        self
    }

    /// So much is sent a second, or, with a [`Trace`](crate::impairment::Trace), what a recording of a link allows.
    pub fn rate(mut self, rate: impl Value<Pace>) -> Self {
        self.change.rate = self.mistake.read("rate", rate).map(Some);
        self
    }

    /// With a rate, so much may be sent at once; one frame of the MTU unless said.
    pub fn burst(mut self, size: impl Value<ByteSize>) -> Self {
        self.change.burst = self.mistake.read("burst", size).map(Some);
        self
    }

    /// So much may wait to be sent; further frames are dropped.
    pub fn limit(mut self, limit: impl Value<QueueLimit>) -> Self {
        self.change.limit = self.mistake.read("limit", limit);
        self
    }

    /// No frame passes.
    pub fn down(mut self) -> Self {
        self.change.down = Some(true);
        self
    }

    /// All that a [`Change`] says, over what was said before: `"delay 10ms, rate unlimited, up"`.
    pub fn change(mut self, change: impl Value<Change>) -> Self {
        if let Some(change) = self.mistake.read("change", change) {
            self.change = change.over(&self.change);
        }
        self
    }

    /// Applies it, over all changes that are in force; when this returns, it holds for each frame that is sent.
    ///
    /// Neither end notices: no interface goes down, and frames that are under way arrive.
    ///
    /// # Errors
    ///
    /// If a text is not understood, the sender is not at this link, or the lab can't do it.
    pub async fn apply(self) -> Result<Bend, Error> {
        self.mistake.check()?;
        let from = self.from.map(|node| sender(&node, &self.name, &self.ends)).transpose()?;
        let from = from.map(|end| end.node.clone());
        let request = BendRequest::Overlay {
            target: Target::Cable(self.name.clone()),
            changes: vec![(from, self.change)],
        };
        let (undo, _) = Undo::ask(&self.session, request, removal).await?;
        Ok(Bend(undo))
    }
}

/// What takes back what is in force by this answer.
fn removal(reply: &BendReply) -> Option<BendRequest> {
    match reply {
        BendReply::Number(number) => Some(BendRequest::RemoveOverlay { number: *number }),
        _ => None,
    }
}

/// The end of a link at which the node of this name sends.
pub(crate) fn sender<'a>(
    node: &str,
    link: &str,
    ends: &'a [Endpoint],
) -> Result<&'a Endpoint, Error> {
    let found = ends.iter().find(|end| end.node.as_str() == node);
    found.ok_or_else(|| {
        let names: Vec<String> = ends.iter().map(|end| format!("`{}`", end.node)).collect();
        let why = format!("`{node}` is not at `{link}`; there are: {}", names.join(", "));
        Error::Value { name: "from", why }
    })
}

/// A change of a link, or of several, that is in force; when this is dropped it is taken back.
///
/// Dropping does not wait until that holds: [`Bend::undo`] does. What is asked of links next is answered after it.
#[derive(Debug)]
#[must_use = "a change is taken back when this is dropped; `keep` makes it last"]
pub struct Bend(pub(super) Undo);

impl Bend {
    /// Takes the change back; when this returns, what was in force without it holds for each frame that is sent.
    ///
    /// # Errors
    ///
    /// If the lab has ended.
    pub async fn undo(self) -> Result<(), Error> {
        Ok(self.0.undo().await?)
    }

    /// Lets the change last as long as the lab.
    pub fn keep(self) {
        self.0.keep();
    }
}

impl Lab {
    /// Lets no frame pass between nodes of one group and those of the other, as long as the value returned lives.
    ///
    /// Links that join them are down. Where they share a network, each drops what the others send. Paths by way of further nodes
    /// stay.
    ///
    /// ```
    /// use labnet::Lab;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> labnet::TestResult {
    /// let lab = Lab::up("@sockets").await?;
    /// let parted = lab.partition(["R2"], ["KALI"]).await?;
    /// let ping = lab.node("KALI").command("labnet nc -u -N 10.10.10.2 7000").stdin("hi").spawn().await?;
    /// assert!(lab.link("lan").state().await?.to_string().contains("down"));
    /// parted.undo().await?;
    /// # drop(ping);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such node, nothing joins the groups directly, or the lab can't do it.
    pub async fn partition<A: AsRef<str>, B: AsRef<str>>(
        &self,
        some: impl IntoIterator<Item = A>,
        others: impl IntoIterator<Item = B>,
    ) -> Result<Bend, Error> {
        let name = |name: &str| self.try_node(name).map(|node| node.name().clone());
        let some = some.into_iter().map(|node| name(node.as_ref())).collect::<Result<_, _>>()?;
        let others =
            others.into_iter().map(|node| name(node.as_ref())).collect::<Result<_, _>>()?;
        let request = BendRequest::Partition { groups: [some, others], guarded: true };
        let (undo, _) = Undo::ask(self.session(), request, removal).await?;
        Ok(Bend(undo))
    }
}
