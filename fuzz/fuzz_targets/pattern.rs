//! Text up to a NUL byte as expected lines, what follows as output: no time without end; what output is made into matches it.

#![no_main]

use labnet::manual::{Bindings, Line, Matched, Names, Pattern, compare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (text, output) = input.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let output = String::from_utf8_lossy(output.get(1..).unwrap_or_default());
    let mut names = Names::default();
    for (name, expression) in [("N", r"\d+"), ("WORD", "[a-z]+"), ("TEXT", ".*"), ("NO", "")] {
        names.declare(name.to_owned(), expression).expect("it is an expression");
    }
    let bound = Bindings::default();
    let is = |pattern: &Pattern| {
        matches!(pattern.matches(&output, true, &names, &bound), Matched::Yes(_))
    };

    let pattern = Pattern { lines: text.lines().map(|line| Line::parse(line, &names)).collect() };
    for line in &pattern.lines {
        assert_eq!(&Line::parse(line.text(), &names), line);
        output.lines().for_each(|output| _ = line.matches(output, &names, &bound));
    }
    pattern.matches(&output, false, &names, &bound);
    is(&pattern);
    compare(&pattern, &output, &names, &bound);

    let literal = |line: &str| {
        let literal = Line::literal(line, &names);
        assert_eq!(Line::parse(literal.text(), &names), literal);
        assert!(literal.matches(line, &names, &bound), "{literal:?}");
        literal
    };
    assert!(is(&Pattern { lines: output.split('\n').map(literal).collect() }));
});
