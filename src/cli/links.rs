//! What the verbs about links share: how nodes and links are named, and how the answer is shown.

use std::str::FromStr;

use serde_json::json;

use super::{
    capture::interface,
    exit::{DONE, Failure, Outcome, print},
    labs::{Choice, failure},
};
use crate::{
    init::{BendRequest, Target},
    lab::{Lab, LinkState},
    name::{NameError, NodeName},
};

/// Of which lab, and how the answer is printed.
#[derive(Debug, clap::Args)]
pub(super) struct Form {
    /// Print [{"name", "kind", "carrier", "why", "directions": [{"from", "to", "impairment", "counters", "missed", "refused", "faults"}]}]
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) lab: Choice,
}

/// Nodes, joined by commas.
#[derive(Debug, Clone)]
pub(super) struct Group(pub(super) Vec<NodeName>);

impl FromStr for Group {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// What a link or a direction is called: a name as for [`Lab::try_link`], or an interface, for what is sent there.
pub(super) fn target(lab: &Lab, name: &str) -> Result<Target, Failure> {
    match lab.try_link(name) {
        Ok(link) => Ok(Target::Cable(link.name().to_owned())),
        Err(error) => interface(lab, name, error).map(Target::From),
    }
}

/// Asks the lab for something about links, and shows how they are then.
pub(super) fn ask(
    form: &Form,
    request: impl FnOnce(&Lab) -> Result<BendRequest, Failure>,
) -> Outcome {
    form.lab.with(async |lab| {
        let state = LinkState::ask(lab.session(), request(&lab)?).await.map_err(failure)?;
        form.show(&state)
    })
}

impl Form {
    pub(super) fn show(&self, state: &LinkState) -> Outcome {
        if self.json {
            print(format_args!("{:#}\n", json!(state)))?;
        } else {
            print(state.styled())?;
        }
        Ok(DONE)
    }
}
