//! `labnet plan`: what would be done, without doing it.

use serde_json::json;

use super::{
    check::counts,
    exit::{DONE, Outcome, print},
    topology::Topology,
};

/// Show the complete, ordered plan that a topology comes to; needs no privileges
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: Topology,
    /// Print {"plan": the lab's parts, "steps": what is done, in order}
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let (plan, ..) = args.topology.load()?;
    let steps = plan.steps();
    if args.json {
        print(format_args!("{:#}\n", json!({ "plan": plan, "steps": steps })))?;
        return Ok(DONE);
    }
    print(format_args!("{}, {} steps\n", counts(&plan), steps.len()))?;
    let width = steps.len().to_string().len();
    for (number, step) in (1..).zip(&steps) {
        print(format_args!("{number:width$}  {step}\n"))?;
    }
    Ok(DONE)
}
