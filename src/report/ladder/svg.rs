//! A ladder as a picture that needs nothing but itself.

use std::fmt::Write as _;

use super::{
    super::svg::escaped,
    events::{Event, Kind, events, seconds},
};
use crate::packet::flow::Ladder;

/// How wide a character of a label or a name is at most, in user units (CSS pixels).
const LETTER: f64 = 7.5;
/// The least height of a line, which its texts fit in.
const LINE: f64 = 26.0;
/// The greatest height of a line; time that takes more is cut.
const LONGEST: f64 = 4.0 * LINE;
/// How far an arrow falls that takes the median of the measured delays.
const FALL: f64 = 2.0 * LINE;
/// Where the first line is.
const TOP: f64 = 112.0;
/// Empty space around the drawing.
const MARGIN: f64 = 16.0;

const STYLE: &str = "
    .ladder { --paper: #ffffff; --ink: #1f2933; --soft: #5b6875; --line: #b4bec8; --node: #eef4fb; --edge: #3a6ea5;
           --arrow: #3a6ea5; --again: #a05a00; --lost: #b3261e; }
    @media (prefers-color-scheme: dark) {
      .ladder { --paper: #12181f; --ink: #e6ebf0; --soft: #a3b0bd; --line: #4a5663; --node: #1c2c3d; --edge: #74a8dd;
             --arrow: #74a8dd; --again: #e3a857; --lost: #f2827a; }
    }
    .ladder .paper { fill: var(--paper); }
    .ladder text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: var(--ink);
           white-space: pre; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
    .ladder .title { font-size: 14px; font-weight: 600; }
    .ladder .host rect { fill: var(--node); stroke: var(--edge); stroke-width: 1.5; }
    .ladder .host text { font-weight: 600; text-anchor: middle; stroke: none; }
    .ladder .host .address { font-weight: 400; font-size: 11px; fill: var(--soft); }
    .ladder .life { stroke: var(--line); stroke-width: 1.5; }
    .ladder .time { fill: var(--soft); font-size: 11px; text-anchor: end; }
    .ladder .cut { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1.5 4; }
    .ladder .end { text-anchor: end; }
    .ladder .frame path { fill: none; stroke: var(--arrow); stroke-width: 1.5; }
    .ladder .frame .head { fill: var(--arrow); stroke: none; }
    .ladder .again path { stroke: var(--again); } .ladder .again .head { fill: var(--again); }
    .ladder .lost path { stroke: var(--lost); } .ladder .lost .head { fill: var(--lost); }
    .ladder .lost .way { stroke-dasharray: 6 4; }
";

/// The ladder as a self-contained SVG document that follows the reader's light or dark preference.
///
/// Where arrivals were recorded, arrows slant by the time they took: time goes down evenly, except that each frame has room for its
/// label, and that long silences are cut (a dotted line beside the times). A frame seen at one end only is dashed and ends in ×.
/// No two texts overlap.
pub fn ladder_svg(ladder: &Ladder) -> String {
    let events = events(ladder);
    let heights = heights(&events);
    let layout = Layout::new(ladder, &events);
    let bottom = TOP + heights.last().copied().unwrap_or(0.0) + LINE;
    let mut below = bottom;
    let note = (ladder.omitted() > 0).then(|| {
        below += LINE;
        format!("{} records of further frames are not shown", ladder.omitted())
    });
    let (width, height) = (layout.width, (below + MARGIN).ceil());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" role=\"img\" \
         aria-labelledby=\"ladder-title ladder-desc\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title id=\"ladder-title\">{}</title>\n<desc id=\"ladder-desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
        escaped(&printable(&ladder.title())),
        escaped(&description(ladder, &events)),
    );
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        MARGIN + 14.0,
        escaped(&printable(&ladder.title()))
    );
    svg += &layout.hosts(ladder, bottom);
    svg += &layout.cuts(&events, &heights);
    let mut ends = vec![None; ladder.arrows().len()];
    for (event, y) in events.iter().zip(&heights).filter(|(event, _)| event.kind == Kind::Arrives) {
        ends[event.index] = Some(TOP + y);
    }
    // Lines first, so that all texts are in front of them.
    for (event, y) in events.iter().zip(&heights) {
        svg += &layout.way(event, TOP + y, ends[event.index]);
    }
    for (event, y) in events.iter().zip(&heights) {
        svg += &layout.texts(event, TOP + y);
    }
    if let Some(note) = note {
        let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{}\">{note}</text>", below - LINE / 2.0);
    }
    svg + "</svg>\n"
}

/// What one would say of it on the telephone.
fn description(ladder: &Ladder, events: &[Event<'_>]) -> String {
    let hosts: Vec<_> = ladder.columns().iter().map(|column| printable(&column.name)).collect();
    let broken = ladder.arrows().iter().filter(|arrow| arrow.broken).count();
    let lasted = seconds(events.last().map_or(0, |event| event.time));
    let frames = match ladder.arrows().len() {
        1 => "1 frame".to_owned(),
        frames => format!("{frames} frames"),
    };
    let broken = match broken {
        0 => String::new(),
        broken => format!(", {broken} of them seen at one end only"),
    };
    format!("{frames} between {} in {lasted} s{broken}.", hosts.join(" and "))
}

/// How far below the first line each event is.
fn heights(events: &[Event<'_>]) -> Vec<f64> {
    let mut delays: Vec<_> = events
        .iter()
        .filter(|event| event.kind == Kind::Arrives)
        .filter_map(|event| Some(event.time.saturating_sub(event.arrow.sent?)))
        .collect();
    delays.sort_unstable();
    let median = delays.get(delays.len() / 2).copied().unwrap_or(0);
    let scale = if median > 0 { FALL / median as f64 } else { 0.0 };
    let mut y = 0.0;
    let mut before = events.first().map_or(0, |event| event.time);
    events
        .iter()
        .enumerate()
        .map(|(place, event)| {
            if place > 0 {
                y += (event.time.saturating_sub(before) as f64 * scale).clamp(LINE, LONGEST);
            }
            before = event.time;
            (y * 10.0).round() / 10.0
        })
        .collect()
}

struct Layout {
    /// Where the columns are.
    columns: Vec<f64>,
    /// Where times end.
    times: f64,
    width: f64,
    /// The distance of two columns.
    gap: f64,
}

impl Layout {
    fn new(ladder: &Ladder, events: &[Event<'_>]) -> Self {
        let letters = |text: &str| text.chars().count() as f64 * LETTER;
        let label = ladder.arrows().iter().map(|arrow| letters(&arrow.label)).fold(0.0, f64::max);
        let name = ladder
            .columns()
            .iter()
            .flat_map(|column| [letters(&column.name), letters(&addresses(&column.addresses))])
            .fold(0.0, f64::max);
        let times = MARGIN + letters(&seconds(events.last().map_or(0, |event| event.time)));
        let half = name / 2.0 + 12.0;
        let gap = (label + 110.0).max(2.0 * half + 16.0).max(200.0);
        let left = times + 20.0 + half;
        let count = ladder.columns().len();
        let columns: Vec<_> = (0..count).map(|column| left + column as f64 * gap).collect();
        let last = columns.last().copied().unwrap_or(left);
        // A host alone talks to itself, with its labels on the right.
        let right = if count == 1 { label + 20.0 } else { half };
        let width = (last + half.max(right)).max(letters(&ladder.title()) * 1.2 + MARGIN) + MARGIN;
        Self { columns, times, width: width.ceil(), gap }
    }

    fn x(&self, column: usize) -> f64 {
        self.columns.get(column).copied().unwrap_or(0.0)
    }

    /// The hosts with their life lines.
    fn hosts(&self, ladder: &Ladder, bottom: f64) -> String {
        let mut svg = String::new();
        let (top, height) = (48.0, 40.0);
        for (column, x) in ladder.columns().iter().zip(&self.columns) {
            let width = self.gap.min(self.half_width(ladder) * 2.0);
            let name = escaped(&printable(&column.name));
            let under = addresses(&column.addresses);
            let named = column.name != under;
            let _ = write!(
                svg,
                "<path class=\"life\" d=\"M{x} {top}V{bottom}\"/><g class=\"host\"><rect x=\"{}\" y=\"{top}\" \
                 width=\"{width}\" height=\"{height}\" rx=\"4\"/><text x=\"{x}\" y=\"{}\">{name}</text>",
                x - width / 2.0,
                top + if named { 17.0 } else { 24.0 },
            );
            if named {
                let _ = write!(
                    svg,
                    "<text class=\"address\" x=\"{x}\" y=\"{}\">{}</text>",
                    top + 32.0,
                    escaped(&under)
                );
            }
            svg += "</g>\n";
        }
        svg
    }

    fn half_width(&self, ladder: &Ladder) -> f64 {
        let letters = |text: &str| text.chars().count() as f64 * LETTER;
        let widths = ladder
            .columns()
            .iter()
            .flat_map(|column| [letters(&column.name), letters(&addresses(&column.addresses))]);
        widths.fold(0.0, f64::max) / 2.0 + 10.0
    }

    /// Dotted lines where time was cut.
    fn cuts(&self, events: &[Event<'_>], heights: &[f64]) -> String {
        let mut svg = String::new();
        for pair in heights.windows(2).zip(events) {
            let ([above, below], _) = pair else { continue };
            if below - above >= LONGEST {
                let (x, from, to) = (self.times - 8.0, TOP + above + 8.0, TOP + below - 18.0);
                let _ = writeln!(svg, "<path class=\"cut\" d=\"M{x} {from}V{to}\"/>");
            }
        }
        svg
    }

    /// An arrow's line and head; `end` is where it arrives, if it does so later.
    fn way(&self, event: &Event<'_>, y: f64, end: Option<f64>) -> String {
        if event.kind == Kind::Arrives {
            return String::new();
        }
        let (from, to) = (self.x(event.arrow.from), self.x(event.arrow.to));
        let class = match (event.arrow.broken, event.arrow.again) {
            (true, _) => "frame lost",
            (_, true) => "frame again",
            _ => "frame",
        };
        if event.arrow.from == event.arrow.to {
            let head = arrow_head((from + 14.0, y + 6.0), (from, y + 6.0));
            return format!(
                "<g class=\"{class}\"><path class=\"way\" d=\"M{from} {}h14v8h-14\"/>{head}</g>\n",
                y - 2.0
            );
        }
        let part = |share: f64| from + (to - from) * share;
        let (start, tip) = match event.kind {
            Kind::Lost => ((from, y), (part(0.75), y)),
            Kind::Found => ((part(0.25), y), (to, y)),
            _ => ((from, y), (to, end.unwrap_or(y))),
        };
        let mut svg = format!(
            "<g class=\"{class}\"><path class=\"way\" d=\"M{} {}L{} {}\"/>",
            start.0, start.1, tip.0, tip.1
        );
        if event.kind != Kind::Lost {
            svg += &arrow_head(start, tip);
        }
        if event.arrow.broken {
            let (x, y) = if event.kind == Kind::Lost { tip } else { start };
            let (left, right, top, bottom) = (x - 5.0, x + 5.0, y - 5.0, y + 5.0);
            let _ = write!(
                svg,
                "<path d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\"/>"
            );
        }
        svg + "</g>\n"
    }

    /// When something happens, and what.
    fn texts(&self, event: &Event<'_>, y: f64) -> String {
        let time = seconds(event.time);
        let mut svg =
            format!("<text class=\"time\" x=\"{}\" y=\"{}\">{time}</text>", self.times, y + 4.0);
        if event.kind != Kind::Arrives {
            let (from, to) = (self.x(event.arrow.from), self.x(event.arrow.to));
            let label = escaped(&event.arrow.label);
            let y = y - 6.0;
            let last = self.columns.len() > 1 && event.arrow.from + 1 == self.columns.len();
            let _ = match (to < from) || (to == from && last) {
                true => {
                    let x = from - 12.0;
                    write!(svg, "<text class=\"end\" x=\"{x}\" y=\"{y}\">{label}</text>")
                }
                false => write!(svg, "<text x=\"{}\" y=\"{y}\">{label}</text>", from + 12.0),
            };
        }
        svg + "\n"
    }
}

/// A triangle at the end of a line.
fn arrow_head(start: (f64, f64), tip: (f64, f64)) -> String {
    let (dx, dy) = (tip.0 - start.0, tip.1 - start.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let corner = |side: f64| {
        let (x, y) = (tip.0 - 9.0 * ux - side * 4.0 * uy, tip.1 - 9.0 * uy + side * 4.0 * ux);
        format!("{x:.1},{y:.1}")
    };
    format!(
        "<polygon class=\"head\" points=\"{:.1},{:.1} {} {}\"/>",
        tip.0,
        tip.1,
        corner(1.0),
        corner(-1.0)
    )
}

/// The first of a host's addresses, and how many more there are.
fn addresses(addresses: &[std::net::IpAddr]) -> String {
    match addresses {
        [] => String::new(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one} +{}", more.len()),
    }
}

/// Without the characters that XML forbids.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
