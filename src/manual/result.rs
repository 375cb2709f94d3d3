//! What came of a run.

use std::{
    ops::Range,
    time::{Duration, SystemTime},
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Cast, Difference};

/// What came of all manuals of a run, as `labnet run --json` prints it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "Results of labnet run")]
pub struct Results {
    /// What the JSON is like; it grows with a change that breaks readers, and does not with a field that is new.
    pub version: u32,
    /// Whether all passed.
    pub passed: bool,
    /// One a manual, in the order in which they were named.
    pub runs: Vec<Run>,
}

/// What came of one manual.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Run {
    /// The manual's file.
    pub manual: String,
    /// The lab's name while it was up.
    pub lab: String,
    /// What kept the lab from coming up or broke it; then it was not the tested programs.
    pub broke: Option<String>,
    /// In order; without those that were not wanted.
    pub sections: Vec<SectionRun>,
    /// The programs in the places of roles.
    pub with: Vec<Cast>,
}

/// What came of a section.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SectionRun {
    /// The heading's level: 1 to 6; 0 before the first.
    pub level: usize,
    /// The heading.
    pub title: String,
    /// Its line in the manual.
    pub line: usize,
    /// From when to when it was done: the frames in between are its own.
    #[serde(skip)]
    pub time: Range<SystemTime>,
    /// In order, without those that are not run.
    pub blocks: Vec<BlockRun>,
}

/// What came of a block.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BlockRun {
    /// The line of its fence in the manual.
    pub line: usize,
    /// What it counts for a grade.
    pub points: Option<u32>,
    /// Whether it is expected to fail.
    pub xfail: bool,
    /// In order.
    pub steps: Vec<StepRun>,
}

/// What came of a step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StepRun {
    /// Its line in the manual.
    pub line: usize,
    /// As written, without status and output.
    pub text: String,
    /// The roles with another's program in their place that have a part in it.
    pub roles: Vec<String>,
    /// What was printed.
    pub output: String,
    /// How long it took; in JSON, in seconds.
    #[serde(serialize_with = "seconds")]
    #[schemars(with = "f64")]
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// All was as expected.
    Passed,
    /// Something was not.
    Failed {
        /// What, in one line.
        why: String,
        /// What was expected beside what came, if that is what differs.
        difference: Vec<Difference>,
        /// The last frames of the lab's links.
        packets: String,
    },
    /// A step before it in the block failed, or the lab broke.
    NotRun,
}

impl BlockRun {
    /// Whether it came out as it should.
    pub fn passed(&self) -> bool {
        !self.unfinished() && self.steps.iter().any(|step| step.failed()) == self.xfail
    }

    /// Whether something kept its steps from being done that is none of them, such as a lab that broke: nothing is known of it.
    pub fn unfinished(&self) -> bool {
        let not_run = self.steps.iter().any(|step| step.outcome == Outcome::NotRun);
        not_run && !self.steps.iter().any(|step| step.failed())
    }
}

impl StepRun {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

impl Run {
    /// All blocks with their sections, in order.
    pub fn blocks(&self) -> impl Iterator<Item = (&SectionRun, &BlockRun)> {
        self.sections
            .iter()
            .flat_map(|section| section.blocks.iter().map(move |block| (section, block)))
    }

    /// Whether everything came out as it should.
    pub fn passed(&self) -> bool {
        self.broke.is_none() && self.blocks().all(|(_, block)| block.passed())
    }

    /// Points earned and points to be had; none if the manual gives none, or the lab broke: then nothing is known of some.
    pub fn points(&self) -> Option<(u64, u64)> {
        let points = |block: &BlockRun| block.points.map(u64::from);
        let graded =
            || self.blocks().filter_map(|(_, block)| Some((block.passed(), points(block)?)));
        if self.broke.is_some() {
            return None;
        }
        graded().next()?;
        let earned = graded().filter(|(passed, _)| *passed).map(|(_, points)| points).sum();
        Some((earned, graded().map(|(_, points)| points).sum()))
    }
}

impl Results {
    /// What the JSON is like now.
    pub const VERSION: u32 = 1;

    /// Of these manuals.
    pub fn new(runs: Vec<Run>) -> Self {
        Self { version: Self::VERSION, passed: runs.iter().all(Run::passed), runs }
    }
}

/// What the JSON of `labnet run` is like, as JSON Schema (draft 2020-12).
pub fn results_schema() -> schemars::Schema {
    schemars::schema_for!(Results)
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}
