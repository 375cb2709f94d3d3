//! The programs in the places of roles, and what they do otherwise than the manual says.

use std::fmt::Write;

use super::steps::text;
use crate::manual::{Behaviour, Cast};

/// A list of the programs; nothing if there are none.
pub(super) fn html(casts: &[Cast]) -> String {
    if casts.is_empty() {
        return String::new();
    }
    let mut html = String::from("<dl class=\"cast\">\n");
    for Cast { role, command, passed, failed, not_run } in casts {
        let all = passed + failed.len() + not_run;
        let _ = writeln!(
            html,
            "<div><dt>{}: <code>{}</code></dt><dd>{passed} of {all} steps as the manual says",
            text(role),
            text(command)
        );
        if !failed.is_empty() {
            html.push_str("<ul>\n");
        }
        for Behaviour { section, line, step, why } in failed {
            let first = step.lines().next().unwrap_or_default();
            let why = why.lines().next().unwrap_or_default();
            let _ = writeln!(
                html,
                "<li>{}, line {line}: <code>{}</code>: {}</li>",
                text(section),
                text(first),
                text(why)
            );
        }
        if !failed.is_empty() {
            html.push_str("</ul>\n");
        }
        html.push_str("</dd></div>\n");
    }
    html + "</dl>\n"
}
