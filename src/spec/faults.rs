//! What is done to chosen frames.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    Problem, Spanned,
    reader::{Reader, Table, Value},
};
use crate::{
    impairment::{Action, Rule, Which},
    name::NodeName,
    packet::Filter,
    units::Delay,
};

/// What is done to chosen frames, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it is.
    pub(crate) span: Option<Range<usize>>,
    /// Whose frames are meant; none: everybody's.
    pub(crate) from: Option<Spanned<NodeName>>,
    /// What is done to which.
    pub(crate) rule: Rule,
}

/// The keys that choose among the frames that match.
const ORDINALS: [&str; 4] = ["first", "nth", "every", "for"];

/// Reads one fault of a link or network.
pub(super) fn read(reader: &mut Reader, value: &Value<'_>, of: &str) -> Option<Fault> {
    let what = format!("a fault of {of}");
    let mut table = reader.table(value, &what)?;
    let before = reader.problems.count();
    let from = table
        .get("from")
        .and_then(|value| reader.parse("bad-name", value, &format!("`from` of {what}")));
    let matching =
        table.get("match").and_then(|value| filter(reader, value, &format!("`match` of {what}")));
    let which = which(reader, &mut table);
    let action = match table.get("action") {
        Some(value) => action(reader, value, &format!("`action` of {what}")),
        None => {
            let problem = Problem::new("bad-fault", format!("{what} has no `action`"))
                .at(&Some(value.span()), "what is done?")
                .help("there are \"drop\", \"duplicate\", \"corrupt\", \"hold\" and { delay = \"50ms\" }");
            reader.problems.push(problem);
            None
        }
    };
    table.finish(reader);
    let rule = Rule { matching, which, action: action? };
    (reader.problems.count() == before).then(|| Fault { span: Some(value.span()), from, rule })
}

fn which(reader: &mut Reader, table: &mut Table<'_>) -> Which {
    let what = table.what().to_owned();
    let given: Vec<(&str, &Value<'_>)> =
        ORDINALS.iter().filter_map(|key| Some((*key, table.get(key)?))).collect();
    if let [(one, first), (other, second), ..] = given[..] {
        let message = format!("{what} has both `{one}` and `{other}`");
        let problem = Problem::new("bad-fault", message)
            .at(&Some(second.span()), "chooses frames a second time")
            .and(&Some(first.span()), "chooses frames")
            .help("write two faults");
        reader.problems.push(problem);
    }
    let Some(&(key, value)) = given.first() else { return Which::All };
    let what = format!("`{key}` of {what}");
    if key == "for" {
        let lasting = reader.parse::<Delay>("bad-unit", value, &what);
        return lasting.map_or(Which::All, |lasting| Which::For(lasting.value));
    }
    let number = reader.number("bad-fault", value, &what, 1..=u32::MAX);
    let number = number.map_or(1, |number| u64::from(number.value));
    match key {
        "first" => Which::First(number),
        "nth" => Which::Nth(number),
        _ => Which::Every(number),
    }
}

fn action(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Action> {
    match value.get_ref() {
        DeValue::Table(_) => {
            let mut table = reader.table(value, what)?;
            let delay = table.get("delay");
            let delay = match delay {
                Some(value) => {
                    reader.parse::<Delay>("bad-unit", value, &format!("`delay` of {what}"))
                }
                None => {
                    let problem = Problem::new("bad-fault", format!("{what} has no `delay`"))
                        .at(&Some(value.span()), "how long?")
                        .help("write it as in `{ delay = \"50ms\" }`");
                    reader.problems.push(problem);
                    None
                }
            };
            table.finish(reader);
            delay.map(|delay| Action::Delay(delay.value))
        }
        DeValue::String(_) => {
            reader.parse::<Action>("bad-fault", value, what).map(|action| action.value)
        }
        _ => {
            reader.wrong_type(value, what, "text as in `\"drop\"`, or `{ delay = \"50ms\" }`");
            None
        }
    }
}

/// A filter; what is wrong with it is shown where it is in the text.
fn filter(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Filter> {
    let text = reader.string(value, what)?;
    let error = match Filter::parse(&text.value) {
        Ok(filter) => return Some(filter),
        Err(error) => error,
    };
    let column = error.column();
    let message = format!("{what}, column {column}: {}", error.message());
    let inside = inside(&reader.problems.document.text, &text, error.place());
    let mut problem = match inside {
        Some(place) => Problem::new("bad-filter", message).at(&Some(place), ""),
        None => Problem::new("bad-filter", message).at(&text.span, format!("column {column}")),
    };
    if let Some(remedy) = error.remedy() {
        problem = problem.help(remedy);
    }
    reader.problems.push(problem);
    None
}

/// The place in the file of a place in a text; none where escapes make them differ.
fn inside(file: &str, text: &Spanned<String>, place: Range<usize>) -> Option<Range<usize>> {
    let span = text.span.clone()?;
    let written = file.get(span.clone())?;
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| written.starts_with(q))?;
    let inner = written.strip_prefix(quotes)?.strip_suffix(quotes)?;
    // A line break after three quotes is none of the text.
    let begins = if quotes.len() == 3 { inner.find(|c| c != '\r' && c != '\n')? } else { 0 };
    let start = span.start + quotes.len() + begins;
    let same = inner.get(begins..)? == text.value;
    same.then(|| start + place.start..start + place.end)
}
