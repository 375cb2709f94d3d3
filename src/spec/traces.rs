//! Recordings of rates that a topology names.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use super::{
    Problem,
    load::Files,
    reader::{Reader, Value},
};
use crate::impairment::Trace;

/// Larger files are refused: as many lines as a trace may have, each with ten digits.
const LARGEST: u64 = (Trace::MOST as u64) * 11;

/// Reads the trace that a value names, a file relative to the topology file's folder.
pub(super) fn read(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Trace> {
    let name = reader.string(value, what)?;
    let content = match &reader.files {
        Files::Embedded(files) => match files.iter().find(|(path, _)| *path == name.value) {
            Some((_, content)) => Ok((*content).to_owned()),
            None => Err("not carried by the program".to_owned()),
        },
        Files::Below(folder) => text(&folder.join(&name.value)),
    };
    let content = match content {
        Ok(content) => content,
        Err(reason) => {
            let message = format!("{what}: the trace `{}` can't be used", name.value);
            let problem = Problem::new("bad-trace", message)
                .at(&name.span, reason)
                .help("a trace is a file, named relative to the topology file's folder");
            reader.problems.push(problem);
            return None;
        }
    };
    match Trace::parse(&name.value, &content) {
        Ok(trace) => Some(trace),
        Err(error) => {
            let message = format!("{what}: `{}`, {error}", name.value);
            let problem = Problem::new("bad-trace", message)
                .at(&name.span, format!("line {} of it is wrong", error.line))
                .help(
                    "a trace has a time in milliseconds on each line, in order, as mahimahi's do",
                );
            reader.problems.push(problem);
            None
        }
    }
}

/// All of a regular file, which must be text; or why there is none.
fn text(path: &Path) -> Result<String, String> {
    // Opening what is no regular file could wait for ever.
    let told = |error: io::Error| error.to_string();
    if !fs::metadata(path).map_err(told)?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(told)?;
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(told)?;
    if content.len() as u64 > LARGEST {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    String::from_utf8(content).map_err(|_| "not text".to_owned())
}
