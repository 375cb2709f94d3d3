//! What a recording says beside its frames.

use super::super::Interface;

/// What a section of pcapng says about itself: its section header block.
///
/// A recording has one section, unless files were put one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The machine that recorded.
    pub hardware: Option<String>,
    /// The operating system that recorded, as `Linux 6.12.0`.
    pub os: Option<String>,
    /// The program that recorded, as `labnet 0.1.0`.
    pub application: Option<String>,
    /// What somebody noted about the whole.
    pub comments: Vec<String>,
}

/// What an interface counted while it was recorded: an interface statistics block of pcapng.
///
/// Times are in ns since 1970. What isn't known is `None`, which differs from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// When this was counted.
    pub time: u64,
    /// When recording began (`isb_starttime`).
    pub start: Option<u64>,
    /// When recording ended (`isb_endtime`).
    pub end: Option<u64>,
    /// Frames that passed the interface (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Frames lost for lack of room, from the interface to the recorder (`isb_ifdrop`).
    pub dropped: Option<u64>,
    /// Frames that passed the filter (`isb_filteraccept`).
    pub accepted: Option<u64>,
    /// Frames that the operating system lost (`isb_osdrop`).
    pub os_dropped: Option<u64>,
    /// Frames that reached the recorder (`isb_usrdeliv`).
    pub delivered: Option<u64>,
}

/// What has been read so far, beside frames.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) section: Section,
    pub(super) interfaces: Vec<Interface>,
    /// As long as `interfaces`.
    pub(super) statistics: Vec<Option<Statistics>>,
}

impl About {
    pub(super) fn add(&mut self, interface: Interface) {
        self.interfaces.push(interface);
        self.statistics.push(None);
    }
}
