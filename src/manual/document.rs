//! What a manual holds.

use std::{collections::BTreeSet, ops::Range, path::PathBuf, time::Duration};

use super::{Names, Pattern};
use crate::{
    name::NodeName,
    spec::{Document, Ready},
};

/// An executable manual, read and checked.
#[derive(Debug, Clone)]
pub struct Manual {
    /// Its text; all places are bytes of it.
    pub document: Document,
    /// The topology file, found from here, or a built-in lab's name with its `@`.
    pub topology: PathBuf,
    /// How long a step may take.
    pub timeout: Duration,
    /// Whether the topology's own programs are started with the lab; a manual starts what it needs itself.
    pub programs: bool,
    /// What placeholders in expected output stand for.
    pub names: Names,
    /// The programs that may be replaced, in the order of their names.
    pub roles: Vec<Role>,
    /// The text under each heading, in order; what comes before the first heading has none.
    pub sections: Vec<Section>,
}

impl Manual {
    /// All steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.sections.iter().flat_map(|section| &section.blocks).flat_map(|block| &block.steps)
    }

    /// The nodes it names.
    pub fn nodes(&self) -> BTreeSet<&NodeName> {
        self.steps().filter_map(Step::node).collect()
    }
}

/// A program that another may take the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it is called.
    pub name: String,
    /// What command lines that start it begin with.
    pub prefix: String,
}

/// A heading and what stands under it, up to the next heading of any level.
#[derive(Debug, Clone)]
pub struct Section {
    /// 1 to 6; 0 before the first heading.
    pub level: usize,
    /// The heading as text.
    pub title: String,
    /// Heading and text, in bytes of the document.
    pub span: Range<usize>,
    /// The blocks that are run.
    pub blocks: Vec<Block>,
}

/// A fenced block of steps.
#[derive(Debug, Clone)]
pub struct Block {
    /// With its fences.
    pub span: Range<usize>,
    /// What its first line says of it.
    pub attributes: Attributes,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// How a block is treated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// It is not run.
    pub ignore: bool,
    /// It is run also if only another section is wanted.
    pub setup: bool,
    /// It must fail.
    pub xfail: bool,
    /// What it counts for a grade.
    pub points: Option<u32>,
}

/// One thing that is done, and what must come of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line and its continuations.
    pub span: Range<usize>,
    /// What is done.
    pub kind: Kind,
    /// How the program must end, where something is said of it.
    pub status: Option<Status>,
    /// What must be printed.
    pub expected: Pattern,
    /// The expected lines; empty and after the step's own lines if none are.
    pub output: Range<usize>,
    /// What stands before each line of the block, such as a list's indentation.
    pub indent: String,
}

impl Step {
    /// Where it is done; nowhere for the host.
    pub fn node(&self) -> Option<&NodeName> {
        match &self.kind {
            Kind::Host { .. } => None,
            Kind::Start { node, .. } | Kind::Type { node, .. } | Kind::Await { node, .. } => {
                Some(node)
            }
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Runs labnet on the host.
    Host {
        /// Its arguments.
        words: Vec<String>,
    },
    /// Runs a command line in a node, with `sh -c`.
    Start {
        /// The node.
        node: NodeName,
        /// The terminal; none: one of its own.
        terminal: Option<String>,
        /// The command line, without its `&`.
        command: String,
        /// Whether it goes on while other steps are done, and if so, when it counts as ready; `None` within: as soon as it has a
        /// socket that listens, is bound or is connected.
        background: Option<Option<Ready>>,
    },
    /// Types at a terminal.
    Type {
        /// The node.
        node: NodeName,
        /// The terminal.
        terminal: String,
        /// What is typed.
        key: Key,
    },
    /// Waits until a terminal shows something new.
    Await {
        /// The node.
        node: NodeName,
        /// The terminal.
        terminal: String,
    },
}

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A line and Enter.
    Line(String),
    /// A letter together with Ctrl.
    Ctrl(char),
}

/// How a program must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// With this exit code.
    Code(i32),
    /// With code 0.
    Success,
    /// With another code.
    Failed,
    /// By Ctrl-C.
    Interrupted,
}
