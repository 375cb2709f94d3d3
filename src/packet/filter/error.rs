//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

use unicode_width::UnicodeWidthStr;

/// The text is not a filter of the language that [the module](super) describes.
///
/// It reads as the column, what is wrong there, the place underlined, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}\n{}{}", self.excerpt(), self.advice())]
pub struct FilterError {
    column: usize,
    place: Range<usize>,
    message: String,
    help: Option<String>,
    /// What is shown of the text: its part before the place, the place, and its part after it.
    shown: Box<[String; 3]>,
}

/// How much of the text is shown on either side of the place.
const AROUND: usize = 40;

impl FilterError {
    pub(super) fn new(text: &str, place: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(text, place.start);
        let end = floor(text, place.end).max(start);
        let mut before: Vec<char> = text[..start].chars().rev().take(AROUND + 1).collect();
        let cut = before.len() > AROUND;
        before.truncate(AROUND);
        let before = before.into_iter().rev().collect::<String>();
        let tidy = |text: &str| text.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
        Self {
            column: text[..start].chars().count() + 1,
            place: start..end,
            message: message.into(),
            help: None,
            shown: Box::new([
                format!("{}{}", if cut { "…" } else { "" }, tidy(&before)),
                tidy(&shorten(&text[start..end])),
                tidy(&shorten(&text[end..])),
            ]),
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The column in which the place begins, in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The place in the text, in bytes, on boundaries of characters.
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// What is wrong there, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead, if that can be said.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The text around the place, and the place underlined.
    fn excerpt(&self) -> impl fmt::Display {
        let [before, place, after] = &*self.shown;
        let line = format!("{before}{place}{after}");
        let margin = " ".repeat(before.width());
        format!("  {}\n  {margin}{}", line.trim_end(), "^".repeat(place.width().max(1)))
    }

    fn advice(&self) -> impl fmt::Display {
        self.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default()
    }
}

/// The last boundary between characters that isn't after `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The first characters of a text, and a sign if there are more.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(AROUND) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
