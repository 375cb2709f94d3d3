//! `labnet graph`: a topology as a picture.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use super::{
    exit::{DONE, FAILED, Failure, Outcome},
    topology::Topology,
};
use crate::report::{self, Drawing, Graph};

/// Draw a topology: nodes, networks and links, with interfaces and addresses at both ends
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: Topology,
    /// What to draw with [default: what OUT's name ends in, else text]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Box-drawing characters, UTF-8
    Text,
    /// A self-contained picture for light and dark pages
    Svg,
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz' language
    Dot,
}

impl Format {
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "svg" => Some(Self::Svg),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            "dot" | "gv" => Some(Self::Dot),
            _ => None,
        }
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    let (plan, ..) = args.topology.load()?;
    let output = args.output.as_deref();
    let format = args.format.or_else(|| output.and_then(Format::of)).unwrap_or(Format::Text);
    let graph = Graph::new(&plan);
    let picture = match format {
        Format::Text => report::text(&Drawing::new(&graph)),
        Format::Svg => report::svg(&Drawing::new(&graph)),
        Format::Mermaid => report::mermaid(&graph),
        Format::Dot => report::dot(&graph),
    };
    let written = match output {
        Some(file) => fs::write(file, picture),
        None => io::stdout().write_all(picture.as_bytes()),
    };
    let target = output.unwrap_or(Path::new("standard output")).display();
    written.map_err(|error| Failure::new(FAILED, format!("cannot write to {target}: {error}")))?;
    Ok(DONE)
}
