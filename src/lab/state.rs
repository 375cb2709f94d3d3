//! How links are, for programs and for people.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{LabError, session::Session};
use crate::{
    init::{
        BendReply, BendRequest, CableState, Carrier, DirectionState, FaultState, PlacedFault, Reply,
    },
    name::Endpoint,
    wire::Counters,
};

/// No line is longer, if it can be broken.
const WIDTH: usize = 80;
/// Below the name of a direction.
const INDENT: usize = 4;
/// What comes after a direction begins below it if the direction's name is longer.
const LONG: usize = 44;

/// What links do at this moment, and what became of the frames so far: a value a cable.
///
/// Of a link that is one, of a network one for each node that is plugged in. Display is what `labnet link show` prints, and
/// serialised it is what `labnet link show --json` does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct LinkState {
    /// In the order of the topology.
    pub cables: Vec<CableState>,
}

/// How the parts are told apart on a terminal.
#[derive(Debug, Clone, Copy, Default)]
struct Styles {
    name: Style,
    quiet: Style,
    bent: Style,
    down: Style,
}

impl LinkState {
    /// Asks a lab for something that is answered with how links are then.
    pub(crate) async fn ask(session: &Session, request: BendRequest) -> Result<Self, LabError> {
        match session.bend(request).await? {
            BendReply::Links(cables) => Ok(Self { cables }),
            other => Err(LabError::unexpected(&Reply::Bend(other))),
        }
    }

    /// As Display, in colours.
    pub(crate) fn styled(&self) -> String {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let styles = Styles {
            name: Style::new().bold(),
            quiet: Style::new().dimmed(),
            bent: colour(AnsiColor::Yellow),
            down: colour(AnsiColor::Red),
        };
        self.text(styles)
    }

    fn text(&self, styles: Styles) -> String {
        let (mut text, mut above) = (String::new(), String::new());
        for cable in &self.cables {
            // Writing to memory can't fail.
            let _ = styles.cable(cable, &mut above, &mut text);
        }
        text
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Styles::default()))
    }
}

impl Styles {
    /// A cable, below its link's or network's name, unless that is above it already.
    fn cable(&self, cable: &CableState, above: &mut String, text: &mut String) -> fmt::Result {
        let (name, quiet) = (self.name, self.quiet);
        let who = match cable.carrier {
            None => "direct",
            Some(Carrier::Kernel) => "kernel",
            Some(Carrier::Userspace) => "userspace",
            Some(Carrier::Lost) => "lost",
        };
        let mut head = format!("{name}{}{name:#}  {quiet}{who}", cable.name);
        if cable.carrier.is_some() && !cable.why.is_empty() {
            write!(head, ": {}", cable.why)?;
        }
        writeln!(head, "{quiet:#}")?;
        if head != *above {
            text.push_str(&head);
            *above = head;
        }
        match (cable.carrier, &cable.directions) {
            (None, [there, _]) => {
                let [from, to] = [&there.from, &there.to].map(place);
                writeln!(text, "  {from} ↔ {to}  {quiet}{}{quiet:#}", there.impairment)
            }
            (Some(_), directions) => {
                directions.iter().try_for_each(|direction| self.direction(direction, text))
            }
        }
    }

    fn direction(&self, direction: &DirectionState, text: &mut String) -> fmt::Result {
        let name = format!("{} → {}", place(&direction.from), place(&direction.to));
        let style = match &direction.impairment {
            impairment if impairment.down => self.down,
            impairment if impairment.is_nothing() => self.quiet,
            _ => self.bent,
        };
        let words = direction.impairment.to_string();
        write!(text, "  {name}")?;
        // A column of its own, if there is room for it.
        let column = 2 + name.chars().count() + 2;
        if column > LONG {
            write!(text, "\n{:INDENT$}", "")?;
            list(text, style, &words, ", ", INDENT)?;
        } else {
            text.push_str("  ");
            list(text, style, &words, ", ", column)?;
        }
        if let Some(counters) = &direction.counters {
            write!(text, "{:INDENT$}", "")?;
            list(text, Style::new(), &counted(counters, direction), ", ", INDENT)?;
        }
        for fault in &direction.faults {
            let words = format!("fault {}: {}", fault.number, done(fault));
            write!(text, "{:INDENT$}", "")?;
            list(text, self.bent, &words, " ", INDENT + 2)?;
        }
        Ok(())
    }
}

/// A fault with its place, in a line.
pub(crate) fn fault_line(placed: &PlacedFault) -> String {
    let PlacedFault { cable, from, to, fault } = placed;
    let (from, to) = (place(from), place(to));
    format!("fault {} on {cable}, {from} → {to}: {}", fault.number, done(fault))
}

/// What a fault does, and has done.
fn done(FaultState { rule, hits, held, .. }: &FaultState) -> String {
    let hits = if *hits == 1 { "1 hit".to_owned() } else { format!("{hits} hits") };
    let held = if *held > 0 { format!(", {held} held") } else { String::new() };
    format!("{rule}; {hits}{held}")
}

/// One end of a direction.
fn place(endpoint: &Option<Endpoint>) -> String {
    endpoint.as_ref().map_or("switch".to_owned(), ToString::to_string)
}

/// What became of the frames, less what none did.
fn counted(counters: &Counters, direction: &DirectionState) -> String {
    let Counters { sent, delivered, queued, .. } = counters;
    let some = |parts: &[(u64, &str)]| {
        let some = parts.iter().filter(|(count, _)| *count > 0);
        some.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    };
    let causes = [
        (counters.lost, "lost"),
        (counters.down, "link down"),
        (counters.queue_full, "queue full"),
        (counters.fault_drops, "by faults"),
    ];
    let dropped: u64 = causes.iter().map(|(count, _)| count).sum();
    let mut words = format!("{sent} sent, {delivered} delivered");
    if dropped > 0 {
        words += &format!(", {dropped} dropped ({})", some(&causes));
    }
    let changed = some(&[
        (counters.duplicated, "duplicated"),
        (counters.corrupted, "corrupted"),
        (counters.reordered, "reordered"),
        (*queued, "under way"),
        (counters.held, "of these held"),
        (direction.missed, "missed as they came too fast"),
        (direction.refused, "refused by the receiver"),
    ]);
    if !changed.is_empty() {
        words += &format!(", {changed}");
    }
    words
}

/// Appends words and ends the line, which goes on at `indent`, where it began, once it would get too long; it may end after
/// `separator` only.
fn list(
    text: &mut String,
    style: Style,
    words: &str,
    separator: &str,
    indent: usize,
) -> fmt::Result {
    write!(text, "{style}")?;
    let mut at = indent;
    for part in words.split_inclusive(separator) {
        let length = part.chars().count();
        if at > indent && at + part.trim_end().chars().count() > WIDTH {
            text.truncate(text.trim_end().len());
            write!(text, "\n{:indent$}", "")?;
            at = indent;
        }
        text.push_str(part);
        at += length;
    }
    writeln!(text, "{style:#}")
}
