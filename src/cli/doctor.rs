//! `labnet doctor`: what this machine can do for labs.

use serde_json::json;

use super::exit::{DONE, Failure, NOT_POSSIBLE, Outcome, print};
use crate::{init, report};

/// Tell what this machine can do for labs, feature by feature, and what to do about the rest
///
/// Everything is tried in throw-away processes; nothing is left and no setting is changed. Exit code 4 if labs can't run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print {"features": [{"name", "state": "ok"|"note"|"missing"|"untried", "found", "needed_for", "remedy"}]}
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let diagnosis = init::diagnose().map_err(|error| Failure::new(NOT_POSSIBLE, error))?;
    if args.json {
        print(format_args!("{:#}\n", json!(diagnosis)))?;
    } else {
        print(report::doctor(&diagnosis))?;
    }
    Ok(if diagnosis.missing().next().is_none() { DONE } else { NOT_POSSIBLE })
}
