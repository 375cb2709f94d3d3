//! Where a node's files come from.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Where the content of a node's file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A file, relative to the topology file's folder, or absolute.
    Path(PathBuf),
    /// The content itself, as in the labs that the program carries.
    Inline(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Inline(text) => write!(f, "{} bytes kept in the topology", text.len()),
        }
    }
}
