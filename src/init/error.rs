//! What can go wrong with a lab.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::protocol::Exit;
use crate::{
    kernel::KernelError,
    name::{IfName, LabName, NodeName, ProgramName},
    plan::{self, Plan, Ready},
};

/// Why a lab, or something in it, could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LabError {
    /// The kernel or its policy refused a step.
    #[error("{error}{}", remedy(error))]
    Kernel {
        /// The step and the kernel's answer.
        #[source]
        error: KernelError,
    },
    /// A program of the topology could not be started.
    #[error("{node}: program `{program}` did not start: {why}")]
    NotStarted {
        /// Where.
        node: NodeName,
        /// Which.
        program: ProgramName,
        /// The reason, naming the file or step.
        why: String,
    },
    /// A program ended before it was ready.
    #[error(
        "{node}: program `{program}` ended ({exit}) before it was ready ({ready}){}",
        shown(output)
    )]
    Ended {
        /// Where.
        node: NodeName,
        /// Which, or the command.
        program: String,
        /// How.
        exit: Exit,
        /// What was waited for.
        ready: Ready,
        /// The end of what it printed.
        output: String,
    },
    /// A condition did not hold in time.
    #[error("{node}: {what} not ready ({ready}) within {timeout:?}{}", shown(output))]
    NotReady {
        /// Where.
        node: NodeName,
        /// Who was waited for: ``program `echo` ``, or `nobody`.
        what: String,
        /// What was waited for.
        ready: Ready,
        /// For how long.
        timeout: Duration,
        /// The end of what the program printed.
        output: String,
    },
    /// A command could not be started in a node.
    #[error("{node}: {why}")]
    Spawn {
        /// Where.
        node: NodeName,
        /// The reason, naming the file or step.
        why: String,
        /// 127 if there is no such program, 126 if it can't be executed, 125 otherwise, as shells and docker have it.
        code: u8,
    },
    /// The lab has no such node.
    #[error("no node `{name}` in lab `{lab}`{}", suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default())]
    NoNode {
        /// The lab.
        lab: LabName,
        /// What was asked for.
        name: String,
        /// A name that is nearly the same.
        suggestion: Option<String>,
    },
    /// The node's topology lists no such program.
    #[error("{node} has no program `{program}`{}", have(known))]
    NoProgram {
        /// The node.
        node: NodeName,
        /// What was asked for.
        program: String,
        /// What there is.
        known: Vec<ProgramName>,
    },
    /// The lab has no such link or network.
    #[error("no link or network `{name}` in lab `{lab}`{}", links(suggestion.as_deref(), known))]
    NoLink {
        /// The lab.
        lab: LabName,
        /// What was asked for.
        name: String,
        /// A name that is nearly the same.
        suggestion: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// The node has no such interface.
    #[error("{node} has no interface `{interface}`{}", have(known))]
    NoInterface {
        /// The node.
        node: NodeName,
        /// What was asked for.
        interface: String,
        /// What its topology lists.
        known: Vec<IfName>,
    },
    /// What is asked of a cable has no meaning.
    #[error("{cable}, from {from}: {why}")]
    Contradiction {
        /// The cable.
        cable: String,
        /// Who sends.
        from: String,
        /// The keys that don't go together.
        why: String,
    },
    /// The topology wants the kernel to bend a cable, which can't do what is asked.
    #[error(
        "{cable} has backend = \"kernel\", and {why}; \"auto\" takes the kernel where it can do what is asked"
    )]
    NotByKernel {
        /// The cable.
        cable: String,
        /// What it can't do.
        why: String,
    },
    /// The node sends nothing there.
    #[error("{node} is not at {target}")]
    NotASender {
        /// The node.
        node: NodeName,
        /// The link, network or interface.
        target: String,
    },
    /// There is no such fault.
    #[error("no fault {fault}{}", numbered(known))]
    NoFault {
        /// Its number.
        fault: u32,
        /// Those there are.
        known: Vec<u32>,
    },
    /// A fault did not act often enough in time.
    #[error("fault {fault} acted {hits} of {wanted} times within {patience:?}")]
    NotHit {
        /// Its number.
        fault: u32,
        /// How often it acted.
        hits: u64,
        /// How often it was to.
        wanted: u64,
        /// How long that was waited for.
        patience: Duration,
    },
    /// A node can't be on both sides of a partition.
    #[error("{node} is on both sides")]
    OnBothSides {
        /// The node.
        node: NodeName,
    },
    /// Nothing joins two groups of nodes directly.
    #[error(
        "no link and no network joins {} with {} directly; cut what lies between them",
        listed(one),
        listed(other)
    )]
    NotJoined {
        /// One group.
        one: Vec<NodeName>,
        /// The other.
        other: Vec<NodeName>,
    },
    /// No partition is between two groups of nodes.
    #[error(
        "there is no partition between {} and {}; `labnet heal` without names ends all",
        listed(one),
        listed(other)
    )]
    NotParted {
        /// One group.
        one: Vec<NodeName>,
        /// The other.
        other: Vec<NodeName>,
    },
    /// Nothing is recorded of this.
    #[error(
        "nothing is recorded of `{of}`{}; `labnet capture` records from now on",
        recorded(known)
    )]
    NoRecording {
        /// What was asked for.
        of: String,
        /// What is recorded.
        known: Vec<String>,
    },
    /// A lab of this name is up already.
    #[error(
        "lab `{name}` is up already; `labnet down {name}` ends it, `labnet exec`, `shell` and `status` use it"
    )]
    AlreadyUp {
        /// The name.
        name: LabName,
    },
    /// A file for a node could not be copied.
    #[error("cannot copy {} to {node}:{}: {why}", source_path.display(), target.display())]
    File {
        /// The node.
        node: NodeName,
        /// The file on the host.
        source_path: PathBuf,
        /// The path below the node's home.
        target: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A file could not be opened in a node.
    #[error("cannot open {node}:{}: {why}", path.display())]
    Open {
        /// The node.
        node: NodeName,
        /// The file, as the node's programs would name it.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The directory for running labs can't be used.
    #[error("cannot use {} for the lab's state: {why}{}", path.display(), elsewhere(path))]
    StateDirectory {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A program in this node, of this command line, printed more than is kept of it.
    #[error("{0}: `{1}` printed more than is kept of it")]
    TooMuch(NodeName, String),
    /// The lab's init has ended.
    #[error("the lab has ended: its init process is gone")]
    Gone,
    /// A message could not be understood: client and lab are of different versions.
    #[error(
        "client and lab do not understand each other ({what}); was the lab started by another version of labnet?"
    )]
    Protocol {
        /// What was wrong.
        what: String,
    },
}

impl LabError {
    /// There is no node of this name, but perhaps one that is nearly called so.
    pub(crate) fn no_node(plan: &Plan, name: &str) -> Self {
        let suggestion = nearest(plan.nodes.iter().map(|node| node.name.as_str()), name);
        Self::NoNode { lab: plan.name.clone(), name: name.to_owned(), suggestion }
    }

    /// There is no link or network of this name, but perhaps one that is nearly called so.
    pub(crate) fn no_link(plan: &Plan, name: &str) -> Self {
        let links = plan.links.iter().map(|link| link.name.as_str());
        let names = links.chain(plan.networks.iter().map(|network| network.name.as_str()));
        let suggestion = nearest(names.clone(), name);
        let known = names.map(str::to_owned).collect();
        Self::NoLink { lab: plan.name.clone(), name: name.to_owned(), suggestion, known }
    }

    /// The node has no interface of this name.
    pub(crate) fn no_interface(node: &plan::Node, name: &str) -> Self {
        let known = node.interfaces.iter().map(|interface| interface.name.clone()).collect();
        Self::NoInterface { node: node.name.clone(), interface: name.to_owned(), known }
    }

    /// Nothing of this name is captured from the start.
    pub(crate) fn no_recording(plan: &Plan, of: &str) -> Self {
        let known = plan.captured().map(|(name, _)| name).collect();
        Self::NoRecording { of: of.to_owned(), known }
    }
}

impl LabError {
    /// Whether this machine, rather than the topology or a program in it, is why the lab can't be had.
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Kernel { error } => error.is_denied(),
            Self::StateDirectory { .. } => true,
            _ => false,
        }
    }

    /// Init answered something that does not fit the request.
    pub(crate) fn unexpected(reply: &super::protocol::Reply) -> Self {
        Self::Protocol { what: format!("unexpected reply {reply:?}") }
    }
}

impl From<KernelError> for LabError {
    fn from(error: KernelError) -> Self {
        Self::Kernel { error }
    }
}

/// The known name that is most like `name`, if it is like it.
fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    let distance =
        |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    let near = known.map(|known| (distance(known), known)).min();
    near.filter(|(distance, _)| *distance <= 2).map(|(_, known)| known.to_owned())
}

fn shown(output: &str) -> String {
    match output.trim_end() {
        "" => "; it printed nothing".to_owned(),
        output => format!(
            "; it printed:\n{}",
            output.lines().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n")
        ),
    }
}

fn listed(nodes: &[NodeName]) -> String {
    nodes.iter().map(NodeName::as_str).collect::<Vec<_>>().join(",")
}

fn numbered(known: &[u32]) -> String {
    match known {
        [] => "; there are none".to_owned(),
        known => {
            let known: Vec<String> = known.iter().map(u32::to_string).collect();
            format!("; there are: {}", known.join(", "))
        }
    }
}

fn recorded(known: &[String]) -> String {
    match known {
        [] => "; `capture = true` at a link of the topology records it from the start".to_owned(),
        known => format!("; of these it is: {}", known.join(", ")),
    }
}

fn have(known: &[impl fmt::Display]) -> String {
    match known {
        [] => "; its topology lists none".to_owned(),
        known => format!(
            "; it has {}",
            known.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// What links there are, unless the one suggested is all there is; of many, the first.
fn links(suggestion: Option<&str>, known: &[String]) -> String {
    const MANY: usize = 10;
    let names: Vec<String> = known.iter().take(MANY).map(|name| format!("`{name}`")).collect();
    let more = match known.len().saturating_sub(MANY) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match (suggestion, known) {
        (None, []) => "; it has none".to_owned(),
        (None, _) => format!("; it has {}{more}", names.join(", ")),
        (Some(name), [_]) => format!("; did you mean `{name}`?"),
        (Some(name), _) => {
            format!("; did you mean `{name}`? It has {}{more}", names.join(", "))
        }
    }
}

/// What helps if a directory can't be used: root's is fixed.
fn elsewhere(path: &Path) -> &'static str {
    if path.starts_with("/run/labnet") {
        ""
    } else {
        "; set XDG_RUNTIME_DIR to a folder of yours that is writable"
    }
}

fn remedy(error: &KernelError) -> &'static str {
    if error.is_denied() {
        "; `labnet doctor` tells what this machine lacks and how to get it"
    } else {
        ""
    }
}
