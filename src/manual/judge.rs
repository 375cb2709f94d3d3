//! Whether a step came out as it should, and what is told if not.

use super::{
    Matched, Status, Step,
    diff::compare,
    run::Runner,
    stop::{Stop, check},
};
use crate::lab::Exit;

/// How many of a link's last frames are shown with a failure.
const LAST: usize = 10;

impl Runner<'_> {
    /// Compares how something ended and what it printed with what was expected.
    pub(super) fn judge(
        &mut self,
        step: &Step,
        exit: Exit,
        output: String,
    ) -> Result<String, Stop> {
        let (names, expected) = (&self.manual.names, &step.expected);
        let matched = expected.matches(&output, true, names, &self.bound);
        let status = check(step.status.unwrap_or(Status::Success), exit);
        match (matched, status) {
            (Matched::Yes(bindings), Ok(())) => {
                self.bound = bindings;
                Ok(output)
            }
            (Matched::Yes(_), Err(why)) => Err(Stop::failed(why, output)),
            (_, status) => {
                let why = status.err().unwrap_or_else(|| "it printed something else".to_owned());
                Err(self.differs(step, why, output))
            }
        }
    }

    /// Something else was printed; why, and what names stood for that are expected to stand for the same again.
    pub(super) fn differs(&self, step: &Step, mut why: String, output: String) -> Stop {
        let names = &self.manual.names;
        let difference = compare(&step.expected, &output, names, &self.bound);
        let known = step.expected.known(names, &self.bound);
        let known: Vec<String> =
            known.map(|(name, value)| format!("[{name}] is {value}")).collect();
        if !known.is_empty() {
            why += &format!(" ({})", known.join(", "));
        }
        Stop::Failed { why, output, difference }
    }

    /// The last frames of each link, for whoever looks for the reason of a failure.
    pub(super) async fn last_packets(&self) -> String {
        let mut text = String::new();
        for (of, _) in self.lab.plan().captured() {
            let Ok(link) = self.lab.try_link(&of) else { continue };
            let Ok(capture) = link.recording().await else { continue };
            let list = capture.to_string();
            let lines: Vec<&str> = list.lines().collect();
            if lines.is_empty() {
                continue;
            }
            let last = &lines[lines.len().saturating_sub(LAST)..];
            text += &format!("{of}:\n{}\n", last.join("\n"));
        }
        text
    }
}
