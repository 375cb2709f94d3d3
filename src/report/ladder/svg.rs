//! A ladder as a picture that needs nothing but itself.

use std::fmt::Write as _;

use super::{
    super::svg::escaped,
    events::{Event, Kind, cause, events, label, seconds},
};
use crate::packet::{Fate, flow::Ladder};

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
           --arrow: #3a6ea5; --again: #a05a00; --lost: #b3261e; --bent: #7148a8; }
    @media (prefers-color-scheme: dark) {
      .ladder { --paper: #12181f; --ink: #e6ebf0; --soft: #a3b0bd; --line: #4a5663; --node: #1c2c3d; --edge: #74a8dd;
             --arrow: #74a8dd; --again: #e3a857; --lost: #f2827a; --bent: #bd9cf0; }
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
    .ladder .lost .way, .ladder .copy { stroke-dasharray: 6 4; }
    .ladder .bent path { stroke: var(--bent); } .ladder .bent .head { fill: var(--bent); }
    .ladder .cause { fill: var(--lost); }
";

/// The ladder as a self-contained SVG document that follows the reader's light or dark preference.
///
/// Where arrivals were recorded, arrows slant by the time they took: time goes down evenly, except that each frame has room for its
/// label, and that long silences are cut (a dotted line beside the times). A frame that was dropped is dashed and ends in ✗ at the link,
/// with the cause behind it; one seen at one end only is dashed and ends in ×; what else a wire did stands before the label, and a copy
/// has a dashed way of its own.
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
    let mut ends = vec![Ends::default(); ladder.arrows().len()];
    for (event, y) in events.iter().zip(&heights) {
        match event.kind {
            Kind::Arrives => ends[event.index].arrow = Some(TOP + y),
            Kind::Again => ends[event.index].copy = Some(TOP + y),
            _ => {}
        }
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
    let (dropped, broken): (Vec<_>, Vec<_>) = ladder
        .arrows()
        .iter()
        .filter(|arrow| arrow.broken)
        .partition(|arrow| matches!(arrow.fate, Fate::Dropped(_)));
    let lasted = seconds(events.last().map_or(0, |event| event.time));
    let frames = match ladder.arrows().len() {
        1 => "1 frame".to_owned(),
        frames => format!("{frames} frames"),
    };
    let some = |some: usize, what| match some {
        0 => String::new(),
        some => format!(", {some} of them {what}"),
    };
    let dropped = some(dropped.len(), "dropped on the way");
    let broken = some(broken.len(), "seen at one end only");
    format!("{frames} between {} in {lasted} s{dropped}{broken}.", hosts.join(" and "))
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

/// Where an arrow arrives, and its copy, if they do so later than they are sent.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    arrow: Option<f64>,
    copy: Option<f64>,
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
        let label = |arrow| letters(&label(arrow)) + letters(&cause(arrow));
        let label = ladder.arrows().iter().map(label).fold(0.0, f64::max);
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

    /// An arrow's line and head, and those of its copy.
    fn way(&self, event: &Event<'_>, y: f64, ends: Ends) -> String {
        if matches!(event.kind, Kind::Arrives | Kind::Again) {
            return String::new();
        }
        let (from, to) = (self.x(event.arrow.from), self.x(event.arrow.to));
        let class = match (event.arrow.broken, event.arrow.fate, event.arrow.again) {
            (true, ..) => "frame lost",
            (_, fate, _) if fate != Fate::PASSED => "frame bent",
            (.., true) => "frame again",
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
            Kind::Dropped => ((from, y), (self.link(event), y)),
            Kind::Lost => ((from, y), (part(0.75), y)),
            Kind::Found => ((part(0.25), y), (to, y)),
            _ => ((from, y), (to, ends.arrow.unwrap_or(y))),
        };
        let stops = matches!(event.kind, Kind::Dropped | Kind::Lost);
        let mut svg = format!("<g class=\"{class}\">");
        svg += &line("way", start, tip);
        if !stops {
            svg += &arrow_head(start, tip);
        }
        if let Some(copy) = ends.copy {
            svg += &line("copy", start, (to, copy));
            svg += &arrow_head(start, (to, copy));
        }
        if event.arrow.broken {
            let (x, y) = if stops { tip } else { start };
            let (left, right, top, bottom) = (x - 5.0, x + 5.0, y - 5.0, y + 5.0);
            let _ = write!(
                svg,
                "<path d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\"/>"
            );
        }
        svg + "</g>\n"
    }

    /// Where the link is that an arrow was dropped on: before the next host, with room for the cause.
    fn link(&self, event: &Event<'_>) -> f64 {
        let room = cause(event.arrow).chars().count() as f64 * LETTER + 24.0;
        let off = (self.gap - room).min(self.gap * 0.75);
        let from = self.x(event.arrow.from);
        if event.arrow.to > event.arrow.from { from + off } else { from - off }
    }

    /// When something happens, and what.
    fn texts(&self, event: &Event<'_>, y: f64) -> String {
        let time = seconds(event.time);
        let mut svg =
            format!("<text class=\"time\" x=\"{}\" y=\"{}\">{time}</text>", self.times, y + 4.0);
        if !matches!(event.kind, Kind::Arrives | Kind::Again) {
            let (from, to) = (self.x(event.arrow.from), self.x(event.arrow.to));
            let label = escaped(&label(event.arrow));
            if event.kind == Kind::Dropped && from != to {
                let (x, y, cause) = (self.link(event), y + 4.0, cause(event.arrow));
                let _ = match to < from {
                    true => {
                        let x = x - 10.0;
                        write!(svg, "<text class=\"cause end\" x=\"{x}\" y=\"{y}\">{cause}</text>")
                    }
                    false => {
                        let x = x + 10.0;
                        write!(svg, "<text class=\"cause\" x=\"{x}\" y=\"{y}\">{cause}</text>")
                    }
                };
            }
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

/// A straight line.
fn line(class: &str, start: (f64, f64), end: (f64, f64)) -> String {
    format!("<path class=\"{class}\" d=\"M{} {}L{} {}\"/>", start.0, start.1, end.0, end.1)
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
