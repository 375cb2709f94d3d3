//! A ladder in box-drawing characters.

use std::collections::HashMap;

use super::events::{Event, Kind, cause, events, label, seconds};
use crate::packet::flow::Ladder;

/// The least distance of two columns.
const LEAST_GAP: usize = 24;
/// How many arrows between two columns may be under way side by side, in each direction.
const LANES: usize = 4;

/// The ladder as lines of text, `width` characters wide if its hosts have room there (24 for each but the first).
///
/// An arrow whose arrival was recorded too is sent on one line and arrives on a later one; when more than a few are under way
/// at the same time, further ones stand on one line with the time they took. `✗` ends an arrow that was dropped on its way, with the
/// cause behind it, `×` one that was seen at one end only. What else a wire did stands before the label; a copy's arrival is dashed.
pub fn ladder_text(ladder: &Ladder, width: usize) -> String {
    let events = events(ladder);
    let layout = Layout::new(ladder, &events, width);
    let mut text = format!("{}\n{}", ladder.title(), layout.names(ladder));
    let mut lanes = Lanes::default();
    for event in &events {
        text += &layout.line(event, &mut lanes);
    }
    if ladder.omitted() > 0 {
        text += &format!("{} records of further frames are not shown\n", ladder.omitted());
    }
    text
}

struct Layout {
    /// Where the columns are.
    columns: Vec<usize>,
    width: usize,
    /// How wide the times are.
    times: usize,
}

/// Where arrows under way go down.
#[derive(Default)]
struct Lanes {
    /// By arrow.
    taken: HashMap<usize, usize>,
}

impl Layout {
    fn new(ladder: &Ladder, events: &[Event<'_>], width: usize) -> Self {
        let times = events.last().map_or(8, |event| seconds(event.time).len());
        let half = |name: Option<&str>| name.map_or(0, |name| shown(name).count().div_ceil(2));
        let names = ladder.columns().iter().map(|column| column.name.as_str());
        let left = times + 2 + half(names.clone().next());
        let right = half(names.clone().next_back()).max(1);
        let gaps = names.clone().count().saturating_sub(1);
        let longest = names.map(|name| shown(name).count() + 2).max().unwrap_or(0);
        let room = width.saturating_sub(left + right);
        let gap = room.checked_div(gaps).unwrap_or(0).max(LEAST_GAP).max(longest);
        let columns: Vec<_> = (0..=gaps).map(|column| left + column * gap).collect();
        let width = left + gaps * gap + right + 1;
        Self { columns, width: width.max(if gaps == 0 { 60 } else { 0 }), times }
    }

    /// The line of the hosts' names, each in the middle of its column.
    fn names(&self, ladder: &Ladder) -> String {
        let mut row = vec![' '; self.width + 64];
        for (column, x) in ladder.columns().iter().zip(&self.columns) {
            let start = x.saturating_sub(shown(&column.name).count() / 2);
            put(&mut row, start, shown(&column.name));
        }
        finish(&row)
    }

    fn line(&self, event: &Event<'_>, lanes: &mut Lanes) -> String {
        let mut row = vec![' '; self.width];
        put(&mut row, 0, format!("{:>1$}", seconds(event.time), self.times).chars());
        for x in &self.columns {
            put(&mut row, *x, ['│'].into_iter());
        }
        let (from, to) = (self.columns[event.arrow.from], self.columns[event.arrow.to]);
        let own = match event.kind {
            Kind::Sent => lanes.take(event.index, from, to),
            Kind::Arrives => lanes.taken.remove(&event.index),
            Kind::Again | Kind::Seen | Kind::Dropped | Kind::Lost | Kind::Found => None,
        };
        for x in lanes.taken.iter().filter(|(index, _)| **index != event.index).map(|(_, x)| *x) {
            put(&mut row, x, ['│'].into_iter());
        }
        let label = label(event.arrow);
        let ahead = |part: usize| {
            if to > from { from + (to - from) * part / 4 } else { from - (from - to) * part / 4 }
        };
        match (event.kind, own) {
            _ if from == to => put(&mut row, from, format!("├╴{label}").chars()),
            (Kind::Arrives, None) => return String::new(),
            (Kind::Arrives, Some(lane)) => {
                stroke(&mut row, lane, to);
                row[lane] = if to > from { '╰' } else { '╯' };
                head(&mut row, from, to);
            }
            (Kind::Sent, Some(lane)) => {
                stroke(&mut row, from, lane);
                row[from] = if to > from { '├' } else { '┤' };
                row[lane] = if to > from { '╮' } else { '╭' };
                inscribe(&mut row, from, lane, &label);
            }
            (Kind::Sent | Kind::Seen, _) => {
                let took = event.arrow.arrived.zip(event.arrow.sent);
                let took =
                    took.map(|(end, start)| format!(" (+{}s)", seconds(end.saturating_sub(start))));
                stroke(&mut row, from, to);
                row[from] = if to > from { '├' } else { '┤' };
                head(&mut row, from, to);
                inscribe(&mut row, from, to, &(label + &took.unwrap_or_default()));
            }
            (Kind::Again, _) => {
                dash(&mut row, ahead(2), to);
                head(&mut row, from, to);
                inscribe(&mut row, ahead(2), to, "again");
            }
            (Kind::Dropped, _) => {
                let cause = cause(event.arrow);
                // At the link, which is before the next host.
                let gap = self.columns.get(1).map_or(0, |next| next - self.columns[0]);
                let off = gap.saturating_sub(cause.chars().count() + 3).min(gap * 3 / 4).max(2);
                let end = if to > from { from + off } else { from - off };
                stroke(&mut row, from, end);
                row[from] = if to > from { '├' } else { '┤' };
                row[end] = '✗';
                inscribe(&mut row, from, end, &label);
                let start =
                    if to > from { end + 2 } else { end.saturating_sub(cause.chars().count() + 1) };
                put(&mut row, start, cause.chars());
            }
            (Kind::Lost, _) => {
                stroke(&mut row, from, ahead(3));
                row[from] = if to > from { '├' } else { '┤' };
                row[ahead(3)] = '×';
                inscribe(&mut row, from, ahead(3), &label);
            }
            (Kind::Found, _) => {
                stroke(&mut row, ahead(1), to);
                row[ahead(1)] = '×';
                head(&mut row, from, to);
                inscribe(&mut row, ahead(1), to, &label);
            }
        }
        finish(&row)
    }
}

impl Lanes {
    /// A free place to go down, if there is one; the label comes before it.
    fn take(&mut self, index: usize, from: usize, to: usize) -> Option<usize> {
        let lane = |place: usize| {
            let off = from.abs_diff(to) * 3 / 4 + 2 * place;
            if to > from { from + off } else { from - off }
        };
        let fits = |place: &usize| from.abs_diff(to) * 3 / 4 + 2 * place + 2 < from.abs_diff(to);
        let free = (0..LANES).filter(fits).map(lane).find(|x| self.taken.values().all(|t| t != x));
        if let Some(x) = free {
            self.taken.insert(index, x);
        }
        free
    }
}

/// The characters of a name that can be shown.
fn shown(name: &str) -> impl Iterator<Item = char> + Clone {
    name.chars().filter(|c| !c.is_control())
}

fn put(row: &mut [char], start: usize, text: impl Iterator<Item = char>) {
    for (cell, c) in row.iter_mut().skip(start).zip(text) {
        *cell = c;
    }
}

/// Draws a line from one place to another, both included; it crosses what goes down.
fn stroke(row: &mut [char], from: usize, to: usize) {
    for cell in &mut row[from.min(to)..=from.max(to)] {
        *cell = if *cell == '│' { '┼' } else { '─' };
    }
}

/// Draws a broken line; it leaves what goes down as it is.
fn dash(row: &mut [char], from: usize, to: usize) {
    for cell in &mut row[from.min(to)..=from.max(to)] {
        if *cell == ' ' {
            *cell = '╌';
        }
    }
}

/// Puts the arrow's head before the receiver's column.
fn head(row: &mut [char], from: usize, to: usize) {
    row[to] = '│';
    if to > from {
        row[to - 1] = '▶';
    } else {
        row[to + 1] = '◀';
    }
}

/// Writes a label on a line, next to where the line begins, as far as there is room.
fn inscribe(row: &mut [char], from: usize, to: usize, label: &str) {
    let room = from.abs_diff(to).saturating_sub(6);
    let mut label: Vec<char> = label.chars().collect();
    if label.len() > room {
        label.truncate(room.saturating_sub(1));
        label.push('…');
    }
    let label = format!(" {} ", label.iter().collect::<String>());
    let start = if to > from { from + 2 } else { (from - 1).saturating_sub(label.chars().count()) };
    put(row, start, label.chars());
}

fn finish(row: &[char]) -> String {
    let line: String = row.iter().collect();
    format!("{}\n", line.trim_end())
}
