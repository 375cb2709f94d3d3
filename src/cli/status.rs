//! `labnet status`: which labs are up.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{
    exit::{DONE, Outcome, print, tell},
    runtime::block_on,
    up::{as_json, table},
};
use crate::{
    init::{registered, sweep},
    lab::Lab,
};

/// How long a lab may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Show the labs that are up: their nodes, addresses and programs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print [{"lab", "topology", "since", "nodes", "bends", "notes"}]; "since" is in seconds since 1970
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    sweep();
    let mut all = Vec::new();
    let labs = registered();
    if labs.is_empty() && !args.json {
        print(format_args!("no lab is up\n"))?;
    }
    for (directory, state) in labs {
        let lab = block_on(async { timeout(PATIENCE, Lab::connect(&directory)).await })?;
        let Ok(lab) = lab else {
            // Others must be shown all the same.
            let name = &state.lab.name;
            tell(format_args!("labnet: {name} does not answer; `labnet down {name}` ends it"));
            continue;
        };
        match lab {
            Ok(lab) if args.json => {
                let mut value = as_json(lab.description());
                value["topology"] = json!(state.lab.topology);
                value["since"] = json!(state.since);
                all.push(value);
            }
            Ok(lab) => {
                let description = lab.description();
                print(format_args!(
                    "{} (from {})\n{}",
                    state.lab.name,
                    state.lab.topology,
                    table(description)
                ))?;
            }
            // It ended meanwhile.
            Err(error) => tell(format_args!("labnet: {}: {error}", state.lab.name)),
        }
    }
    if args.json {
        print(format_args!("{:#}\n", json!(all)))?;
    }
    Ok(DONE)
}
