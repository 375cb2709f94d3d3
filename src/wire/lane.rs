//! One direction of a wire: a ring that frames arrive in, a line that decides, an outlet that they leave by.

use std::collections::VecDeque;

use nix::errno::Errno;

use super::{Counters, Line, message::LaneState, notice::Notifier};
use crate::{
    impairment::Schedule,
    kernel::{BATCH, Outlet, Ring, monotonic, realtime, take_error},
};

/// How long a frame is offered again to an interface that doesn't take it, in ns.
const PATIENCE: u64 = 10_000_000;
/// How long it is left in peace in between.
const PAUSE: u64 = 50_000;
/// A frame that arrived longer ago arrived when the wall clock had not been set yet.
const LONG_AGO: u64 = 1_000_000_000;

/// What both clocks say of one moment, in ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) now: u64,
    /// Since 1970: the kernel's time stamps are by this one.
    wall: u64,
}

impl Clock {
    pub(super) fn read() -> Self {
        // In this order: if the thread has to wait between the two, frames seem to have come later than they did, and are late;
        // the other way round they would be early.
        let wall = realtime();
        Self { now: monotonic(), wall }
    }

    /// The moment of a time stamp, which is later than the clock was read if the frame came while others were received.
    fn moment(self, stamp: u64) -> u64 {
        let (ago, since) = (self.wall.saturating_sub(stamp), stamp.saturating_sub(self.wall));
        if ago.max(since) > LONG_AGO { self.now } else { (self.now + since).saturating_sub(ago) }
    }
}

/// One direction of a wire.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ring: Ring,
    outlet: Outlet,
    pub(super) line: Line<Vec<u8>>,
    /// What the line is to follow when schedules begin.
    pub(super) schedule: Schedule,
    /// When it is to be served next, as far as whoever serves it knows.
    pub(super) due: Option<u64>,
    /// Taken from the line, but not by the interface yet.
    leaving: VecDeque<Vec<u8>>,
    /// Since when the interface takes nothing, and when it is asked again.
    refusing: Option<(u64, u64)>,
    /// Arrived with less than all their bytes.
    cut: u64,
    refused: u64,
}

impl Lane {
    pub(super) fn new(ring: Ring, outlet: Outlet, line: Line<Vec<u8>>, schedule: Schedule) -> Self {
        let leaving = VecDeque::with_capacity(BATCH);
        let (due, refusing, cut, refused) = (None, None, 0, 0);
        Self { ring, outlet, line, schedule, due, leaving, refusing, cut, refused }
    }

    /// Accepts what has arrived, at most so many frames, and tells of each as of one of that wire and direction.
    pub(super) fn receive(&mut self, most: usize, (wire, direction): (u32, usize), to: &Notifier) {
        let clock = Clock::read();
        let mut received = 0;
        while received < most
            && let Some(arrived) = self.ring.peek()
        {
            received += 1;
            let tag = arrived.tag.as_ref().map_or(&[][..], |tag| &tag[..]);
            if arrived.bytes.len() + tag.len() < arrived.length as usize {
                self.cut += 1;
                self.ring.release();
                continue;
            }
            let mut frame = Vec::with_capacity(arrived.bytes.len() + tag.len());
            let (addresses, rest) = arrived.bytes.split_at(arrived.bytes.len().min(12));
            frame.extend_from_slice(addresses);
            frame.extend_from_slice(tag);
            frame.extend_from_slice(rest);
            let time = arrived.time;
            self.ring.release();
            let imprint = to.imprint(&frame);
            let fate = self.line.accept(clock.moment(time), frame);
            if let Some(imprint) = imprint {
                to.tell(wire, direction, imprint, fate);
            }
        }
        if received == 0 {
            take_error(&self.ring);
        }
    }

    /// When there is something to send, or to do in the line.
    pub(super) fn next(&self) -> Option<u64> {
        match self.refusing {
            Some((_, again)) if !self.leaving.is_empty() => Some(again),
            _ => self.line.next(),
        }
    }

    /// Sends what is to leave by now.
    pub(super) fn send(&mut self, now: u64) {
        if self.refusing.is_some_and(|(_, again)| !self.leaving.is_empty() && now < again) {
            return;
        }
        loop {
            while self.leaving.len() < BATCH
                && let Some(frame) = self.line.take(now)
            {
                self.leaving.push_back(frame);
            }
            if self.leaving.is_empty() {
                return;
            }
            let mut frames = [&[][..]; BATCH];
            for (place, frame) in frames.iter_mut().zip(&self.leaving) {
                *place = frame;
            }
            match self.outlet.send(&frames[..self.leaving.len()]) {
                Ok(sent) => {
                    self.leaving.drain(..sent);
                    self.refusing = None;
                }
                Err(Errno::EINTR) => {}
                Err(errno) if self.is_final(errno, now) => {
                    self.leaving.pop_front();
                    self.refused += 1;
                }
                Err(_) => return,
            }
        }
    }

    /// Whether a frame that the interface did not take is given up. A full queue (of the interface, the other end, or this socket)
    /// is not for good, but a link whose other end is down loses frames, and tells the same of them.
    fn is_final(&mut self, errno: Errno, now: u64) -> bool {
        if !matches!(errno, Errno::ENOBUFS | Errno::EAGAIN) {
            return true;
        }
        let (since, _) = self.refusing.unwrap_or((now, now));
        self.refusing = Some((since, now + PAUSE));
        now - since > PATIENCE
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        let Counters { queued, .. } = self.line.counters();
        queued == 0 && self.leaving.is_empty() && self.ring.next_time().is_none()
    }

    pub(super) fn state(&mut self, now: u64) -> LaneState {
        // The line follows its schedule as it is asked for frames.
        self.send(now);
        // The kernel's count is as it was if it can't be read.
        let dropped = self.ring.counts().map_or(0, |counts| counts.dropped);
        LaneState {
            impairment: self.line.in_force().clone(),
            counters: self.line.counters(),
            faults: self.line.faults().collect(),
            missed: dropped + self.cut,
            refused: self.refused,
        }
    }
}
