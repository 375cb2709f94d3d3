//! Data of others, as it may be shown.

use std::fmt;

/// How much is shown, in characters.
const SHOWN: usize = 64;

/// Bytes as a quoted text, cut short with `...` as strace does.
pub(super) struct Data<'a>(pub(super) &'a [u8]);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = &self.0[..self.0.len().min(4 * SHOWN)];
        let text = String::from_utf8_lossy(most);
        let shown: String = text.chars().take(SHOWN).collect();
        let rest = if shown.len() < text.len() || most.len() < self.0.len() { "..." } else { "" };
        write!(f, "{shown:?}{rest}")
    }
}
