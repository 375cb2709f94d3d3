//! `labnet partition`: nodes that can't reach each other any more.

use super::{
    exit::Outcome,
    links::{Form, Group, ask},
};
use crate::init::BendRequest;

/// Let no frame pass between two nodes, or two groups of them; `labnet heal` ends it
///
/// Links that join them are down for both directions. Where they share a network, each drops what the others send, and all else
/// passes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Nodes, joined by commas
    #[arg(value_name = "A[,B…]")]
    some: Group,
    /// Those they can't reach any more
    #[arg(value_name = "C[,D…]")]
    others: Group,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(args: Args) -> Outcome {
    let groups = [args.some.0, args.others.0];
    ask(&args.form, |_| Ok(BendRequest::Partition { groups, guarded: false }))
}
