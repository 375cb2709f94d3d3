//! Conditions to wait for.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// A condition to wait for, written `tcp:5001`, `udp:53`, `socket` or `file:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ready {
    /// A TCP socket listens on this port.
    Tcp(u16),
    /// A UDP socket is bound to this port.
    Udp(u16),
    /// A TCP socket listens or is connected, or a UDP socket is bound or connected; whatever the port.
    Socket,
    /// This path exists; relative to the node's home.
    File(PathBuf),
}

/// The text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a condition to wait for; write `tcp:PORT`, `udp:PORT` (ports 1 to 65535), `socket` or `file:PATH`"
)]
pub struct ReadyError(pub String);

impl FromStr for Ready {
    type Err = ReadyError;

    fn from_str(text: &str) -> Result<Self, ReadyError> {
        let error = || ReadyError(text.to_owned());
        let port = |port: &str| port.parse().ok().filter(|p| *p != 0).ok_or_else(error);
        if text == "socket" {
            return Ok(Self::Socket);
        }
        match text.split_once(':') {
            Some(("tcp", rest)) => Ok(Self::Tcp(port(rest)?)),
            Some(("udp", rest)) => Ok(Self::Udp(port(rest)?)),
            Some(("file", rest)) if !rest.is_empty() => Ok(Self::File(rest.into())),
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for Ready {
    type Error = ReadyError;

    fn try_from(text: String) -> Result<Self, ReadyError> {
        text.parse()
    }
}

impl From<Ready> for String {
    fn from(ready: Ready) -> Self {
        ready.to_string()
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp:{port}"),
            Self::Udp(port) => write!(f, "udp:{port}"),
            Self::Socket => f.write_str("socket"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
