//! A drawing as a picture that needs nothing but itself.

use std::fmt::Write as _;

use super::{
    drawing::{Drawing, Label, LabelKind, Point, Shape},
    graph::Kind,
};

/// The size of a character cell in user units (CSS pixels).
const CELL: (f64, f64) = (8.0, 16.0);
/// The radius of a wire's corners.
const CORNER: f64 = 5.0;
/// How far below its middle a text's baseline is. (`dominant-baseline`, which would say so, is not known everywhere.)
const SINK: &str = "0.35em";
/// Empty space around the drawing.
const MARGIN: f64 = 16.0;

/// What the picture's parts look like, whatever their colours.
const SHAPES: &str = "
    .lab text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; }
    .lab .box text { font-weight: 600; text-anchor: middle; }
    .lab .box text + text { font-weight: 400; font-size: 12px; }
    .lab .node rect, .lab .network rect, .lab .wire { stroke-width: 1.5; }
    .lab .wire { fill: none; }
    .lab .halo { fill: none; stroke-width: 6; }
    .lab .address, .lab .bend { font-size: 12px; }
    .lab .bend { font-style: italic; }
    .lab .end { text-anchor: end; }
    .lab .link { text-anchor: middle; }
";

/// A part's fill or stroke, on light and on dark paper.
const COLOURS: [(&str, &str, &str, &str); 12] = [
    (".paper", "fill", "#ffffff", "#12181f"),
    ("text", "fill", "#1f2933", "#e6ebf0"),
    (".box text + text", "fill", "#5b6875", "#a3b0bd"),
    (".node rect", "fill", "#eef4fb", "#1c2c3d"),
    (".node rect", "stroke", "#3a6ea5", "#74a8dd"),
    (".network rect", "fill", "#fbf3e4", "#332a18"),
    (".network rect", "stroke", "#b07d2b", "#d9ab5e"),
    (".wire", "stroke", "#8793a0", "#66737f"),
    (".halo", "stroke", "#ffffff", "#12181f"),
    (".address", "fill", "#5b6875", "#a3b0bd"),
    (".bend", "fill", "#a8431f", "#f0a078"),
    (".link", "fill", "#8a4b9a", "#d3a1e0"),
];

/// Every colour stands where it is used: many programs that show pictures know nothing of variables (css-variables-1), and
/// would paint everything black. Those that know nothing of preferences show the light one.
fn style() -> String {
    let (mut light, mut dark) = (String::new(), String::new());
    for (part, property, on_light, on_dark) in COLOURS {
        let _ = writeln!(light, "    .lab {part} {{ {property}: {on_light}; }}");
        let _ = writeln!(dark, "      .lab {part} {{ {property}: {on_dark}; }}");
    }
    format!("{SHAPES}{light}    @media (prefers-color-scheme: dark) {{\n{dark}    }}\n")
}

/// The drawing as a self-contained SVG document that follows the reader's light or dark preference.
pub fn svg(drawing: &Drawing) -> String {
    let width = f64::from(drawing.width) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(drawing.height) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lab\" role=\"img\" aria-labelledby=\"lab-title lab-desc\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title id=\"lab-title\">{}</title>\n<desc id=\"lab-desc\">{}</desc>\n<style>{}</style>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
        escaped(&drawing.title),
        escaped(&drawing.description),
        style(),
    );
    drawing.wires.iter().for_each(|wire| svg += &polyline(wire));
    drawing.labels.iter().for_each(|label| svg += &line_of_text(label));
    drawing.boxes.iter().for_each(|shape| svg += &group(shape));
    svg + "</svg>\n"
}

/// The middle of a cell.
fn middle(point: Point) -> (f64, f64) {
    ((f64::from(point.x) + 0.5) * CELL.0 + MARGIN, (f64::from(point.y) + 0.5) * CELL.1 + MARGIN)
}

/// A wire with rounded corners; a halo in the colour of the paper parts it from those it crosses.
fn polyline(wire: &[Point]) -> String {
    let mut path = String::new();
    for (index, &point) in wire.iter().enumerate() {
        let (x, y) = middle(point);
        let neighbours = index.checked_sub(1).and_then(|i| wire.get(i)).zip(wire.get(index + 1));
        let step = |to: Point| {
            let (dx, dy) = (to.x - point.x, to.y - point.y);
            (x + CORNER * f64::from(dx.signum()), y + CORNER * f64::from(dy.signum()))
        };
        path += &match neighbours {
            None if index == 0 => format!("M{x} {y}"),
            None => format!("L{x} {y}"),
            Some((&before, &after)) => {
                let ((ax, ay), (bx, by)) = (step(before), step(after));
                format!("L{ax} {ay}Q{x} {y} {bx} {by}")
            }
        };
    }
    format!("<path class=\"halo\" d=\"{path}\"/><path class=\"wire\" d=\"{path}\"/>\n")
}

fn line_of_text(label: &Label) -> String {
    let rect = label.rect();
    let (x, y) = middle(label.at);
    let left = x - CELL.0 / 2.0;
    let width = f64::from(rect.width) * CELL.0;
    let text = escaped(label.text.trim());
    let class = match label.kind {
        LabelKind::Interface => "interface",
        LabelKind::Address => "address",
        LabelKind::Bend => "bend",
        LabelKind::Link => {
            let (top, middle) = (y - CELL.1 / 2.0, left + width / 2.0);
            return format!(
                "<rect class=\"paper\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\"/>\
                 <text class=\"link\" x=\"{middle}\" y=\"{y}\" dy=\"{SINK}\">{text}</text>\n",
                CELL.1,
            );
        }
    };
    let (class, x) = match label.flush_right {
        true => (format!("{class} end"), left + width),
        false => (class.to_owned(), left),
    };
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\" dy=\"{SINK}\">{text}</text>\n")
}

fn group(shape: &Shape) -> String {
    let rect = shape.rect;
    let (x, y) = middle(Point { x: rect.x, y: rect.y });
    let (right, bottom) = middle(Point { x: rect.x + rect.width - 1, y: rect.y + rect.height - 1 });
    let (y, bottom) = (y - CELL.1 * 0.3, bottom + CELL.1 * 0.3);
    let (class, radius) = match shape.kind {
        Kind::Node => ("node", 4),
        Kind::Network => ("network", 14),
    };
    let mut group = format!(
        "<g class=\"box {class}\"><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"{radius}\"/>",
        right - x,
        bottom - y
    );
    for (at, text) in shape.texts() {
        let _ = write!(
            group,
            "<text x=\"{}\" y=\"{}\" dy=\"{SINK}\">{}</text>",
            (x + right) / 2.0,
            middle(at).1,
            escaped(text)
        );
    }
    group + "</g>\n"
}

/// Replaces the characters that XML reads.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
