//! What links and networks do to frames, said by code.

use std::fmt;

use super::{
    Backend, Builder, Problem, Spanned,
    bends::{Bends, Timed, Ways},
    faults::Fault,
};
use crate::{
    impairment::{Change, Entry, Rule},
    name::NodeName,
};

/// What the link or network that was added last does to frames.
///
/// ```
/// use labnet::{plan, spec::Builder};
///
/// let spec = Builder::new("pair")
///     .node("R2", |node| node.interface("eth0", "10.10.10.2/24"))
///     .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
///     .link("R2", "KALI")
///     .each_way("delay 10ms, loss 1%")
///     .from("KALI", "loss 5% burst 4")
///     .schedule("at 5s for 1s every 10s: down")
///     .fault_from("KALI", "drop first 1 matching tcp[tcpflags] & tcp-syn != 0")
///     .build();
/// let plan = plan::resolve(&spec)?;
/// assert_eq!(plan.links[0].directions[1].impairment.to_string(), "delay 10ms, loss 5% burst 4");
/// # Ok::<(), labnet::spec::Problems>(())
/// ```
impl Builder {
    /// In each direction: a [`Change`] of nothing, or its text.
    pub fn each_way<C: TryInto<Change, Error: fmt::Display>>(mut self, change: C) -> Self {
        if let (Some(change), Some(bends)) = (self.read("each_way", change), self.last("each_way"))
        {
            let each_way = &mut bends.ways.each_way;
            *each_way = change.over(&each_way.change).into();
        }
        self
    }

    /// Over that, of the frames that a node sends.
    pub fn from<C: TryInto<Change, Error: fmt::Display>>(mut self, node: &str, change: C) -> Self {
        let (node, change) = (self.sender(node), self.read("from", change));
        if let (Some(node), Some(change), Some(bends)) = (node, change, self.last("from")) {
            bends.ways.from.push((node, change.into()));
        }
        self
    }

    /// Who does it; without this [`Backend::Auto`].
    pub fn backend(mut self, backend: Backend) -> Self {
        if let Some(bends) = self.last("backend") {
            bends.backend = Some(Spanned::unplaced(backend));
        }
        self
    }

    /// The seed of random decisions, up to 2^63 − 1; without this 1.
    pub fn seed(mut self, seed: u64) -> Self {
        if i64::try_from(seed).is_err() {
            let message = format!("`seed` is {seed}; it takes a whole number from 0 to 2^63 - 1");
            self.reader.problems.push(Problem::new("bad-seed", message));
        }
        if let Some(bends) = self.last("seed") {
            bends.seed = Some(seed);
        }
        self
    }

    /// A change in time, in each direction: an [`Entry`], or its text.
    pub fn schedule<E: TryInto<Entry, Error: fmt::Display>>(mut self, entry: E) -> Self {
        let ways = |change: Change| Ways { each_way: change.into(), from: Vec::new() };
        self.timed(entry, ways);
        self
    }

    /// A change in time of the frames that a node sends.
    pub fn schedule_from<E: TryInto<Entry, Error: fmt::Display>>(
        mut self,
        node: &str,
        entry: E,
    ) -> Self {
        if let Some(node) = self.sender(node) {
            let ways =
                |change: Change| Ways { from: vec![(node, change.into())], ..Ways::default() };
            self.timed(entry, ways);
        }
        self
    }

    /// What is done to chosen frames, in both directions: a [`Rule`], or its text.
    pub fn fault<R: TryInto<Rule, Error: fmt::Display>>(mut self, rule: R) -> Self {
        if let (Some(rule), Some(bends)) = (self.read("fault", rule), self.last("fault")) {
            bends.faults.push(Fault { span: None, from: None, rule });
        }
        self
    }

    /// What is done to chosen frames that a node sends.
    pub fn fault_from<R: TryInto<Rule, Error: fmt::Display>>(
        mut self,
        node: &str,
        rule: R,
    ) -> Self {
        let (from, rule) = (self.sender(node), self.read("fault_from", rule));
        if let (true, Some(rule), Some(bends)) = (from.is_some(), rule, self.last("fault_from")) {
            bends.faults.push(Fault { span: None, from, rule });
        }
        self
    }

    fn timed<E: TryInto<Entry, Error: fmt::Display>>(
        &mut self,
        entry: E,
        ways: impl FnOnce(Change) -> Ways,
    ) {
        let (Some(entry), Some(bends)) = (self.read("schedule", entry), self.last("schedule"))
        else {
            return;
        };
        let Entry { at, lasting, every, change } = entry;
        bends.schedule.push(Timed { span: None, at, lasting, every, ways: ways(change) });
    }

    fn sender(&mut self, node: &str) -> Option<Spanned<NodeName>> {
        self.reader.parse_text("bad-name", &Spanned::unplaced(node.to_owned()), "a sender")
    }

    fn read<T, V: TryInto<T, Error: fmt::Display>>(&mut self, what: &str, value: V) -> Option<T> {
        let noted = |error| Problem::new("bad-bend", format!("`{what}`: {error}"));
        value.try_into().map_err(|error| self.reader.problems.push(noted(error))).ok()
    }

    /// What the link or network that was added last does.
    fn last(&mut self, what: &str) -> Option<&mut Bends> {
        let bends = match self.newest {
            Some(Newest::Link) => self.spec.links.last_mut().map(|link| &mut link.bends),
            Some(Newest::Network) => self.spec.networks.last_mut().map(|net| &mut net.bends),
            None => None,
        };
        if bends.is_none() {
            let message = format!("`{what}` is said before there is a link or network");
            let help = "say it after the `link` or `network` that it is about";
            self.reader.problems.push(Problem::new("bad-bend", message).help(help));
        }
        bends
    }
}

/// What was added last.
#[derive(Debug, Clone, Copy)]
pub(super) enum Newest {
    Link,
    Network,
}
