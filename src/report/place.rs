//! From columns of boxes to exact places: rows that keep wires straight, and room for every label beside its wire's end.

use super::{
    channel::{self, Exit, Side},
    drawing::{Point, Rect},
    graph::{Edge, Graph},
    zones::Zones,
};

/// The vertices of each column, from top to bottom. Edges join equal or adjacent columns.
pub(super) type Columns = Vec<Vec<usize>>;

/// Rows between two boxes of a column.
const GAP: i32 = 1;
/// Cells between a box's border and the labels of its wires.
pub(super) const INDENT: i32 = 2;

/// A graph with a place for everything, in character cells; rows may be negative.
#[derive(Debug)]
pub(super) struct Placement {
    /// One box a vertex.
    pub(super) boxes: Vec<Rect>,
    /// One polyline an edge, from its first end to its second; the ends are on the boxes' borders.
    pub(super) wires: Vec<Vec<Point>>,
    /// The first and last cell that an edge's name may use, on its wire.
    pub(super) names: Vec<[Point; 2]>,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) crossings: usize,
}

/// Where an end of an edge is plugged in.
#[derive(Debug, Clone, Copy)]
struct Port {
    side: Side,
    /// The wire's row below the box's top.
    offset: i32,
}

struct Frame<'a> {
    graph: &'a Graph,
    columns: &'a Columns,
    /// For each vertex its column and its place in it.
    place: Vec<(usize, usize)>,
    /// For each edge the ports of its ends.
    ports: Vec<[Port; 2]>,
    /// For each vertex the rows and columns of its box.
    heights: Vec<i32>,
    widths: Vec<i32>,
    /// For each vertex its box's first row.
    tops: Vec<i32>,
}

/// Places a graph whose vertices are arranged in columns.
pub(super) fn place(graph: &Graph, columns: &Columns) -> Placement {
    let mut frame = Frame::new(graph, columns);
    frame.face();
    frame.plug();
    frame.settle();
    frame.finish()
}

/// Rows of an edge's slot at a box: interface, wire, what is below it, and an empty one.
fn slot(edge: &Edge) -> i32 {
    3 + edge.ends.iter().map(|end| end.below().count() as i32).max().unwrap_or(0).max(1)
}

impl<'a> Frame<'a> {
    fn new(graph: &'a Graph, columns: &'a Columns) -> Self {
        let mut place = vec![(0, 0); graph.vertices.len()];
        for (column, vertices) in columns.iter().enumerate() {
            for (at, &vertex) in vertices.iter().enumerate() {
                place[vertex] = (column, at);
            }
        }
        let text = |v: &super::graph::Vertex| {
            let widest = v.subnets.iter().map(String::len).chain([v.name.len()]).max();
            widest.unwrap_or(0) as i32
        };
        let mut column_widths = vec![0; columns.len()];
        for (column, vertices) in columns.iter().enumerate() {
            let widest = vertices.iter().map(|&v| text(&graph.vertices[v])).max();
            column_widths[column] = widest.unwrap_or(0).max(2) + 4;
        }
        Self {
            graph,
            columns,
            ports: vec![[Port { side: Side::Right, offset: 1 }; 2]; graph.edges.len()],
            heights: graph.vertices.iter().map(|v| 3 + v.subnets.len() as i32).collect(),
            widths: place.iter().map(|&(column, _)| column_widths[column]).collect(),
            tops: vec![0; graph.vertices.len()],
            place,
        }
    }

    /// Chooses the side of its box that each edge's end leaves through: the one that faces the other box, or, within a
    /// column, the emptier one, if equal the outer one.
    fn face(&mut self) {
        let mut load = vec![[0; 2]; self.graph.vertices.len()];
        let edges = || self.graph.edges.iter().enumerate();
        let column = |edge: &Edge, end: usize| self.place[edge.ends[end].vertex].0;
        for (index, edge) in edges().filter(|(_, e)| column(e, 0) != column(e, 1)) {
            for end in 0..2 {
                let rightwards = column(edge, end) < column(edge, 1 - end);
                self.ports[index][end].side = if rightwards { Side::Right } else { Side::Left };
                load[edge.ends[end].vertex][usize::from(rightwards)] += slot(edge);
            }
        }
        for (index, edge) in edges().filter(|(_, e)| column(e, 0) == column(e, 1)) {
            let outer = column(edge, 0) > 0 || self.columns.len() == 1;
            let fill = |right: bool| {
                edge.ends.iter().map(|end| load[end.vertex][usize::from(right)]).max()
            };
            let right = if fill(outer) <= fill(!outer) { outer } else { !outer };
            for end in 0..2 {
                self.ports[index][end].side = if right { Side::Right } else { Side::Left };
                load[edge.ends[end].vertex][usize::from(right)] += slot(edge);
            }
        }
    }

    /// Orders the ports of each side of each box so that wires need not cross near it, and sizes the boxes.
    fn plug(&mut self) {
        let mut sides = vec![[Vec::new(), Vec::new()]; self.graph.vertices.len()];
        for (index, edge) in self.graph.edges.iter().enumerate() {
            for end in 0..2 {
                let side = self.ports[index][end].side;
                let key = self.port_key(index, end);
                sides[edge.ends[end].vertex][usize::from(side == Side::Right)]
                    .push((key, index, end));
            }
        }
        let total = |ends: &[(_, usize, usize)]| -> i32 {
            ends.iter().map(|&(_, edge, _)| slot(&self.graph.edges[edge])).sum::<i32>() - 1
        };
        for (vertex, mut sides) in sides.into_iter().enumerate() {
            let totals = [total(&sides[0]), total(&sides[1])];
            let height = self.heights[vertex].max(totals[0]).max(totals[1]);
            self.heights[vertex] = height;
            for (side, total) in sides.iter_mut().zip(totals) {
                side.sort_unstable();
                let mut offset = (height - total) / 2 + 1;
                for &(_, edge, end) in &*side {
                    self.ports[edge][end].offset = offset;
                    offset += slot(&self.graph.edges[edge]);
                }
            }
        }
    }

    /// Sorts ends on one side of a box: towards boxes above in the same column, nearest first; towards other columns, by
    /// row; towards boxes below in the same column, nearest last.
    fn port_key(&self, index: usize, end: usize) -> (i32, i64, i64) {
        let edge = &self.graph.edges[index];
        let (own, peer) = (edge.ends[end].vertex, edge.ends[1 - end].vertex);
        let ((column, at), (peer_column, peer_at)) = (self.place[own], self.place[peer]);
        let (at, peer_at, index) = (at as i64, peer_at as i64, index as i64);
        if own == peer {
            (1, 1, end as i64)
        } else if column != peer_column {
            (0, peer_at, index)
        } else if peer_at < at {
            (-1, at - peer_at, -index)
        } else {
            (1, at - peer_at, index)
        }
    }

    fn row(&self, edge: usize, end: usize) -> i32 {
        self.tops[self.graph.edges[edge].ends[end].vertex] + self.ports[edge][end].offset
    }

    /// Chooses rows: columns are stacked, then pulled towards their neighbours so that many wires run straight.
    fn settle(&mut self) {
        for column in self.columns {
            let total: i32 = column.iter().map(|&v| self.heights[v] + GAP).sum();
            let mut top = -total / 2;
            for &vertex in column {
                self.tops[vertex] = top;
                top += self.heights[vertex] + GAP;
            }
        }
        let count = self.columns.len();
        let tall = |c: &usize| -> i32 { self.columns[*c].iter().map(|&v| self.heights[v]).sum() };
        let tallest = (0..count).rev().max_by_key(tall).unwrap_or(0);
        for column in tallest + 1..count {
            self.pull(column, &[column - 1]);
        }
        for column in (0..tallest).rev() {
            self.pull(column, &[column + 1]);
        }
        for column in 0..count {
            self.pull(column, &[column.wrapping_sub(1), column + 1]);
        }
    }

    /// Moves the boxes of a column so that wires to the given columns run straight where they can.
    fn pull(&mut self, column: usize, towards: &[usize]) {
        let column = &self.columns[column];
        let mut wishes = vec![Vec::new(); column.len()];
        for (index, edge) in self.graph.edges.iter().enumerate() {
            for end in 0..2 {
                let (own, peer) = (edge.ends[end].vertex, edge.ends[1 - end].vertex);
                let (home, at) = self.place[own];
                if column.get(at) == Some(&own)
                    && towards.contains(&self.place[peer].0)
                    && home != self.place[peer].0
                {
                    wishes[at].push(self.row(index, 1 - end) - self.ports[index][end].offset);
                }
            }
        }
        for (wish, &vertex) in wishes.iter_mut().zip(column) {
            if wish.is_empty() {
                wish.push(self.tops[vertex]);
            }
        }
        let sizes: Vec<i32> = column.iter().map(|&v| self.heights[v] + GAP).collect();
        for (&vertex, top) in column.iter().zip(stack(&wishes, &sizes)) {
            self.tops[vertex] = top;
        }
    }

    /// The wires of the channel left of a column: edge, and its exits with the channel's left one first.
    fn channel(&self, column: usize) -> (Vec<(usize, bool)>, Vec<[Exit; 2]>) {
        let mut edges = Vec::new();
        let mut exits = Vec::new();
        for (index, edge) in self.graph.edges.iter().enumerate() {
            let ports = &self.ports[index];
            let exit = |end: usize| {
                // A box's right side is its channel's left edge.
                let side = if ports[end].side == Side::Right { Side::Left } else { Side::Right };
                let own = self.place[edge.ends[end].vertex].0 + usize::from(side == Side::Left);
                (own == column).then(|| (side, self.row(index, end)))
            };
            if let (Some(a), Some(b)) = (exit(0), exit(1)) {
                let swap = a.0 == Side::Right && b.0 == Side::Left;
                edges.push((index, swap));
                exits.push(if swap { [b, a] } else { [a, b] });
            }
        }
        (edges, exits)
    }

    fn finish(self) -> Placement {
        let edges = self.graph.edges.len();
        let mut placement = Placement {
            boxes: Vec::new(),
            wires: vec![Vec::new(); edges],
            names: vec![[Point::default(); 2]; edges],
            width: 0,
            height: 0,
            crossings: 0,
        };
        let mut lefts = Vec::with_capacity(self.columns.len());
        for (column, vertices) in self.columns.iter().enumerate() {
            self.cross(column, &mut placement);
            lefts.push(placement.width);
            placement.width += vertices.first().map_or(0, |&first| self.widths[first]);
        }
        self.cross(self.columns.len(), &mut placement);
        let boxes = self.place.iter().enumerate().map(|(vertex, &(column, _))| Rect {
            x: lefts[column],
            y: self.tops[vertex],
            width: self.widths[vertex],
            height: self.heights[vertex],
        });
        placement.boxes = boxes.collect();
        placement.level();
        placement
    }

    /// Draws the wires of the channel left of a column, from the placement's width on, and widens it.
    fn cross(&self, column: usize, placement: &mut Placement) {
        let (edges, exits) = self.channel(column);
        if edges.is_empty() {
            return;
        }
        let routes = channel::route(&exits);
        let zones = Zones::new(self.graph, &edges, &exits, &routes, placement.width);
        for (((edge, swap), exits), turns) in edges.into_iter().zip(exits).zip(&routes.turns) {
            let mut points = zones.points(&exits, turns);
            if swap {
                points.reverse();
            }
            placement.names[edge] = zones.name(&points, turns.is_empty() && routes.tracks == 0);
            placement.wires[edge] = points;
        }
        placement.width = zones.right;
        placement.crossings += routes.crossings;
    }
}

impl Placement {
    /// Moves everything down or up so that the first row used is row 0.
    fn level(&mut self) {
        let rows = |p: &Self| -> Vec<i32> {
            let boxes = p.boxes.iter().flat_map(|b| [b.y, b.y + b.height - 1]);
            boxes.chain(p.wires.iter().flatten().map(|point| point.y)).collect()
        };
        let rows = rows(self);
        let top = rows.iter().min().copied().unwrap_or(0);
        self.height = rows.iter().max().map_or(0, |bottom| bottom - top + 1);
        for rect in &mut self.boxes {
            rect.y -= top;
        }
        let points = self.wires.iter_mut().flatten();
        for point in points.chain(self.names.iter_mut().flatten()) {
            point.y -= top;
        }
    }
}

/// Tops for boxes stacked in order, as near as can be to the medians of what they wish.
///
/// Boxes that would overlap are joined to a block, which then goes to the median of its members' wishes (the
/// pool-adjacent-violators algorithm).
fn stack(wishes: &[Vec<i32>], sizes: &[i32]) -> Vec<i32> {
    struct Block {
        first: usize,
        size: i32,
        wishes: Vec<i32>,
    }
    impl Block {
        fn top(&self) -> i32 {
            self.wishes.get((self.wishes.len() - 1) / 2).copied().unwrap_or(0)
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (index, (wish, &size)) in wishes.iter().zip(sizes).enumerate() {
        let mut block = Block { first: index, size, wishes: wish.clone() };
        block.wishes.sort_unstable();
        while let Some(above) = blocks.pop_if(|above| above.top() + above.size > block.top()) {
            let below = block.wishes.iter().map(|wish| wish - above.size);
            let mut wishes: Vec<i32> = above.wishes.iter().copied().chain(below).collect();
            wishes.sort_unstable();
            block = Block { first: above.first, size: above.size + block.size, wishes };
        }
        blocks.push(block);
    }
    let mut tops = Vec::with_capacity(sizes.len());
    for (at, block) in blocks.iter().enumerate() {
        let end = blocks.get(at + 1).map_or(sizes.len(), |next| next.first);
        let mut top = block.top();
        for size in &sizes[block.first..end] {
            tops.push(top);
            top += size;
        }
    }
    tops
}
