//! The space between two columns of boxes: wires that change rows do it on vertical tracks there.
//!
//! Channel routing in the sense of circuit layout, turned by a quarter: every wire leaves the channel on two rows, and no
//! two wires may run over each other, so on a row that one wire uses on the left and another on the right the first must
//! turn before the second does. Where those rules form a circle, a wire takes a step on a row of its own.

use std::collections::BTreeSet;

/// An edge of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Where a wire leaves a channel: through which edge, on which row.
pub(super) type Exit = (Side, i32);

/// A vertical piece of a wire: from one row to another on a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) track: i32,
    pub(super) rows: [i32; 2],
}

/// The ways of all wires through one channel.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// For each wire its turns from its first exit to its second; none where it runs straight through.
    pub(super) turns: Vec<Vec<Turn>>,
    pub(super) tracks: i32,
    pub(super) crossings: usize,
}

#[derive(Debug, Clone)]
struct Segment {
    wire: usize,
    exits: [Exit; 2],
}

impl Segment {
    fn low(&self) -> i32 {
        self.exits[0].1.min(self.exits[1].1)
    }

    fn high(&self) -> i32 {
        self.exits[0].1.max(self.exits[1].1)
    }

    fn spans(&self, row: i32) -> bool {
        self.low() <= row && row <= self.high()
    }

    fn rows(&self, side: Side) -> impl Iterator<Item = i32> + '_ {
        self.exits.iter().filter(move |exit| exit.0 == side).map(|exit| exit.1)
    }

    /// Whether this one must be further left than the other.
    fn must_precede(&self, other: &Self) -> bool {
        if self.wire == other.wire {
            return self.exits[1].1 == other.exits[0].1;
        }
        self.rows(Side::Left).any(|row| other.rows(Side::Right).any(|r| r == row))
    }

    /// How often the two cross if this one is further left.
    fn crossings_before(&self, other: &Self) -> usize {
        if self.wire == other.wire {
            return 0;
        }
        other.rows(Side::Left).filter(|&row| self.spans(row)).count()
            + self.rows(Side::Right).filter(|&row| other.spans(row)).count()
    }

    /// Whether the two may not share a track.
    fn collides(&self, other: &Self) -> bool {
        self.low() <= other.high() + 1 && other.low() <= self.high() + 1
    }
}

/// Finds a way for each wire. A wire between both edges names its left exit first; rows are distinct on each edge.
pub(super) fn route(wires: &[[Exit; 2]]) -> Routes {
    let straight = |exits: &[Exit; 2]| exits[0].0 != exits[1].0 && exits[0].1 == exits[1].1;
    let mut used: BTreeSet<i32> = wires.iter().flatten().map(|exit| exit.1).collect();
    let mut segments: Vec<Segment> = Vec::new();
    for (wire, exits) in wires.iter().enumerate() {
        if !straight(exits) {
            segments.push(Segment { wire, exits: *exits });
        }
    }
    let order = loop {
        match order(&segments) {
            Ok(order) => break order,
            Err(stuck) => step(&mut segments, stuck, &mut used),
        }
    };
    let mut routes = Routes { turns: vec![Vec::new(); wires.len()], ..Routes::default() };
    let mut placed: Vec<(&Segment, i32)> = Vec::with_capacity(order.len());
    for segment in order.into_iter().map(|i| &segments[i]) {
        let after = placed.iter().filter(|(other, _)| other.collides(segment));
        let track = after.map(|&(_, track)| track + 1).max().unwrap_or(0);
        routes.crossings += placed.iter().map(|(p, _)| p.crossings_before(segment)).sum::<usize>();
        routes.crossings +=
            wires.iter().filter(|exits| straight(exits) && segment.spans(exits[0].1)).count();
        routes.tracks = routes.tracks.max(track + 1);
        routes.turns[segment.wire].push(Turn { track, rows: segment.exits.map(|exit| exit.1) });
        placed.push((segment, track));
    }
    routes
}

/// Splits a segment at a free row near its middle.
fn step(segments: &mut Vec<Segment>, index: usize, used: &mut BTreeSet<i32>) {
    let Segment { wire, exits: [first, last] } = segments[index].clone();
    let middle = i32::midpoint(first.1, last.1);
    let near = (0..).flat_map(|distance| [middle + distance, middle - distance]);
    let row = near.into_iter().find(|row| !used.contains(row)).unwrap_or(middle);
    used.insert(row);
    segments[index].exits = [first, (Side::Right, row)];
    segments.push(Segment { wire, exits: [(Side::Left, row), last] });
}

/// The segments from left to right with few crossings, or one that is part of a circle of rules.
fn order(segments: &[Segment]) -> Result<Vec<usize>, usize> {
    let count = segments.len();
    let mut waits_for = vec![0_usize; count];
    let mut excess = vec![0_i64; count];
    for (i, a) in segments.iter().enumerate() {
        for (j, b) in segments.iter().enumerate().filter(|(j, _)| *j != i) {
            waits_for[j] += usize::from(a.must_precede(b));
            let change = a.crossings_before(b) as i64 - b.crossings_before(a) as i64;
            excess[i] += change;
        }
    }
    let mut left: Vec<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    while !left.is_empty() {
        let free = left.iter().enumerate().filter(|&(_, &i)| waits_for[i] == 0);
        let Some((at, &next)) = free.min_by_key(|&(_, &i)| (excess[i], i)) else {
            return Err(in_circle(segments, &left));
        };
        left.remove(at);
        order.push(next);
        for &i in &left {
            let (a, b) = (&segments[i], &segments[next]);
            waits_for[i] -= usize::from(b.must_precede(a));
            excess[i] -= a.crossings_before(b) as i64 - b.crossings_before(a) as i64;
        }
    }
    Ok(order)
}

/// A whole wire's segment that waits, directly or not, for itself.
fn in_circle(segments: &[Segment], left: &[usize]) -> usize {
    // Everything left waits for something left, so walking back along the rules must come round.
    let mut seen = BTreeSet::new();
    let mut at = left[0];
    while seen.insert(at) {
        let before = |&&i: &&usize| i != at && segments[i].must_precede(&segments[at]);
        at = left.iter().find(before).copied().unwrap_or(at);
    }
    // A stepped wire's first half waits for nothing and nothing else waits for its second, so circles are of whole wires.
    at
}
