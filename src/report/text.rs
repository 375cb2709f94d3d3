//! A drawing in box-drawing characters.

use super::{
    drawing::{Drawing, Point, Shape},
    graph::Kind,
};

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;

/// The drawing as lines of text; where wires cross, the vertical one is in front.
pub fn text(drawing: &Drawing) -> String {
    let mut canvas = Canvas::new(drawing.width, drawing.height);
    for wire in &drawing.wires {
        for piece in wire.windows(2) {
            canvas.line(piece[0], piece[1]);
        }
    }
    for shape in &drawing.boxes {
        canvas.shape(shape);
    }
    for wire in &drawing.wires {
        let ends = [(wire.first(), wire.get(1)), (wire.last(), wire.iter().rev().nth(1))];
        for end in ends {
            if let (Some(border), Some(next)) = end {
                canvas.plug(*border, next.x > border.x);
            }
        }
    }
    for label in &drawing.labels {
        canvas.write(label.at, &label.text);
    }
    canvas.finish()
}

struct Canvas {
    width: usize,
    cells: Vec<char>,
    /// The directions that wires leave each cell in.
    arms: Vec<u8>,
}

impl Canvas {
    fn new(width: i32, height: i32) -> Self {
        let (width, height) = (width.max(0) as usize, height.max(0) as usize);
        Self { width, cells: vec![' '; width * height], arms: vec![0; width * height] }
    }

    fn index(&self, Point { x, y }: Point) -> usize {
        y as usize * self.width + x as usize
    }

    fn set(&mut self, at: Point, cell: char) {
        let index = self.index(at);
        self.cells[index] = cell;
    }

    fn line(&mut self, from: Point, to: Point) {
        let mut at = from;
        while at != to {
            let step = Point { x: (to.x - at.x).signum(), y: (to.y - at.y).signum() };
            let (out, back) = match (step.x, step.y) {
                (1, _) => (RIGHT, LEFT),
                (-1, _) => (LEFT, RIGHT),
                (_, 1) => (DOWN, UP),
                _ => (UP, DOWN),
            };
            self.arm(at, out);
            at = Point { x: at.x + step.x, y: at.y + step.y };
            self.arm(at, back);
        }
    }

    fn arm(&mut self, at: Point, arm: u8) {
        let index = self.index(at);
        self.arms[index] |= arm;
        self.cells[index] = match self.arms[index] {
            a if a == UP | RIGHT => '└',
            a if a == UP | LEFT => '┘',
            a if a == DOWN | RIGHT => '┌',
            a if a == DOWN | LEFT => '┐',
            a if a & (UP | DOWN) != 0 => '│',
            _ => '─',
        };
    }

    fn shape(&mut self, shape: &Shape) {
        let [corners, [flat, upright]] = match shape.kind {
            Kind::Node => [['┌', '┐'], ['─', '│']],
            Kind::Network => [['╔', '╗'], ['═', '║']],
        };
        let feet = match shape.kind {
            Kind::Node => ['└', '┘'],
            Kind::Network => ['╚', '╝'],
        };
        let (left, top) = (shape.rect.x, shape.rect.y);
        let (right, bottom) = (left + shape.rect.width - 1, top + shape.rect.height - 1);
        for x in left..=right {
            self.set(Point { x, y: top }, flat);
            self.set(Point { x, y: bottom }, flat);
        }
        for y in top..=bottom {
            self.set(Point { x: left, y }, upright);
            self.set(Point { x: right, y }, upright);
        }
        for (x, y, cell) in [
            (left, top, corners[0]),
            (right, top, corners[1]),
            (left, bottom, feet[0]),
            (right, bottom, feet[1]),
        ] {
            self.set(Point { x, y }, cell);
        }
        for (at, line) in shape.texts() {
            self.write(at, line);
        }
    }

    /// Joins a wire to the border it ends at.
    fn plug(&mut self, border: Point, rightwards: bool) {
        let index = self.index(border);
        let double = self.cells[index] == '║';
        let cell = match (double, rightwards) {
            (false, true) => '├',
            (false, false) => '┤',
            (true, true) => '╟',
            (true, false) => '╢',
        };
        self.cells[index] = cell;
    }

    fn write(&mut self, at: Point, text: &str) {
        for (x, cell) in (at.x..).zip(text.chars()) {
            self.set(Point { x, y: at.y }, cell);
        }
    }

    fn finish(self) -> String {
        let mut text = String::new();
        for row in self.cells.chunks(self.width.max(1)) {
            let row: String = row.iter().collect();
            text.push_str(row.trim_end());
            text.push('\n');
        }
        text
    }
}
