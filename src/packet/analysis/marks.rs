//! What TCP analysis finds about a segment.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeSeq};

/// What a segment is, seen with those before it. The names are tshark's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Repeats the closed window, answering a probe.
    ZeroWindowProbeAck,
    /// Closes the window.
    ZeroWindow,
    /// One byte into a closed window.
    ZeroWindowProbe,
    /// Repeats an acknowledgment: something beyond a gap arrived.
    DuplicateAck,
    /// Answers a keep-alive.
    KeepAliveAck,
    /// Asks whether the other is there: repeats the last number.
    KeepAlive,
    /// Fills the window to its last byte.
    WindowFull,
    /// Says nothing but a new window.
    WindowUpdate,
    /// Acknowledges what was not recorded.
    AckedUnseen,
    /// Begins beyond what was recorded so far.
    PreviousNotCaptured,
    /// Fills a gap so early that it can hardly have been sent again.
    OutOfOrder,
    /// Sends again what was acknowledged.
    SpuriousRetransmission,
    /// Sends again soon after two or more duplicate acknowledgments asked for it.
    FastRetransmission,
    /// Sends again.
    Retransmission,
    /// Opens a connection between ports that had one.
    PortsReused,
}

/// A set of [`Mark`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Marks(u16);

impl Mark {
    /// All, in the order in which lists show them.
    pub const ALL: [Self; 15] = [
        Self::ZeroWindowProbeAck,
        Self::ZeroWindow,
        Self::ZeroWindowProbe,
        Self::DuplicateAck,
        Self::KeepAliveAck,
        Self::KeepAlive,
        Self::WindowFull,
        Self::WindowUpdate,
        Self::AckedUnseen,
        Self::PreviousNotCaptured,
        Self::OutOfOrder,
        Self::SpuriousRetransmission,
        Self::FastRetransmission,
        Self::Retransmission,
        Self::PortsReused,
    ];

    /// Its name, as `TCP Retransmission`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZeroWindowProbeAck => "TCP ZeroWindowProbeAck",
            Self::ZeroWindow => "TCP ZeroWindow",
            Self::ZeroWindowProbe => "TCP ZeroWindowProbe",
            Self::DuplicateAck => "TCP Dup ACK",
            Self::KeepAliveAck => "TCP Keep-Alive ACK",
            Self::KeepAlive => "TCP Keep-Alive",
            Self::WindowFull => "TCP Window Full",
            Self::WindowUpdate => "TCP Window Update",
            Self::AckedUnseen => "TCP ACKed unseen segment",
            Self::PreviousNotCaptured => "TCP Previous segment not captured",
            Self::OutOfOrder => "TCP Out-Of-Order",
            Self::SpuriousRetransmission => "TCP Spurious Retransmission",
            Self::FastRetransmission => "TCP Fast Retransmission",
            Self::Retransmission => "TCP Retransmission",
            Self::PortsReused => "TCP Port numbers reused",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Marks {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether a mark is among them.
    pub const fn contains(self, mark: Mark) -> bool {
        self.0 >> mark as u16 & 1 == 1
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The marks in the order in which lists show them.
    pub fn iter(self) -> impl Iterator<Item = Mark> {
        Mark::ALL.into_iter().filter(move |mark| self.contains(*mark))
    }

    pub(super) fn insert(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u16;
    }
}

impl Serialize for Marks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for mark in self.iter() {
            list.serialize_element(mark.name())?;
        }
        list.end()
    }
}
