//! Manuals that are not as they should be: each rule has a fixture in `fixtures/bad-manuals` and a snapshot; nothing a file holds
//! is too much.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

use std::{fs, path::Path};

use labnet::{
    manual::{self, Key, Kind, Manual, Status},
    spec::Document,
};
use proptest::prelude::*;

const FRONT: &str = "---\ntopology: '@sockets'\n---\n";

fn parse(text: &str) -> Result<Manual, String> {
    let document = Document { file: "m.md".into(), text: text.into() };
    manual::parse(document, Path::new(""))
        .map(|(manual, _)| manual)
        .map_err(|problems| problems.to_string())
}

#[test]
fn every_bad_manual_breaks_its_rule_and_reads_well() {
    let mut count = 0;
    for entry in fs::read_dir("fixtures/bad-manuals").unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Err(problems) = manual::load(&path) else { panic!("{stem} is not bad") };
        assert!(
            problems.list.iter().any(|problem| stem.starts_with(problem.rule)),
            "{stem}: {problems}"
        );
        insta::assert_snapshot!(format!("bad-{stem}"), problems);
        count += 1;
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn steps_are_read_as_they_are_written() {
    let text = format!(
        "{FRONT}# One\n```console,points=4,setup\nR2/a$ sleep 5 && x &  # ready tcp:80\nR2/a> hello\nR2/a> ^C\n? interrupted\nR2/a<\nout\n$ labnet packets lan --filter 'tcp port 80'\nR3$ not a node\nKALI$ cat <<E\n> text\n> E\n? 3\nX\n```\n"
    );
    let manual = parse(&text).unwrap();
    let section = &manual.sections[1];
    assert_eq!((section.title.as_str(), section.level), ("One", 1));
    let block = &section.blocks[0];
    assert_eq!((block.attributes.points, block.attributes.setup), (Some(4), true));
    let kinds: Vec<String> = block.steps.iter().map(|step| format!("{:?}", step.kind)).collect();
    assert!(
        matches!(&block.steps[0].kind, Kind::Start { command, background: Some(Some(_)), terminal: Some(_), .. } if command == "sleep 5 && x"),
        "{kinds:?}"
    );
    assert!(
        matches!(&block.steps[1].kind, Kind::Type { key: Key::Line(line), .. } if line == "hello")
    );
    assert!(matches!(&block.steps[2].kind, Kind::Type { key: Key::Ctrl('C'), .. }));
    assert_eq!(block.steps[2].status, Some(Status::Interrupted));
    assert!(matches!(&block.steps[3].kind, Kind::Await { .. }));
    assert_eq!(block.steps[3].expected.lines[0].text(), "out");
    assert!(
        matches!(&block.steps[4].kind, Kind::Host { words } if words == &["packets", "lan", "--filter", "tcp port 80"])
    );
    // R3 is no node, so this is what the list prints.
    assert_eq!(block.steps[4].expected.lines[0].text(), "R3$ not a node");
    assert!(
        matches!(&block.steps[5].kind, Kind::Start { command, background: None, .. } if command == "cat <<E\ntext\nE")
    );
    assert_eq!(block.steps[5].status, Some(Status::Code(3)));
}

#[test]
fn a_heading_of_two_lines_is_one_text() {
    let text = "---\ntopology: '@sockets'\n---\nOne\ntwo\n===\n```console\nR2$ true\n```\n";
    assert_eq!(parse(text).unwrap().sections[1].title, "One two");
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let text = format!("{FRONT}# One\n```console\nR2$ echo a\na\n```\n");
    let unix = parse(&text).unwrap();
    let windows = parse(&text.replace('\n', "\r\n")).unwrap();
    let kinds = |manual: &Manual| {
        manual.steps().map(|step| (step.kind.clone(), step.expected.clone())).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&unix), kinds(&windows));
}

#[test]
fn the_built_in_manual_is_good() {
    manual::builtin("sockets").unwrap().unwrap();
    assert!(manual::builtin("nothing").is_none());
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "(```console[,a-z=5]{0,9}|```|#+ [a-z]|R2[$/<>a-z ]{0,8}|KALI/x[$<> a^D&]{0,6}|\\? [a-z0-9]{0,9}|> x|\\$ labnet '?|   |\\.\\.\\.|é\u{202e}|---\n)(\n|\r\n)") {
        let _ = parse(&format!("{FRONT}{text}"));
    }

    #[test]
    fn no_mixture_of_lines_is_too_much(lines in prop::collection::vec("```console|```|R2\\$ x|R2/a\\$ cat &|R2/a> y|R2/a<|\\? 0|> more|out|# H|  - x|\\$ labnet up", 0..30)) {
        let text = format!("{FRONT}{}", lines.join("\n"));
        if let Ok(manual) = parse(&text) {
            for step in manual.steps() {
                prop_assert!(text.is_char_boundary(step.span.start) && text.is_char_boundary(step.output.end));
                prop_assert!(step.span.end <= step.output.start);
            }
            // What is stripped of its answers has none.
            let stripped = parse(&manual::stripped(&manual)).unwrap();
            prop_assert!(stripped.steps().all(|step| step.output.is_empty()));
        }
    }

    #[test]
    fn no_front_matter_is_too_much(yaml in "[a-z:{}\\[\\]'\" \n\t&*!|>-]{0,60}") {
        let _ = parse(&format!("---\n{yaml}\n---\n"));
    }
}
