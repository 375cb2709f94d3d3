//! Frames that were recorded at both ends of a link: when each was sent, and when it arrived.
//!
//! A frame that leaves one end ([`Direction::Out`]) and a frame that comes in at the other one ([`Direction::In`]) are the same if their
//! bytes and lengths are. Of several equal ones the first that was sent is the first that arrived. So both ends must have been
//! recorded, with directions, with one clock, and with the same snap length; of frames of which this isn't so nothing is said.
//!
//! What a wire noted at a frame counts: one that it dropped doesn't arrive, however many equal ones do; one that it duplicated arrives
//! twice; and one that it corrupted arrives as a frame of the same length that differs in one byte.

use std::collections::{HashMap, VecDeque, hash_map::Entry, vec_deque::Drain};

use super::{Arrival, Direction, Fate, Frame, Verdict, changed::Changed, fate::Changes};

/// A frame's place in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Its number, as it was given to [`Crossings::push`].
    pub number: u64,
    /// When it passed, in ns since 1970.
    pub time: u64,
}

/// A frame's way over a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The interface that it left.
    pub from: usize,
    /// The interface at the other end.
    pub to: usize,
    /// Where it was sent.
    pub sent: Option<Sighting>,
    /// Where it arrived.
    pub received: Option<Sighting>,
    /// What became of it.
    pub verdict: Verdict,
}

/// How many frames without a sender are held that arrived in the same ns.
const MAX_AT_ONCE: usize = 64;

/// Pairs what left each end of some links with what arrived at the other.
///
/// It is fed all frames of a recording in the order of their times, and says of each crossing once it is decided: of a frame that
/// arrives at once, of a lost one when its time is over. At most [`MAX_FRAMES`](Self::MAX_FRAMES) frames of at most
/// [`MAX_AGE`](Self::MAX_AGE) are awaited; an older one counts as lost, and if it arrives yet, as from nowhere.
///
/// ```
/// use labnet::packet::{Arrival, Crossings, Direction, Frame, Verdict};
///
/// let frame = |interface, time, direction| Frame {
///     interface,
///     time,
///     length: 2,
///     direction: Some(direction),
///     comments: Vec::new(),
///     bytes: vec![1, 2].into(),
/// };
/// let mut crossings = Crossings::new([[0, 1]]);
/// assert_eq!(crossings.push(1, &frame(0, 1_000, Direction::Out)).count(), 0);
/// let crossing = crossings.push(2, &frame(1, 13_000, Direction::In)).next();
/// assert_eq!(crossing.map(|crossing| crossing.verdict), Some(Verdict::seen(Arrival::Delivered(12_000))));
/// assert_eq!(crossings.finish().count(), 0);
/// ```
#[derive(Debug)]
pub struct Crossings {
    /// For each end of a link the other one.
    peers: HashMap<usize, usize>,
    /// Frames that were sent and haven't arrived, the first first.
    sent: HashMap<Key, VecDeque<Awaited>>,
    /// The same in the order in which they were sent; those that arrived are passed over when they come first.
    order: VecDeque<(Key, Awaited)>,
    awaited: usize,
    /// How many frames have been awaited so far.
    count: u64,
    /// Those among them that were changed on their way.
    changed: Changed<Key>,
    /// Frames that arrived at the present time and that nobody has sent yet.
    arrived: Vec<(Key, Sighting)>,
    /// The longest time that a frame took from an interface.
    slowest: HashMap<usize, u64>,
    decided: VecDeque<Crossing>,
    now: u64,
}

/// A frame that was sent, and how many were before it.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    count: u64,
    sighting: Sighting,
    changes: Changes,
    /// Whether it has arrived, and a copy of it is awaited.
    copy: bool,
}

/// What makes frames the same: the interface they left, their length, and the bytes kept of them; and whether those were changed on
/// their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    from: usize,
    length: u32,
    bytes: [u8; 32],
    changed: bool,
}

impl Crossings {
    /// How many frames are awaited at most.
    pub const MAX_FRAMES: usize = 65_536;
    /// For how long a frame is awaited at most, in ns: a minute.
    pub const MAX_AGE: u64 = 60_000_000_000;

    /// For links each of which has two ends, given by their interfaces' places in the recording.
    pub fn new(links: impl IntoIterator<Item = [usize; 2]>) -> Self {
        let both_ways = |[one, other]: [usize; 2]| [(one, other), (other, one)];
        Self {
            peers: links.into_iter().flat_map(both_ways).collect(),
            sent: HashMap::new(),
            order: VecDeque::new(),
            awaited: 0,
            count: 0,
            changed: Changed::default(),
            arrived: Vec::new(),
            slowest: HashMap::new(),
            decided: VecDeque::new(),
            now: 0,
        }
    }

    /// Takes the next frame, and gives the crossings that are decided now. A frame of another interface, or without a direction, is
    /// passed over.
    #[must_use = "what is decided is told once"]
    pub fn push(&mut self, number: u64, frame: &Frame<'_>) -> Drain<'_, Crossing> {
        self.pass(frame.time);
        if let (Some(peer), Some(direction)) =
            (self.peers.get(&frame.interface).copied(), frame.direction)
        {
            let from = if direction == Direction::Out { frame.interface } else { peer };
            let bytes = *blake3::hash(&frame.bytes).as_bytes();
            let key = Key { from, length: frame.length, bytes, changed: false };
            let sighting = Sighting { number, time: frame.time };
            match direction {
                Direction::Out => match Fate::of(&frame.comments).unwrap_or_default() {
                    Fate::Passed(changes) => self.sent(key, sighting, changes, &frame.bytes),
                    fate => {
                        let verdict = Verdict { fate, arrival: Some(Arrival::Missing) };
                        self.decide(key, Some(sighting), None, verdict);
                    }
                },
                Direction::In => self.received(key, sighting, &frame.bytes),
            }
        }
        self.decided.drain(..)
    }

    /// Gives the crossings that the recording's end decides: a frame that didn't arrive is lost if the recording went on after it for
    /// longer than the slowest frame from there took.
    pub fn finish(mut self) -> impl Iterator<Item = Crossing> {
        self.leave_arrived();
        while let Some((key, awaited)) = self.oldest() {
            let slowest = self.slowest.get(&key.from).copied().unwrap_or(0);
            let is_late = self.now.saturating_sub(awaited.sighting.time) > slowest;
            let is_kept = awaited.changes.is_late();
            let arrival = if is_late && !is_kept { Arrival::Missing } else { Arrival::UnderWay };
            self.unseen(key, arrival);
        }
        self.decided.into_iter()
    }

    /// Time goes on.
    fn pass(&mut self, time: u64) {
        if time <= self.now {
            return;
        }
        self.now = time;
        self.leave_arrived();
        while let Some((key, awaited)) = self.oldest() {
            if time - awaited.sighting.time.min(time) <= Self::MAX_AGE {
                break;
            }
            self.unseen(key, Arrival::Missing);
        }
    }

    fn sent(&mut self, mut key: Key, sighting: Sighting, changes: Changes, bytes: &[u8]) {
        let awaited = Awaited { count: self.count, sighting, changes, copy: false };
        self.count += 1;
        // Both ends may have the same time, and the arrival may come first then.
        if let Some(at) = self.arrived.iter().position(|(other, _)| *other == key) {
            let (_, arrival) = self.arrived.remove(at);
            return self.delivered(key, awaited, arrival);
        }
        if self.awaited == Self::MAX_FRAMES
            && let Some((oldest, _)) = self.oldest()
        {
            self.unseen(oldest, Arrival::Missing);
        }
        if changes.corrupted.is_some() {
            key.changed = true;
            self.changed.push(key, key.length, bytes);
        }
        self.sent.entry(key).or_default().push_back(awaited);
        self.order.push_back((key, awaited));
        self.awaited += 1;
    }

    fn received(&mut self, key: Key, arrival: Sighting, bytes: &[u8]) {
        // What was changed beyond the bytes that are kept looks the same.
        let same = [key, Key { changed: true, ..key }];
        let mut found = same.into_iter().find_map(|key| Some((key, self.take(key)?)));
        if found.is_none()
            && let Some((place, sent)) =
                self.changed.find(key.length, bytes, |sent| sent.from == key.from)
        {
            found = self.take(sent).map(|awaited| (sent, awaited));
            if !self.sent.contains_key(&sent) {
                self.changed.remove(place);
            }
        }
        match found {
            Some((key, awaited)) => self.delivered(key, awaited, arrival),
            None => self.arrived.push((key, arrival)),
        }
        if self.arrived.len() > MAX_AT_ONCE {
            self.leave_arrived();
        }
    }

    /// The first of the equal frames that are awaited, which is awaited no longer, unless a copy of it is.
    fn take(&mut self, key: Key) -> Option<Awaited> {
        let first = self.sent.get_mut(&key)?.front_mut()?;
        if first.changes.duplicated.is_some() && !first.copy {
            first.copy = true;
            return Some(Awaited { copy: false, ..*first });
        }
        self.remove(key)
    }

    /// The first of the equal frames that are awaited, which is awaited no longer.
    fn remove(&mut self, key: Key) -> Option<Awaited> {
        let Entry::Occupied(mut equal) = self.sent.entry(key) else { return None };
        let first = equal.get_mut().pop_front();
        if equal.get().is_empty() {
            equal.remove();
        }
        self.awaited -= usize::from(first.is_some());
        // What has arrived is forgotten here as it becomes the first, or once it is the most of all.
        if self.order.len() > 2 * self.awaited + 1024 {
            let Self { order, sent, .. } = self;
            order.retain(|entry| is_awaited(sent, entry));
        }
        first
    }

    /// The frame that is awaited for longest.
    fn oldest(&mut self) -> Option<(Key, Awaited)> {
        while let Some(entry) = self.order.front() {
            if is_awaited(&self.sent, entry) {
                return Some(*entry);
            }
            self.order.pop_front();
        }
        None
    }

    fn delivered(&mut self, key: Key, sent: Awaited, received: Sighting) {
        let Awaited { sighting, changes, copy, .. } = sent;
        let delay = received.time.saturating_sub(sighting.time);
        if !changes.is_late() && !copy {
            let slowest = self.slowest.entry(key.from).or_default();
            *slowest = delay.max(*slowest);
        }
        let arrival = if copy { Arrival::Copy(delay) } else { Arrival::Delivered(delay) };
        let verdict = Verdict { fate: Fate::Passed(changes), arrival: Some(arrival) };
        self.decide(key, Some(sighting), Some(received), verdict);
    }

    /// The first of the equal frames that are awaited is given up.
    fn unseen(&mut self, key: Key, arrival: Arrival) {
        // Of a copy that doesn't come there is nothing to say.
        if let Some(Awaited { sighting, changes, copy: false, .. }) = self.remove(key) {
            let verdict = Verdict { fate: Fate::Passed(changes), arrival: Some(arrival) };
            self.decide(key, Some(sighting), None, verdict);
        }
    }

    /// Nobody has sent at the present time what arrived.
    fn leave_arrived(&mut self) {
        for (key, arrival) in std::mem::take(&mut self.arrived) {
            self.decide(key, None, Some(arrival), Verdict::seen(Arrival::FromNowhere));
        }
    }

    fn decide(
        &mut self,
        Key { from, .. }: Key,
        sent: Option<Sighting>,
        received: Option<Sighting>,
        verdict: Verdict,
    ) {
        if let Some(&to) = self.peers.get(&from) {
            self.decided.push_back(Crossing { from, to, sent, received, verdict });
        }
    }
}

/// Whether a frame hasn't arrived yet: those that equal it and came before it arrive first.
fn is_awaited(sent: &HashMap<Key, VecDeque<Awaited>>, (key, awaited): &(Key, Awaited)) -> bool {
    sent.get(key).and_then(VecDeque::front).is_some_and(|first| first.count <= awaited.count)
}
