//! What a machine can do for labs, as a list.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::init::{Diagnosis, State};

/// One line a feature, styled; under those that are not well, what they are needed for and what to do.
pub(crate) fn doctor(diagnosis: &Diagnosis) -> String {
    let features = &diagnosis.features;
    let width = features.iter().map(|feature| feature.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for feature in features {
        let (mark, colour) = match feature.state {
            State::Ok => ("ok", AnsiColor::Green),
            State::Note => ("note", AnsiColor::Yellow),
            State::Missing => ("missing", AnsiColor::Red),
            State::Untried => ("untried", AnsiColor::Yellow),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        // Writing to memory can't fail.
        let _ =
            writeln!(text, "{style}{mark:7}{style:#}  {:width$}  {}", feature.name, feature.found);
        let mut more = |label: &str, what: &str| {
            let _ = writeln!(text, "{:7}  {:width$}  {label}: {what}", "", "");
        };
        if matches!(feature.state, State::Note | State::Missing) {
            more("needed for", &feature.needed_for);
        }
        if let Some(remedy) = &feature.remedy {
            more("remedy", remedy);
        }
    }
    let missing: Vec<&str> = diagnosis.missing().map(|feature| feature.name.as_str()).collect();
    let _ = match missing.as_slice() {
        [] => writeln!(text, "labs can run here"),
        missing => writeln!(text, "labs can't run here; missing: {}", missing.join(", ")),
    };
    text
}
