//! A terminal of a manual: what was started there, what it has shown, and how much of that has been looked at.

use std::{ops::Range, time::Duration};

use tokio::time::timeout;

use super::{Bindings, Key, Matched, Names, Pattern};
use crate::lab::{Error, Exit, LabError, Terminal};

/// How long the echo of Ctrl-C is waited for: the kernel gives it at once, or not at all.
const ECHO: Duration = Duration::from_millis(500);

/// A terminal at which somebody sits.
pub(super) struct Seat {
    terminal: Terminal,
    /// What earlier programs at it have shown.
    before: String,
    /// How much of the screen has been waited for.
    seen: usize,
    /// What on the screen is the echo of typing.
    echoes: Vec<Range<usize>>,
}

impl Seat {
    pub(super) fn new(terminal: Terminal, before: String) -> Self {
        Self { terminal, before, seen: 0, echoes: Vec::new() }
    }

    /// All that this terminal has shown, earlier programs' output included.
    pub(super) fn screen(&self) -> String {
        self.before.clone() + &self.terminal.screen()
    }

    pub(super) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Types, and takes its echo for known.
    pub(super) async fn type_key(&mut self, key: &Key, patience: Duration) -> Result<(), Error> {
        let from = self.terminal.watch(|screen| Some(screen.len())).await.unwrap_or(self.seen);
        let echoes = self.terminal.echoes();
        let (echo, patience) = match key {
            Key::Line(line) => {
                self.terminal.type_line(line).await?;
                (format!("{line}\r\n"), patience)
            }
            Key::Ctrl(letter) => {
                self.terminal.ctrl(*letter).await?;
                (format!("^{}", letter.to_ascii_uppercase()), ECHO)
            }
        };
        // The end of input is not echoed (ECHOCTL in termios(3)).
        if echoes && *key != Key::Ctrl('D') {
            let found = |screen: &[u8]| {
                let new = screen.get(from..)?;
                let at = new.windows(echo.len()).position(|window| window == echo.as_bytes())?;
                Some(from + at..from + at + echo.len())
            };
            // Somebody who has gone echoes nothing; that is for the steps that follow to find out.
            if let Ok(Some(echo)) = timeout(patience, self.terminal.watch(found)).await {
                self.echoes.push(echo);
            }
        }
        Ok(())
    }

    /// Waits until what is new on the screen is what is expected; then it is no longer new. An error is what came instead.
    pub(super) async fn shows(
        &mut self,
        pattern: &Pattern,
        (names, bound): (&Names, &Bindings),
        patience: Duration,
    ) -> Result<(Bindings, String), Instead> {
        let (seen, echoes) = (self.seen, &self.echoes);
        let look = |screen: &[u8]| {
            let output = new(screen, seen, echoes);
            match pattern.matches(&output, false, names, bound) {
                Matched::Yes(bindings) => Some(Ok((bindings, output, screen.len()))),
                Matched::No => Some(Err(output)),
                Matched::NotYet => None,
            }
        };
        let looked = timeout(patience, self.terminal.watch(look)).await;
        match looked {
            Ok(Some(Ok((bindings, output, end)))) => {
                self.seen = end;
                Ok((bindings, output))
            }
            Ok(Some(Err(output))) => Err(Instead { output, why: Why::Different }),
            Ok(None) => {
                // The program has ended: what it has shown is all.
                let output = self.news();
                match pattern.matches(&output, true, names, bound) {
                    Matched::Yes(bindings) => {
                        self.seen = usize::MAX;
                        Ok((bindings, output))
                    }
                    _ => Err(Instead { output, why: Why::Ended }),
                }
            }
            Err(_) => Err(Instead { output: self.news(), why: Why::Late }),
        }
    }

    /// What is on the screen that has not been waited for.
    pub(super) fn news(&self) -> String {
        new(self.terminal.raw().as_slice(), self.seen, &self.echoes)
    }

    /// Waits for the program's end.
    pub(super) async fn ended(&self, patience: Duration) -> Option<Result<Exit, LabError>> {
        timeout(patience, self.terminal.ended()).await.ok()
    }
}

/// What came, and why that is not good enough.
pub(super) struct Instead {
    pub(super) output: String,
    pub(super) why: Why,
}

pub(super) enum Why {
    Different,
    Ended,
    Late,
}

/// What has come since `seen`, without echoes, with plain line ends.
fn new(screen: &[u8], seen: usize, echoes: &[Range<usize>]) -> String {
    let mut bytes = Vec::new();
    let mut at = seen.min(screen.len());
    for echo in echoes.iter().filter(|echo| echo.end > seen && echo.end <= screen.len()) {
        bytes.extend_from_slice(&screen[at..echo.start.max(at)]);
        at = echo.end;
    }
    bytes.extend_from_slice(&screen[at..]);
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}
