//! Runs a manual in a lab.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use super::{
    Bindings, Block, BlockRun, Difference, Key, Kind, Manual, Outcome, Section, SectionRun, Step,
    StepRun,
    carriers::Carriers,
    cast::Stage,
    seat::{Instead, Seat, Why},
    stop::{Stop, check},
};
use crate::{
    lab::{Lab, LabError},
    name::NodeName,
    plan::Ready,
};

/// How a manual is run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Only the section with this heading, and blocks marked `setup`.
    pub(crate) only: Option<String>,
    /// Go on after a step that printed something else, to learn what all others print.
    pub(crate) go_on: bool,
    /// Other commands for roles.
    pub(crate) with: Vec<(String, String)>,
}

/// Runs what is wanted of a manual in a lab that is up and public; `carriers` see who bends its links, and `told` hears of each step
/// when it is done.
///
/// # Errors
///
/// If the lab breaks; what has been done until then is told.
pub(crate) async fn run(
    manual: &Manual,
    lab: &Lab,
    options: &Options,
    carriers: &mut Carriers,
    mut told: impl FnMut(&StepRun),
) -> (Vec<SectionRun>, Result<(), LabError>) {
    let mut runner = Runner {
        manual,
        lab,
        options,
        carriers,
        seats: HashMap::new(),
        started: Vec::new(),
        bound: Bindings::default(),
        since: SystemTime::now(),
        stage: Stage::new(manual, &options.with),
    };
    let mut done: Vec<SectionRun> = Vec::new();
    let mut wanted_level = None;
    for section in &manual.sections {
        if wanted_level.is_some_and(|level| section.level <= level) {
            wanted_level = None;
        }
        if options.only.as_ref().is_some_and(|only| only == &section.title) {
            wanted_level = wanted_level.or(Some(section.level));
        }
        let whole = options.only.is_none() || wanted_level.is_some();
        if let Err(error) = runner.begin(section).await {
            return (done, Err(error));
        }
        let mut ran = SectionRun {
            level: section.level,
            title: section.title.clone(),
            line: runner.line(section.span.start),
            time: runner.since..runner.since,
            blocks: Vec::new(),
        };
        let mut broke = None;
        for block in &section.blocks {
            if block.attributes.ignore || !(whole || block.attributes.setup) {
                continue;
            }
            let (block, error) = runner.block(section, block, &mut told).await;
            ran.blocks.push(block);
            broke = error;
            if broke.is_some() {
                break;
            }
        }
        ran.time.end = SystemTime::now();
        if whole || !ran.blocks.is_empty() {
            done.push(ran);
        }
        if let Some(error) = broke {
            return (done, Err(error));
        }
    }
    let ended = runner.end(0).await;
    (done, ended)
}

pub(super) struct Runner<'a> {
    pub(super) manual: &'a Manual,
    pub(super) lab: &'a Lab,
    options: &'a Options,
    carriers: &'a mut Carriers,
    /// Who sits at which terminal; programs without one have a number.
    pub(super) seats: HashMap<(NodeName, String), Seat>,
    /// Started and not ended with a section yet, in order, each with the level of the section it lasts for.
    started: Vec<(usize, (NodeName, String))>,
    pub(super) bound: Bindings,
    /// When the section began.
    pub(super) since: SystemTime,
    stage: Stage<'a>,
}

impl<'a> Runner<'a> {
    fn line(&self, at: usize) -> usize {
        self.manual.document.position(at).0
    }

    /// Ends what the sections before have started, and counts frames anew.
    async fn begin(&mut self, section: &Section) -> Result<(), LabError> {
        self.end(section.level.max(1)).await?;
        self.since = SystemTime::now();
        Ok(())
    }

    /// Ends what was started in sections of this level or below, the last first.
    async fn end(&mut self, level: usize) -> Result<(), LabError> {
        self.stage.end(level);
        while let Some(place) = self.started.iter().rposition(|(of, _)| *of >= level) {
            let (_, key) = self.started.remove(place);
            if let Some(seat) = self.seats.remove(&key) {
                seat.terminal().end().await?;
            }
        }
        Ok(())
    }

    async fn block(
        &mut self,
        section: &Section,
        block: &'a Block,
        told: &mut impl FnMut(&StepRun),
    ) -> (BlockRun, Option<LabError>) {
        // What a setup block starts lasts to the end.
        let level = if block.attributes.setup { 0 } else { section.level.max(1) };
        let mut ran = BlockRun {
            line: self.line(block.span.start),
            points: block.attributes.points,
            xfail: block.attributes.xfail,
            steps: Vec::new(),
        };
        let (mut failed, mut broke) = (false, None);
        for step in &block.steps {
            let (begun, roles) = (Instant::now(), self.stage.roles(&step.kind, level));
            let (outcome, output) = if failed || broke.is_some() {
                (Outcome::NotRun, String::new())
            } else {
                match self.step(step, level).await {
                    Ok(output) => (Outcome::Passed, output),
                    Err(Stop::Failed { why, output, difference }) => {
                        failed = !self.goes_on(step, &difference);
                        let packets = self.last_packets().await;
                        (Outcome::Failed { why, difference, packets }, output)
                    }
                    Err(Stop::Broke(error)) => {
                        broke = Some(error);
                        (Outcome::NotRun, String::new())
                    }
                }
            };
            let text = self.manual.document.text[step.span.clone()].to_owned();
            let took = begun.elapsed();
            let line = self.line(step.span.start);
            self.stage.done(&step.kind, step.status, &outcome);
            let step = StepRun { line, text, roles, output, took, outcome };
            told(&step);
            ran.steps.push(step);
        }
        self.stage.end_block();
        (ran, broke)
    }

    /// Whether the steps after one that failed are done. Of another's program, everything is to be known that it does otherwise; but
    /// what nobody started, and a conversation that has gone astray, would only be waited for.
    fn goes_on(&self, step: &Step, difference: &[Difference]) -> bool {
        let alone = match &step.kind {
            Kind::Host { .. } | Kind::Start { background: None, .. } => true,
            Kind::Start { .. } | Kind::Type { .. } | Kind::Await { .. } => false,
        };
        (self.options.go_on && !difference.is_empty()) || (!self.options.with.is_empty() && alone)
    }

    async fn step(&mut self, step: &Step, level: usize) -> Result<String, Stop> {
        match &step.kind {
            Kind::Host { words } => {
                let done = self.host(step, words).await;
                // It may have bent a link.
                self.carriers.look(self.lab).await;
                done
            }
            Kind::Start { node, terminal, command, background } => {
                let seat = self.start(node, terminal.as_deref(), command).await?;
                match background {
                    Some(ready) => {
                        self.background(node, terminal.as_deref(), seat, ready.as_ref(), level)
                            .await
                    }
                    None => self.foreground(step, node, terminal.as_deref(), seat, level).await,
                }
            }
            Kind::Type { node, terminal, key } => self.types(step, (node, terminal), key).await,
            Kind::Await { node, terminal } => self.shows(step, (node, terminal)).await,
        }
    }

    async fn start(
        &mut self,
        node: &NodeName,
        terminal: Option<&str>,
        command: &str,
    ) -> Result<Seat, Stop> {
        let mut before = String::new();
        if let Some(terminal) = terminal {
            let key = (node.clone(), terminal.to_owned());
            if let Some(seat) = self.seats.remove(&key) {
                if seat.ended(Duration::ZERO).await.is_none() {
                    let why = format!(
                        "the program that was started at {node}/{terminal} before is still there"
                    );
                    self.seats.insert(key, seat);
                    return Err(Stop::failed(why, String::new()));
                }
                before = seat.screen();
            }
        }
        let command =
            self.lab.node(node.as_str()).command_from(["sh", "-c", &self.stage.command(command)]);
        let terminal = command.timeout(self.manual.timeout).terminal().await?;
        Ok(Seat::new(terminal, before))
    }

    async fn background(
        &mut self,
        node: &NodeName,
        terminal: Option<&str>,
        seat: Seat,
        ready: Option<&Ready>,
        level: usize,
    ) -> Result<String, Stop> {
        let ready = ready.map_or_else(|| Ready::Socket.to_string(), Ready::to_string);
        let became = seat.terminal().program().ready(&ready).await;
        self.keep(node, terminal, seat, level);
        became?;
        Ok(String::new())
    }

    /// Remembers who sits where, until the section ends.
    fn keep(&mut self, node: &NodeName, terminal: Option<&str>, seat: Seat, level: usize) {
        let terminal =
            terminal.map_or_else(|| format!("#{}", self.started.len()), ToOwned::to_owned);
        let key = (node.clone(), terminal);
        self.started.push((level, key.clone()));
        self.seats.insert(key, seat);
    }

    async fn foreground(
        &mut self,
        step: &Step,
        node: &NodeName,
        terminal: Option<&str>,
        seat: Seat,
        level: usize,
    ) -> Result<String, Stop> {
        let ended = seat.ended(self.manual.timeout).await;
        let output = seat.news();
        let exit = match ended {
            Some(exit) => exit?,
            None => {
                seat.terminal().end().await?;
                let why = format!("it did not end within {:?}", self.manual.timeout);
                return Err(self.differs(step, why, output));
            }
        };
        if terminal.is_some() {
            self.keep(node, terminal, seat, level);
        }
        self.judge(step, exit, output)
    }

    async fn types(
        &mut self,
        step: &Step,
        (node, terminal): (&NodeName, &str),
        key: &Key,
    ) -> Result<String, Stop> {
        let patience = self.manual.timeout;
        let seat = self.seat(node, terminal)?;
        if seat.ended(Duration::ZERO).await.is_some() {
            return Err(Stop::failed("the program there has ended", String::new()));
        }
        seat.type_key(key, patience).await?;
        let Some(status) = step.status else { return Ok(String::new()) };
        match seat.ended(patience).await {
            Some(exit) => check(status, exit?)
                .map(|()| String::new())
                .map_err(|why| Stop::failed(why, String::new())),
            None => Err(Stop::failed(
                format!("the program there did not end within {patience:?}"),
                String::new(),
            )),
        }
    }

    async fn shows(
        &mut self,
        step: &Step,
        (node, terminal): (&NodeName, &str),
    ) -> Result<String, Stop> {
        let (patience, names, bound) =
            (self.manual.timeout, &self.manual.names, self.bound.clone());
        let shown =
            self.seat(node, terminal)?.shows(&step.expected, (names, &bound), patience).await;
        match shown {
            Ok((bindings, output)) => {
                self.bound = bindings;
                Ok(output)
            }
            Err(Instead { output, why }) => {
                let why = match why {
                    Why::Different => "it shows something else".to_owned(),
                    Why::Ended => "the program there ended".to_owned(),
                    Why::Late => format!("it does not show that after {patience:?}"),
                };
                Err(self.differs(step, why, output))
            }
        }
    }

    fn seat(&mut self, node: &NodeName, terminal: &str) -> Result<&mut Seat, Stop> {
        let seat = self.seats.get_mut(&(node.clone(), terminal.to_owned()));
        seat.ok_or_else(|| {
            Stop::failed(
                format!("nobody is at {node}/{terminal} any more: its section has ended"),
                String::new(),
            )
        })
    }
}
