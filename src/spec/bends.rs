//! What links and networks do to frames: the keys that both have.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    Backend, Problem, Spanned,
    changes::{self, Changes},
    faults::{self, Fault},
    reader::{Reader, Table, Value, spanned},
};
use crate::{
    impairment::{Entry, ScheduleFault},
    name::NodeName,
    units::Delay,
};

/// What the cables of a link or a network do, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bends {
    /// Who bends them.
    pub(crate) backend: Option<Spanned<Backend>>,
    /// The seed of their random decisions.
    pub(crate) seed: Option<u64>,
    /// From the start.
    pub(crate) ways: Ways,
    /// Changes in time.
    pub(crate) schedule: Vec<Timed>,
    /// To chosen frames.
    pub(crate) faults: Vec<Fault>,
}

/// Changes by direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ways {
    /// In each direction.
    pub(crate) each_way: Changes,
    /// Over those, of what this node sends.
    pub(crate) from: Vec<(Spanned<NodeName>, Changes)>,
}

/// Changes in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timed {
    /// Where it is.
    pub(crate) span: Option<Range<usize>>,
    /// When it begins, counted from when the lab is ready.
    pub(crate) at: Delay,
    /// For how long; none: for good.
    pub(crate) lasting: Option<Delay>,
    /// After how long it begins again.
    pub(crate) every: Option<Delay>,
    /// What changes.
    pub(crate) ways: Ways,
}

impl Ways {
    /// What is said of frames that a node sends, or that a switch sends.
    pub(crate) fn of(&self, sender: Option<&NodeName>) -> Changes {
        let own = self.from.iter().filter(|(node, _)| Some(&node.value) == sender);
        own.fold(self.each_way.clone(), |under, (_, changes)| changes.clone().over(under))
    }
}

/// The largest seed: the largest number that TOML holds.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Reads what a link's or network's table says of them.
pub(super) fn read(reader: &mut Reader, table: &mut Table<'_>) -> Bends {
    let what = table.what().to_owned();
    let backend = table.get("backend").and_then(|value| {
        reader.parse::<Backend>("bad-choice", value, &format!("`backend` of {what}"))
    });
    let seed =
        table.get("seed").and_then(|value| seed(reader, value, &format!("`seed` of {what}")));
    let ways = ways(reader, table);
    let schedule = list(reader, table.get("schedule"), &format!("`schedule` of {what}"));
    let schedule = schedule.iter().filter_map(|value| timed(reader, value, &what)).collect();
    let faults = list(reader, table.get("faults"), &format!("`faults` of {what}"));
    let faults = faults.iter().filter_map(|value| faults::read(reader, value, &what)).collect();
    Bends { backend, seed, ways, schedule, faults }
}

fn list<'a>(reader: &mut Reader, value: Option<&'a Value<'a>>, what: &str) -> &'a [Value<'a>] {
    match value.map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Array(list))) => list,
        Some((value, _)) => {
            let name = what.split('`').nth(1).unwrap_or_default();
            reader.wrong_type(value, what, &format!("a list of tables, as `[[….{name}]]` makes"));
            &[]
        }
        None => &[],
    }
}

fn seed(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<u64> {
    let DeValue::Integer(number) = value.get_ref() else {
        reader.wrong_type(value, what, "a whole number");
        return None;
    };
    let seed = u64::from_str_radix(number.as_str(), number.radix());
    let seed = seed.ok().filter(|seed| *seed <= LARGEST_SEED);
    if seed.is_none() {
        let message = format!("{what} is {number}; it takes a whole number from 0 to 2^63 - 1");
        reader
            .problems
            .push(Problem::new("bad-seed", message).at(&Some(value.span()), "out of range"));
    }
    seed
}

/// Reads `each_way` and `from`.
fn ways(reader: &mut Reader, table: &mut Table<'_>) -> Ways {
    let what = table.what().to_owned();
    let each_way = table
        .get("each_way")
        .and_then(|value| changes::read(reader, value, &format!("`each_way` of {what}")));
    let senders = reader.entries(table.get("from"), &format!("`from` of {what}"));
    let from = senders.into_iter().filter_map(|(key, value)| {
        let name = reader.parse_text("bad-name", &spanned(key), &format!("`from` of {what}"));
        let what = format!("`from.{}` of {what}", key.get_ref());
        name.zip(changes::read(reader, value, &what))
    });
    let from = from.collect();
    Ways { each_way: each_way.unwrap_or_default(), from }
}

fn timed(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Timed> {
    let what = format!("a change in the `schedule` of {what}");
    let mut table = reader.table(value, &what)?;
    let before = reader.problems.count();
    let mut time = |reader: &mut Reader, key: &'static str| -> Option<Spanned<Delay>> {
        let value = table.get(key)?;
        reader.parse("bad-unit", value, &format!("`{key}` of {what}"))
    };
    let at = time(reader, "at");
    let [lasting, every] = ["for", "every"].map(|key| time(reader, key));
    let ways = ways(reader, &mut table);
    table.finish(reader);
    if reader.problems.count() > before {
        return None;
    }
    let span = Some(value.span());
    if ways == Ways::default() {
        let problem = Problem::new("bad-schedule", format!("{what} changes nothing"))
            .at(&span, "what changes?")
            .help("say it, as in `each_way = { down = true }`");
        reader.problems.push(problem);
        return None;
    }
    if !fits(reader, &what, &span, [&lasting, &every]) {
        return None;
    }
    let value = |time: Option<Spanned<Delay>>| time.map(|time| time.value);
    let at = value(at).unwrap_or_default();
    Some(Timed { span, at, lasting: value(lasting), every: value(every), ways })
}

/// Whether times fit each other.
fn fits(
    reader: &mut Reader,
    what: &str,
    whole: &Option<Range<usize>>,
    [lasting, every]: [&Option<Spanned<Delay>>; 2],
) -> bool {
    let value = |time: &Option<Spanned<Delay>>| time.as_ref().map(|time| time.value);
    let entry = Entry {
        at: Delay::default(),
        lasting: value(lasting),
        every: value(every),
        change: Default::default(),
    };
    let Err(fault) = entry.check() else { return true };
    let (key, help) = match fault {
        ScheduleFault::NoTime => (lasting, "leave `for` out if it is for good"),
        ScheduleFault::Endless => (every, "add `for`, as in `for = \"1s\"`"),
        ScheduleFault::Overlapping => (every, "make `every` longer than `for`"),
    };
    let span = key.as_ref().and_then(|key| key.span.clone()).or(whole.clone());
    let problem = Problem::new("bad-schedule", format!("{what} {fault}")).at(&span, "").help(help);
    reader.problems.push(problem);
    false
}
