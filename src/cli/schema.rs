//! `labnet schema`: what files and results are like, for editors and programs.

use super::exit::{DONE, Outcome, print};
use crate::{manual, spec};

/// Print the JSON Schema of topology files, for editors, or of what `labnet run --json` prints
///
/// A file that begins with `#:schema ./labnet.schema.json` is completed and checked by editors that know TOML.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of what
    #[arg(value_enum, default_value_t = Of::Topology)]
    of: Of,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// Of topology files
    Topology,
    /// Of the results of `labnet run`
    Run,
}

pub(crate) fn run(args: Args) -> Outcome {
    let schema = match args.of {
        Of::Topology => spec::schema(),
        Of::Run => manual::results_schema(),
    };
    print(format_args!("{:#}\n", schema.as_value()))?;
    Ok(DONE)
}
