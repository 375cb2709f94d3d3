//! From a file to a spec.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use super::{Document, Problem, Problems, Spec, reader::Reader, topology};

/// Larger files are refused: a thousand nodes, each with twenty lines, are less.
const LARGEST: u64 = 1 << 20;
/// In larger files the first syntax error is the only one shown.
const LARGEST_TO_RECOVER: usize = 64 << 10;

/// Where the sources of nodes' files are looked up.
pub(super) enum Files {
    /// In this directory.
    Below(PathBuf),
    /// In the program itself: path and content.
    Embedded(&'static [(&'static str, &'static str)]),
}

/// Reads a topology file.
///
/// A spec is returned even if single values in it are wrong; [`plan::resolve`](crate::plan::resolve) reports
/// those together with what it finds itself, so that a user sees everything at once.
///
/// # Errors
///
/// When nothing can be said about single values: the file can't be read, is larger than 1 MiB, is not UTF-8 or not TOML.
pub fn load(path: &Path) -> Result<Spec, Problems> {
    let mut document = Document { file: path.display().to_string(), text: "".into() };
    let fail = |document: &Document, problem| {
        let mut problems = Problems::of(document);
        problems.push(problem);
        Err(problems)
    };
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(problem) => return fail(&document, *problem),
    };
    document.text = match String::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let byte = bytes.get(at).copied().unwrap_or_default();
            document.text = String::from_utf8_lossy(&bytes).into();
            let message = "the file is not UTF-8 text, which TOML is";
            let label = format!("byte 0x{byte:02x} does not belong here");
            return fail(
                &document,
                Problem::new("not-utf8", message).at(&Some(at..at + '\u{fffd}'.len_utf8()), label),
            );
        }
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse(document, &stem.unwrap_or_default(), Files::Below(folder))
}

fn read(path: &Path) -> Result<Vec<u8>, Box<Problem>> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = result {
        let help = match error.kind() {
            io::ErrorKind::NotFound => {
                "a lab is described by a TOML file; `labnet up @sockets` needs none"
            }
            io::ErrorKind::IsADirectory => "name the TOML file in it",
            _ => "the file must be readable by you",
        };
        let message = format!("the topology file can't be read: {error}");
        return Err(Problem::new("unreadable", message).help(help).into());
    }
    if bytes.len() as u64 > LARGEST {
        let message = "the topology file is larger than 1 MiB";
        let help = "many equal nodes are written as one: `[nodes.\"h{1..50}\"]`";
        return Err(Problem::new("too-large", message).help(help).into());
    }
    Ok(bytes)
}

/// Parses a document; `stem` names the lab if the document does not.
pub(super) fn parse(document: Document, stem: &str, files: Files) -> Result<Spec, Problems> {
    let text = document.text.clone();
    let mut reader = Reader { problems: Problems::of(&document), files };
    if text.trim().is_empty() {
        let problem = Problem::new("empty", "the topology file is empty").help(
            "a node is written `[nodes.R2]`, and below it `interfaces.eth0 = \"10.0.0.2/24\"`",
        );
        reader.problems.push(problem);
        return Err(reader.problems);
    }
    let table = match DeTable::parse(&text) {
        Ok(table) => table,
        Err(first) => {
            // Noise has an error on each line: the others are looked for only where there can't be millions.
            let errors = match text.len() <= LARGEST_TO_RECOVER {
                true => DeTable::parse_recoverable(&text).1,
                false => vec![first],
            };
            errors.iter().for_each(|error| reader.problems.push(syntax(&text, error)));
            return Err(reader.problems.sorted());
        }
    };
    let spec = topology::read(&mut reader, table.get_ref(), stem);
    Ok(Spec { problems: reader.problems, ..spec })
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let message = error.message();
    let span = error.span().map(|span| visible(text, span));
    let problem = Problem::new("syntax", format!("not TOML: {message}")).at(&span, message);
    if message.starts_with("invalid") || message.starts_with("string values must be quoted") {
        return problem.help("text stands in quotes, as in `\"10.0.0.2/24\"`");
    }
    problem
}

/// The same span on character boundaries.
fn visible(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    floor(span.start)..floor(span.end)
}
