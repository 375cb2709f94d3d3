//! Filters select what tcpdump selects: over a corpus of expressions, and over random ones. Ignored where tcpdump isn't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod filter_support;
mod programs;

use std::{process::ExitCode, sync::Arc};

use filter_support::{Frame, frames, tcpdump::Recording};
use labnet::packet::{Filter, filter::run};
use libtest_mimic::{Arguments, Failed, Trial};

const EXPRESSIONS: &str = include_str!("../fixtures/filter/expressions.txt");
/// How many tests the corpus is divided into.
const PARTS: usize = 8;

fn main() -> ExitCode {
    let frames = frames();
    let recording = Recording::of(&frames);
    let shared = Arc::new((frames, recording));
    let corpus = EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let corpus: Vec<&str> = corpus.collect();
    assert!(corpus.len() >= 150);
    let part = |number: usize| {
        let expressions: Vec<_> = corpus.iter().skip(number).step_by(PARTS).copied().collect();
        let shared = Arc::clone(&shared);
        let run = move || -> Result<(), Failed> {
            expressions.iter().for_each(|expression| compare(&shared.0, &shared.1, expression));
            Ok(())
        };
        let trial = Trial::test(format!("the_corpus_selects_the_same_frames_{number}"), run);
        if programs::installed("tcpdump") {
            trial
        } else {
            trial.with_kind("tcpdump is not installed").with_ignored_flag(true)
        }
    };
    libtest_mimic::run(&Arguments::from_args(), (0..PARTS).map(part).collect()).exit_code()
}

/// tcpdump selects the same frames, and its program run here does.
fn compare(frames: &[Frame], recording: &Recording, expression: &str) {
    let filter: Filter = expression.parse().unwrap_or_else(|error| panic!("{expression}: {error}"));
    let theirs = recording.selected(frames, expression);
    let theirs = theirs.unwrap_or_else(|error| panic!("{expression}: {error}"));
    let select = |program: &[_]| {
        let matches = |frame: &&(usize, &Frame)| run(program, &frame.1.bytes, frame.1.length) > 0;
        let numbered: Vec<_> = frames.iter().enumerate().collect();
        numbered.iter().filter(matches).map(|(number, _)| *number).collect::<Vec<_>>()
    };
    let differ = |ours: Vec<usize>, whose: &str| {
        let other = ours.iter().find(|number| !theirs.contains(number));
        let other = other.or_else(|| theirs.iter().find(|number| !ours.contains(number)));
        if let Some(&number) = other {
            let count = (ours.len(), theirs.len());
            panic!("{expression}: {whose} differs from tcpdump {count:?} on {:?}", frames[number]);
        }
    };
    differ(select(filter.program()), "the filter");
    differ(select(&recording.program(expression).unwrap()), "tcpdump's program");
}
