//! What wires told of frames, and the frames of which they will tell.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    packet::{Direction, Fate, Frame},
    wire::{Imprint, Notice},
};

/// A frame that a wire says nothing of for so long is recorded without.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many fates are kept of each end for frames that are yet to come; those of frames that a filter leaves out are among them.
const MOST: usize = 1 << 16;
/// By how much frames sent at the same time may be recorded in another order, in ns.
const DISORDER: u64 = 1_000_000;
/// How many bytes of frames wait at most.
const ROOM: usize = 32 << 20;
/// More than a frame that waits takes beside its bytes.
const BESIDE: usize = 128;

/// Which cables are wired, by their numbers in the plan, and since when, in ns since 1970.
pub(super) type Wired = BTreeMap<u32, u64>;

/// Finds for each frame of a recording what a wire told of it.
///
/// A frame and a notice belong together if they are of the same end of a cable and have the same imprint, and if the notice is the
/// later one. Of several equal frames the first gets what was told first.
pub(super) struct Fates {
    /// For each interface of the recording the end of a cable that it is.
    ends: Vec<Option<End>>,
    /// How many bytes are kept of each frame.
    snap: usize,
    /// Frames in the order of the recording: what became of the first is not known yet.
    waiting: VecDeque<Frame<'static>>,
    /// How many bytes those take.
    taken: usize,
}

struct End {
    cable: u32,
    direction: usize,
    /// Since when frames sent there go through a wire.
    wired: Option<u64>,
    /// In the order in which the wire took frames in: nearly that in which they were sent, so what is sought is near the front.
    told: VecDeque<Told>,
}

struct Told {
    time: u64,
    /// Of the frame's imprint.
    key: u64,
    fate: Fate,
}

impl Fates {
    /// For interfaces that are at these ends of cables, or at none.
    pub(super) fn new(
        ends: impl IntoIterator<Item = Option<(u32, usize)>>,
        snap_length: u32,
    ) -> Self {
        let end = |(cable, direction)| End { cable, direction, wired: None, told: VecDeque::new() };
        Self {
            ends: ends.into_iter().map(|at| at.map(end)).collect(),
            snap: if snap_length == 0 { usize::MAX } else { snap_length as usize },
            waiting: VecDeque::new(),
            taken: 0,
        }
    }

    /// Whether it may ever hear of a frame.
    pub(super) fn is_concerned(&self) -> bool {
        self.ends.iter().any(Option::is_some)
    }

    /// Says which cables are wired from now on. What was sent by then through one that no longer is has been told of.
    pub(super) fn wired(&mut self, wired: &Wired) {
        for end in self.ends.iter_mut().flatten() {
            end.wired = wired.get(&end.cable).copied();
        }
    }

    /// Takes note of what became of a frame.
    pub(super) fn hear(&mut self, notice: &Notice) {
        let here = |end: &&mut End| (end.cable, end.direction) == (notice.cable, notice.direction);
        let Some(end) = self.ends.iter_mut().flatten().find(here) else { return };
        if end.told.len() == MOST {
            end.told.pop_front();
        }
        let (time, key) = (notice.time, notice.imprint.key(self.snap));
        end.told.push_back(Told { time, key, fate: notice.fate });
    }

    /// Takes the next frame of the recording, and gives it back with what became of it if that is known, and if no other waits.
    pub(super) fn pass<'a>(&mut self, mut frame: Frame<'a>) -> Option<Frame<'a>> {
        if self.waiting.is_empty() && self.decide(&mut frame) {
            return Some(frame);
        }
        self.taken += frame.bytes.len() + BESIDE;
        self.waiting.push_back(Frame { bytes: frame.bytes.into_owned().into(), ..frame });
        None
    }

    /// The first of the frames that wait, if what became of it is known by now, or never will be.
    pub(super) fn next(&mut self) -> Option<Frame<'static>> {
        let mut frame = self.waiting.pop_front()?;
        if !self.decide(&mut frame) && self.taken <= ROOM {
            self.waiting.push_front(frame);
            return None;
        }
        self.taken -= frame.bytes.len() + BESIDE;
        Some(frame)
    }

    /// When the first of the frames that wait passed.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.front().map(|frame| frame.time)
    }

    /// Notes at a frame what became of it, and says whether nothing more is to be waited for.
    fn decide(&mut self, frame: &mut Frame<'_>) -> bool {
        let Some(Some(end)) = self.ends.get_mut(frame.interface) else { return true };
        if frame.direction != Some(Direction::Out) {
            return true;
        }
        if let Some(fate) = end.fate(frame, self.snap) {
            frame.comments.extend(fate.comment());
            return true;
        }
        let wired = end.wired.is_some_and(|since| frame.time >= since);
        !wired || now().saturating_sub(frame.time) > PATIENCE.as_nanos() as u64
    }
}

impl End {
    /// What was told of a frame, once.
    fn fate(&mut self, frame: &Frame<'_>, snap: usize) -> Option<Fate> {
        // What was told before this was sent is of a frame that is not recorded.
        while self.told.front().is_some_and(|first| first.time + DISORDER < frame.time) {
            self.told.pop_front();
        }
        if self.told.is_empty() {
            return None;
        }
        let key = Imprint::of(&frame.bytes, frame.length).key(snap);
        let same = |told: &Told| told.key == key && told.time >= frame.time;
        let place = self.told.iter().position(same)?;
        self.told.remove(place).map(|told| told.fate)
    }
}

/// In ns since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
