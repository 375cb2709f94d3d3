//! The fences of blocks: which are run, and which were meant to be.

use std::ops::Range;

use super::{Attributes, Section};
use crate::spec::{Document, Problem, Problems};

/// What a block is marked with that is run.
const CONSOLE: &str = "console";
/// What others call a block of things to type.
const ALIKE: [&str; 8] =
    ["shell-session", "sh-session", "shellsession", "session", "terminal", "shell", "sh", "bash"];

/// The fences of a manual that are no business of labnet's, as long as there are others.
#[derive(Debug, Default)]
pub(super) struct Fences {
    /// The first that may have been meant for one, and the word it has instead.
    meant: Option<(Range<usize>, String)>,
}

impl Fences {
    /// What a fence says: none if the block is no business of labnet's.
    pub(super) fn read(
        &mut self,
        info: &str,
        span: &Range<usize>,
        document: &Document,
        problems: &mut Problems,
    ) -> Option<Attributes> {
        let mut words = info.split(',').map(str::trim);
        let line = span.start..line_end(document, span);
        let first = words.next().unwrap_or_default();
        if first == CONSOLE {
            return Some(attributes(words, line, problems));
        }
        let language = first.split(|c: char| c.is_whitespace() || c == '{').next();
        // Whatever it is set apart with, as by `console;setup` or `{.console}`.
        let is_mark = |c: char| !c.is_alphanumeric();
        let word = first.trim_start_matches(is_mark).split(is_mark).next().unwrap_or_default();
        if word.eq_ignore_ascii_case(CONSOLE) {
            let (message, help) = match word == CONSOLE && first.starts_with(CONSOLE) {
                true => (
                    format!("what follows `{CONSOLE}` in `{first}` says nothing of a block"),
                    "a comma comes first, as in `console,setup`; labnet runs `console` and nothing alike",
                ),
                false => (
                    format!("`{first}` is not `{CONSOLE}`: the block would not be run"),
                    "write `console`, or `console,ignore` for a block that is not to be run",
                ),
            };
            problems.push(
                Problem::new("bad-fence", message).at(&Some(line), "in this line").help(help),
            );
        } else if let Some(language) = language.filter(|language| is_like(language))
            && self.meant.is_none()
        {
            self.meant = Some((line, language.to_owned()));
        }
        None
    }

    /// A manual of which nothing is run would always pass.
    pub(super) fn check(
        self,
        sections: &[Section],
        from: usize,
        document: &Document,
        problems: &mut Problems,
    ) {
        let blocks = || sections.iter().flat_map(|section| &section.blocks);
        if !problems.is_empty() || blocks().any(|block| !block.steps.is_empty()) {
            return;
        }
        let problem = Problem::new("no-steps", "nothing in the manual is run");
        let help = "what is between the lines ```console and ``` is run, as in `R2$ hostname`";
        let problem = match (self.meant, blocks().next()) {
            (Some((line, word)), _) => problem
                .at(&Some(line), format!("`{word}` is not `{CONSOLE}`"))
                .help("blocks that are run begin with ```console"),
            (None, Some(block)) => {
                let label = match block.attributes.ignore {
                    true => "this block is not run",
                    false => "there is no step in it",
                };
                let line = block.span.start..line_end(document, &block.span);
                problem.at(&Some(line), label).help(help)
            }
            (None, None) => {
                let rest = &document.text[from..];
                let start = from + (rest.len() - rest.trim_start().len());
                let line = start..line_end(document, &(start..document.text.len()));
                problem.at(&Some(line), "from here on there is no block").help(help)
            }
        };
        problems.push(problem);
    }
}

/// A block that is not closed ends with the file or what it stands in, and has swallowed what was meant to follow it.
pub(super) fn is_closed(span: &Range<usize>, document: &Document, problems: &mut Problems) -> bool {
    let text = document.text[span.clone()].trim();
    let mark = text.chars().next().unwrap_or('`');
    let fence = &text[..text.len() - text.trim_start_matches(mark).len()];
    let last = text.rsplit_once('\n').map_or("", |(_, last)| last);
    // In lists and quotes, what they begin lines with stands before it.
    let last = last.trim_start_matches([' ', '\t', '>']);
    let closed = last.starts_with(fence) && last.trim_start_matches(mark).is_empty();
    if !closed {
        let line = span.start..line_end(document, span);
        problems.push(
            Problem::new("unclosed-fence", "the block is not closed")
                .at(&Some(line), "it begins here")
                .help(format!("a line {fence} ends it, indented as this one")),
        );
    }
    closed
}

/// Whether a block of this kind may have been meant to be run.
fn is_like(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let near = word.len() < 2 * CONSOLE.len() && strsim::damerau_levenshtein(&word, CONSOLE) <= 2;
    near || ALIKE.contains(&word.as_str())
}

/// Where the first line of a place ends.
fn line_end(document: &Document, span: &Range<usize>) -> usize {
    let line =
        document.text[span.start..].find('\n').map_or(span.end, |length| span.start + length);
    let text = &document.text[span.start..line];
    span.start + text.trim_end_matches('\r').len()
}

/// What stands behind `console`.
fn attributes<'a>(
    words: impl Iterator<Item = &'a str>,
    line: Range<usize>,
    problems: &mut Problems,
) -> Attributes {
    let mut attributes = Attributes::default();
    for word in words {
        let points = word.strip_prefix("points=").map(str::parse::<u32>);
        match (word, points) {
            ("ignore", _) => attributes.ignore = true,
            ("setup", _) => attributes.setup = true,
            ("xfail", _) => attributes.xfail = true,
            (_, Some(Ok(points))) => attributes.points = Some(points),
            _ => {
                let known = ["ignore", "setup", "xfail", "points"];
                let help = problems.suggest(word, known).unwrap_or_else(|| {
                    "a block may be `console,ignore`, `console,setup`, `console,xfail` or `console,points=10`".to_owned()
                });
                let message = format!("`{word}` says nothing of a block");
                problems.push(
                    Problem::new("bad-attribute", message)
                        .at(&Some(line.clone()), "in this line")
                        .help(help),
                );
            }
        }
    }
    attributes
}
