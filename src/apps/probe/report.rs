//! What a server has counted of a run of datagrams.

/// What a server has counted of a run of numbered datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Datagrams that came, each of equal ones counted.
    pub received: u64,
    /// Datagrams that never came.
    pub lost: u64,
    /// How often one or more in succession never came, so that `lost` divided by this is the mean length of a burst.
    pub bursts: u64,
    /// Datagrams that had come before.
    pub duplicated: u64,
    /// Datagrams that came after one with a higher number (RFC 4737, section 3.3), duplicates left out.
    pub reordered: u64,
    /// Datagrams that the receiver's kernel refused since the run began because their UDP checksum was wrong, of this run or not.
    pub corrupted: u64,
    /// Datagrams that the receiver's kernel dropped since the run began because a socket had no room, of this run or not: not the
    /// link's fault.
    pub overrun: u64,
    /// Bytes of payload in all that came.
    pub bytes: u64,
    /// From the first that came to the last, in ns.
    pub duration_ns: u64,
    /// From the last that came to the question for this report, in ns.
    pub quiet_ns: u64,
}

/// Bytes of a report in a datagram.
pub(super) const LENGTH: usize = 80;

impl Report {
    /// As it travels behind a header.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Self { received, lost, bursts, duplicated, reordered, .. } = self;
        let Self { corrupted, overrun, bytes, duration_ns, quiet_ns, .. } = self;
        let counts = [received, lost, bursts, duplicated, reordered];
        let more = [corrupted, overrun, bytes, duration_ns, quiet_ns];
        counts.into_iter().chain(more).flat_map(u64::to_be_bytes).collect()
    }

    /// Reads what stands behind a header; `None` if it is too short.
    pub(super) fn from_bytes(body: &[u8]) -> Option<Self> {
        let (body, _) = body.split_first_chunk::<LENGTH>()?;
        let mut counts = body
            .chunks_exact(8)
            .map(|chunk| chunk.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte)));
        let mut next = || counts.next();
        Some(Self {
            received: next()?,
            lost: next()?,
            bursts: next()?,
            duplicated: next()?,
            reordered: next()?,
            corrupted: next()?,
            overrun: next()?,
            bytes: next()?,
            duration_ns: next()?,
            quiet_ns: next()?,
        })
    }
}
