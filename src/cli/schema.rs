//! `labnet schema`: the topology file's schema, for editors.

use super::exit::{DONE, Outcome, print};
use crate::spec;

/// Print the JSON Schema of topology files, for editors
///
/// A file that begins with `#:schema ./labnet.schema.json` is completed and checked by editors that know TOML.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(Args {}: Args) -> Outcome {
    print(format_args!("{:#}\n", spec::schema().as_value()))?;
    Ok(DONE)
}
