//! The sources keep to the crate's layers, to one module with `unsafe`, and to files and folders that one can read.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// The modules from the bottom up; each may use those before it.
const LAYERS: [&str; 13] = [
    "units",
    "name",
    "packet",
    "impairment",
    "spec",
    "plan",
    "kernel",
    "wire",
    "init",
    "lab",
    "manual",
    "report",
    "cli",
];
/// Stands beside the layers: it uses none of them, and only `cli` uses it.
const APPS: &str = "apps";

/// Whether code in one module may name another.
fn allowed(from: &str, to: &str) -> bool {
    let layer = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    match (layer(from), layer(to)) {
        _ if from == to => true,
        (Some(from), Some(to)) => to < from,
        (Some(_), None) => from == "cli" && to == APPS,
        (None, _) => false,
    }
}

#[test]
fn every_module_uses_only_those_below_it() {
    let files = sources("src");
    let homes = homes(&files);
    let mut forbidden = Vec::new();
    for (path, source) in &files {
        let Some(module) = module(path) else { continue };
        for used in references(source, depth(path)) {
            let home = homes.get(&used).unwrap_or(&used);
            if !allowed(&module, home) {
                forbidden.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert_eq!(
        forbidden, [""; 0],
        "the order is {LAYERS:?}; `{APPS}` uses nothing and serves `cli` only"
    );
}

#[test]
fn the_order_is_the_documented_one() {
    for (from, to) in [("plan", "spec"), ("cli", "apps"), ("report", "packet"), ("wire", "wire")] {
        assert!(allowed(from, to), "{from} uses {to}");
    }
    for (from, to) in [
        ("spec", "plan"),
        ("packet", "impairment"),
        ("name", "spec"),
        ("units", "name"),
        ("kernel", "init"),
        ("lab", "report"),
        ("lab", "apps"),
        ("apps", "name"),
        ("report", "cli"),
        ("plan", "Lab"),
    ] {
        assert!(!allowed(from, to), "{from} uses {to}");
    }
}

#[test]
fn references_are_found_however_they_are_written() {
    let found = |source: &str, depth| references(source, depth).into_iter().collect::<Vec<_>>();
    assert_eq!(found("use crate::plan::Plan;", 2), ["plan"]);
    assert_eq!(found("use crate::{name::{A, B}, units, self};", 2), ["name", "units"]);
    assert_eq!(found("pub(in crate::lab) fn f() -> crate::spec::X {}", 2), ["lab", "spec"]);
    assert_eq!(found("$crate::kernel::x()", 2), ["kernel"]);
    assert_eq!(found("use super::other; use super::super::wire::Y;", 2), ["wire"]);
    assert_eq!(found("use super::{super::{wire, lab}, own};", 2), ["lab", "wire"]);
    assert_eq!(found("use super::wire::Y;", 1), ["wire"]);
    assert_eq!(found("mod inner { use super::own; use super::super::wire; }", 1), ["wire"]);
    assert_eq!(found("use labnet::cli;", 1), ["cli"]);
    assert_eq!(found("use crate::Lab;", 2), ["Lab"]);
    assert_eq!(found("use crate::*;", 2), ["*"]);
    assert_eq!(found("use super::super::wire;", 3), [""; 0]);
    let quiet = "// crate::lab\n/* crate::lab /* */ */ let a = (\"crate::lab\", r#\"\"crate::lab\"#, 'c', '\"'); fn f<'a>() {}";
    assert_eq!(found(quiet, 2), [""; 0]);
}

#[test]
fn names_at_the_root_belong_to_the_modules_they_come_from() {
    let files = [
        ("src/lib.rs", "pub use crate::{kernel::K, lab::{A, run as go}}; pub use crate::spec::S;"),
        ("src/kernel/x.rs", "#[macro_export] macro_rules! at_load { () => {} }"),
    ];
    let homes = homes(&files.map(|(path, source)| (path.into(), source.to_owned())));
    for (name, home) in
        [("K", "kernel"), ("A", "lab"), ("go", "lab"), ("S", "spec"), ("at_load", "kernel")]
    {
        assert_eq!(homes.get(name).map(String::as_str), Some(home), "{name}");
    }
}

#[test]
fn places_of_files() {
    for (path, owner, up) in [
        ("src/name.rs", Some("name"), 1),
        ("src/plan/mod.rs", Some("plan"), 1),
        ("src/plan/types.rs", Some("plan"), 2),
        ("src/apps/nc/mod.rs", Some("apps"), 2),
        ("src/main.rs", None, 1),
    ] {
        assert_eq!(module(Path::new(path)).as_deref(), owner, "{path}");
        assert_eq!(depth(Path::new(path)), up, "{path}");
    }
}

#[test]
fn one_module_may_be_unsafe_and_it_is_in_kernel() {
    let is_unsafe = |source: &str| {
        tokens(source).iter().any(|token| token == "unsafe" || token == "unsafe_code")
    };
    assert!(is_unsafe("fn f() { unsafe { g() } }") && is_unsafe("#![allow(unsafe_code)]"));
    assert!(!is_unsafe("// unsafe\nlet text = \"unsafe\";"));
    let files = sources("src").into_iter().filter(|(_, source)| is_unsafe(source));
    let files: Vec<PathBuf> = files.map(|(path, _)| path).collect();
    let allowed = |file: &PathBuf| {
        file == Path::new("src/kernel/sys.rs") || file.starts_with("src/kernel/sys")
    };
    assert!(files.iter().all(allowed), "{files:?}");
    assert!(!files.is_empty());
}

#[test]
fn files_are_short_and_folders_shallow() {
    let files = ["src", "tests", "benches", "macros/src"].map(sources);
    let mut faults = Vec::new();
    for (path, source) in files.iter().flatten() {
        let lines = source.lines().count();
        if lines > 400 {
            faults.push(format!("{} has {lines} lines; 400 are allowed", path.display()));
        }
        if path.strip_prefix("macros").unwrap_or(path).components().count() > 4 {
            faults.push(format!("{} is more than two folders below src", path.display()));
        }
    }
    assert_eq!(faults, [""; 0]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder with their texts, by path.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// The top-level module that a file belongs to; the crate's roots belong to none.
fn module(path: &Path) -> Option<String> {
    let name = path.components().nth(1)?.as_os_str().to_str()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

/// How many modules below the crate's root a file's module is.
fn depth(path: &Path) -> usize {
    path.components().count() - 1 - usize::from(path.ends_with("mod.rs"))
}

/// For each name at the crate's root that is not a module the module it comes from: re-exports and macros.
fn homes(files: &[(PathBuf, String)]) -> HashMap<String, String> {
    let mut homes = HashMap::new();
    for (path, source) in files {
        let tokens = tokens(source);
        match module(path) {
            None => exports(&tokens, &mut homes),
            Some(module) => {
                let names = tokens.windows(3).filter(|t| t[0] == "macro_rules" && t[1] == "!");
                homes.extend(names.map(|name| (name[2].clone(), module.clone())));
            }
        }
    }
    homes
}

/// Adds what the `use crate::…;` lines of a root bring to it.
fn exports(tokens: &[String], homes: &mut HashMap<String, String>) {
    let opening = ["use", "crate", "::"];
    let uses = (0..tokens.len()).filter(|&at| tokens[at..].iter().take(3).eq(opening));
    for at in uses {
        let mut braces = 0;
        let mut home = None;
        for token in tokens[at + 3..].iter().take_while(|token| *token != ";") {
            match token.as_str() {
                "{" => braces += 1,
                "}" => braces -= 1,
                "," if braces == 1 => home = None,
                _ => match &home {
                    None => home = Some(token.clone()),
                    Some(home) => drop(homes.insert(token.clone(), home.clone())),
                },
            }
        }
    }
}

/// The names that a source takes from the crate's root, from a module that is `depth` modules below it.
fn references(source: &str, depth: usize) -> BTreeSet<String> {
    let tokens = tokens(source);
    let mut found = BTreeSet::new();
    // For each inline module that is open, the depth of braces it was opened at.
    let (mut braces, mut modules) = (0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => {
                if at >= 2 && tokens[at - 2] == "mod" {
                    modules.push(braces);
                }
                braces += 1;
            }
            "}" => {
                braces -= 1;
                modules.pop_if(|opened| *opened == braces);
            }
            "crate" | "labnet" => path(&tokens[at + 1..], 0, &mut found),
            "super" if at < 2 || tokens[at - 1] != "::" => {
                let up = modules.len() + depth - 1;
                path(&tokens[at + 1..], up, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Adds the names at the root that a path goes on with, `up` modules above which the root is.
fn path(tokens: &[String], up: usize, found: &mut BTreeSet<String>) {
    let [colons, rest @ ..] = tokens else { return };
    if colons == "::" {
        name(rest, up, found);
    }
}

fn name(tokens: &[String], up: usize, found: &mut BTreeSet<String>) {
    match tokens {
        [token, rest @ ..] if token == "{" => {
            let mut depth = 0;
            let mut starts = true;
            for (at, token) in rest.iter().enumerate() {
                if starts && depth == 0 && token != "}" {
                    name(&rest[at..], up, found);
                }
                starts = token == ",";
                match token.as_str() {
                    "{" => depth += 1,
                    "}" if depth == 0 => return,
                    "}" => depth -= 1,
                    _ => {}
                }
            }
        }
        [token, rest @ ..] if token == "super" && up > 0 => path(rest, up - 1, found),
        [token, ..] if up == 0 && token != "self" => {
            found.insert(token.clone());
        }
        _ => {}
    }
}

/// The words and signs of a Rust source without comments and literals; `::` is one sign.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let skip = literal(rest);
        if skip > 0 {
            rest = &rest[skip..];
        } else if word > 0 {
            tokens.push(rest[..word].to_owned());
            rest = &rest[word..];
        } else {
            let sign = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            if !first.is_whitespace() {
                tokens.push(rest[..sign].to_owned());
            }
            rest = &rest[sign..];
        }
    }
    tokens
}

/// The length of the comment or literal that a text begins with; 0 if with none.
fn literal(text: &str) -> usize {
    let end = |mark: &str, from: usize| {
        text[from..].find(mark).map_or(text.len(), |at| from + at + mark.len())
    };
    let hashes = |from: usize| text[from..].bytes().take_while(|b| *b == b'#').count();
    let prefix = usize::from(text.starts_with(['b', 'c']));
    let raw = prefix + usize::from(text[prefix..].starts_with('r'));
    if text.starts_with("//") {
        end("\n", 0)
    } else if text.starts_with("/*") {
        comment(text)
    } else if raw > prefix && text[raw + hashes(raw)..].starts_with('"') {
        let hashes = hashes(raw);
        end(&format!("\"{}", "#".repeat(hashes)), raw + hashes + 1)
    } else if text[prefix..].starts_with('"') {
        quoted(text, prefix, '"')
    } else if text.starts_with("'\\") || text.starts_with('\'') && text.chars().nth(2) == Some('\'')
    {
        quoted(text, 0, '\'')
    } else {
        0
    }
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = match text.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(text: &str, from: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(from + 1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
