//! The drawing of a topology: boxes, wires and labels with places, before any output format.

use super::{
    graph::{Edge, Graph, Kind},
    place::{INDENT, Placement},
    search,
};

/// Drawings are made to fit this width where they can, in cells.
pub(super) const WIDTH: i32 = 100;
/// Cells between two drawings side by side, and rows between two above each other.
const SPACE: i32 = 2;

/// A cell of a drawing; x counts to the right, y down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Point {
    /// The column.
    pub x: i32,
    /// The row.
    pub y: i32,
}

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Its first column.
    pub x: i32,
    /// Its first row.
    pub y: i32,
    /// Its columns.
    pub width: i32,
    /// Its rows.
    pub height: i32,
}

/// A topology's drawing in character cells: no two boxes or labels overlap, wires overlap neither each other nor
/// anything that is not theirs, and cross each other at right angles only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// The lab's name.
    pub title: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// All nodes and networks.
    pub boxes: Vec<Shape>,
    /// All cables, as polylines of horizontal and vertical pieces from border to border.
    pub wires: Vec<Vec<Point>>,
    /// All texts outside of boxes.
    pub labels: Vec<Label>,
    /// Its columns.
    pub width: i32,
    /// Its rows.
    pub height: i32,
}

/// A node or a network: a box with centred lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What it stands for.
    pub kind: Kind,
    /// Its outermost cells, which hold its border.
    pub rect: Rect,
    /// Its name, then a network's subnets.
    pub lines: Vec<String>,
}

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// An interface's name, above its wire's end.
    Interface,
    /// An address, below its wire's end.
    Address,
    /// What is done to the frames that are sent at this end, below its addresses.
    Bend,
    /// A link's name, on its wire.
    Link,
}

/// A line of text at a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What it says.
    pub kind: LabelKind,
    /// The index of its wire.
    pub wire: usize,
    /// Its first cell.
    pub at: Point,
    /// Whether it belongs to a box on its right.
    pub flush_right: bool,
    /// Its text, ASCII.
    pub text: String,
}

impl Label {
    /// The cells it takes; a link's name includes the spaces that interrupt its wire.
    pub fn rect(&self) -> Rect {
        Rect { x: self.at.x, y: self.at.y, width: self.text.len() as i32, height: 1 }
    }
}

impl Shape {
    /// Its lines of text with their first cells.
    pub fn texts(&self) -> impl Iterator<Item = (Point, &str)> {
        let Rect { x, y, width, height } = self.rect;
        let top = y + (height - self.lines.len() as i32) / 2;
        self.lines.iter().zip(top..).map(move |(line, y)| {
            (Point { x: x + (width - line.len() as i32) / 2, y }, line.as_str())
        })
    }
}

impl Drawing {
    /// Draws a graph: its connected parts, each in the arrangement that costs least, in reading order.
    pub fn new(graph: &Graph) -> Self {
        let nodes = graph.vertices.iter().filter(|v| v.kind == Kind::Node).count();
        let (networks, links) =
            (graph.vertices.len() - nodes, graph.edges.iter().filter(|e| e.name.is_some()).count());
        let counted =
            |count: usize, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let mut drawing = Self {
            title: graph.name.clone(),
            description: [(nodes, "node"), (networks, "network"), (links, "link")]
                .map(|(count, noun)| counted(count, noun))
                .join(", "),
            boxes: Vec::new(),
            wires: Vec::new(),
            labels: Vec::new(),
            width: 0,
            height: 0,
        };
        let (mut x, mut y) = (0, 0);
        for part in graph.components() {
            let placement = search::best(&part);
            if x > 0 && x + placement.width > WIDTH {
                (x, y) = (0, drawing.height + SPACE - 1);
            }
            let next = x + placement.width + SPACE;
            drawing.add(&part, placement, Point { x, y });
            x = next;
        }
        drawing
    }

    fn add(&mut self, graph: &Graph, placement: Placement, at: Point) {
        let moved = |point: Point| Point { x: point.x + at.x, y: point.y + at.y };
        self.width = self.width.max(at.x + placement.width);
        self.height = self.height.max(at.y + placement.height);
        for (vertex, rect) in graph.vertices.iter().zip(placement.boxes) {
            let Point { x, y } = moved(Point { x: rect.x, y: rect.y });
            let lines = [&vertex.name].into_iter().chain(&vertex.subnets).cloned().collect();
            self.boxes.push(Shape { kind: vertex.kind, rect: Rect { x, y, ..rect }, lines });
        }
        for ((edge, points), name) in graph.edges.iter().zip(placement.wires).zip(placement.names) {
            let points: Vec<Point> = points.into_iter().map(moved).collect();
            self.label(edge, &points, name.map(moved));
            self.wires.push(points);
        }
    }

    /// Adds the labels of the wire that is added next.
    fn label(&mut self, edge: &Edge, points: &[Point], [from, to]: [Point; 2]) {
        let wire = self.wires.len();
        if let Some(name) = &edge.name {
            let text = format!(" {name} ");
            let x = from.x + (to.x - from.x + 1 - text.len() as i32) / 2;
            let at = Point { x, y: from.y };
            self.labels.push(Label { kind: LabelKind::Link, wire, at, flush_right: false, text });
        }
        let ends = [(points.first(), points.get(1)), (points.last(), points.iter().nth_back(1))];
        for (end, (border, next)) in edge.ends.iter().zip(ends) {
            let (Some(border), Some(next)) = (border, next) else { continue };
            let flush_right = next.x < border.x;
            let mut add = |kind, y, text: &str| {
                let x = match flush_right {
                    true => border.x - INDENT + 1 - text.len() as i32,
                    false => border.x + INDENT,
                };
                let (at, text) = (Point { x, y }, text.to_owned());
                self.labels.push(Label { kind, wire, at, flush_right, text });
            };
            if let Some(text) = &end.interface {
                add(LabelKind::Interface, border.y - 1, text);
            }
            for (index, (text, y)) in end.below().zip(border.y + 1..).enumerate() {
                let is_address = index < end.addresses.len();
                add(if is_address { LabelKind::Address } else { LabelKind::Bend }, y, text);
            }
        }
    }
}
