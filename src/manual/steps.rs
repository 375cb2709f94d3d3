//! The steps of a block.

use std::ops::Range;

use super::{Key, Kind, Line, Names, Pattern, Status, Step};
use crate::{
    name::NodeName,
    spec::{Problem, Problems, Ready},
};

/// More expected lines than anybody would read.
const MOST_LINES: usize = 2000;

/// A line of a block and its place in the document.
#[derive(Debug, Clone)]
pub(super) struct SourceLine {
    pub(super) text: String,
    pub(super) start: usize,
    /// Where it ends there: of a tab that is in part the block's indentation, the text has blanks instead.
    pub(super) end: usize,
    /// Whether all of it is here.
    pub(super) ended: bool,
    pub(super) indent: String,
}

impl SourceLine {
    fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// What lines are read by.
pub(super) struct Context<'a> {
    pub(super) nodes: &'a [NodeName],
    pub(super) names: &'a Names,
}

/// Reads the lines of a block.
pub(super) fn read(
    lines: &[SourceLine],
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        let Some(start) = context.start(&line.text) else {
            if !line.text.trim().is_empty() {
                problems.push(no_step(line, context));
            }
            continue;
        };
        let continued = rest.iter().take_while(|line| line.text.starts_with("> ")).count();
        let (continuations, after) =
            if start.continues() { rest.split_at(continued) } else { rest.split_at(0) };
        rest = after;
        let text = continuations
            .iter()
            .fold(start.text.to_owned(), |text, line| text + "\n" + &line.text[2..]);
        let last = continuations.last().unwrap_or(line);
        let mut span = line.start..last.span().end;
        let status = rest.first().and_then(|line| Some((line, line.text.strip_prefix("? ")?)));
        if let Some((line, _)) = status {
            rest = &rest[1..];
            span.end = line.span().end;
        }
        let status = status.and_then(|(line, text)| read_status(line, text, problems));
        let expected = rest.iter().take_while(|line| context.start(&line.text).is_none()).count();
        let (output, after) = rest.split_at(expected);
        rest = after;
        let Some(kind) = start.kind(text, &span, problems) else { continue };
        // Blank lines between steps are for the reader.
        let blank = output.iter().rev().take_while(|line| line.text.trim().is_empty()).count();
        let output = &output[..output.len() - blank];
        check_output(&kind, output, problems);
        steps.push(Step {
            output: output
                .first()
                .zip(output.last())
                .map_or(span.end..span.end, |(first, last)| first.start..last.span().end),
            kind,
            status,
            span,
            expected: Pattern {
                lines: output.iter().map(|line| Line::parse(&line.text, context.names)).collect(),
            },
            indent: line.indent.clone(),
        });
    }
    steps
}

/// How a line begins that is a step.
struct Start<'a> {
    mark: Mark,
    node: Option<NodeName>,
    terminal: Option<&'a str>,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Run,
    Type,
    Await,
}

impl Context<'_> {
    /// The beginning of a step, if the line is one: `$ `, or a node of the topology and a mark.
    fn start<'a>(&self, line: &'a str) -> Option<Start<'a>> {
        if let Some(text) = line.strip_prefix("$ ") {
            return Some(Start { mark: Mark::Run, node: None, terminal: None, text });
        }
        let end = line.find(|c: char| "$<>".contains(c) || c.is_whitespace())?;
        let (place, rest) = line.split_at(end);
        let (node, terminal) =
            place.split_once('/').map_or((place, None), |(node, terminal)| (node, Some(terminal)));
        let node = self.nodes.iter().find(|known| known.as_str() == node)?.clone();
        if terminal.is_some_and(|name| {
            name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        }) {
            return None;
        }
        let (mark, text) = match rest {
            "$" => (Mark::Run, ""),
            ">" => (Mark::Type, ""),
            _ if rest.trim_end() == "<" => (Mark::Await, ""),
            _ => match rest.split_at_checked(2)? {
                ("$ ", text) => (Mark::Run, text),
                ("> ", text) => (Mark::Type, text),
                _ => return None,
            },
        };
        let named = mark == Mark::Run || terminal.is_some();
        named.then_some(Start { mark, node: Some(node), terminal, text })
    }
}

impl Start<'_> {
    fn continues(&self) -> bool {
        self.mark == Mark::Run
    }

    fn kind(&self, text: String, span: &Range<usize>, problems: &mut Problems) -> Option<Kind> {
        let span = Some(span.clone());
        let terminal = self.terminal.map(ToOwned::to_owned);
        match (self.mark, self.node.clone()) {
            (Mark::Run, None) => {
                let Some(words) = shlex::split(&text) else {
                    problems.push(
                        Problem::new("open-quote", "a quote is not closed")
                            .at(&span, "in this line"),
                    );
                    return None;
                };
                match words.split_first() {
                    Some((labnet, words)) if labnet == "labnet" => {
                        Some(Kind::Host { words: words.to_vec() })
                    }
                    _ => {
                        let problem = Problem::new("not-labnet", "on the host, a manual runs nothing but labnet")
                            .at(&span, "not a call of labnet")
                            .help("put the node's name before the `$` to run it there; a block of examples is `console,ignore`");
                        problems.push(problem);
                        None
                    }
                }
            }
            (Mark::Run, Some(node)) => {
                let (command, background) = background(&text, &span, problems)?;
                Some(Kind::Start { node, terminal, command, background })
            }
            (Mark::Type, Some(node)) => {
                let key = match text.strip_prefix('^').map(str::as_bytes) {
                    Some([key @ (b'@'..=b'_' | b'a'..=b'z')]) => Key::Ctrl(char::from(*key)),
                    _ => Key::Line(text),
                };
                Some(Kind::Type { node, terminal: terminal?, key })
            }
            (Mark::Await, Some(node)) => Some(Kind::Await { node, terminal: terminal? }),
            (_, None) => None,
        }
    }
}

/// A command line with or without an `&` at its end, behind which `# ready tcp:PORT` may say when it is ready.
fn background(
    text: &str,
    span: &Option<Range<usize>>,
    problems: &mut Problems,
) -> Option<(String, Option<Option<Ready>>)> {
    let (line, ready) = match text.rsplit_once("# ready ") {
        Some((line, ready)) if line.trim_end().ends_with('&') => {
            (line.trim_end(), Some(ready.trim()))
        }
        _ => (text.trim_end(), None),
    };
    let command = match line.strip_suffix('&') {
        Some(before) if !before.ends_with('&') => before.trim_end(),
        _ => return Some((text.to_owned(), None)),
    };
    let ready = match ready.map(str::parse::<Ready>) {
        None => None,
        Some(Ok(ready)) => Some(ready),
        Some(Err(error)) => {
            problems.push(Problem::new("bad-ready", error.to_string()).at(span, "in this line"));
            return None;
        }
    };
    Some((command.to_owned(), Some(ready)))
}

fn read_status(line: &SourceLine, text: &str, problems: &mut Problems) -> Option<Status> {
    let status = match text.trim() {
        "success" => Some(Status::Success),
        "failed" => Some(Status::Failed),
        "interrupted" => Some(Status::Interrupted),
        number => number.parse::<u8>().ok().map(|code| Status::Code(code.into())),
    };
    if status.is_none() {
        let problem = Problem::new("bad-status", format!("`{}` is not how a program ends", text.trim()))
            .at(&Some(line.span()), "not a status")
            .help("write `? success`, `? failed`, `? interrupted` or an exit code from 0 to 255, as in `? 3`");
        problems.push(problem);
    }
    status
}

fn check_output(kind: &Kind, output: &[SourceLine], problems: &mut Problems) {
    let Some((first, last)) = output.first().zip(output.last()) else { return };
    let span = Some(first.start..last.span().end);
    let problem = match kind {
        Kind::Type { node, terminal, .. } => {
            Problem::new("typed-output", "what is typed at a terminal prints nothing of its own")
                .at(&span, "this would never be compared")
                .help(format!(
                    "write `{node}/{terminal}<` before it to wait for what the terminal shows"
                ))
        }
        Kind::Start { node, background: Some(_), terminal, .. } => {
            let terminal = terminal.as_deref().unwrap_or("TERMINAL");
            Problem::new("background-output", "what goes on with `&` is not waited for")
                .at(&span, "this would never be compared")
                .help(format!("start it at a terminal, `{node}/{terminal}$ …`, and wait with `{node}/{terminal}<`"))
        }
        _ if output.len() > MOST_LINES => Problem::new(
            "too-long",
            format!("{} expected lines are more than {MOST_LINES}", output.len()),
        )
        .at(&span, "too many")
        .help("a line `...` stands for any number of lines"),
        _ => return,
    };
    problems.push(problem);
}

fn no_step(line: &SourceLine, context: &Context<'_>) -> Problem {
    let nodes: Vec<&str> = context.nodes.iter().map(NodeName::as_str).collect();
    Problem::new("no-step", "there is no step that could print this")
        .at(&Some(line.span()), "output must follow a step")
        .help(format!(
            "a step is `$ labnet …`, or begins with a node of the topology ({}), as in `{}$ …`",
            nodes.join(", "),
            nodes.first().unwrap_or(&"R2")
        ))
}
