//! What a direction of a cable does, in short lines.

use crate::{
    impairment::{Change, Impairment, Pace},
    plan::Direction,
};

/// Longer lines are broken between two things that are done.
const WIDTH: usize = 24;

/// What is done to frames where they are sent, ASCII, beginning with `out:`; none: nothing.
pub(super) fn lines(direction: &Direction) -> Vec<String> {
    if direction.is_nothing() {
        return Vec::new();
    }
    let mut lines = vec!["out:".to_owned()];
    let said = said(&direction.impairment).into_iter().chain(counts(direction));
    for (index, text) in said.enumerate() {
        let fits = |line: &&mut String| index == 0 || line.len() + text.len() + 2 <= WIDTH;
        match lines.last_mut() {
            Some(line) if fits(&line) => {
                line.push_str(if index == 0 { " " } else { ", " });
                line.push_str(&text);
            }
            line => {
                line.into_iter().for_each(|line| line.push(','));
                lines.push(text);
            }
        }
    }
    lines
}

/// What is done from the start; a trace without its name, which may be long.
fn said(impairment: &Impairment) -> Vec<String> {
    let (own, default) = (Change::from(impairment.clone()), Change::from(Impairment::default()));
    let both = own.fields().into_iter().zip(default.fields());
    let told = both.filter(|(own, default)| own != default).map(|((key, text), _)| match key {
        "down" => key.to_owned(),
        "rate" if matches!(impairment.rate, Some(Pace::Trace(_))) => "rate of a trace".to_owned(),
        _ => format!("{key} {text}"),
    });
    told.collect()
}

/// How much more there is.
fn counts(direction: &Direction) -> Vec<String> {
    let changes = (direction.schedule.entries().len(), "change", " in time");
    let faults = (direction.faults.len(), "fault", "");
    let told = [changes, faults].into_iter().filter(|(count, ..)| *count > 0);
    told.map(|(count, noun, more)| {
        let s = if count == 1 { "" } else { "s" };
        format!("{count} {noun}{s}{more}")
    })
    .collect()
}
