//! Text of unknown origin, as it may be shown.

use std::fmt::{self, Write};

/// Text that can't steer a terminal, whatever it consists of: control characters, and those that turn the direction of what
/// follows (UAX #9), are shown as in Rust, as `\u{1b}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                write!(f, "{}", c.escape_unicode())
            }
            c if c.is_control() => write!(f, "{}", c.escape_debug()),
            c => f.write_char(c),
        })
    }
}
