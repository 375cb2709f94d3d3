//! What runs in a node and what it finds there: programs, environment, files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::de::DeValue;

use super::{
    File, Problem, Program, Source, Spanned,
    load::Files,
    reader::{Key, Reader, Value, spanned},
    value::below,
};
use crate::units::Delay;

/// How long a program may take to get ready if the file does not say.
pub(super) const TIMEOUT: Delay = Delay(Duration::from_secs(10));

pub(super) fn read(reader: &mut Reader, value: Option<&Value<'_>>, node: &str) -> Vec<Program> {
    let entries = reader.entries(value, &format!("`programs` of {node}"));
    entries.into_iter().filter_map(|(key, value)| program(reader, key, value, node)).collect()
}

fn program(reader: &mut Reader, key: &Key<'_>, value: &Value<'_>, node: &str) -> Option<Program> {
    let what = format!("program `{}` of {node}", key.get_ref());
    let name = reader.name(key, &format!("`programs` of {node}"));
    let mut table = reader.table(value, &what)?;
    let run = match table.get("run") {
        Some(value) => command(reader, value, &format!("`run` of {what}")),
        None => {
            reader.problems.push(no_command(&what).at(&Some(key.span()), "what shall it run?"));
            None
        }
    };
    let ready = table
        .get("ready")
        .and_then(|value| reader.parse("bad-ready", value, &format!("`ready` of {what}")));
    let timeout = table
        .get("timeout")
        .and_then(|value| reader.parse("bad-unit", value, &format!("`timeout` of {what}")));
    let env = env(reader, table.get("env"), &what);
    table.finish(reader);
    Some(Program {
        name: name?.value,
        run: run?,
        ready: ready.map(|ready| ready.value),
        timeout: timeout.map_or(TIMEOUT, |timeout| timeout.value),
        env,
    })
}

fn no_command(what: &str) -> Problem {
    Problem::new("no-command", format!("{what} has no command"))
        .help("write one, as in `run = \"labnet echo serve 10.0.0.2:5001\"`")
}

/// A command line of at least one word.
fn command(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Vec<String>> {
    let words = match value.get_ref() {
        DeValue::String(_) => {
            let text = reader.string(value, what)?;
            words(reader, &text, what)?
        }
        _ => reader.texts(value, what)?.into_iter().map(|word| word.value).collect(),
    };
    non_empty(reader, words, &Some(value.span()), what)
}

/// Splits a command line as a shell would.
pub(super) fn words(
    reader: &mut Reader,
    line: &Spanned<String>,
    what: &str,
) -> Option<Vec<String>> {
    let words = shlex::split(&line.value);
    if words.is_none() {
        let problem = Problem::new("bad-command", format!("{what} can't be split into words"))
            .at(&line.span, "a quote is not closed")
            .help("a list of words needs no quotes: `run = [\"echo\", \"it's\"]`");
        reader.problems.push(problem);
    }
    words
}

/// The words if the first can be a program.
pub(super) fn non_empty(
    reader: &mut Reader,
    words: Vec<String>,
    span: &Option<Range<usize>>,
    what: &str,
) -> Option<Vec<String>> {
    if words.first().is_none_or(String::is_empty) {
        reader.problems.push(no_command(what).at(span, "no program"));
        return None;
    }
    Some(words)
}

pub(super) fn env(
    reader: &mut Reader,
    value: Option<&Value<'_>>,
    what: &str,
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (key, value) in reader.entries(value, &format!("`env` of {what}")) {
        let name = key.get_ref();
        let text = reader.string(value, &format!("variable `{name}` of {what}"));
        if variable(reader, &spanned(key), what) {
            env.extend(text.map(|text| (name.to_string(), text.value)));
        }
    }
    env
}

/// Whether this can name a variable.
pub(super) fn variable(reader: &mut Reader, name: &Spanned<String>, what: &str) -> bool {
    let good = !name.value.is_empty() && !name.value.contains(['=', '\0']);
    if !good {
        let message = format!("`{}` in `env` of {what} can't name a variable", name.value);
        let problem = Problem::new("bad-env", message).at(&name.span, "empty, or holds `=` or NUL");
        reader.problems.push(problem);
    }
    good
}

pub(super) fn files(reader: &mut Reader, value: Option<&Value<'_>>, node: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut taken = BTreeSet::new();
    for (key, value) in reader.entries(value, &format!("`files` of {node}")) {
        let what = format!("file `{}` of {node}", key.get_ref());
        let target = target(reader, &spanned(key), &what, &taken);
        taken.extend(target.as_ref().map(|target| target.value.clone()));
        let source = reader.string(value, &what).and_then(|text| source(reader, &text, &what));
        files.extend(target.zip(source).map(|(target, source)| File { target, source }));
    }
    files
}

pub(super) fn target(
    reader: &mut Reader,
    key: &Spanned<String>,
    what: &str,
    taken: &BTreeSet<PathBuf>,
) -> Option<Spanned<PathBuf>> {
    let rule = match below(&key.value) {
        _ if key.value.contains('\0') => "it holds a NUL",
        Ok(path) if clashes(&path, taken) => "another file takes this place",
        Ok(path) => return Some(key.with(path)),
        Err(rule) => rule,
    };
    let problem = Problem::new("bad-target", format!("{what} can't be put there: {rule}"))
        .at(&key.span, rule)
        .help(
            "a target is a path below the node's home directory, as in `files.\"data/send.txt\"`",
        );
    reader.problems.push(problem);
    None
}

/// Whether the path is taken, lies below a taken one, or has a taken one below it.
fn clashes(path: &Path, taken: &BTreeSet<PathBuf>) -> bool {
    path.ancestors().any(|ancestor| taken.contains(ancestor))
        || taken.range(path.to_owned()..).next().is_some_and(|next| next.starts_with(path))
}

fn source(reader: &mut Reader, text: &Spanned<String>, what: &str) -> Option<Source> {
    let missing = match &reader.files {
        Files::Embedded(files) => match files.iter().find(|(path, _)| *path == text.value) {
            Some((_, content)) => return Some(Source::Inline((*content).to_owned())),
            None => "not carried by the program".to_owned(),
        },
        Files::Below(folder) => match folder.join(&text.value).metadata() {
            Ok(metadata) if metadata.is_file() => match fs::File::open(folder.join(&text.value)) {
                Ok(_) => return Some(Source::Path(text.value.clone().into())),
                Err(error) => error.to_string(),
            },
            Ok(_) => "not a regular file".to_owned(),
            Err(error) => error.to_string(),
        },
    };
    let message = format!("{what}: the source `{}` can't be used", text.value);
    let problem = Problem::new("missing-source", message)
        .at(&text.span, missing)
        .help("a source is a file, named relative to the topology file's folder");
    reader.problems.push(problem);
    None
}
