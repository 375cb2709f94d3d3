//! What a program printed and how it ended.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Error, Exit, output::Collected};
use crate::name::NodeName;

/// What a program in a node printed and how it ended.
///
/// Its Display is stable text for snapshots: the command as typed at the node's prompt, what a person at the screen
/// would have read, and how it ended unless with code 0. Serialized it is `{node, command, stdout, stderr, screen, omitted,
/// exit}`.
///
/// Of each stream the first 16 MiB are kept; [`Transcript::omitted`] tells how much there was beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    node: NodeName,
    command: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    screen: Vec<u8>,
    omitted: u64,
    exit: Option<Exit>,
}

impl Transcript {
    pub(super) fn new(
        node: NodeName,
        command: String,
        collected: &Collected,
        exit: Option<Exit>,
    ) -> Self {
        let Collected { stdout, stderr, screen, omitted, .. } = collected.clone();
        Self { node, command, stdout, stderr, screen, omitted, exit }
    }

    /// The node it ran in.
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// The command, quoted as a shell needs it.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What it printed to its standard output, as text.
    pub fn stdout(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// What it printed to its standard output, byte for byte.
    pub fn stdout_bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// What it printed to its standard error, as text.
    pub fn stderr(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// Both streams in the order of arrival, as a person at the screen reads them; a terminal's line ends are plain.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).replace("\r\n", "\n")
    }

    /// How many bytes it printed that were not kept.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// How it ended; `None` if it is still running.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// Itself, if it ended with code 0.
    ///
    /// # Errors
    ///
    /// If it ended otherwise, with the whole transcript as text.
    pub fn success(self) -> Result<Self, Error> {
        if self.exit == Some(Exit::Code(0)) { Ok(self) } else { Err(Error::Failed(Box::new(self))) }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}$ {}", self.node, self.command)?;
        let screen = self.screen();
        f.write_str(&screen)?;
        if !screen.is_empty() && !screen.ends_with('\n') {
            f.write_str("\n[no newline at the end]\n")?;
        }
        if self.omitted > 0 {
            writeln!(f, "[{} bytes more were not kept]", self.omitted)?;
        }
        match self.exit {
            Some(Exit::Code(0)) => Ok(()),
            Some(exit) => writeln!(f, "[{exit}]"),
            None => writeln!(f, "[still running]"),
        }
    }
}

impl Serialize for Transcript {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Transcript", 7)?;
        fields.serialize_field("node", &self.node)?;
        fields.serialize_field("command", &self.command)?;
        fields.serialize_field("stdout", &self.stdout())?;
        fields.serialize_field("stderr", &self.stderr())?;
        fields.serialize_field("screen", &self.screen())?;
        fields.serialize_field("omitted", &self.omitted)?;
        fields.serialize_field("exit", &self.exit)?;
        fields.end()
    }
}
