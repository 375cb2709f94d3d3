//! What is said of one direction: values and their places.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    Problem, Spanned,
    reader::{Reader, Table, Value},
    traces,
};
use crate::{
    impairment::{Change, Pace},
    units::Rate,
};

/// What is said of one direction, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// What is said.
    pub(crate) change: Change,
    /// Where each value is, by its key; code has no places.
    places: Vec<(&'static str, Range<usize>)>,
}

impl Changes {
    /// Both at once: where they differ these hold.
    pub(crate) fn over(self, under: Self) -> Self {
        let change = self.change.over(&under.change);
        let places = self.places.into_iter().chain(under.places).collect();
        Self { change, places }
    }

    /// Where the value of a key is that holds.
    pub(crate) fn place(&self, key: &str) -> Option<Range<usize>> {
        let place = self.places.iter().find(|(known, _)| *known == key);
        place.map(|(_, span)| span.clone())
    }

    fn put<T>(&mut self, key: &'static str, value: Option<Spanned<T>>) -> Option<T> {
        let value = value?;
        self.places.extend(value.span.map(|span| (key, span)));
        Some(value.value)
    }
}

impl From<Change> for Changes {
    fn from(change: Change) -> Self {
        Self { change, places: Vec::new() }
    }
}

/// Reads the table of one direction.
pub(super) fn read(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Changes> {
    let mut table = reader.table(value, what)?;
    let mut changes = Changes::default();
    let all = &mut changes;
    let change = Change {
        delay: text(reader, &mut table, all, "delay", "bad-unit"),
        jitter: text(reader, &mut table, all, "jitter", "bad-unit"),
        distribution: text(reader, &mut table, all, "distribution", "bad-choice"),
        loss: text(reader, &mut table, all, "loss", "bad-loss"),
        duplicate: text(reader, &mut table, all, "duplicate", "bad-unit"),
        reorder: text(reader, &mut table, all, "reorder", "bad-unit"),
        gap: gap(reader, &mut table, all),
        corrupt: text(reader, &mut table, all, "corrupt", "bad-unit"),
        rate: rate(reader, &mut table, all),
        burst: burst(reader, &mut table, all),
        limit: limit(reader, &mut table, all),
        down: down(reader, &mut table, all),
    };
    changes.change = change;
    table.finish(reader);
    Some(changes)
}

fn text<T: std::str::FromStr<Err: std::fmt::Display>>(
    reader: &mut Reader,
    table: &mut Table<'_>,
    changes: &mut Changes,
    key: &'static str,
    rule: &'static str,
) -> Option<T> {
    let value = table.get(key)?;
    let what = format!("`{key}` of {}", table.what());
    changes.put(key, reader.parse(rule, value, &what))
}

fn gap(reader: &mut Reader, table: &mut Table<'_>, changes: &mut Changes) -> Option<u32> {
    let value = table.get("gap")?;
    let what = format!("`gap` of {}", table.what());
    changes.put("gap", reader.number("bad-unit", value, &what, 0..=u32::MAX))
}

/// A rate, `unlimited`, or a table that names the file of a trace.
fn rate(reader: &mut Reader, table: &mut Table<'_>, changes: &mut Changes) -> Option<Option<Pace>> {
    let value = table.get("rate")?;
    let what = format!("`rate` of {}", table.what());
    let span = Some(value.span());
    let pace = match value.get_ref() {
        DeValue::String(text) if text == "unlimited" => Some(Spanned { value: None, span }),
        DeValue::String(_) => reader
            .parse::<Rate>("bad-unit", value, &what)
            .map(|rate| rate.with(Some(Pace::Constant(rate.value)))),
        DeValue::Table(_) => {
            let mut table = reader.table(value, &what)?;
            let trace = match table.get("trace") {
                Some(value) => traces::read(reader, value, &format!("`trace` of {what}")),
                None => {
                    let problem = Problem::new("bad-trace", format!("{what} has no `trace`"))
                        .at(&span, "which file?")
                        .help("name one, as in `rate = { trace = \"cell.trace\" }`");
                    reader.problems.push(problem);
                    None
                }
            };
            table.finish(reader);
            trace.map(|trace| Spanned { value: Some(Pace::Trace(trace)), span })
        }
        _ => {
            reader.wrong_type(value, &what, "text as in `\"10Mbit\"`, or `{ trace = \"FILE\" }`");
            None
        }
    };
    changes.put("rate", pace)
}

fn burst(
    reader: &mut Reader,
    table: &mut Table<'_>,
    changes: &mut Changes,
) -> Option<Option<crate::units::ByteSize>> {
    let value = table.get("burst")?;
    let what = format!("`burst` of {}", table.what());
    let burst = match value.get_ref() {
        DeValue::String(text) if text == "default" => {
            Some(Spanned { value: None, span: Some(value.span()) })
        }
        _ => reader.parse("bad-unit", value, &what).map(|burst| burst.with(Some(burst.value))),
    };
    changes.put("burst", burst)
}

/// A number of frames, or text with a unit.
fn limit(
    reader: &mut Reader,
    table: &mut Table<'_>,
    changes: &mut Changes,
) -> Option<crate::impairment::QueueLimit> {
    let value = table.get("limit")?;
    let what = format!("`limit` of {}", table.what());
    let limit = match value.get_ref() {
        DeValue::Integer(_) => reader
            .number("bad-unit", value, &what, 0..=u32::MAX)
            .map(|frames| frames.with(crate::impairment::QueueLimit::Frames(frames.value))),
        DeValue::String(_) => reader.parse("bad-unit", value, &what),
        _ => {
            reader.wrong_type(value, &what, "a number of frames, or text as in `\"64kB\"`");
            None
        }
    };
    changes.put("limit", limit)
}

fn down(reader: &mut Reader, table: &mut Table<'_>, changes: &mut Changes) -> Option<bool> {
    let value = table.get("down")?;
    let what = format!("`down` of {}", table.what());
    let down = reader.boolean(value, &what);
    changes.put("down", down.map(|down| Spanned { value: down, span: Some(value.span()) }))
}
