//! Problems as people read them: the line in question, underlined, with what is wrong and what to do.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Document, Problem, Problems};

/// Longer lines are not shown, only named.
const LONGEST_LINE: usize = 500;

impl Problems {
    /// The problems as text in the style of rustc; `styled` adds terminal colours.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let count = self.count();
        let s = if count == 1 { "" } else { "s" };
        let mut out = format!("{}: {count} problem{s}\n", self.document.file);
        for problem in &self.list {
            out.push('\n');
            out.push_str(renderer.render(&[group(&self.document, problem)]).trim_end());
            out.push('\n');
        }
        if self.more > 0 {
            out.push_str(&format!("\nand {} more\n", self.more));
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

fn group<'a>(document: &'a Document, problem: &'a Problem) -> Group<'a> {
    let title = Level::ERROR.primary_title(&*problem.message).id(problem.rule);
    let mut group = Group::with_title(title);
    let primary = problem.place.iter().map(|place| (AnnotationKind::Primary, place));
    let related = problem.related.iter().map(|place| (AnnotationKind::Context, place));
    for (kind, (span, label)) in primary.chain(related) {
        group = match excerpt(document, span) {
            Some(Excerpt { line, text, span }) => group.element(
                Snippet::source(text)
                    .path(&*document.file)
                    .line_start(line)
                    .annotation(kind.span(span).label(&**label)),
            ),
            None => {
                let (line, column) = document.position(span.start);
                group.element(Origin::path(&*document.file).line(line).char_column(column))
            }
        };
    }
    if problem.place.is_none() {
        group = group.element(Origin::path(&*document.file));
    }
    match &problem.help {
        Some(help) => group.element(Level::HELP.message(&**help)),
        None => group,
    }
}

/// One line of a document and the part of it that matters.
struct Excerpt<'a> {
    line: usize,
    text: &'a str,
    span: Range<usize>,
}

/// The first line that the span touches; none if it is too long to show.
fn excerpt<'a>(document: &'a Document, span: &Range<usize>) -> Option<Excerpt<'a>> {
    let text = &*document.text;
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.start..].find('\n').map_or(text.len(), |newline| span.start + newline);
    let line = text[start..end].trim_end_matches('\r');
    // A span may begin at the line's end, or on it.
    let within = |at: usize| (at - start).min(line.len());
    (line.len() <= LONGEST_LINE).then(|| Excerpt {
        line: document.position(span.start).0,
        text: line,
        span: within(span.start)..within(span.end.max(span.start)),
    })
}
