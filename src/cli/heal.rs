//! `labnet heal`: the end of partitions.

use super::{
    exit::Outcome,
    links::{Form, Group, ask},
};
use crate::init::BendRequest;

/// Let frames pass again between nodes that `labnet partition` has parted
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The nodes, as for `partition`; without them, all partitions end
    #[arg(value_name = "A[,B…]", requires = "others")]
    some: Option<Group>,
    /// The others
    #[arg(value_name = "C[,D…]")]
    others: Option<Group>,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(args: Args) -> Outcome {
    let groups = args.some.zip(args.others).map(|(some, others)| [some.0, others.0]);
    ask(&args.form, |_| Ok(BendRequest::Heal { groups }))
}
