//! What the kernel counts of UDP in this network namespace.

use std::fs;

/// Datagrams that came and that no socket got.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refused {
    /// Their checksum was wrong.
    pub(super) corrupted: u64,
    /// Their socket had no room.
    pub(super) overrun: u64,
}

impl Refused {
    /// The counts so far; 0 where the kernel doesn't tell.
    pub(super) fn now() -> Self {
        let v4 = fs::read_to_string("/proc/net/snmp").unwrap_or_default();
        let v6 = fs::read_to_string("/proc/net/snmp6").unwrap_or_default();
        Self {
            corrupted: in_snmp(&v4, "InCsumErrors") + in_snmp6(&v6, "Udp6InCsumErrors"),
            overrun: in_snmp(&v4, "RcvbufErrors") + in_snmp6(&v6, "Udp6RcvbufErrors"),
        }
    }

    /// The counts since earlier ones.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            corrupted: self.corrupted.saturating_sub(earlier.corrupted),
            overrun: self.overrun.saturating_sub(earlier.overrun),
        }
    }
}

/// A count of UDP in /proc/net/snmp: a line of names and a line of values.
fn in_snmp(text: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp:"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return 0 };
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(each, _)| *each == name).and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}

/// A count in /proc/net/snmp6: a line for each.
fn in_snmp6(text: &str, name: &str) -> u64 {
    let mut pairs = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let value = pairs.find(|(each, _)| *each == name).map(|(_, value)| value.trim());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}
