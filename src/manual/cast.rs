//! Who plays the roles of a manual, and how they do.

use schemars::JsonSchema;
use serde::Serialize;

use super::{BlockRun, Kind, Manual, Outcome, Run, SectionRun, Status};
use crate::name::NodeName;

/// Another program in a role's place, and how it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cast {
    /// The role.
    pub role: String,
    /// The command in the place of the role's.
    pub command: String,
    /// How many of the steps that it has a part in came out as the manual says: those that it does, and, while it runs, all others.
    pub passed: usize,
    /// Those that did not, in order.
    pub failed: Vec<Behaviour>,
    /// How many were not done, as one before them failed.
    pub not_run: usize,
}

/// Something that a program does otherwise than the manual says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Behaviour {
    /// The heading that it stands under.
    pub section: String,
    /// The step's line in the manual.
    pub line: usize,
    /// The step as written.
    pub step: String,
    /// What was not as it should be, in one line.
    pub why: String,
}

/// The roles whose places are taken, while a manual runs.
pub(super) struct Stage<'a> {
    manual: &'a Manual,
    /// Roles and the commands in their places.
    with: &'a [(String, String)],
    running: Vec<Running<'a>>,
}

/// A program that plays a role in the background.
struct Running<'a> {
    role: &'a str,
    /// Of the section that it lasts for.
    level: usize,
    node: &'a NodeName,
    terminal: Option<&'a str>,
    /// Whether it would have been started, had not a step before it failed.
    never: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(manual: &'a Manual, with: &'a [(String, String)]) -> Self {
        Self { manual, with, running: Vec::new() }
    }

    /// The command with another program in the place of the role's that it begins with.
    pub(super) fn command(&self, command: &str) -> String {
        match self.role(command) {
            Some((_, prefix, other)) => other.to_owned() + &command[prefix.len()..],
            None => command.to_owned(),
        }
    }

    /// The roles that have a part in a step, which is to be done in a section of this level.
    pub(super) fn roles(&mut self, step: &'a Kind, level: usize) -> Vec<String> {
        let mut roles: Vec<&str> = self.running.iter().map(|running| running.role).collect();
        if let Kind::Start { node, terminal, command, background } = step
            && let Some((role, _, _)) = self.role(command)
        {
            roles.push(role);
            if background.is_some() {
                let terminal = terminal.as_deref();
                self.running.push(Running { role, level, node, terminal, never: false });
            }
        }
        roles.sort_unstable();
        roles.dedup();
        roles.into_iter().map(ToOwned::to_owned).collect()
    }

    /// Hears what came of that step. One that has failed to start is to blame for what its absence does; one that was ended as the
    /// manual says, for nothing more.
    pub(super) fn done(&mut self, step: &Kind, status: Option<Status>, outcome: &Outcome) {
        match (step, outcome) {
            (Kind::Start { command, background: Some(_), .. }, Outcome::NotRun)
                if self.role(command).is_some() =>
            {
                if let Some(last) = self.running.last_mut() {
                    last.never = true;
                }
            }
            (Kind::Type { node, terminal, .. }, Outcome::Passed) if status.is_some() => {
                let there = |running: &Running<'_>| {
                    running.node == node && running.terminal == Some(terminal)
                };
                self.running.retain(|running| !there(running));
            }
            _ => {}
        }
    }

    /// Forgets what was not started after all: until now, its absence was for the same reason as everything else's.
    pub(super) fn end_block(&mut self) {
        self.running.retain(|running| !running.never);
    }

    /// Ends what was started in sections of this level or below.
    pub(super) fn end(&mut self, level: usize) {
        self.running.retain(|running| running.level < level);
    }

    /// The role that a command plays, the words of the manual for it, and those that take their place. Of several, the one that says more.
    fn role(&self, command: &str) -> Option<(&'a str, &'a str, &'a str)> {
        let fits = self.manual.roles.iter().filter(|role| {
            let rest = command.strip_prefix(role.prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        });
        let role = fits.max_by_key(|role| role.prefix.len())?;
        let (name, other) = self.with.iter().find(|(name, _)| *name == role.name)?;
        Some((name, &role.prefix, other))
    }
}

/// How the programs in the places of this manual's roles did.
pub(super) fn casts(manual: &Manual, with: &[(String, String)], run: &Run) -> Vec<Cast> {
    let known = |name: &str| manual.roles.iter().any(|role| role.name == name);
    let mut casts = Vec::new();
    for (role, command) in with.iter().filter(|(role, _)| known(role)) {
        let (role, command) = (role.clone(), command.clone());
        let mut cast = Cast { role, command, passed: 0, failed: Vec::new(), not_run: 0 };
        for (section, block) in run.blocks() {
            cast.count(section, block);
        }
        casts.push(cast);
    }
    casts
}

impl Cast {
    fn count(&mut self, section: &SectionRun, block: &BlockRun) {
        for step in block.steps.iter().filter(|step| step.roles.contains(&self.role)) {
            let why = match &step.outcome {
                Outcome::NotRun => {
                    self.not_run += 1;
                    continue;
                }
                Outcome::Failed { why, .. } if !block.xfail => why,
                // All of its steps passed.
                Outcome::Passed if block.xfail && !block.passed() && !block.unfinished() => {
                    "it passed, in a block that is expected to fail"
                }
                Outcome::Failed { .. } | Outcome::Passed => {
                    self.passed += 1;
                    continue;
                }
            };
            self.failed.push(Behaviour {
                section: section.title.clone(),
                line: step.line,
                step: step.text.clone(),
                why: why.to_owned(),
            });
        }
    }
}
