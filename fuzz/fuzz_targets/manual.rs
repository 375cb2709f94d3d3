//! Text up to a NUL byte as a manual, what follows as what its steps print: its places are right, and it can be stripped and updated.

#![no_main]

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use labnet::{
    manual::{
        Bindings, Block, BlockRun, Kind, Manual, Matched, Outcome, Run, SectionRun, Step, StepRun,
        compare, parse, stripped, updated,
    },
    spec::Document,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(pieces.next().unwrap_or_default()) else { return };
    let printed: Vec<_> = pieces.map(String::from_utf8_lossy).collect();
    let text = match text.trim_start_matches('\u{feff}').starts_with("---") {
        true => text.to_owned(),
        false => format!("---\ntopology: '@sockets'\n---\n{text}"),
    };
    let Some(manual) = read(&text) else { return };
    places(&manual);

    let without = read(&stripped(&manual)).expect("it is a manual without its answers");
    assert!(without.steps().all(|step| step.output.is_empty() && step.expected.lines.is_empty()));
    same_steps(&manual, &without);

    let output = |number: usize| match printed.len() {
        0 => "",
        count => &*printed[number % count],
    };
    let Some(once) = updated(&manual, &run(&manual, output)) else { return };
    // What is too large is not written.
    if once.len() > 1 << 20 {
        return;
    }
    let Some(again) = read(&once) else { panic!("it was a manual, and is none now:\n{once}") };
    same_steps(&manual, &again);
    // A name may be bound now where it was not when a step failed.
    if !text.contains("names") {
        let twice = updated(&again, &run(&again, output));
        assert_eq!(twice, None, "what was written is not what was printed:\n{once}");
    }
});

fn read(text: &str) -> Option<Manual> {
    let document = Document { file: "manual.md".into(), text: text.into() };
    match parse(document, Path::new("/dev/null")) {
        Ok((manual, _)) => Some(manual),
        Err(problems) => {
            // A place that is none would panic here.
            problems.to_string();
            None
        }
    }
}

fn places(manual: &Manual) {
    let text = &*manual.document.text;
    let mut at = 0;
    for section in &manual.sections {
        assert!(text.get(section.span.clone()).is_some() && section.span.start >= at);
        at = section.span.start;
        for block in &section.blocks {
            assert!(text.get(block.span.clone()).is_some() && block.span.start >= at);
            at = block.span.start;
            for step in &block.steps {
                assert!(text.get(step.span.clone()).is_some() && step.span.start >= at);
                assert!(text.get(step.output.clone()).is_some());
                assert!(step.output.start >= step.span.end);
                at = step.output.end;
            }
            assert!(block.span.end >= at);
        }
        assert!(section.span.end >= at);
    }
}

fn same_steps(one: &Manual, other: &Manual) {
    let told = |manual: &Manual| {
        manual.steps().map(|step| (step.kind.clone(), step.status)).collect::<Vec<_>>()
    };
    assert_eq!(told(one), told(other), "{}", &*other.document.text);
}

/// A run in which every step that may print something prints what `output` gives for its number.
fn run<'a>(manual: &Manual, output: impl Fn(usize) -> &'a str) -> Run {
    let mut bound = Bindings::default();
    let mut number = 0;
    let mut step = |step: &Step| {
        let silent =
            matches!(step.kind, Kind::Type { .. } | Kind::Start { background: Some(_), .. });
        let output = if silent { "" } else { output(number) };
        number += 1;
        let outcome = match step.expected.matches(output, true, &manual.names, &bound) {
            _ if silent => Outcome::Passed,
            Matched::Yes(bindings) => {
                bound = bindings;
                Outcome::Passed
            }
            _ => {
                let difference = compare(&step.expected, output, &manual.names, &bound);
                Outcome::Failed { why: String::new(), difference, packets: String::new() }
            }
        };
        StepRun {
            line: line(manual, step.span.start),
            text: String::new(),
            roles: Vec::new(),
            output: output.to_owned(),
            took: Duration::ZERO,
            outcome,
        }
    };
    let mut block = |block: &Block| BlockRun {
        line: line(manual, block.span.start),
        points: block.attributes.points,
        xfail: block.attributes.xfail,
        steps: block.steps.iter().map(&mut step).collect(),
    };
    let sections = manual.sections.iter().map(|section| SectionRun {
        level: section.level,
        title: section.title.clone(),
        line: line(manual, section.span.start),
        time: SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH,
        blocks: section
            .blocks
            .iter()
            .filter(|block| !block.attributes.ignore)
            .map(&mut block)
            .collect(),
    });
    let sections = sections.collect();
    Run { manual: "manual.md".into(), lab: "lab".into(), broke: None, sections, with: Vec::new() }
}

fn line(manual: &Manual, at: usize) -> usize {
    manual.document.position(at).0
}
