//! Frames that were recorded at both ends of a link: when each was sent, and when it arrived.
//!
//! A frame that leaves one end ([`Direction::Out`]) and a frame that comes in at the other one ([`Direction::In`]) are the same if their
//! bytes and lengths are. Of several equal ones the first that was sent is the first that arrived. So both ends must have been
//! recorded, with directions, with one clock, and with the same snap length; of frames of which this isn't so nothing is said.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry, vec_deque::Drain},
    fmt,
};

use super::{Direction, Frame};

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

/// What became of a frame on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived after so many ns.
    Delivered(u64),
    /// It was sent, and didn't arrive.
    Lost,
    /// It was sent, and the recording ended too soon after it to tell.
    UnderWay,
    /// It arrived, and wasn't sent as it is: it was sent before the recording began, or changed or doubled on its way.
    FromNowhere,
}

impl fmt::Display for Verdict {
    /// As `delivered after 12.3 µs`, with three digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered(delay) => f.pad(&format!("delivered after {}", duration(*delay))),
            Self::Lost => f.pad("lost"),
            Self::UnderWay => f.pad("under way at the end"),
            Self::FromNowhere => f.pad("from nowhere"),
        }
    }
}

/// A length of time with three digits.
fn duration(ns: u64) -> String {
    let (unit, scale) = match ns {
        0..1_000 => return format!("{ns} ns"),
        // From here on the number before the unit would round to 1000.
        1_000..999_500 => ("µs", 1e3),
        999_500..999_500_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let value = ns as f64 / scale;
    let decimals = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let number = format!("{value:.decimals$}");
    let number =
        if decimals > 0 { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number} {unit}")
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
/// use labnet::packet::{Crossings, Direction, Frame, Verdict};
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
/// assert_eq!(crossing.map(|crossing| crossing.verdict), Some(Verdict::Delivered(12_000)));
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
}

/// What makes frames the same: the interface they left, their length, and the bytes kept of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    from: usize,
    length: u32,
    bytes: [u8; 32],
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
            let key = Key { from, length: frame.length, bytes };
            let sighting = Sighting { number, time: frame.time };
            match direction {
                Direction::Out => self.sent(key, sighting),
                Direction::In => self.received(key, sighting),
            }
        }
        self.decided.drain(..)
    }

    /// Gives the crossings that the recording's end decides: a frame that didn't arrive is lost if the recording went on after it for
    /// longer than the slowest frame from there took.
    pub fn finish(mut self) -> impl Iterator<Item = Crossing> {
        self.leave_arrived();
        while let Some((key, sighting)) = self.oldest() {
            let slowest = self.slowest.get(&key.from).copied().unwrap_or(0);
            let is_late = self.now.saturating_sub(sighting.time) > slowest;
            self.unseen(key, sighting, if is_late { Verdict::Lost } else { Verdict::UnderWay });
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
        while let Some((key, sighting)) = self.oldest() {
            if time - sighting.time.min(time) <= Self::MAX_AGE {
                break;
            }
            self.unseen(key, sighting, Verdict::Lost);
        }
    }

    fn sent(&mut self, key: Key, sighting: Sighting) {
        // Both ends may have the same time, and the arrival may come first then.
        if let Some(at) = self.arrived.iter().position(|(other, _)| *other == key) {
            let (_, arrival) = self.arrived.remove(at);
            return self.delivered(key, sighting, arrival);
        }
        if self.awaited == Self::MAX_FRAMES
            && let Some((oldest, first)) = self.oldest()
        {
            self.unseen(oldest, first, Verdict::Lost);
        }
        let awaited = Awaited { count: self.count, sighting };
        self.sent.entry(key).or_default().push_back(awaited);
        self.order.push_back((key, awaited));
        self.awaited += 1;
        self.count += 1;
    }

    fn received(&mut self, key: Key, arrival: Sighting) {
        match self.take(key) {
            Some(sighting) => self.delivered(key, sighting, arrival),
            None => self.arrived.push((key, arrival)),
        }
        if self.arrived.len() > MAX_AT_ONCE {
            self.leave_arrived();
        }
    }

    /// The first of the equal frames that are awaited, which is awaited no longer.
    fn take(&mut self, key: Key) -> Option<Sighting> {
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
        first.map(|first| first.sighting)
    }

    /// The frame that is awaited for longest.
    fn oldest(&mut self) -> Option<(Key, Sighting)> {
        while let Some(entry) = self.order.front() {
            if is_awaited(&self.sent, entry) {
                return Some((entry.0, entry.1.sighting));
            }
            self.order.pop_front();
        }
        None
    }

    fn delivered(&mut self, key: Key, sent: Sighting, received: Sighting) {
        let delay = received.time.saturating_sub(sent.time);
        let slowest = self.slowest.entry(key.from).or_default();
        *slowest = delay.max(*slowest);
        self.decide(key, Some(sent), Some(received), Verdict::Delivered(delay));
    }

    /// A frame that is awaited is given up.
    fn unseen(&mut self, key: Key, sent: Sighting, verdict: Verdict) {
        self.take(key);
        self.decide(key, Some(sent), None, verdict);
    }

    /// Nobody has sent at the present time what arrived.
    fn leave_arrived(&mut self) {
        for (key, arrival) in std::mem::take(&mut self.arrived) {
            self.decide(key, None, Some(arrival), Verdict::FromNowhere);
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
