//! `labnet check`: everything that is wrong with a topology, in one go.

use serde_json::json;

use super::{
    exit::{BAD_TOPOLOGY, DONE, Outcome, print},
    topology::{self, Topology},
};
use crate::plan::Plan;

/// Check a topology file and show everything that is wrong with it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: Topology,
    /// Print {"file", "problems": [{"rule", "message", "label", "help", "line", "column"}], "more"}
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let loaded = args.topology.read()?;
    if args.json {
        let (report, code) = match &loaded.plan {
            Ok(_) => (json!({ "file": loaded.name, "problems": [], "more": 0 }), DONE),
            Err(problems) => (json!(problems), BAD_TOPOLOGY),
        };
        print(format_args!("{report:#}\n"))?;
        return Ok(code);
    }
    let plan = loaded.plan.map_err(|problems| topology::bad(&problems))?;
    print(format_args!("{}: ok: {}\n", loaded.name, counts(&plan)))?;
    Ok(DONE)
}

/// What a plan holds, in one line.
pub(crate) fn counts(plan: &Plan) -> String {
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    let programs = plan.nodes.iter().map(|node| node.programs.len()).sum();
    format!(
        "lab {} with {}, {}, {}, {}",
        plan.name,
        count(plan.nodes.len(), "node"),
        count(plan.networks.len(), "network"),
        count(plan.links.len(), "link"),
        count(programs, "program"),
    )
}
