//! What a person at a terminal sees while a file is on its way.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str =
    "{msg} [{bar:30}] {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// A bar without colour on standard error; nothing at all where that is not a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins at `position` of `length` bytes, so that rate and time left are those of the rest.
    pub(super) fn new(message: String, position: u64, length: u64) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = ProgressBar::new(length).with_style(style).with_message(message);
        bar.set_position(position);
        bar.reset_eta();
        Self(bar)
    }

    pub(super) fn set(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    /// Leaves the last state on its own line.
    fn drop(&mut self) {
        self.0.abandon();
    }
}
