//! JUnit's XML, as CI systems read it: a test suite a manual, a test case a block.

use std::{borrow::Cow, fmt::Write};

use crate::manual::{Outcome, Run};

/// The runs as one document. What a lab that broke has kept from being tested is an `<error>`; what was tested and failed, a
/// `<failure>`.
pub fn junit(runs: &[&Run]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for run in runs {
        let skipped = run.blocks().filter(|(_, block)| block.unfinished()).count();
        let failures = run.blocks().filter(|(_, block)| !block.passed()).count() - skipped;
        let errors = usize::from(run.broke.is_some());
        let tests = run.blocks().count() + errors;
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
            escape(&run.manual)
        );
        for (section, block) in run.blocks() {
            let time: f64 = block.steps.iter().map(|step| step.took.as_secs_f64()).sum();
            let name = escape(&section.title);
            let _ = write!(
                text,
                "    <testcase classname=\"{}\" name=\"{name}:{}\" time=\"{time:.3}\"",
                escape(&run.manual),
                block.line
            );
            if block.passed() {
                text.push_str("/>\n");
                continue;
            }
            text.push_str(">\n");
            if block.unfinished() {
                text.push_str("      <skipped message=\"the lab broke\"/>\n    </testcase>\n");
                continue;
            }
            for step in &block.steps {
                if let Outcome::Failed { why, .. } = &step.outcome {
                    let _ = writeln!(
                        text,
                        "      <failure message=\"{}\">{}:{}: {}\n{}</failure>",
                        escape(why),
                        escape(&run.manual),
                        step.line,
                        escape(&step.text),
                        escape(&step.output)
                    );
                }
            }
            if block.xfail {
                text.push_str("      <failure message=\"it passed, and was expected to fail\"/>\n");
            }
            text.push_str("    </testcase>\n");
        }
        if let Some(why) = &run.broke {
            let _ = writeln!(
                text,
                "    <testcase classname=\"{0}\" name=\"the lab\"><error message=\"{1}\"/></testcase>",
                escape(&run.manual),
                escape(why)
            );
        }
        text.push_str("  </testsuite>\n");
    }
    text + "</testsuites>\n"
}

/// XML has no way to write most control characters (section 2.2 of XML 1.0).
fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| {
        matches!(c, '<' | '>' | '&' | '"' | '\u{fffe}' | '\u{ffff}')
            || (c.is_control() && c != '\n')
    };
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if special(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}
