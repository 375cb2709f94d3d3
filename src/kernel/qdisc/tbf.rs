//! A rate, by a bucket of tokens (tc-tbf(8)).

use super::{
    fifo,
    message::{Discipline, append, attribute, u32_at, u64_at},
};
use crate::{
    impairment::{Impairment, Pace},
    units::{ByteSize, Rate},
};

pub(super) const KIND: &str = "tbf";
pub(super) const HANDLE: u16 = 2;

/// Of `linux/pkt_sched.h`.
const PARMS: u16 = 1;
const RATE64: u16 = 4;
const BURST: u16 = 6;
/// TC_LINKLAYER_ETHERNET: the kernel then needs no table of how long frames take.
const ETHERNET: u8 = 1;
/// Bytes of an Ethernet header, which a frame is longer than the interface's MTU.
const HEADER: u64 = 14;
/// The bucket is deeper than asked for by what the rate sends in this part of a second: while a timer is late, tokens that find no
/// room in the bucket are lost, and with them the rate (4 % at 100 Mbit/s with a bucket of one frame).
const LATE: u64 = 1000;
/// Bytes a second of a rate that is none: when one is taken away, what waits must not be lost with its queue.
const UNLIMITED: u64 = 1_000_000_000_000;
/// Nanoseconds in a tick of `/proc/net/psched`, in which the kernel tells how deep the bucket is.
const TICK: u64 = 64;

/// A rate as tbf knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tbf {
    /// Bytes a second.
    rate: u64,
    /// How deep the bucket is, in bytes.
    bucket: u32,
    /// In frames or bytes, as the queue below.
    limit: u32,
}

impl Tbf {
    /// The rate of an impairment; as good as none if it has none.
    pub(super) fn of(impairment: &Impairment, mtu: u32) -> Self {
        let (_, limit) = fifo::of(impairment.limit);
        match bytes_per_second(impairment) {
            None => Self { rate: UNLIMITED, bucket: u32::MAX, limit },
            Some(rate) => {
                let burst = impairment.burst.map_or(HEADER + u64::from(mtu), |burst| burst.0);
                let bucket = u32::try_from(burst.saturating_add(rate / LATE));
                Self { rate, bucket: bucket.unwrap_or(u32::MAX), limit }
            }
        }
    }

    pub(super) fn discipline(self, parent: Option<u16>) -> Discipline {
        // struct tc_tbf_qopt: two of struct tc_ratespec (of which the second stays empty), limit, buffer, mtu.
        let mut parms = vec![0, ETHERNET, 0, 0, 0, 0, 0, 0];
        parms.extend(u32::try_from(self.rate).unwrap_or(u32::MAX).to_ne_bytes());
        parms.extend([0; 12]);
        parms.extend([self.limit, 0, 0].into_iter().flat_map(u32::to_ne_bytes));
        let mut options = Vec::new();
        append(&mut options, PARMS, &parms);
        if self.rate > u32::MAX.into() {
            append(&mut options, RATE64, &self.rate.to_ne_bytes());
        }
        append(&mut options, BURST, &self.bucket.to_ne_bytes());
        Discipline { kind: KIND, handle: HANDLE, parent, options }
    }

    fn parse(options: &[u8]) -> Option<Self> {
        let parms = attribute(options, PARMS)?;
        let rate64 = attribute(options, RATE64).and_then(|value| u64_at(value, 0));
        let rate = rate64.unwrap_or(u32_at(parms, 8)?.into());
        let ticks = u128::from(u32_at(parms, 28)?);
        let bucket = ticks * u128::from(TICK) * u128::from(rate) / 1_000_000_000;
        let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
        Some(Self { rate, bucket, limit: u32_at(parms, 24)? })
    }
}

/// The rate and burst that tbf's options tell, into `impairment`; what the kernel has rounded is as in `asked`.
pub(super) fn read(options: &[u8], asked: &Impairment, mtu: u32, impairment: &mut Impairment) {
    let Some(found) = Tbf::parse(options) else { return };
    if found.rate >= UNLIMITED {
        return;
    }
    let wanted = Tbf::of(asked, mtu);
    impairment.rate = match found.rate == wanted.rate {
        true => asked.rate.clone(),
        false => Rate::new(found.rate.saturating_mul(8)).map(Pace::Constant),
    };
    // A tick each for rounding, there and back.
    let close = 2 * (found.rate * TICK / 1_000_000_000 + 1);
    impairment.burst = match u64::from(found.bucket.abs_diff(wanted.bucket)) <= close {
        true => asked.burst,
        false => Some(ByteSize(u64::from(found.bucket).saturating_sub(found.rate / LATE))),
    };
}

/// A constant rate, to the nearest byte.
pub(super) fn bytes_per_second(impairment: &Impairment) -> Option<u64> {
    match &impairment.rate {
        Some(Pace::Constant(rate)) => Some(rate.bits_per_second().saturating_add(4) / 8),
        _ => None,
    }
}

/// Whether a bucket can be so deep.
pub(super) fn fits(impairment: &Impairment) -> bool {
    let burst = impairment.burst.map_or(0, |burst| burst.0);
    let late = bytes_per_second(impairment).unwrap_or(0) / LATE;
    u32::try_from(burst.saturating_add(late)).is_ok()
}
