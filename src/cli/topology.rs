//! Which topology a verb is about, and its plan.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{BAD_TOPOLOGY, Failure, USAGE, tell};
use crate::{
    plan::{self, Plan},
    spec::{self, Problems},
};

/// The file that is meant if none is named.
const DEFAULT: &str = "lab.toml";
/// The built-in lab that is meant if that is not there either.
const FALLBACK: &str = "@sockets";

/// The topology that a verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Topology {
    /// A topology file, or @sockets for the built-in lab [default: ./lab.toml if there is one, else @sockets]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A topology that was read.
pub(crate) struct Loaded {
    /// What it comes to, or what is wrong with it.
    pub(crate) plan: Result<Plan, Problems>,
    /// What paths in the plan are relative to.
    pub(crate) base: PathBuf,
    /// The file as the user knows it.
    pub(crate) name: String,
}

impl Topology {
    /// Reads the topology, saying on stderr which one if the user did not.
    ///
    /// # Errors
    ///
    /// There is no built-in lab of that name; everything wrong in a topology is in the result.
    pub(crate) fn read(&self) -> Result<Loaded, Failure> {
        let file = match &self.file {
            Some(file) => file.clone(),
            None => {
                let file = if Path::new(DEFAULT).exists() { DEFAULT } else { FALLBACK };
                tell(format_args!("labnet: no topology named, taking {file}"));
                file.into()
            }
        };
        let name = file.to_str().and_then(|text| text.strip_prefix('@'));
        let builtin = name.is_some();
        let spec = match name {
            Some(name) => spec::builtin(name).ok_or_else(|| {
                let known = spec::BUILTIN.join(", @");
                let message = format!("there is no built-in lab @{name}; there is @{known}");
                Failure::new(USAGE, message)
            })?,
            None => spec::load(&file),
        };
        Ok(Loaded {
            plan: spec.and_then(|spec| plan::resolve(&spec)),
            // A built-in lab brings its files itself, and must come up wherever this is.
            base: if builtin {
                "/".into()
            } else {
                file.parent().unwrap_or(Path::new("")).to_owned()
            },
            name: file.display().to_string(),
        })
    }

    /// The plan, what its paths are relative to, and where it came from.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the topology, as text for people.
    pub(crate) fn load(&self) -> Result<(Plan, PathBuf, String), Failure> {
        let Loaded { plan, base, name } = self.read()?;
        Ok((plan.map_err(|problems| bad(&problems))?, base, name))
    }
}

/// The failure that shows these problems.
pub(crate) fn bad(problems: &Problems) -> Failure {
    Failure::new(BAD_TOPOLOGY, problems.render(true))
}
