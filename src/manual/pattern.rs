//! Expected output with wildcards.

use std::collections::BTreeMap;

use regex::Regex;

/// How many comparisons one match may take: output of a thousand lines against as many with wildcards is far below.
const EFFORT: usize = 500_000;

/// What ends a line in Markdown as a line feed does, and what is replaced in it (CommonMark 0.31, sections 2.1 and 2.3).
const NO_TEXT: [char; 2] = ['\r', '\0'];

/// The declared placeholders and what each stands for.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<(String, Regex)>);

impl Names {
    /// Declares a name.
    ///
    /// # Errors
    ///
    /// If the text is no regular expression, with what is wrong with it.
    pub fn declare(&mut self, name: String, expression: &str) -> Result<(), String> {
        // It must take in all of what it stands for.
        let whole = format!(r"\A(?:{expression})\z");
        // The expression alone first, so that an error shows it as it was written.
        let regex = Regex::new(expression).and_then(|_| Regex::new(&whole));
        let regex = regex.map_err(|error| error.to_string())?;
        self.0.push((name, regex));
        Ok(())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| known == name)
    }
}

/// What names have turned out to stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<usize, String>);

impl Bindings {
    /// The names that are bound, with their values.
    pub fn iter<'a>(&'a self, names: &'a Names) -> impl Iterator<Item = (&'a str, &'a str)> {
        let name = |place: &usize| names.0.get(*place).map_or("", |(name, _)| name.as_str());
        self.0.iter().map(move |(place, value)| (name(place), value.as_str()))
    }
}

/// Expected lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    /// In order.
    pub lines: Vec<Line>,
}

/// An expected line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// `...`: any number of lines.
    Any,
    /// One line.
    One {
        /// As written.
        text: String,
        /// What it is made of.
        parts: Vec<Part>,
    },
}

/// A part of an expected line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Text(String),
    /// `[..]`: anything.
    Any,
    /// `[NAME]`: the declared name of this number.
    Name(usize),
}

/// Whether a line of output would be taken for something else in a block: for a step, a status, what goes on with the line before,
/// or the block's end.
fn means_something(output: &str) -> bool {
    let text = output.trim_start();
    let mark = text.find(|c: char| c.is_whitespace() || "$<>".contains(c));
    let place = mark.is_some_and(|at| at > 0 && text[at..].starts_with(['$', '<', '>']));
    place || ["\\", "$ ", "> ", "? ", "```", "~~~"].iter().any(|start| text.starts_with(start))
}

/// Whether output is what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// It is; with what names stand for now.
    Yes(Bindings),
    /// Not yet: more output may make it so.
    NotYet,
    /// It is not.
    No,
}

impl Line {
    /// Reads an expected line; trailing blanks don't count.
    pub fn parse(text: &str, names: &Names) -> Self {
        let text = text.trim_end();
        if text == "..." {
            return Self::Any;
        }
        let parts = match text.strip_prefix('\\') {
            Some(literal) => vec![Part::Text(literal.to_owned())],
            None => parts(text, names),
        };
        Self::One { text: text.to_owned(), parts }
    }

    /// As written.
    pub fn text(&self) -> &str {
        match self {
            Self::Any => "...",
            Self::One { text, .. } => text,
        }
    }

    /// A line that stands for exactly this output; but what ends a line in Markdown, or can't be in it, is `[..]`.
    pub fn literal(output: &str, names: &Names) -> Self {
        let output = output.trim_end();
        if output.contains(NO_TEXT) {
            // A bracket may be the beginning of something else.
            let text = output.replace(NO_TEXT, "[..]");
            let marked = means_something(&text) || output.contains('[');
            return Self::parse(if marked { "[..]" } else { &text }, names);
        }
        let plain = Self::One {
            text: output.to_owned(),
            parts: if output.is_empty() { Vec::new() } else { vec![Part::Text(output.to_owned())] },
        };
        if !means_something(output) && Self::parse(output, names) == plain {
            return plain;
        }
        Self::One { text: format!("\\{output}"), parts: vec![Part::Text(output.to_owned())] }
    }

    /// Whether this line of output is such a line.
    pub fn matches(&self, output: &str, names: &Names, bound: &Bindings) -> bool {
        let mut search = Search { names, left: EFFORT };
        match self {
            Self::Any => true,
            Self::One { parts, .. } => {
                search.line(parts, output.trim_end(), bound.clone(), &mut |_| true)
            }
        }
    }
}

fn parts(text: &str, names: &Names) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        literal.push_str(before);
        let part = from[1..].split_once(']').and_then(|(inner, after)| match inner {
            ".." => Some((Part::Any, after)),
            name => names.place(name).map(|place| (Part::Name(place), after)),
        });
        match part {
            Some((part, after)) => {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                if part != Part::Any || parts.last() != Some(&Part::Any) {
                    parts.push(part);
                }
                rest = after;
            }
            None => {
                literal.push('[');
                rest = &from[1..];
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}

impl Pattern {
    /// Its lines less blank ones at its end.
    fn wanted(&self) -> &[Line] {
        let blank = |line: &Line| matches!(line, Line::One { parts, .. } if parts.is_empty());
        let end = self.lines.iter().rposition(|line| !blank(line)).map_or(0, |last| last + 1);
        &self.lines[..end]
    }

    /// Whether it ends with `...`, which leaves a line that has not ended to what is expected next.
    pub(super) fn is_open(&self) -> bool {
        self.wanted().last() == Some(&Line::Any)
    }

    /// Compares output with what is expected. `complete`: there will be no more of it. Blank lines at the end of either don't count.
    ///
    /// Of output that is not complete, a line that has not ended is not compared if `...` is the last that is expected.
    pub fn matches(
        &self,
        output: &str,
        complete: bool,
        names: &Names,
        bound: &Bindings,
    ) -> Matched {
        let wanted = self.wanted();
        let mut lines: Vec<&str> = output.split('\n').map(str::trim_end).collect();
        // What follows the last line end is a line only if there is something.
        let mut partial = lines.pop().filter(|rest| !rest.is_empty());
        // A prompt has no line end, and waits for an answer.
        let prompt = |line: &Line| match line {
            Line::One { parts, .. } => {
                matches!(parts.as_slice(), [Part::Text(text)] if partial == Some(text))
            }
            Line::Any => false,
        };
        if complete || wanted.last().is_some_and(prompt) {
            lines.extend(partial.take());
        }
        if complete {
            while lines.last().is_some_and(|line| line.is_empty()) {
                lines.pop();
            }
        }
        let mut search = Search { names, left: EFFORT };
        let mut found = None;
        let mut could = false;
        search.lines(wanted, &lines, bound.clone(), &mut |end, bindings| {
            match end {
                End::Both if partial.is_none() || self.is_open() => found = Some(bindings),
                End::Output => could = true,
                End::Both => {}
            }
            found.is_some()
        });
        match found {
            Some(bindings) => Matched::Yes(bindings),
            None if could && !complete => Matched::NotYet,
            None => Matched::No,
        }
    }

    /// The names in it whose values are known, with these.
    pub fn known<'a>(
        &'a self,
        names: &'a Names,
        bound: &'a Bindings,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let has = |name: &str| {
            let part = names.place(name).map(Part::Name);
            self.lines.iter().any(|line| match line {
                Line::Any => false,
                Line::One { parts, .. } => parts.iter().any(|one| Some(one) == part.as_ref()),
            })
        };
        bound.iter(names).filter(move |(name, _)| has(name))
    }
}

/// What came to its end first.
enum End {
    Both,
    /// More is expected than there is.
    Output,
}

struct Search<'a> {
    names: &'a Names,
    left: usize,
}

impl Search<'_> {
    /// Whether there is still time; a manual can't make this take for ever.
    fn spend(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Tries all ways to read `lines` as `wanted`; `done` says whether one is good enough. True: it was.
    fn lines(
        &mut self,
        wanted: &[Line],
        lines: &[&str],
        bound: Bindings,
        done: &mut dyn FnMut(End, Bindings) -> bool,
    ) -> bool {
        if !self.spend() {
            return false;
        }
        match (wanted.split_first(), lines.split_first()) {
            (None, None) => done(End::Both, bound),
            (None, Some(_)) => false,
            (Some((Line::Any, rest)), _) => {
                (0..=lines.len()).any(|skip| self.lines(rest, &lines[skip..], bound.clone(), done))
            }
            (Some(_), None) => done(End::Output, bound),
            (Some((Line::One { parts, .. }, rest)), Some((line, others))) => {
                let mut ways = Vec::new();
                self.line(parts, line, bound, &mut |bindings| {
                    if !ways.contains(&bindings) {
                        ways.push(bindings);
                    }
                    // Without names there is but one way that matters.
                    !parts.iter().any(|part| matches!(part, Part::Name(_))) || ways.len() == 64
                });
                ways.into_iter().any(|bindings| self.lines(rest, others, bindings, done))
            }
        }
    }

    fn line(
        &mut self,
        parts: &[Part],
        text: &str,
        bound: Bindings,
        done: &mut dyn FnMut(Bindings) -> bool,
    ) -> bool {
        if !self.spend() {
            return false;
        }
        let Some((part, rest)) = parts.split_first() else {
            return text.is_empty() && done(bound);
        };
        match part {
            Part::Text(literal) => text
                .strip_prefix(literal.as_str())
                .is_some_and(|after| self.line(rest, after, bound, done)),
            Part::Any if rest.is_empty() => done(bound),
            Part::Any => splits(text).any(|at| self.line(rest, &text[at..], bound.clone(), done)),
            Part::Name(name) => {
                if let Some(value) = bound.0.get(name).cloned() {
                    return text
                        .strip_prefix(value.as_str())
                        .is_some_and(|after| self.line(rest, after, bound, done));
                }
                let (_, regex) = &self.names.0[*name];
                // The longest first, as a regular expression would have it.
                splits(text).rev().any(|at| {
                    if !self.spend() || !regex.is_match(&text[..at]) {
                        return false;
                    }
                    let mut bound = bound.clone();
                    bound.0.insert(*name, text[..at].to_owned());
                    self.line(rest, &text[at..], bound, done)
                })
            }
        }
    }
}

/// Where a text can be split in two.
fn splits(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()])
}
