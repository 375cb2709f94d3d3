//! Typed access to a parsed TOML tree that notes what is wrong and goes on.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use toml::de::{DeString, DeTable, DeValue};

use super::{Problem, Problems, Spanned, load::Files};

pub(super) type Value<'a> = toml::Spanned<DeValue<'a>>;
pub(super) type Key<'a> = toml::Spanned<DeString<'a>>;

/// Collects problems while values are read.
pub(super) struct Reader {
    pub(super) problems: Problems,
    pub(super) files: Files,
}

impl Reader {
    /// Notes that a value has the wrong type; `what` names it, `takes` says what it takes.
    pub(super) fn wrong_type(&mut self, value: &Value<'_>, what: &str, takes: &str) {
        let is = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let problem = Problem::new("wrong-type", format!("{what} is {is}; it takes {takes}"))
            .at(&Some(value.span()), format!("{is}, not {takes}"));
        self.problems.push(problem);
    }

    /// A string without NUL, which no path, argument or variable can hold.
    pub(super) fn string(&mut self, value: &Value<'_>, what: &str) -> Option<Spanned<String>> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(value, what, "text in quotes");
            return None;
        };
        let span = Some(value.span());
        if text.contains('\0') {
            let problem = Problem::new("nul-byte", format!("{what} holds a NUL"))
                .at(&span, "the kernel ends texts at NUL");
            self.problems.push(problem);
            return None;
        }
        Some(Spanned { value: text.to_string(), span })
    }

    /// A string that parses; otherwise a problem under `rule`.
    pub(super) fn parse<T: FromStr<Err: fmt::Display>>(
        &mut self,
        rule: &'static str,
        value: &Value<'_>,
        what: &str,
    ) -> Option<Spanned<T>> {
        let text = self.string(value, what)?;
        self.parse_text(rule, &text, what)
    }

    /// The same for text that is already at hand.
    pub(super) fn parse_text<T: FromStr<Err: fmt::Display>>(
        &mut self,
        rule: &'static str,
        text: &Spanned<String>,
        what: &str,
    ) -> Option<Spanned<T>> {
        match text.value.parse() {
            Ok(value) => Some(text.with(value)),
            Err(error) => {
                let problem = Problem::new(rule, format!("{what}: {error}")).at(&text.span, "");
                self.problems.push(problem);
                None
            }
        }
    }

    /// A key as a name; otherwise a problem under `bad-name`.
    pub(super) fn name<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &Key<'_>,
        what: &str,
    ) -> Option<Spanned<T>> {
        self.parse_text("bad-name", &spanned(key), what)
    }

    /// A whole number within a range; otherwise a problem under `rule`.
    pub(super) fn number(
        &mut self,
        rule: &'static str,
        value: &Value<'_>,
        what: &str,
        range: RangeInclusive<u32>,
    ) -> Option<Spanned<u32>> {
        let takes = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(value, what, &takes);
            return None;
        };
        let span = Some(value.span());
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Some(Spanned { value: number, span }),
            _ => {
                let message = format!("{what} is {number}; it takes {takes}");
                self.problems.push(Problem::new(rule, message).at(&span, "out of range"));
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>, what: &str) -> Option<bool> {
        if let DeValue::Boolean(value) = value.get_ref() {
            return Some(*value);
        }
        self.wrong_type(value, what, "`true` or `false`");
        None
    }

    /// A string, or a list of strings; none if anything in it is not one.
    pub(super) fn texts(&mut self, value: &Value<'_>, what: &str) -> Option<Vec<Spanned<String>>> {
        match value.get_ref() {
            DeValue::Array(values) => {
                let texts: Vec<_> = values.iter().map(|value| self.string(value, what)).collect();
                texts.into_iter().collect()
            }
            DeValue::String(_) => self.string(value, what).map(|text| vec![text]),
            _ => {
                self.wrong_type(value, what, "text in quotes, or a list of such");
                None
            }
        }
    }

    /// A table with fixed keys.
    pub(super) fn table<'a>(&mut self, value: &'a Value<'a>, what: &str) -> Option<Table<'a>> {
        if let DeValue::Table(entries) = value.get_ref() {
            return Some(Table::new(entries, what));
        }
        self.wrong_type(value, what, "a table");
        None
    }

    /// The entries of a table whose keys the user chooses, in file order; none if there is no such table.
    pub(super) fn entries<'a>(
        &mut self,
        value: Option<&'a Value<'a>>,
        what: &str,
    ) -> Vec<(&'a Key<'a>, &'a Value<'a>)> {
        match value.map(|value| (value, value.get_ref())) {
            None => Vec::new(),
            Some((_, DeValue::Table(entries))) => in_file_order(entries),
            Some((value, _)) => {
                self.wrong_type(value, what, "a table");
                Vec::new()
            }
        }
    }
}

fn in_file_order<'a>(table: &'a DeTable<'a>) -> Vec<(&'a Key<'a>, &'a Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A key with its place.
pub(super) fn spanned(key: &Key<'_>) -> Spanned<String> {
    Spanned { value: key.get_ref().to_string(), span: Some(key.span()) }
}

/// A table with fixed keys; whatever was never asked for is unknown.
pub(super) struct Table<'a> {
    what: String,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(super) fn new(entries: &'a DeTable<'a>, what: &str) -> Self {
        Self { what: what.to_owned(), entries, known: Vec::new() }
    }

    /// What the table describes.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.known.push(key);
        self.entries.get(key)
    }

    /// Notes every key that was never asked for.
    pub(super) fn finish(self, reader: &mut Reader) {
        for (key, _) in in_file_order(self.entries) {
            let text = key.get_ref();
            if self.known.iter().any(|known| known == text) {
                continue;
            }
            let help = reader
                .problems
                .suggest(text, self.known.iter().copied())
                .unwrap_or_else(|| format!("the keys here are `{}`", self.known.join("`, `")));
            let problem = Problem::new("unknown-key", format!("{} has no key `{text}`", self.what))
                .at(&Some(key.span()), "unknown key")
                .help(help);
            reader.problems.push(problem);
        }
    }
}
