//! Filters select what tcpdump selects: over a corpus of expressions, and over random ones. Ignored where tcpdump isn't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod filter_support;
mod programs;

use std::{process::ExitCode, sync::Arc};

use filter_support::{
    Frame, frames,
    random::{filters, words},
    tcpdump::Recording,
};
use labnet::packet::{Filter, filter::run};
use libtest_mimic::{Arguments, Failed, Trial};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

const EXPRESSIONS: &str = include_str!("../fixtures/filter/expressions.txt");
/// How many random expressions are tried.
const RANDOM: usize = 80;
/// How many random rows of words that happen to be filters are tried.
const ACCEPTED: usize = 40;
/// How many tests each set of expressions is divided into.
const PARTS: usize = 4;

type Compare = fn(&Recording, &[Frame], &str) -> Result<(), Failed>;

fn main() -> ExitCode {
    let corpus = EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let corpus: Vec<String> = corpus.map(str::to_owned).collect();
    assert!(corpus.len() >= 150);
    let mut runner = TestRunner::deterministic();
    let random = || filters().new_tree(&mut runner).unwrap().current();
    let random: Vec<String> = std::iter::repeat_with(random).take(RANDOM).collect();
    let mut sentences = || words(1..9).new_tree(&mut runner).unwrap().current().join(" ");
    let accepted =
        std::iter::repeat_with(&mut sentences).filter(|text| Filter::parse(text).is_ok());
    let accepted: Vec<String> = accepted.filter(|text| text.contains(' ')).take(ACCEPTED).collect();

    let frames = frames();
    let shared = Arc::new((Recording::of(&frames), frames));
    let trials = [
        ("the_corpus_selects", corpus, compare as Compare),
        ("random_filters_select", random, compare_random),
        ("what_is_accepted_selects", accepted, compare_random),
    ]
    .into_iter()
    .flat_map(|set| {
        let shared = Arc::clone(&shared);
        (0..PARTS).map(move |part| {
            let expressions: Vec<_> = set.1.iter().skip(part).step_by(PARTS).cloned().collect();
            let shared = Arc::clone(&shared);
            let run = move || -> Result<(), Failed> {
                expressions
                    .iter()
                    .try_for_each(|expression| (set.2)(&shared.0, &shared.1, expression))
            };
            let name = format!("{}_the_same_frames_{part}", set.0);
            if programs::installed("tcpdump") {
                Trial::test(name, run)
            } else {
                let trial = Trial::test(name, run).with_kind("tcpdump is not installed");
                trial.with_ignored_flag(true)
            }
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// tcpdump selects the same frames, and its program run here does.
fn compare(recording: &Recording, frames: &[Frame], expression: &str) -> Result<(), Failed> {
    let filter: Filter = expression.parse().map_err(|error| format!("{expression}\n{error}"))?;
    let select = |program: &[_]| -> Vec<usize> {
        let matches = |frame: &Frame| run(program, &frame.bytes, frame.length) > 0;
        (0..frames.len()).filter(|number| matches(&frames[*number])).collect()
    };
    let ours = select(filter.program());
    let theirs = recording.selected(frames, expression, true)?;
    let program = select(&recording.program(expression)?);
    same(expression, frames, ["tcpdump", "its program here"], &theirs, &program)?;
    same(expression, frames, ["the filter", "tcpdump"], &ours, &theirs)
}

/// Each frame is selected if tcpdump does, with its optimiser or without: where a byte that isn't there can't matter, they differ.
fn compare_random(recording: &Recording, frames: &[Frame], expression: &str) -> Result<(), Failed> {
    let filter: Filter = expression.parse().map_err(|error| format!("{expression}\n{error}"))?;
    let selected = |optimise| {
        let selected = recording.selected(frames, expression, optimise);
        selected.map_err(|error| format!("{expression}\n{error}"))
    };
    let (plain, optimised) = (selected(false)?, selected(true)?);
    let selected = |number: &usize| {
        let Frame { bytes, length, .. } = &frames[*number];
        let (ours, theirs) = (filter.matches(bytes, *length), plain.contains(number));
        if optimised.contains(number) == theirs { ours } else { theirs }
    };
    let ours: Vec<usize> = (0..frames.len()).filter(selected).collect();
    same(expression, frames, ["the filter", "tcpdump"], &ours, &plain)
}

fn same(
    expression: &str,
    frames: &[Frame],
    who: [&str; 2],
    one: &[usize],
    other: &[usize],
) -> Result<(), Failed> {
    let differs = one.iter().find(|number| !other.contains(number));
    match differs.or_else(|| other.iter().find(|number| !one.contains(number))) {
        None => Ok(()),
        Some(number) => {
            let counts = [one.len(), other.len()];
            let frame = &frames[*number];
            Err(format!("{expression}\n{who:?} select {counts:?} frames, and differ in {frame:?}")
                .into())
        }
    }
}
