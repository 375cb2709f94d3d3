//! How a channel is divided: every label has cells of its own, beside its box, and no wire turns there.

use super::{
    channel::{Exit, Routes, Side, Turn},
    drawing::Point,
    graph::Graph,
    place::INDENT,
};

/// The shortest piece of wire beside a box without labels.
const STUB: i32 = 2;
/// A channel's columns of cells: labels of the boxes on its left, tracks, labels of the boxes on its right.
pub(super) struct Zones {
    left: i32,
    tracks: i32,
    labels: i32,
    pub(super) right: i32,
}

impl Zones {
    pub(super) fn new(
        graph: &Graph,
        edges: &[(usize, bool)],
        exits: &[[Exit; 2]],
        routes: &Routes,
        left: i32,
    ) -> Self {
        let mut widths = [STUB, STUB];
        let mut through = 0;
        for ((&(index, swap), exits), turns) in edges.iter().zip(exits).zip(&routes.turns) {
            let edge = &graph.edges[index];
            for (at, exit) in exits.iter().enumerate() {
                let end = &edge.ends[if swap { 1 - at } else { at }];
                let width = &mut widths[usize::from(exit.0 == Side::Right)];
                let labels = end.interface.iter().chain(end.below()).map(String::len);
                *width = labels.max().map_or(0, |w| w as i32 + INDENT).max(*width);
            }
            let name = edge.name.as_ref().map_or(0, |name| name.len() as i32 + 4);
            if turns.is_empty() && routes.tracks == 0 {
                through = through.max(name);
            } else {
                let first = exits[usize::from(swap)].0;
                let width = &mut widths[usize::from(first == Side::Right)];
                *width = name.max(*width);
            }
        }
        let used = |side: Side| exits.iter().flatten().any(|exit| exit.0 == side);
        for (width, side) in widths.iter_mut().zip([Side::Left, Side::Right]) {
            if !used(side) {
                *width = 0;
            }
        }
        let tracks = if routes.tracks > 0 { 2 * routes.tracks + 1 } else { 4 };
        let tracks = tracks.max(through - widths[0] - widths[1]);
        let middle = left + widths[0];
        Self { left, tracks: middle, labels: middle + tracks, right: middle + tracks + widths[1] }
    }

    /// A wire's corners from its first exit to its second, both on the borders of boxes.
    pub(super) fn points(&self, exits: &[Exit; 2], turns: &[Turn]) -> Vec<Point> {
        let border = |(side, y): Exit| match side {
            Side::Left => Point { x: self.left - 1, y },
            Side::Right => Point { x: self.right, y },
        };
        let corners = turns.iter().flat_map(|turn| {
            let x = self.tracks + 1 + 2 * turn.track;
            turn.rows.map(|y| Point { x, y })
        });
        [border(exits[0])].into_iter().chain(corners).chain([border(exits[1])]).collect()
    }

    /// Where a wire's name may be: all the way if the channel has no tracks, else beside its first end.
    pub(super) fn name(&self, points: &[Point], through: bool) -> [Point; 2] {
        let Some(&Point { x, y }) = points.first() else { return [Point::default(); 2] };
        let [from, to] = match (through, x < self.left) {
            (true, _) => [self.left, self.right - 1],
            (false, true) => [self.left, self.tracks - 1],
            (false, false) => [self.labels, self.right - 1],
        };
        [Point { x: from, y }, Point { x: to, y }]
    }
}
