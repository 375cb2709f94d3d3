//! `labnet wait`: until something is ready in a node.

use super::{
    exit::{DONE, FAILED, Failure, Outcome},
    labs::{Choice, failure},
};
use crate::{lab::LabError, plan::Ready, units::Delay};

/// Wait until something is ready in a node, whoever brings it about; exit code 1 if it is not in time
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The node
    node: String,
    /// tcp:PORT listens, udp:PORT is bound, socket: any is, or file:PATH is there (from the node's home)
    #[arg(value_name = "CONDITION")]
    ready: Ready,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Delay,
    #[command(flatten)]
    lab: Choice,
}

pub(crate) fn run(args: Args) -> Outcome {
    args.lab.with(async |lab| {
        let node = lab.try_node(&args.node).map_err(failure)?;
        match node.wait(&args.ready, args.timeout.0).await {
            Ok(()) => Ok(DONE),
            Err(LabError::NotReady { .. }) => Err(Failure::new(
                FAILED,
                format!("{}: {} is not there after {}", args.node, args.ready, args.timeout),
            )),
            Err(error) => Err(failure(error)),
        }
    })
}
