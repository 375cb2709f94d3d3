//! What is wrong with a topology, and where.

use std::{ops::Range, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// The text that spans point into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The file's name as the user gave it; for people.
    pub file: String,
    /// All of it.
    pub text: Arc<str>,
}

impl Document {
    /// Line and column (in characters) of a byte, both counted from 1.
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken: stable, in kebab-case.
    pub rule: &'static str,
    /// What is wrong with which object, in one line.
    pub message: String,
    /// Where, in bytes, and what to write under it; none if it has no place in a file.
    pub place: Option<(Range<usize>, String)>,
    /// Other places that matter.
    pub related: Vec<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
}

/// Longer texts from a file are cut in the middle.
const LONGEST: usize = 400;

impl Problem {
    /// A problem without a place.
    pub(crate) fn new(rule: &'static str, message: impl AsRef<str>) -> Self {
        let message = printable(message.as_ref());
        Self { rule, message, place: None, related: Vec::new(), help: None }
    }

    /// Says where, and what to write under it.
    pub(crate) fn at(mut self, span: &Option<Range<usize>>, label: impl AsRef<str>) -> Self {
        self.place = span.clone().map(|span| (span, printable(label.as_ref())));
        self
    }

    /// Points to another place, if there is one.
    pub(crate) fn and(mut self, span: &Option<Range<usize>>, label: &str) -> Self {
        self.related.extend(span.clone().map(|span| (span, printable(label))));
        self
    }

    /// Says what to do.
    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(printable(help.as_ref()));
        self
    }
}

/// One line of bounded length that can't steer a terminal.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    if text.len() <= LONGEST {
        return text.chars().map(clean).collect();
    }
    let head = text.chars().take(LONGEST / 4);
    let mut tail: Vec<char> = text.chars().rev().take(LONGEST / 2).collect();
    tail.reverse();
    head.chain("…".chars()).chain(tail).map(clean).collect()
}

/// Everything that is wrong with one topology; Display shows it as plain text with the lines in question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    /// The text they point into.
    pub document: Document,
    /// The first hundred, in the order of their places.
    pub list: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

impl Problems {
    /// How many are kept; the rest is counted.
    pub const MAX: usize = 100;

    pub(crate) fn of(document: &Document) -> Self {
        Self { document: document.clone(), ..Self::default() }
    }

    /// Adds one, unless the same rule was already broken at the same place (one line may make many nodes).
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.list.len() == Self::MAX {
            self.more += 1;
            return;
        }
        let span = problem.place.as_ref().map(|(span, _)| span.clone());
        let known = match span.is_some() {
            true => self.knows(problem.rule, &span),
            false => {
                self.list.iter().any(|p| p.rule == problem.rule && p.message == problem.message)
            }
        };
        if !known {
            self.list.push(problem);
        }
    }

    /// Whether this rule was already broken at this place, so that nobody need look into it again.
    pub(crate) fn knows(&self, rule: &str, span: &Option<Range<usize>>) -> bool {
        let place = |p: &Problem| p.place.as_ref().map(|(span, _)| span.clone());
        span.is_some() && self.list.iter().any(|p| p.rule == rule && place(p) == *span)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// The candidate that was probably meant, as a question; none when nothing more will be shown anyway.
    pub(crate) fn suggest<'a>(
        &self,
        text: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<String> {
        const LONGEST_NAME: usize = 63;
        const MOST: usize = 2000;
        if self.list.len() == Self::MAX || text.len() > LONGEST_NAME {
            return None;
        }
        let lower = text.to_lowercase();
        let limit = (text.chars().count() / 3).max(1);
        candidates
            .into_iter()
            .take(MOST)
            .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
            .filter(|(distance, _)| *distance <= limit)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
    }

    /// Sorted by place, those without one last.
    pub(crate) fn sorted(mut self) -> Self {
        let start = |p: &Problem| p.place.as_ref().map_or(usize::MAX, |(span, _)| span.start);
        self.list.sort_by_key(start);
        self
    }
}

impl std::error::Error for Problems {}

impl Serialize for Problems {
    /// `{file, problems: [{rule, message, label, help, line, column}], more}`; lines and columns count from 1.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            rule: &'a str,
            message: &'a str,
            label: Option<&'a str>,
            help: Option<&'a str>,
            line: Option<usize>,
            column: Option<usize>,
        }
        let row = |p: &'_ Problem| -> (Option<usize>, Option<usize>) {
            p.place.as_ref().map_or((None, None), |(span, _)| {
                let (line, column) = self.document.position(span.start);
                (Some(line), Some(column))
            })
        };
        let rows: Vec<Row<'_>> = self
            .list
            .iter()
            .map(|p| {
                let (line, column) = row(p);
                let label = p.place.as_ref().map(|(_, label)| label.as_str());
                let help = p.help.as_deref();
                Row { rule: p.rule, message: &p.message, label, help, line, column }
            })
            .collect();
        let mut out = serializer.serialize_struct("Problems", 3)?;
        out.serialize_field("file", &self.document.file)?;
        out.serialize_field("problems", &rows)?;
        out.serialize_field("more", &self.more)?;
        out.end()
    }
}
