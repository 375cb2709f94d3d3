//! Names of labs, nodes, interfaces, links, networks and programs, each with its rule.
//!
//! A name is checked once, where it enters ([`str::parse`] or deserialisation); whoever holds a value may rely on it.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a name: which kind of name, the text, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind} name: {rule}")]
pub struct NameError {
    /// What was to be named: `node`, `interface`, …
    pub kind: &'static str,
    /// The text as given.
    pub text: String,
    /// The rule in words.
    pub rule: &'static str,
}

const LABEL: &str =
    "it must start with a letter or digit and hold only letters, digits, `-`, `_` and `.`";
const LINK: &str =
    "it must start with a letter or digit and hold only letters, digits, `-`, `_`, `.`, `:`";

fn is_label(text: &str, extra: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b) || extra.contains(b))
}

/// The names that every node has for itself, in its hosts file (RFC 6761, section 6.3).
pub(crate) const LOOPBACK: [&str; 3] = ["localhost", "ip6-localhost", "ip6-loopback"];

/// Why programs would look elsewhere for the host of this name.
fn misleads(text: &str) -> Option<&'static str> {
    // As inet_aton(3) reads an address: up to four numbers, each decimal, octal or hexadecimal.
    let is_number = |part: &str| match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
    };
    if text.split('.').all(is_number) {
        return Some("programs take a number for an address; begin it with a letter, as in `h1`");
    }
    let is_own = LOOPBACK.iter().any(|own| own.eq_ignore_ascii_case(text));
    is_own.then_some("every host calls itself so")
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $too_long:literal, $rule:expr, $extra:expr $(, $more:path)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest name, in bytes.
            pub const MAX: usize = $max;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let error = |rule| NameError { kind: $kind, text: text.to_owned(), rule };
                if text.len() > Self::MAX {
                    return Err(error($too_long));
                }
                if !is_label(text, $extra) {
                    return Err(error($rule));
                }
                $(if let Some(rule) = $more(text) {
                    return Err(error(rule));
                })?
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A lab's name; it is also the name of its directory and what `-L` takes.
    LabName, "lab", 64, "it is longer than 64 bytes", LABEL, b""
);
name!(
    /// A node's name; it is also the node's host name.
    NodeName, "node", 63, "it is longer than 63 bytes, the longest host name label (RFC 1035, section 2.3.4)", LABEL, b"", misleads
);
name!(
    /// A network interface's name, at most 15 bytes (IFNAMSIZ − 1).
    IfName, "interface", 15, "it is longer than 15 bytes (IFNAMSIZ − 1)", LABEL, b""
);
name!(
    /// A network's name: a switch that nodes attach to.
    NetworkName, "network", 63, "it is longer than 63 bytes", LABEL, b""
);
name!(
    /// A link's name; `R2--KALI` if the file gives none.
    LinkName, "link", 160, "it is longer than 160 bytes", LINK, b":"
);
name!(
    /// The name of a program that a topology lists.
    ProgramName, "program", 63, "it is longer than 63 bytes", LABEL, b""
);

/// One interface of one node, written `R2:eth0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    /// The node.
    pub node: NodeName,
    /// The interface in it.
    pub interface: IfName,
}

impl FromStr for Endpoint {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((node, interface)) = text.split_once(':') else {
            let rule = "an endpoint is written NODE:INTERFACE, as in `R2:eth0`";
            return Err(NameError { kind: "endpoint", text: text.to_owned(), rule });
        };
        Ok(Self { node: node.parse()?, interface: interface.parse()? })
    }
}

impl TryFrom<String> for Endpoint {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node, self.interface)
    }
}
