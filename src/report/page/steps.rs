//! Blocks as they were done: what was typed and what was shown.

use std::fmt::Write;

use super::super::svg::escaped;
use crate::manual::{BlockRun, Difference, Outcome, StepRun};

/// A block: a terminal with all its steps, and why it failed if it did.
pub(super) fn html(block: &BlockRun) -> String {
    let (class, mut word) = match (block.passed(), block.xfail) {
        _ if block.unfinished() => ("failed", "the lab broke".to_owned()),
        (true, false) => ("passed", "passed".to_owned()),
        (true, true) => ("passed", "failed, as expected".to_owned()),
        (false, false) => ("failed", "failed".to_owned()),
        (false, true) => ("failed", "passed, and was expected to fail".to_owned()),
    };
    if let Some(points) = block.points {
        let earned = if block.passed() { points } else { 0 };
        let _ = write!(word, ", {earned} of {points} points");
    }
    let mut html = format!(
        "<div class=\"block {class}\">\n<p class=\"outcome\">{word}</p>\n\
         <pre class=\"terminal\" tabindex=\"0\" role=\"group\" aria-label=\"Terminal of line {}, {word}\">",
        block.line
    );
    for step in &block.steps {
        self::step(&mut html, step);
    }
    html.push_str("</pre>\n");
    for step in &block.steps {
        if let Outcome::Failed { why, difference, .. } = &step.outcome {
            failure(&mut html, step, why, difference);
        }
    }
    html + "</div>\n"
}

fn step(html: &mut String, step: &StepRun) {
    let not_run = if step.outcome == Outcome::NotRun { " not-run" } else { "" };
    for (place, line) in step.text.lines().enumerate() {
        // What stands before a command, up to its mark.
        let mark = line.find(['$', '>', '<']).map_or(0, |at| at + 1);
        let status = place > 0 && line.starts_with("? ");
        let (prompt, typed) = if status { ("", line) } else { line.split_at(mark) };
        let _ = writeln!(
            html,
            "<span class=\"typed{not_run}\"><span class=\"prompt\">{}</span>{}</span>",
            text(prompt),
            text(typed)
        );
    }
    if step.outcome == Outcome::NotRun {
        html.push_str("<span class=\"note\">not run</span>\n");
    }
    html.push_str(&text(&step.output));
    if !step.output.is_empty() && !step.output.ends_with('\n') {
        html.push('\n');
    }
}

fn failure(html: &mut String, step: &StepRun, why: &str, difference: &[Difference]) {
    let first = step.text.lines().next().unwrap_or_default();
    let _ = writeln!(
        html,
        "<div class=\"why\"><p>Line {}: <code>{}</code>: {}</p>",
        step.line,
        text(first),
        text(why)
    );
    if !difference.is_empty() {
        let _ = write!(
            html,
            "<pre class=\"difference\" tabindex=\"0\" role=\"group\" aria-label=\"Expected and shown, line {}\">",
            step.line
        );
        for line in difference {
            let _ = match line {
                Difference::Same(line) => writeln!(html, "  {}", text(line)),
                Difference::Skipped(line) => {
                    writeln!(html, "<span class=\"skipped\">  {}</span>", text(line))
                }
                Difference::Missing(line) => writeln!(html, "<del>- {}</del>", text(line)),
                Difference::Unexpected(line) => writeln!(html, "<ins>+ {}</ins>", text(line)),
            };
        }
        html.push_str("</pre>\n");
    }
    html.push_str("</div>\n");
}

/// Text as it is to be read: control characters show as pictures of themselves, and can't do anything.
pub(super) fn text(text: &str) -> String {
    let picture = |c: char| match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(u32::from(c) + 0x2400).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    };
    escaped(&text.chars().map(picture).collect::<String>())
}
