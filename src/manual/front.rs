//! What stands before a manual's text: where it is done, and what words in it mean.

use std::{collections::BTreeMap, ops::Range, path::PathBuf, time::Duration};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Names, Role};
use crate::{
    spec::{Document, Problem, Problems},
    units::Delay,
};

/// How long a step may take if nothing is said.
const TIMEOUT: Duration = Duration::from_secs(5);

/// As written, in YAML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    topology: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    #[serde(default)]
    programs: bool,
    #[serde(default)]
    names: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<String>>,
}

/// As understood.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// As written, with its place.
    pub(super) topology: Option<(PathBuf, Option<Range<usize>>)>,
    pub(super) timeout: Duration,
    pub(super) programs: bool,
    pub(super) names: Names,
    pub(super) roles: Vec<Role>,
    /// Where the text begins.
    pub(super) end: usize,
}

/// Reads the front matter: YAML between two lines `---` at the very beginning.
pub(super) fn read(document: &Document, problems: &mut Problems) -> Front {
    let text = &*document.text;
    let Some((yaml, end)) = between_fences(text) else {
        let problem =
            Problem::new("no-front-matter", "the manual does not say which topology it is done in")
                .at(&Some(0..text.find('\n').unwrap_or(text.len())), "the first line must be `---`")
                .help("begin with the lines `---`, `topology: lab.toml`, `---`");
        problems.push(problem);
        return Front { timeout: TIMEOUT, ..Front::default() };
    };
    let mut front = Front { timeout: TIMEOUT, end, ..Front::default() };
    let written: Written = match serde_saphyr::from_str(&text[yaml.clone()]) {
        Ok(written) => written,
        Err(error) => {
            let at = error.location().and_then(|location| location.span().byte_offset());
            let at = at.map_or(yaml.start, |at| (yaml.start + at as usize).min(yaml.end));
            let rest = text.get(at..yaml.end).unwrap_or_default();
            let line = rest.find('\n').map_or(yaml.end, |length| at + length);
            let what = error.without_snippet().to_string();
            // It counts lines from another place.
            let what = what.split(" at line ").next().unwrap_or_default();
            let message = format!("the front matter is not as it should be: {what}");
            let help = "it has `topology: FILE`, and may have `timeout: 5s`, `names:` and `roles:`";
            problems.push(
                Problem::new("bad-front-matter", message).at(&Some(at..line), "here").help(help),
            );
            return front;
        }
    };
    let place = |value: &Spanned<String>| {
        let span = value.referenced.span();
        let start = yaml.start + span.byte_offset()? as usize;
        let length = span.byte_len()? as usize;
        (start + length <= yaml.end).then_some(start..start + length)
    };
    match &written.topology {
        Some(topology) => front.topology = Some((topology.value.clone().into(), place(topology))),
        None => problems.push(
            Problem::new("no-topology", "the manual does not say which topology it is done in")
                .at(
                    &Some(yaml.start.saturating_sub(4)..yaml.start.saturating_sub(1)),
                    "in this front matter",
                )
                .help(
                    "add `topology: lab.toml`, relative to the manual, or `topology: '@sockets'`",
                ),
        ),
    }
    front.programs = written.programs;
    if let Some(timeout) = &written.timeout {
        match timeout.value.parse::<Delay>() {
            Ok(delay) => front.timeout = delay.0,
            Err(error) => problems.push(
                Problem::new("bad-timeout", error.to_string())
                    .at(&place(timeout), "not a length of time"),
            ),
        }
    }
    for (name, expression) in written.names {
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) {
            let message = format!("`{name}` can't be the name of a placeholder");
            problems.push(
                Problem::new("bad-name", message)
                    .at(&place(&expression), "of this")
                    .help("use letters, digits, - and _"),
            );
        } else if let Err(error) = front.names.declare(name.clone(), &expression.value) {
            let what =
                error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let message = format!("what `[{name}]` stands for is no regular expression");
            problems.push(Problem::new("bad-expression", message).at(&place(&expression), what));
        }
    }
    for (name, prefix) in written.roles {
        if prefix.value.trim().is_empty() {
            let message = format!("role `{name}` has no command");
            problems.push(Problem::new("bad-role", message).at(&place(&prefix), "empty"));
        }
        let twin = front.roles.iter().find(|role: &&Role| role.prefix == prefix.value.trim());
        if let Some(twin) = twin.filter(|role| !role.prefix.is_empty()) {
            let message = format!("roles `{}` and `{name}` have the same command", twin.name);
            problems.push(
                Problem::new("bad-role", message)
                    .at(&place(&prefix), "no line can be told to be this one's")
                    .help("a role's command may begin as another's does, if it says more"),
            );
        }
        front.roles.push(Role { name, prefix: prefix.value.trim().to_owned() });
    }
    front
}

/// Where the YAML is, and where what follows it begins.
fn between_fences(text: &str) -> Option<(Range<usize>, usize)> {
    let mut lines = text.split_inclusive('\n');
    // Some editors write a byte order mark before everything else (RFC 3629, section 6).
    let mark = |line: &str| line.strip_prefix('\u{feff}').unwrap_or(line).trim_end() == "---";
    let first = lines.next().filter(|line| mark(line))?;
    let mut at = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return Some((first.len()..at, at + line.len()));
        }
        at += line.len();
    }
    None
}
