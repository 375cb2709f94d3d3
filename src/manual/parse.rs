//! From Markdown to a manual.

use std::{
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{
    Attributes, Block, Kind, Manual, Section,
    fence::{self, Fences},
    front::{self, Front},
    steps::{self, Context, SourceLine},
};
use crate::{
    name::NodeName,
    plan::{self, Plan},
    spec::{self, Document, Problem, Problems},
};

/// Larger manuals are refused: it is as much as a thick book.
pub(crate) const LARGEST: u64 = 1 << 20;

/// Reads a manual and the topology that it is done in.
///
/// # Errors
///
/// Everything that is wrong with the manual, or with its topology.
pub fn load(path: &Path) -> Result<(Manual, Plan), Problems> {
    let mut document = Document { file: path.display().to_string(), text: "".into() };
    let fail = |document: &Document, message: String| {
        let mut problems = Problems::of(document);
        problems.push(Problem::new("unreadable", message));
        problems
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(&document, format!("the manual can't be read: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fail(&document, "the manual is larger than 1 MiB".to_owned()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| fail(&document, format!("the manual is not UTF-8 text: {error}")))?;
    document.text = text.into();
    parse(document, path.parent().unwrap_or(Path::new("")))
}

/// Reads a manual from its text; the topology is looked for from `folder`.
///
/// # Errors
///
/// Everything that is wrong with the manual, or with its topology.
pub fn parse(document: Document, folder: &Path) -> Result<(Manual, Plan), Problems> {
    let mut problems = Problems::of(&document);
    let front = front::read(&document, &mut problems);
    let topology =
        front.topology.as_ref().map(|(written, span)| (place(folder, written), span.clone()));
    let plan = topology.as_ref().map(|(path, _)| resolve(path)).transpose();
    let plan = match plan {
        Ok(plan) => plan,
        // A topology that can't be found is the manual's fault; what is wrong in it is told as such.
        Err(found) => match found.list.as_slice() {
            [problem] if problem.rule == "unreadable" || problem.rule == "no-such-lab" => {
                let span = topology.as_ref().and_then(|(_, span)| span.clone());
                problems
                    .push(Problem::new("no-topology", &problem.message).at(&span, "named here"));
                None
            }
            _ => return Err(found),
        },
    };
    let nodes: Vec<NodeName> =
        plan.iter().flat_map(|plan| &plan.nodes).map(|node| node.name.clone()).collect();
    let Front { timeout, programs, names, roles, end, .. } = front;
    let context = Context { nodes: &nodes, names: &names };
    let sections = sections(&document, end, &context, &mut problems, plan.is_some());
    let topology = topology.map(|(path, _)| path).unwrap_or_default();
    match plan {
        Some(plan) if problems.is_empty() => {
            Ok((Manual { document, topology, timeout, programs, names, roles, sections }, plan))
        }
        _ => Err(problems.sorted()),
    }
}

fn place(folder: &Path, written: &Path) -> PathBuf {
    if written.to_str().is_some_and(|text| text.starts_with('@')) {
        written.to_owned()
    } else {
        folder.join(written)
    }
}

fn resolve(topology: &Path) -> Result<Plan, Problems> {
    let spec = match topology.to_str().and_then(|text| text.strip_prefix('@')) {
        None => spec::load(topology)?,
        Some(name) => spec::builtin(name).unwrap_or_else(|| {
            let mut problems = Problems::default();
            let message = format!(
                "there is no built-in lab @{name}; there is @{}",
                spec::BUILTIN.join(", @")
            );
            problems.push(Problem::new("no-such-lab", message));
            Err(problems)
        })?,
    };
    plan::resolve(&spec)
}

/// Headings and blocks. `steps`: whether the nodes are known, without which no line can be told to be a step.
fn sections(
    document: &Document,
    from: usize,
    context: &Context<'_>,
    problems: &mut Problems,
    steps: bool,
) -> Vec<Section> {
    let text = &document.text[from..];
    let mut sections =
        vec![Section { level: 0, title: String::new(), span: from..from, blocks: Vec::new() }];
    let mut heading: Option<String> = None;
    let mut block: Option<(Range<usize>, Attributes, Vec<SourceLine>)> = None;
    let mut fences = Fences::default();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let span = range.start + from..range.end + from;
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                heading = Some(String::new());
                if let Some(last) = sections.last_mut() {
                    last.span.end = span.start;
                }
                sections.push(Section {
                    level: level as usize,
                    title: String::new(),
                    span,
                    blocks: Vec::new(),
                });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let (Some(title), Some(section)) = (heading.take(), sections.last_mut()) {
                    section.title = title;
                }
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                block = fences
                    .read(&info, &span, document, problems)
                    .map(|attributes| (span, attributes, Vec::new()));
            }
            Event::Text(piece) if block.is_some() => {
                if let Some((_, _, lines)) = &mut block {
                    add(lines, document, &piece, &span);
                }
            }
            Event::Text(piece) | Event::Code(piece) => {
                if let Some(title) = &mut heading {
                    title.push_str(&piece);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(title) = &mut heading {
                    title.push(' ');
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let (Some((span, attributes, lines)), Some(section)) =
                    (block.take(), sections.last_mut())
                {
                    let closed = fence::is_closed(&span, document, problems);
                    let steps = if attributes.ignore || !steps || !closed {
                        Vec::new()
                    } else {
                        steps::read(&lines, context, problems)
                    };
                    section.blocks.push(Block { span, attributes, steps });
                }
            }
            _ => {}
        }
    }
    if let Some(last) = sections.last_mut() {
        last.span.end = document.text.len();
    }
    check_terminals(&sections, problems);
    if steps {
        fences.check(&sections, from, document, problems);
    }
    sections
}

/// Adds what the parser has of a block: whole lines, and of an indented block the line without its indentation.
fn add(lines: &mut Vec<SourceLine>, document: &Document, piece: &str, span: &Range<usize>) {
    let mut start = span.start;
    for line in piece.split_inclusive('\n') {
        let ended = line.ends_with('\n');
        if let Some(last) = lines.last_mut().filter(|last| !last.ended) {
            // Lines that end as on Windows come in two pieces.
            let text = line.trim_end_matches(['\n', '\r']);
            last.text.push_str(text);
            (last.end, last.ended) = (start + text.len(), ended);
            start += line.len();
            continue;
        }
        let begin = document.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let text = line.trim_end_matches(['\n', '\r']).to_owned();
        lines.push(SourceLine {
            end: (start + text.len()).min(span.end),
            text,
            start,
            ended,
            indent: document.text[begin..start].to_owned(),
        });
        start += line.len();
    }
}

/// Nobody can type at a terminal, or wait for it, where nothing was started.
fn check_terminals(sections: &[Section], problems: &mut Problems) {
    let mut known = std::collections::HashSet::new();
    for step in sections.iter().flat_map(|section| &section.blocks).flat_map(|block| &block.steps) {
        match &step.kind {
            Kind::Start { node, terminal: Some(terminal), .. } => {
                known.insert((node.clone(), terminal.clone()));
            }
            Kind::Type { node, terminal, .. } | Kind::Await { node, terminal }
                if !known.contains(&(node.clone(), terminal.clone())) =>
            {
                let problem = Problem::new(
                    "no-terminal",
                    format!("nothing was started at terminal {node}/{terminal}"),
                )
                .at(&Some(step.span.clone()), "nobody is there")
                .help(format!("start a program there first: `{node}/{terminal}$ …`"));
                problems.push(problem);
            }
            _ => {}
        }
    }
}
