//! One direction of a link.

use std::time::Duration;

use super::{
    Counters, FaultState,
    chance::{Chance, least_delay},
    faults::Faults,
    flight::Flight,
    nanos,
    queue::{Passage, Queue},
};
use crate::{
    impairment::{Impairment, Rule, Schedule},
    packet::{Cause, Changes, Fate, Origin},
};

/// One direction of a link: frames that are accepted at one end, and can be taken at the other when their time has come.
///
/// A frame `F` is anything that lends its bytes, an Ethernet frame without its check sum: a `Vec<u8>`, an array, a buffer of a pool. It
/// is cloned only where a copy is made of it. What happens to it, and in which order, is in [`impairment`](crate::impairment).
///
/// # Time
///
/// Times are nanoseconds of any clock, from 0 or from wherever. A time before one that was given earlier counts as that one, but for
/// frames: each may be accepted late, with the time at which it came, if only that is not before the one before it came. Things happen
/// at their exact times, however late the line is asked. A caller waits until [`next`](Self::next), then takes
/// ([`take`](Self::take)) until there is no frame; a line in which nothing moves needs no waking.
///
/// # Limits
///
/// What waits to be sent is limited by the impairment. A line as a whole keeps at most [`MOST_FRAMES`](Self::MOST_FRAMES) and
/// [`MOST_BYTES`](Self::MOST_BYTES), those on their way and those that are held included; what comes then is dropped, and counted
/// as from a full queue.
#[derive(Debug)]
pub struct Line<F> {
    chance: Chance,
    /// How many frames came so far.
    index: u64,
    /// The latest time that was given.
    now: Option<u64>,
    /// When the last frame came.
    came: u64,
    impairment: Impairment,
    schedule: Option<(u64, Schedule)>,
    /// The impairment with what the schedule changes now.
    current: Impairment,
    /// When the schedule changes something next.
    change: Option<u64>,
    faults: Faults<F>,
    queue: Queue<F>,
    flight: Flight<F>,
    counters: Counters,
}

/// After so many changes of a schedule that nobody was awake for, the next are skipped to the latest one.
const MOST_CHANGES: usize = 1_000;

impl<F> Line<F> {
    /// How many frames a line keeps at most.
    pub const MOST_FRAMES: u64 = 1 << 18;
    /// How many bytes a line keeps at most: 256 MiB.
    pub const MOST_BYTES: u64 = 1 << 28;
}

impl<F: AsRef<[u8]> + AsMut<[u8]> + Clone> Line<F> {
    /// A line that does this to frames; `seed` is that of its direction ([`direction_seed`](super::direction_seed)).
    ///
    /// The first time that it is given is its beginning: then its bucket is full, and a trace begins.
    pub fn new(seed: u64, impairment: Impairment) -> Self {
        Self {
            chance: Chance::new(seed),
            index: 0,
            now: None,
            came: 0,
            current: impairment.clone(),
            impairment,
            schedule: None,
            change: None,
            faults: Faults::new(),
            queue: Queue::new(),
            flight: Flight::new(),
            counters: Counters::default(),
        }
    }

    /// Does something else to frames from now on, with what a schedule changes in it.
    ///
    /// Frames that were accepted go on: a rate applies to those that wait, a delay to those that are not yet sent. Chance goes on as
    /// well; only another `loss` begins in its good state.
    pub fn set(&mut self, now: u64, impairment: Impairment) {
        let now = self.advance(now);
        self.impairment = impairment;
        self.adopt(now);
    }

    /// Changes the impairment in time, counted from now on; this replaces a schedule that was there. A trace begins anew.
    pub fn schedule(&mut self, now: u64, schedule: Schedule) {
        let now = self.advance(now);
        self.schedule = Some((now, schedule));
        self.adopt(now);
        self.pace(now);
    }

    /// What is done to frames: what was set, with what the schedule changed by the latest time that was given.
    pub fn in_force(&self) -> &Impairment {
        &self.current
    }

    /// Applies a fault to the frames that come from now on, after the faults that are there. `number` is its name.
    ///
    /// A frame is shown to one fault after the other, as it was sent, until one drops or holds it: only so far it is counted.
    pub fn add_fault(&mut self, number: u32, rule: Rule) {
        self.faults.add(number, rule);
    }

    /// Ends a fault; what it holds is released. Tells how many frames that were.
    pub fn remove_fault(&mut self, now: u64, number: u32) -> u64 {
        let released = self.release(now, number);
        self.faults.remove(number);
        released
    }

    /// Lets the frames go on that a fault holds, in their order; tells how many.
    ///
    /// They pass as if they came now, but for chance, which lets them pass: who holds a frame wants it to arrive.
    pub fn release(&mut self, now: u64, number: u32) -> u64 {
        let now = self.advance(now);
        let mut released = 0;
        while let Some(passage) = self.faults.release(number) {
            released += 1;
            self.counters.held = self.counters.held.saturating_sub(1);
            self.leave(passage.length);
            if self.current.down {
                self.drop(Cause::Down);
            } else {
                self.keep(now, passage, None);
            }
        }
        released
    }

    /// The faults and how often they acted.
    pub fn faults(&self) -> impl Iterator<Item = FaultState> + '_ {
        self.faults.states()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When there is something to take, or something changes of which that depends; none: not before something is accepted or set.
    ///
    /// It is never later than the next frame, and after [`take`](Self::take) returned nothing it is later than that `now`.
    pub fn next(&self) -> Option<u64> {
        let sent = self.queue.next().map(|ready| {
            let least = if self.queue.skips() { 0 } else { least_delay(&self.current) };
            let arrival = ready.saturating_add(least);
            self.change.map_or(arrival, |change| arrival.min(change))
        });
        self.flight.next().into_iter().chain(sent).min()
    }

    /// Takes the next frame that has arrived by now.
    pub fn take(&mut self, now: u64) -> Option<F> {
        let now = self.advance(now);
        let frame = self.flight.take(now)?;
        self.leave(frame.as_ref().len() as u64);
        self.counters.delivered += 1;
        Some(frame)
    }

    /// Accepts a frame that came at this time, or drops it: what becomes of it is decided here and now.
    ///
    /// A frame that a fault holds may still be dropped when it is released, by a link that is down or a queue that is full.
    pub fn accept(&mut self, came: u64, mut frame: F) -> Fate {
        self.advance(came);
        self.came = self.came.max(came);
        let index = self.index;
        self.index = index.wrapping_add(1);
        self.counters.sent += 1;
        let fortune = self.chance.of(index, &self.current);
        let judgement = self.faults.judge(self.came, frame.as_ref());
        let held = judgement.changes.held;
        let cause = match judgement.dropped {
            Some(number) => Some(Cause::Fault(number)),
            None if held.is_some() => None,
            None if self.current.down => Some(Cause::Down),
            None => fortune.lost.then_some(Cause::Loss),
        };
        if let Some(cause) = cause {
            return self.drop(cause);
        }
        let length = frame.as_ref().len() as u64;
        let mut changes = judgement.changes;
        if fortune.corrupted {
            changes.corrupted.get_or_insert(Origin::Chance);
        }
        if fortune.duplicated {
            changes.duplicated.get_or_insert(Origin::Chance);
        }
        if changes.corrupted.is_some() {
            let turned = self.chance.corrupt(index, frame.as_mut());
            self.counters.corrupted += u64::from(turned);
            changes.corrupted = changes.corrupted.filter(|_| turned);
        }
        let late = judgement.delay;
        let copy = false;
        let passage = Passage { frame, length, index, late, reordered: fortune.reordered, copy };
        self.start(passage, changes)
    }

    /// Sends a frame and its copy, or holds them.
    fn start(&mut self, passage: Passage<F>, mut changes: Changes) -> Fate {
        let copy = changes.duplicated.map(|_| Passage { copy: true, ..passage.clone() });
        if !self.keep(self.came, passage, changes.held) {
            return Fate::Dropped(Cause::Queue);
        }
        if let Some(copy) = copy {
            self.counters.duplicated += 1;
            if !self.keep(self.came, copy, changes.held) {
                changes.duplicated = None;
            }
        }
        Fate::Passed(changes)
    }

    /// Lets a frame that came at a time be held or wait to be sent, and sends what can be; if there is room.
    fn keep(&mut self, came: u64, passage: Passage<F>, held: Option<u32>) -> bool {
        let now = self.now.unwrap_or(came);
        let length = passage.length;
        let room = self.counters.queued < Self::MOST_FRAMES
            && self.counters.queued_bytes.saturating_add(length) <= Self::MOST_BYTES;
        let kept = room
            && match held {
                Some(number) => {
                    self.faults.hold(number, passage);
                    self.counters.held += 1;
                    true
                }
                None => self.queue.push(came, now, passage, &self.current.limit),
            };
        if !kept {
            self.drop(Cause::Queue);
            return false;
        }
        self.counters.queued += 1;
        self.counters.queued_bytes += length;
        self.send_until(now);
        true
    }

    /// Counts that a frame is in the line no more.
    fn leave(&mut self, length: u64) {
        self.counters.queued = self.counters.queued.saturating_sub(1);
        self.counters.queued_bytes = self.counters.queued_bytes.saturating_sub(length);
    }

    /// Counts a frame that is dropped.
    fn drop(&mut self, cause: Cause) -> Fate {
        let count = match cause {
            Cause::Loss => &mut self.counters.lost,
            Cause::Down => &mut self.counters.down,
            Cause::Queue => &mut self.counters.queue_full,
            Cause::Fault(_) => &mut self.counters.fault_drops,
        };
        *count += 1;
        Fate::Dropped(cause)
    }

    /// Brings the line to a time: what the schedule changes and what is sent until then, each at its own time.
    fn advance(&mut self, now: u64) -> u64 {
        let Some(last) = self.now else {
            self.now = Some(now);
            self.pace(now);
            return now;
        };
        let now = now.max(last);
        for left in (0..MOST_CHANGES).rev() {
            let Some(change) = self.change.filter(|change| *change <= now) else { break };
            let at = if left == 0 { now } else { change };
            self.send_until(at);
            self.adopt(at);
        }
        self.send_until(now);
        self.now = Some(now);
        now
    }

    /// Brings what was set and what the schedule says of this time into force.
    fn adopt(&mut self, now: u64) {
        let mut next = self.impairment.clone();
        self.change = None;
        if let Some((start, schedule)) = &self.schedule {
            let since = Duration::from_nanos(now.saturating_sub(*start));
            next = next.with(&schedule.at(since));
            let change = schedule.next_after(since).map(|since| nanos(since.into()));
            let change = change.map(|since| start.saturating_add(since));
            self.change = change.filter(|change| *change > now);
        }
        let old = std::mem::replace(&mut self.current, next);
        let new = &self.current;
        self.chance.adopt(&old, new);
        if (&new.rate, new.burst) != (&old.rate, old.burst) {
            self.pace(now);
        }
    }

    /// Brings the rate into force.
    fn pace(&mut self, now: u64) {
        self.queue.change_pace(now, self.current.rate.as_ref(), self.current.burst);
        self.send_until(now);
    }

    /// Sends what is sent by this time.
    fn send_until(&mut self, now: u64) {
        while let Some((at, passage)) = self.queue.pop(now) {
            let delay = if passage.reordered {
                self.counters.reordered += 1;
                0
            } else {
                self.chance.delay(passage.index, passage.copy, &self.current)
            };
            let arrival = at.saturating_add(delay).saturating_add(passage.late);
            self.flight.set_out(arrival, passage.frame);
        }
    }
}
