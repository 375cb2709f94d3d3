//! What came of a manual's run, for people.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Behaviour, Cast, Difference, Outcome, Run, StepRun};
use crate::units::Printable;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
/// More of a comparison nobody reads.
const MOST_LINES: usize = 60;
const BOLD: Style = Style::new().bold();

impl fmt::Display for StepRun {
    /// A line that says what came of it, with colours for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = Printable(self.text.lines().next().unwrap_or_default());
        match &self.outcome {
            Outcome::Passed => write!(f, "  {GREEN}ok{GREEN:#}      {first}"),
            Outcome::Failed { why, .. } => {
                write!(f, "  {RED}FAILED{RED:#}  {first}: {}", Printable(why))
            }
            Outcome::NotRun => write!(f, "  {DIM}not run {first}{DIM:#}"),
        }
    }
}

impl fmt::Display for Run {
    /// Everything that failed, and a line that counts, with colours for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (section, block) in
            self.blocks().filter(|(_, block)| !block.passed() && !block.unfinished())
        {
            if block.xfail {
                let title = Printable(&section.title);
                let _ = writeln!(text, "{BOLD}{}:{}: {title}{BOLD:#}", self.manual, block.line);
                let _ = writeln!(text, "  {RED}it passed, and was expected to fail{RED:#}");
            } else {
                for step in block.steps.iter().filter(|step| step.failed()) {
                    failure(&mut text, self, &section.title, step);
                }
            }
        }
        if let Some(why) = &self.broke {
            // Advice has lines of its own.
            let why: Vec<String> = why.lines().map(|line| Printable(line).to_string()).collect();
            let _ = writeln!(text, "{BOLD}{}{BOLD:#}: {RED}{}{RED:#}", self.manual, why.join("\n"));
        }
        for cast in &self.with {
            behaviours(&mut text, self, cast);
        }
        f.write_str(&text)?;
        f.write_str(&summary(self))
    }
}

fn failure(text: &mut String, run: &Run, section: &str, step: &StepRun) {
    let Outcome::Failed { why, difference, packets } = &step.outcome else { return };
    let _ = writeln!(text, "{BOLD}{}:{}: {}{BOLD:#}", run.manual, step.line, Printable(section));
    for line in step.text.lines() {
        let _ = writeln!(text, "  {}", Printable(line));
    }
    let _ = writeln!(text, "  {RED}{}{RED:#}", Printable(why));
    if difference.is_empty() {
        for line in step.output.lines().take(MOST_LINES) {
            let _ = writeln!(text, "    {}", Printable(line));
        }
        more(text, step.output.lines().count());
    }
    for line in difference.iter().take(MOST_LINES) {
        let _ = match line {
            Difference::Same(line) => writeln!(text, "      {}", Printable(line)),
            Difference::Skipped(line) => writeln!(text, "    {DIM}  {}{DIM:#}", Printable(line)),
            Difference::Missing(line) => writeln!(text, "    {RED}- {}{RED:#}", Printable(line)),
            Difference::Unexpected(line) => {
                writeln!(text, "    {GREEN}+ {}{GREEN:#}", Printable(line))
            }
        };
    }
    more(text, difference.len());
    if !packets.is_empty() {
        let _ = writeln!(text, "  {DIM}the last packets:{DIM:#}");
        for line in packets.lines() {
            let _ = writeln!(text, "    {DIM}{}{DIM:#}", Printable(line));
        }
    }
    text.push('\n');
}

/// How many of so many lines are not shown.
fn more(text: &mut String, lines: usize) {
    if lines > MOST_LINES {
        let _ = writeln!(text, "    {DIM}… and {} lines more{DIM:#}", lines - MOST_LINES);
    }
}

/// What another's program did otherwise than the manual says.
fn behaviours(text: &mut String, run: &Run, cast: &Cast) {
    let Cast { role, command, passed, failed, not_run } = cast;
    let (role, command) = (Printable(role), Printable(command));
    let all = passed + failed.len() + not_run;
    let steps = plural(all, "step");
    let _ = write!(text, "{BOLD}{role}{BOLD:#}, played by `{command}`: ");
    let _ = match (all, failed.len(), not_run) {
        (0, ..) => writeln!(text, "it has no part in what was done"),
        (_, 0, 0) => writeln!(text, "{GREEN}{all} {steps} as the manual says{GREEN:#}"),
        (_, 0, _) => {
            writeln!(text, "{passed} of {all} {steps} as the manual says; others were not done")
        }
        _ => writeln!(text, "{passed} of {all} {steps} as the manual says; {RED}not these{RED:#}:"),
    };
    for Behaviour { section, line, step, why } in failed {
        let first = |text: &'_ str| text.lines().next().unwrap_or_default().to_owned();
        let (step, why) = (first(step), first(why));
        let (section, step, why) = (Printable(section), Printable(&step), Printable(&why));
        let _ = writeln!(text, "  {}:{line}: {section}: {step}: {RED}{why}{RED:#}", run.manual);
    }
}

/// `sockets-lab.md: 41 steps passed in 2.1 s`
fn summary(run: &Run) -> String {
    let steps = || run.blocks().flat_map(|(_, block)| &block.steps);
    let passed = steps().filter(|step| step.outcome == Outcome::Passed).count();
    let failed = run.blocks();
    let failed = failed.filter(|(_, block)| !block.passed() && !block.unfinished()).count();
    let not_run = steps().filter(|step| step.outcome == Outcome::NotRun).count();
    let took: f64 = steps().map(|step| step.took.as_secs_f64()).sum();
    // A sum of nothing is -0.
    let took = took.max(0.0);
    let mut text = format!("{}: {passed} {} passed", run.manual, plural(passed, "step"));
    if failed > 0 {
        let _ = write!(text, ", {RED}{failed} {} failed{RED:#}", plural(failed, "block"));
    }
    if not_run > 0 {
        let _ = write!(text, ", {not_run} not run");
    }
    let _ = write!(text, " in {took:.1} s");
    if let Some((earned, all)) = run.points() {
        let _ = write!(text, "; {earned} of {all} points");
    }
    text + "\n"
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
