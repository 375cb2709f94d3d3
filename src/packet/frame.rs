//! What a recording consists of.

use std::borrow::Cow;

/// Where frames were recorded: an interface description block of pcapng.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// As `R2:eth0`.
    pub name: Option<String>,
    /// Anything worth knowing, for people.
    pub description: Option<String>,
    /// LINKTYPE of the frames; 1 is Ethernet.
    pub link_type: u16,
    /// The most bytes kept of a frame; 0 keeps all.
    pub snap_length: u32,
    /// The digits of a second's fraction in which it tells time: 6 is µs, 9 is ns; at most 9.
    pub digits: u8,
    /// The filter that frames had to pass, as written.
    pub filter: Option<String>,
    /// The operating system that recorded.
    pub os: Option<String>,
}

impl Interface {
    /// LINKTYPE_ETHERNET.
    pub const ETHERNET: u16 = 1;

    /// An Ethernet interface of which whole frames are kept, with ns timestamps.
    pub fn ethernet(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            description: None,
            link_type: Self::ETHERNET,
            snap_length: 0,
            digits: 9,
            filter: None,
            os: None,
        }
    }
}

/// Which way a frame passed an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Received there.
    In,
    /// Sent there.
    Out,
}

/// A frame as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its interface's place in the recording, from 0.
    pub interface: usize,
    /// When it passed, in ns since 1970.
    pub time: u64,
    /// How many bytes it had; `bytes` may hold fewer.
    pub length: u32,
    /// Which way it passed, where that was recorded.
    pub direction: Option<Direction>,
    /// What somebody noted about it.
    pub comments: Vec<String>,
    /// Its bytes, from the link layer's header on.
    pub bytes: Cow<'a, [u8]>,
}
