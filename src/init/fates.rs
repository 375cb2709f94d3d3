//! What wires told of frames, and the frames of which they will tell.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    packet::{Direction, Fate, Frame},
    wire::{Imprint, Notice},
};

/// A frame that a wire says nothing of for so long is recorded without.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many fates are kept for frames that are yet to come; those of frames that a filter leaves out are among them.
const MOST: usize = 1 << 16;
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
    told: HashMap<Key, VecDeque<Told>>,
    /// The same in the order in which it was told; what has been taken is among it until its turn comes.
    order: VecDeque<(Key, u64)>,
    count: u64,
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
}

/// An interface's place in the recording, and the key of an imprint.
type Key = (usize, u64);

struct Told {
    count: u64,
    time: u64,
    fate: Fate,
}

impl Fates {
    /// For interfaces that are at these ends of cables, or at none.
    pub(super) fn new(
        ends: impl IntoIterator<Item = Option<(u32, usize)>>,
        snap_length: u32,
    ) -> Self {
        let end = |(cable, direction)| End { cable, direction, wired: None };
        Self {
            ends: ends.into_iter().map(|at| at.map(end)).collect(),
            snap: if snap_length == 0 { usize::MAX } else { snap_length as usize },
            told: HashMap::new(),
            order: VecDeque::new(),
            count: 0,
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
        let here = |end: &Option<End>| {
            end.as_ref()
                .is_some_and(|it| (it.cable, it.direction) == (notice.cable, notice.direction))
        };
        let Some(place) = self.ends.iter().position(here) else { return };
        let key = (place, notice.imprint.key(self.snap));
        let told = Told { count: self.count, time: notice.time, fate: notice.fate };
        self.order.push_back((key, self.count));
        self.told.entry(key).or_default().push_back(told);
        self.count += 1;
        if self.order.len() > MOST
            && let Some((key, count)) = self.order.pop_front()
        {
            self.take(key, |first| (first.count == count).then_some(()));
        }
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
        let Some(Some(end)) = self.ends.get(frame.interface) else { return true };
        if frame.direction != Some(Direction::Out) {
            return true;
        }
        let wired = end.wired.is_some_and(|since| frame.time >= since);
        if let Some(fate) = self.fate(frame) {
            frame.comments.extend(fate.comment());
            return true;
        }
        !wired || now().saturating_sub(frame.time) > PATIENCE.as_nanos() as u64
    }

    fn fate(&mut self, frame: &Frame<'_>) -> Option<Fate> {
        if self.told.is_empty() {
            return None;
        }
        let imprint = Imprint::of(&frame.bytes, frame.length);
        let key = (frame.interface, imprint.key(self.snap));
        // What was told before this was sent is of a frame that is not recorded.
        while self.take(key, |first| (first.time < frame.time).then_some(())).is_some() {}
        self.take(key, |first| Some(first.fate))
    }

    /// Takes the first of what was told of equal frames, if it is what is sought.
    fn take<T>(&mut self, key: Key, sought: impl FnOnce(&Told) -> Option<T>) -> Option<T> {
        let Entry::Occupied(mut equal) = self.told.entry(key) else { return None };
        let found = sought(equal.get().front()?)?;
        equal.get_mut().pop_front();
        if equal.get().is_empty() {
            equal.remove();
        }
        Some(found)
    }
}

/// In ns since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
