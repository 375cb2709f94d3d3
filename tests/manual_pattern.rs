//! Expected output: wildcards, names, and how what came differs.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use labnet::manual::{Bindings, Difference, Line, Matched, Names, Pattern, compare};
use proptest::prelude::*;

fn names() -> Names {
    let mut names = Names::default();
    names.declare("PORT".into(), r"\d+").unwrap();
    names.declare("WORD".into(), "[a-z]+").unwrap();
    names
}

fn pattern(text: &str) -> Pattern {
    Pattern { lines: text.lines().map(|line| Line::parse(line, &names())).collect() }
}

/// Whether all of an output is as expected.
fn fits(expected: &str, output: &str) -> bool {
    matches!(
        pattern(expected).matches(output, true, &names(), &Bindings::default()),
        Matched::Yes(_)
    )
}

#[test]
fn wildcards_stand_for_what_they_should() {
    for (expected, output) in [
        ("", ""),
        ("", "\n\n"),
        ("a\nb", "a\nb\n"),
        ("a\nb", "a  \nb"),
        ("...", ""),
        ("...", "a\nb\n"),
        ("a\n...\nd", "a\nd\n"),
        ("a\n...\nd", "a\nb\nc\nd\n"),
        ("a\n...\nd", "a\nd\nc\nd\n"),
        ("a[..]d", "abcd\n"),
        ("a[..]d", "ad\n"),
        ("[..]b[..]", "b\n"),
        ("[SYN, ACK] [..]", "[SYN, ACK] Seq=0\n"),
        ("port [PORT]", "port 5001\n"),
        ("[PORT] [PORT]", "42 42\n"),
        ("[PORT][PORT]", "4242\n"),
        ("[WORD][PORT]", "abc12\n"),
        ("[PORT]\n...\n[PORT]", "1\n2\n1\n"),
        ("\\...", "...\n"),
        ("\\[..]", "[..]\n"),
        ("\\\\x", "\\x\n"),
        ("[", "[\n"),
        ("a\n\nb", "a\n\nb\n"),
    ] {
        assert!(fits(expected, output), "{expected:?} should be {output:?}");
    }
    for (expected, output) in [
        ("", "a\n"),
        ("a", ""),
        ("a", "a\nb\n"),
        ("a\nb", "b\na\n"),
        ("a[..]d", "abc\n"),
        ("[..]", "a\nb\n"),
        ("port [PORT]", "port x\n"),
        ("port [PORT]", "port 12x\n"),
        ("[PORT] [PORT]", "42 43\n"),
        ("[PORT]\n[PORT]", "1\n2\n"),
        ("[OTHER]", "5\n"),
        ("\\...", "a\nb\n"),
        ("a\n...\nd", "a\nb\n"),
    ] {
        assert!(!fits(expected, output), "{expected:?} should not be {output:?}");
    }
}

#[test]
fn output_that_may_still_come_is_awaited_and_what_can_never_fit_is_not() {
    let looked = |expected: &str, output: &str| {
        pattern(expected).matches(output, false, &names(), &Bindings::default())
    };
    for (expected, output) in [
        ("a\nb", ""),
        ("a\nb", "a\n"),
        ("a\nb", "a\nx[not ended"),
        ("[..]", "half a line"),
        ("a\n...\nb", "a\nx\n"),
    ] {
        assert_eq!(looked(expected, output), Matched::NotYet, "{expected:?} {output:?}");
    }
    for (expected, output) in [("a\nb", "b\n"), ("a", "a\nb\n"), ("[PORT]", "x\n")] {
        assert_eq!(looked(expected, output), Matched::No, "{expected:?} {output:?}");
    }
    for (expected, output) in [("a\nb", "a\nb\n"), ("Name:", "Name: "), ("a\n...", "a\n")] {
        assert!(matches!(looked(expected, output), Matched::Yes(_)), "{expected:?} {output:?}");
    }
}

#[test]
fn names_keep_what_they_stand_for() {
    let names = names();
    let first = pattern("port [PORT]").matches("port 5001\n", true, &names, &Bindings::default());
    let Matched::Yes(bound) = first else { unreachable!("{first:?}") };
    assert_eq!(bound.iter(&names).collect::<Vec<_>>(), [("PORT", "5001")]);
    assert!(matches!(pattern("[PORT]").matches("5001\n", true, &names, &bound), Matched::Yes(_)));
    let known = |text: &str| pattern(text).known(&names, &bound).count();
    assert_eq!([known("a\n...\n[PORT] b"), known("[..]"), known("[WORD]")], [1, 0, 0]);
    assert_eq!(pattern("[PORT]").matches("5002\n", true, &names, &bound), Matched::No);
}

#[test]
fn a_hostile_pattern_takes_bounded_effort() {
    let stars = "[..]a".repeat(60);
    assert!(!fits(&stars, &"a".repeat(59)));
    let dots = "...\nx\n".repeat(100);
    assert!(!fits(&dots, &"x\n".repeat(99)));
    let named = "[WORD][..]".repeat(40) + "!";
    assert!(!fits(&named, &"a".repeat(200)));
}

#[test]
fn differences_keep_what_is_the_same() {
    use Difference::{Missing, Same, Skipped, Unexpected};
    let differ = |expected: &str, output: &str| {
        compare(&pattern(expected), output, &names(), &Bindings::default())
    };
    let line = |line: &str| line.to_owned();
    assert_eq!(
        differ("a\nport [PORT]\nb\nc", "a\nport 1\nx\nc\n"),
        [
            Same(line("a")),
            Same(line("port [PORT]")),
            Unexpected(line("x")),
            Missing(line("b")),
            Same(line("c"))
        ]
    );
    assert_eq!(
        differ("a\n...\nz", "a\nb\nc\n"),
        [
            Same(line("a")),
            Same(line("...")),
            Skipped(line("b")),
            Skipped(line("c")),
            Missing(line("z"))
        ]
    );
    assert_eq!(differ("", "x\n"), [Unexpected(line("x"))]);
    assert_eq!(differ("x", ""), [Missing(line("x"))]);
}

#[test]
fn a_prompt_is_a_line_without_an_end() {
    for (expected, output) in [(">>>", ">>> "), ("\\...", "... "), ("a\n\\> x:", "a\n> x: ")] {
        let matched = pattern(expected).matches(output, false, &names(), &Bindings::default());
        assert!(matches!(matched, Matched::Yes(_)), "{expected}");
    }
    let matched = |expected: &str, output: &str| {
        pattern(expected).matches(output, false, &names(), &Bindings::default())
    };
    assert_eq!(matched("a[..]", "ab"), Matched::NotYet);
    // Whether it is there yet when somebody looks must not matter.
    for output in ["a\n", "a\n> ", "a\nb\n> "] {
        assert!(matches!(matched("a\n...", output), Matched::Yes(_)), "{output:?}");
    }
    assert_eq!(matched("a\n...", "a"), Matched::NotYet);
    assert_eq!(matched("a", "a\n> "), Matched::No);
}

proptest! {
    #[test]
    fn every_output_fits_its_own_lines(output in "([ -~]{0,12}\n){0,8}") {
        let lines: Vec<Line> = output.lines().map(|line| Line::literal(line, &names())).collect();
        let written: Vec<String> = lines.iter().map(|line| line.text().to_owned()).collect();
        // As a manual would be read again.
        prop_assert!(fits(&written.join("\n"), &output), "{:?} {:?}", written, output);
    }

    #[test]
    fn nothing_makes_it_panic(expected in "([\\[\\].A-Z\\\\a ]{0,12}\n){0,6}", output in "([\\[\\].a5\\\\ é]{0,12}\n){0,6}") {
        let _ = fits(&expected, &output);
        let _ = compare(&pattern(&expected), &output, &names(), &Bindings::default());
    }
}
