//! From what a link or network is said to do to what each direction of each cable does.

use std::{iter, ops::Range};

use super::Direction;
use crate::{
    impairment::{Contradiction, Entry, Impairment, Pace, Schedule},
    name::NodeName,
    spec::{Backend, Bends, Problem, Problems, Spanned, Ways},
};

/// The seed of a cable whose topology gives none.
const SEED: u64 = 1;

/// A link or network, and what it is said to do.
pub(super) struct Bent<'a> {
    pub(super) bends: &'a Bends,
    /// As people name it.
    pub(super) what: &'a str,
}

impl Bent<'_> {
    pub(super) fn backend(&self) -> Backend {
        self.bends.backend.as_ref().map_or(Backend::Auto, |backend| backend.value)
    }

    pub(super) fn seed(&self) -> u64 {
        self.bends.seed.unwrap_or(SEED)
    }

    /// What is done to the frames of a sender, a switch if it is none, on a cable of this MTU.
    pub(super) fn direction(
        &self,
        sender: Option<&NodeName>,
        mtu: u32,
        problems: &mut Problems,
    ) -> Direction {
        let said = self.bends.ways.of(sender);
        let impairment = Impairment::default().with(&said.change);
        for contradiction in impairment.contradictions(mtu) {
            let place = said.place(contradiction.key());
            self.contradicts(&contradiction, &place, &None, problems);
        }
        let schedule = self.schedule(sender, &impairment, mtu, problems);
        let own = |from: &Option<Spanned<NodeName>>| {
            from.as_ref().is_none_or(|from| Some(&from.value) == sender)
        };
        let faults = self.bends.faults.iter().filter(|fault| own(&fault.from));
        Direction { impairment, schedule, faults: faults.map(|fault| fault.rule.clone()).collect() }
    }

    /// The changes of one direction; each must have a meaning at least when it begins.
    fn schedule(
        &self,
        sender: Option<&NodeName>,
        base: &Impairment,
        mtu: u32,
        problems: &mut Problems,
    ) -> Schedule {
        let said: Vec<_> = self
            .bends
            .schedule
            .iter()
            .map(|timed| (timed, timed.ways.of(sender)))
            .filter(|(_, said)| !said.change.is_empty())
            .collect();
        let entries = said.iter().map(|(timed, said)| Entry {
            at: timed.at,
            lasting: timed.lasting,
            every: timed.every,
            change: said.change.clone(),
        });
        let schedule = match Schedule::new(entries.collect()) {
            Ok(schedule) => schedule,
            Err(error) => {
                let span = said.get(error.index).and_then(|(timed, _)| timed.span.clone());
                let message = format!("{}: {error}", self.what);
                problems.push(Problem::new("bad-schedule", message).at(&span, ""));
                return Schedule::default();
            }
        };
        let told = base.contradictions(mtu);
        let under = self.bends.ways.of(sender);
        for (timed, said) in said {
            let then = base.with(&schedule.at(timed.at.0)).contradictions(mtu);
            for contradiction in then.iter().filter(|new| !told.contains(new)) {
                let key = contradiction.key();
                let place = said.place(key).or_else(|| under.place(key));
                self.contradicts(contradiction, &place, &timed.span, problems);
            }
        }
        schedule
    }

    fn contradicts(
        &self,
        contradiction: &Contradiction,
        place: &Option<Range<usize>>,
        then: &Option<Range<usize>>,
        problems: &mut Problems,
    ) {
        let help = match contradiction {
            Contradiction::ReorderWithoutDelay => "add a delay, as in `delay = \"10ms\"`",
            Contradiction::GapWithoutReorder => "add a probability, as in `reorder = \"25%\"`",
            Contradiction::WithoutRate { .. } => "add a rate, as in `rate = \"10Mbit\"`",
            Contradiction::BurstWithTrace => "leave `burst` out",
            Contradiction::NoQueue => "to stop a link, write `down = true`",
            Contradiction::BelowFrame { .. } => "a frame of the link's MTU must fit",
            _ => "delays in a lab are short; sleep in a program for longer",
        };
        // What is wrong from some time on has its place there, too.
        let (place, then) = match place {
            Some(_) => (place, then),
            None => (then, &None),
        };
        let problem = Problem::new("contradiction", format!("{}: {contradiction}", self.what))
            .at(place, "")
            .and(then, "while this is in force")
            .help(help);
        problems.push(problem);
    }

    /// Looks for what no direction can tell: names of nodes that send nothing here, and what the kernel can't do.
    pub(super) fn check(&self, senders: &[&NodeName], problems: &mut Problems) {
        let ways = iter::once(&self.bends.ways)
            .chain(self.bends.schedule.iter().map(|timed| &timed.ways))
            .flat_map(|ways| ways.from.iter().map(|(name, _)| name));
        for name in ways.chain(self.bends.faults.iter().filter_map(|fault| fault.from.as_ref())) {
            if senders.contains(&&name.value) {
                continue;
            }
            let known = senders.iter().map(|name| name.as_str());
            let help = problems.suggest(name.value.as_str(), known.clone()).unwrap_or_else(|| {
                let known: Vec<_> = known.take(8).collect();
                format!("frames are sent by `{}`", known.join("`, `"))
            });
            let message = format!("`{}` sends nothing on {}", name.value, self.what);
            let problem = Problem::new("unknown-sender", message)
                .at(&name.span, "no node that it joins")
                .help(if senders.is_empty() { "plug nodes in".to_owned() } else { help });
            problems.push(problem);
        }
        if self.backend() == Backend::Kernel {
            self.check_kernel(problems);
        }
    }

    fn check_kernel(&self, problems: &mut Problems) {
        let backend = self.bends.backend.as_ref().and_then(|backend| backend.span.clone());
        let mut refuse = |things: &str, place: &Option<Range<usize>>| {
            let message = format!("{}: the kernel does no {things}", self.what);
            let problem = Problem::new("kernel-cannot", message)
                .at(place, "needs the userspace wire")
                .and(&backend, "asks for the kernel")
                .help("leave `backend` out, or write `backend = \"userspace\"`");
            problems.push(problem);
        };
        for timed in &self.bends.schedule {
            refuse("changes in time", &timed.span);
        }
        for fault in &self.bends.faults {
            refuse("faults on chosen frames", &fault.span);
        }
        let Ways { each_way, from } = &self.bends.ways;
        for said in iter::once(each_way).chain(from.iter().map(|(_, said)| said)) {
            if matches!(said.change.rate, Some(Some(Pace::Trace(_)))) {
                refuse("rates from a trace", &said.place("rate"));
            }
        }
    }
}

/// The lines of traces that all directions of a plan may have together: each travels with it.
const MOST_CHANCES: usize = 4 << 20;

/// Checks that a plan's traces are of bearable size together.
pub(super) fn check_traces<'a>(
    directions: impl Iterator<Item = &'a Direction>,
    problems: &mut Problems,
) {
    let length = |rate: &Option<Pace>| match rate {
        Some(Pace::Trace(trace)) => trace.chances().len(),
        _ => 0,
    };
    let all: usize = directions
        .map(|direction| {
            let changes = direction.schedule.entries().iter();
            let changes = changes.filter_map(|entry| entry.change.rate.as_ref()).map(length);
            length(&direction.impairment.rate) + changes.sum::<usize>()
        })
        .sum();
    if all > MOST_CHANCES {
        let message =
            format!("the traces of all directions of all cables have {all} lines together");
        let help = format!(
            "at most {MOST_CHANCES} are kept: shorten the traces, or give them to fewer cables"
        );
        problems.push(Problem::new("too-long-traces", message).help(help));
    }
}
