//! The two ends of a conversation, whichever sent.

use std::net::IpAddr;

/// Addresses and ports of both ends, the greater first: both directions have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Endpoints {
    high: (IpAddr, u16),
    low: (IpAddr, u16),
}

impl Endpoints {
    /// The ends of a packet, and which of them sent it: 0 the greater, 1 the lower.
    pub(super) fn of(source: (IpAddr, u16), destination: (IpAddr, u16)) -> (Self, usize) {
        if source > destination {
            (Self { high: source, low: destination }, 0)
        } else {
            (Self { high: destination, low: source }, 1)
        }
    }
}
