//! Which columns a list has.

use std::str::FromStr;

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The frame's number, from 1.
    Number,
    /// Seconds since the first frame.
    Time,
    /// Seconds since the frame before.
    Delta,
    /// From whom: the IP address, or the Ethernet address where there is none.
    Source,
    /// To whom.
    Destination,
    /// The highest protocol that is decoded.
    Protocol,
    /// The frame's length on the wire in bytes.
    Length,
    /// What it says.
    Info,
    /// What became of it on its link, as `delivered` or `dropped (fault 1)`; the same whenever the same happens.
    Verdict,
    /// How long its link took, as `10.02 ms`.
    Transit,
    /// What was noted about it: the frame's comments.
    Comment,
    /// From which port.
    SourcePort,
    /// To which port.
    DestinationPort,
    /// TCP's sequence number, relative.
    Sequence,
    /// TCP's acknowledgment number, relative.
    Acknowledgment,
    /// TCP's window in bytes.
    Window,
    /// TCP's flags.
    Flags,
    /// The bytes that TCP or UDP carries.
    Payload,
    /// The number of the TCP conversation, from 0.
    Stream,
}

/// The columns of a list, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

/// A column has another name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no column `{name}`; columns are {}", names())]
pub struct ColumnError {
    /// The name that is none.
    pub name: String,
}

impl Column {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 19] = [
        ("no", Self::Number),
        ("time", Self::Time),
        ("delta", Self::Delta),
        ("source", Self::Source),
        ("destination", Self::Destination),
        ("proto", Self::Protocol),
        ("len", Self::Length),
        ("info", Self::Info),
        ("verdict", Self::Verdict),
        ("transit", Self::Transit),
        ("comment", Self::Comment),
        ("sport", Self::SourcePort),
        ("dport", Self::DestinationPort),
        ("seq", Self::Sequence),
        ("ack", Self::Acknowledgment),
        ("win", Self::Window),
        ("flags", Self::Flags),
        ("data", Self::Payload),
        ("stream", Self::Stream),
    ];

    /// Its name, as in `--columns`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// Whether frames may lack it, and it is not one of tshark's own.
    pub(super) fn is_optional(self) -> bool {
        matches!(
            self,
            Self::Verdict
                | Self::Transit
                | Self::Comment
                | Self::SourcePort
                | Self::DestinationPort
                | Self::Sequence
                | Self::Acknowledgment
                | Self::Window
                | Self::Flags
                | Self::Payload
                | Self::Stream
        )
    }
}

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(name: &str) -> Result<Self, ColumnError> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, column)| *column).ok_or_else(|| ColumnError { name: name.to_owned() })
    }
}

impl Columns {
    /// These, in order.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self(columns.into_iter().collect())
    }

    /// The columns in order.
    pub fn iter(&self) -> impl Iterator<Item = Column> {
        self.0.iter().copied()
    }
}

impl Default for Columns {
    /// Number, time, source, destination, protocol, length and info.
    fn default() -> Self {
        Self::new([
            Column::Number,
            Column::Time,
            Column::Source,
            Column::Destination,
            Column::Protocol,
            Column::Length,
            Column::Info,
        ])
    }
}

impl FromStr for Columns {
    type Err = ColumnError;

    /// Names joined by commas.
    fn from_str(text: &str) -> Result<Self, ColumnError> {
        text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

fn names() -> String {
    Column::ALL.map(|(name, _)| name).join(", ")
}
