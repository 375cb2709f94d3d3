//! Manuals with what was printed written into them: they are manuals still, and say what was printed.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use labnet::{
    manual::{
        self, Bindings, BlockRun, Manual, Matched, Outcome, Run, SectionRun, StepRun, compare,
    },
    spec::Document,
};

/// The manual of this text in the sockets lab.
fn parse(text: &str) -> Manual {
    let text = format!("---\ntopology: '@sockets'\n---\n{text}");
    let document = Document { file: "m.md".into(), text: text.into() };
    manual::parse(document, Path::new("")).unwrap().0
}

/// A run in which each step prints this.
fn run(manual: &Manual, output: &str) -> Run {
    let line = |at: usize| manual.document.position(at).0;
    let step = |step: &manual::Step| {
        let matched = step.expected.matches(output, true, &manual.names, &Bindings::default());
        let difference = compare(&step.expected, output, &manual.names, &Bindings::default());
        let outcome = match matched {
            Matched::Yes(_) => Outcome::Passed,
            _ => Outcome::Failed { why: String::new(), difference, packets: String::new() },
        };
        StepRun {
            line: line(step.span.start),
            text: String::new(),
            roles: Vec::new(),
            output: output.to_owned(),
            took: Duration::ZERO,
            outcome,
        }
    };
    let section = |section: &manual::Section| SectionRun {
        level: section.level,
        title: section.title.clone(),
        line: line(section.span.start),
        time: SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH,
        blocks: section
            .blocks
            .iter()
            .map(|block| BlockRun {
                line: line(block.span.start),
                points: None,
                xfail: false,
                steps: block.steps.iter().map(step).collect(),
            })
            .collect(),
    };
    let sections = manual.sections.iter().map(section).collect();
    Run { manual: "m.md".into(), lab: "lab".into(), broke: None, sections, with: Vec::new() }
}

/// The manual's text after each step printed `output`; what it prints next is nothing new.
fn updated(text: &str, output: &str) -> String {
    let before = parse(text);
    let after = manual::updated(&before, &run(&before, output)).unwrap();
    let after = after.splitn(3, "---\n").nth(2).unwrap().to_owned();
    let again = parse(&after);
    let kinds = |manual: &Manual| manual.steps().map(|step| step.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&before), kinds(&again), "{after}");
    assert_eq!(manual::updated(&again, &run(&again, output)), None, "{after}");
    after
}

#[test]
fn what_can_be_no_text_of_a_manual_is_a_wildcard() {
    let text = "```console\nR2$ x\n```\n";
    for (output, written) in [
        ("10%\r20%\rdone\n", "10%[..]20%[..]done"),
        ("a\0b\n", "a[..]b"),
        ("[SYN]\ra\n", "[..]"),
        ("$ a\rb\n", "[..]"),
    ] {
        assert_eq!(updated(text, output), format!("```console\nR2$ x\n{written}\n```\n"));
    }
}

#[test]
fn blanks_at_the_beginning_stay_whatever_the_fence_has() {
    assert_eq!(
        updated("  ```console\nR2$ x\n  ```\n", "  a\n b\n"),
        "  ```console\nR2$ x\n    a\n   b\n  ```\n"
    );
    assert_eq!(
        updated("> 1. ```console\n>    R2$ x\n>    old\n>    ```\n", " a\nb\n"),
        "> 1. ```console\n>    R2$ x\n>     a\n>    b\n>    ```\n"
    );
}

#[test]
fn a_tab_that_is_in_part_indentation_goes_as_a_whole() {
    let text = "1. A list:\n\n   ```console\n   R2$ x\n  \t 2\n   ```\n";
    let stripped = manual::stripped(&parse(text));
    assert!(stripped.ends_with("1. A list:\n\n   ```console\n   R2$ x\n   ```\n"), "{stripped}");
}

/// Found by fuzzing.
#[test]
fn a_blank_line_without_indentation_gives_way() {
    let text = "1. a\n\n   ```console\n   R2$ x\n\n   b\n   ```\n";
    let after = updated(text, "c\nd\n");
    assert_eq!(after, "1. a\n\n   ```console\n   R2$ x\n   c\n   d\n   ```\n");
    let after = updated("```console\nR2$ x\n\r\n...\ny\nz\n```\n", "1\n");
    assert_eq!(after, "```console\nR2$ x\n1\n...\n```\n");
}
