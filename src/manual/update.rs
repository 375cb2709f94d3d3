//! Expected output rewritten as it came.

use super::{Block, Difference, Manual, Outcome, Run, Step, StepRun};

/// The manual's text with the output of failed steps in place of what was expected of them; none if nothing is to be changed.
/// Expected lines that still match stay as they are written, with their wildcards.
pub fn updated(manual: &Manual, run: &Run) -> Option<String> {
    let mut text = manual.document.text.to_string();
    let steps: Vec<(&Block, &Step)> = manual
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .filter(wanted)
        .flat_map(|block| block.steps.iter().map(move |step| (block, step)))
        .collect();
    let ran: Vec<&StepRun> = run
        .blocks()
        .filter(|(_, block)| !block.xfail)
        .flat_map(|(_, block)| &block.steps)
        .collect();
    // From the end, so that places before stay right.
    for (block, step) in steps.into_iter().rev() {
        let line = manual.document.position(step.span.start).0;
        let Some(ran) = ran.iter().find(|ran| ran.line == line) else { continue };
        let Outcome::Failed { difference, .. } = &ran.outcome else { continue };
        if difference.is_empty() {
            continue;
        }
        let lines = difference.iter().filter_map(|line| match line {
            Difference::Same(line) => Some(line.clone()),
            Difference::Unexpected(line) => {
                Some(super::Line::literal(line, &manual.names).text().to_owned())
            }
            Difference::Missing(_) | Difference::Skipped(_) => None,
        });
        let lines: Vec<String> = lines.collect();
        let indent = indent(&text, block, step);
        let mut new = lines.join(&format!("\n{indent}"));
        if lines.is_empty() && !step.output.is_empty() {
            // The line end before it goes too.
            text.replace_range(line_end_before(&text, step.output.start)..step.output.end, "");
        } else if step.output.is_empty() && !lines.is_empty() {
            text.insert_str(step.output.start, &format!("\n{indent}{new}"));
        } else if !lines.is_empty() {
            // With what stands before it: the line may be a blank one without indentation.
            new.insert_str(0, &indent);
            text.replace_range(line_start(&text, step.output.start)..step.output.end, &new);
        }
    }
    (text != *manual.document.text).then_some(text)
}

/// What lines of output have before them: as much as the step, but no less than the fence, as so many blanks are not the block's.
fn indent(text: &str, block: &Block, step: &Step) -> String {
    let line = line_start(text, block.span.start);
    let fence = text[line..block.span.start].chars();
    // The mark of a list's item stands before its first line only.
    let fence: String = fence.map(|c| if ">\t".contains(c) { c } else { ' ' }).collect();
    if fence.len() > step.indent.len() { fence } else { step.indent.clone() }
}

/// Where the line that this place is in starts.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line before this place ends, its line end not included.
fn line_end_before(text: &str, at: usize) -> usize {
    let before = text[..at].rfind('\n').map_or(at, |newline| newline);
    if text[..before].ends_with('\r') { before - 1 } else { before }
}

fn wanted(block: &&Block) -> bool {
    !block.attributes.xfail && !block.attributes.ignore
}

/// The manual without its answers: no expected output, for somebody to find it out.
pub fn stripped(manual: &Manual) -> String {
    let mut text = manual.document.text.to_string();
    for step in manual.steps().collect::<Vec<_>>().into_iter().rev() {
        if !step.output.is_empty() {
            text.replace_range(line_end_before(&text, step.output.start)..step.output.end, "");
        }
    }
    text
}
