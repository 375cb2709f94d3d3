//! The disciplines at the egress of an interface, together.

use std::mem::discriminant;

use super::{
    Features, fifo,
    message::{Found, find, remove},
    netem::{self, Netem},
    tbf::{self, Tbf},
};
use crate::{
    impairment::Impairment,
    kernel::{
        error::KernelError,
        netlink::{Change, Netlink},
    },
};

/// Where frames leave an interface: what is sent there is impaired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Egress {
    pub(crate) index: u32,
    pub(crate) mtu: u32,
}

/// What has become of the frames of an egress since it was bent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Those that have left it, copies too.
    pub frames: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// Those that were lost, or came while the link was down.
    pub lost: u64,
    /// Those that found the rate's queue full.
    pub queue_full: u64,
    /// Those that skipped the delay.
    pub reordered: u64,
    /// Those under way or waiting.
    pub queued_frames: u64,
    /// The bytes of these.
    pub queued_bytes: u64,
}

impl Egress {
    /// Has it do `to`, which [`can`](super::can) must have allowed; `before` is what was last asked, if anything was since it was plain.
    ///
    /// Frames that it holds go on as they would have, but for one case: see [`Egress::keeps`]. Chance begins anew with the seed.
    pub(crate) fn bend(
        self,
        step: &str,
        before: Option<&Impairment>,
        to: &Impairment,
        seed: u64,
        features: Features,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut parent = None;
        if features.netem {
            let netem = Netem::of(to, features.seed.then_some(seed));
            changes.push(netem.discipline().put(step, self.index));
            parent = Some(netem::HANDLE);
        }
        let had_rate = before.is_some_and(|before| before.rate.is_some());
        if to.rate.is_some() || had_rate {
            changes.push(Tbf::of(to, self.mtu).discipline(parent).put(step, self.index));
        }
        if to.rate.is_some() {
            changes.push(fifo::discipline(to.limit, tbf::HANDLE).put(step, self.index));
        }
        changes
    }

    /// Whether what waits for the rate survives a change: not if its queue is limited in another unit from then on.
    pub(crate) fn keeps(before: &Impairment, to: &Impairment) -> bool {
        let both = before.rate.is_some() && to.rate.is_some();
        !both || discriminant(&before.limit) == discriminant(&to.limit)
    }

    /// Has it send everything at once again; what it holds is lost.
    pub(crate) fn straighten(self, step: &str) -> Change {
        remove(step, self.index)
    }

    /// What it does, and what became of the frames; none if it is plain. What the kernel does not tell is as in `asked`.
    pub(crate) fn read(
        self,
        netlink: &mut Netlink,
        step: &str,
        asked: &Impairment,
    ) -> Result<Option<(Impairment, Counters)>, KernelError> {
        let mut get = |(kind, handle)| find(netlink, step, self.index, handle, kind);
        let netem = get((netem::KIND, netem::HANDLE))?;
        let tbf = get((tbf::KIND, tbf::HANDLE))?;
        let Some(root) = netem.as_ref().or(tbf.as_ref()) else { return Ok(None) };
        let mut impairment = Impairment::default();
        if let Some(netem) = &netem {
            let odd =
                || KernelError::odd(step, "the kernel's answer has not all of netem's options");
            let options = Netem::parse(&netem.options, asked.distribution).ok_or_else(odd)?;
            options.read(asked, &mut impairment);
        }
        if let Some(tbf) = &tbf {
            tbf::read(&tbf.options, asked, self.mtu, &mut impairment);
        }
        if impairment.rate.is_some() {
            for kind in [fifo::FRAMES, fifo::BYTES] {
                if let Some(fifo) = get(kind)? {
                    impairment.limit = fifo::limit(kind.1, &fifo.options).unwrap_or_default();
                }
            }
        }
        Ok(Some((impairment, Counters::of(root, netem.is_some(), tbf.as_ref()))))
    }
}

impl Counters {
    fn of(root: &Found, netem: bool, tbf: Option<&Found>) -> Self {
        let queue_full = tbf.map_or(0, |tbf| tbf.dropped);
        // What tbf drops its parent counts, too.
        let lost = if netem { root.dropped.wrapping_sub(queue_full) } else { 0 };
        Self {
            frames: root.passed.0,
            bytes: root.passed.1,
            lost: lost.into(),
            queue_full: queue_full.into(),
            reordered: if netem { root.requeued.into() } else { 0 },
            queued_frames: root.queued.0.into(),
            queued_bytes: root.queued.1.into(),
        }
    }
}
