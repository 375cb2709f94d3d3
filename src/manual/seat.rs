//! A terminal of a manual: what was started there, what it has shown, and how much of that has been looked at.

use std::{ops::Range, time::Duration};

use tokio::time::timeout;

use super::{Bindings, Key, Matched, Names, Pattern};
use crate::lab::{Error, Exit, LabError, Terminal, excerpt};

/// How long the echo of Ctrl-C is waited for: the kernel gives it at once, or not at all.
const ECHO: Duration = Duration::from_millis(500);

/// How much of what one program prints to a terminal is kept; a manual can't be larger either.
pub(super) const KEPT: usize = 1 << 20;

/// How much of it is told where there was more, of its beginning and of its end.
const SHORT: usize = 1 << 10;

/// A terminal at which somebody sits.
pub(super) struct Seat {
    terminal: Terminal,
    /// What earlier programs at it have shown.
    before: String,
    /// How much of the screen has been waited for.
    seen: usize,
    /// What on the screen is the echo of typing.
    echoes: Vec<Range<usize>>,
    /// What was typed to a program that echoes itself, as one that edits lines does: from where on its echo may come, and the echo.
    /// It may also never come.
    ahead: Vec<(usize, String)>,
    /// Whether anything was typed.
    typed: bool,
}

impl Seat {
    pub(super) fn new(terminal: Terminal, before: String) -> Self {
        terminal.keep(KEPT);
        Self { terminal, before, seen: 0, echoes: Vec::new(), ahead: Vec::new(), typed: false }
    }

    /// All that this terminal has shown, earlier programs' output included.
    pub(super) fn screen(&self) -> String {
        self.before.clone() + &self.terminal.screen() + &left_out(self.terminal.omitted())
    }

    pub(super) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Types, and takes its echo for known.
    pub(super) async fn type_key(&mut self, key: &Key, patience: Duration) -> Result<(), Error> {
        self.typed = true;
        let from = self.terminal.watch(|screen| Some(screen.len())).await.unwrap_or(self.seen);
        let (echoes, edits) = (self.terminal.echoes(), self.terminal.edits());
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
        } else if edits {
            self.ahead.push((from, echo));
        }
        Ok(())
    }

    /// The echoes on a screen; none while one may be coming.
    fn echoes(&self, screen: &[u8]) -> Option<Vec<Range<usize>>> {
        let mut echoes = self.echoes.clone();
        for (from, echo) in &self.ahead {
            let from = echoes.last().map_or(*from, |last| last.end.max(*from)).min(screen.len());
            let new = &screen[from..];
            match new.windows(echo.len()).position(|window| window == echo.as_bytes()) {
                Some(at) => echoes.push(from + at..from + at + echo.len()),
                None if echo.as_bytes().starts_with(new) => return None,
                None => {}
            }
        }
        Some(echoes)
    }

    /// Waits until what is new on the screen is what is expected; then it is no longer new. An error is what came instead.
    pub(super) async fn shows(
        &mut self,
        pattern: &Pattern,
        (names, bound): (&Names, &Bindings),
        patience: Duration,
    ) -> Result<(Bindings, String), Instead> {
        let look = |screen: &[u8]| {
            let echoes = self.echoes(screen)?;
            let output = new(screen, self.seen, &echoes);
            match pattern.matches(&output, false, names, bound) {
                Matched::Yes(bindings) => {
                    let end = match pattern.is_open() {
                        true => end_of_lines(screen).max(self.seen),
                        false => screen.len(),
                    };
                    Some(Ok((bindings, new(&screen[..end], self.seen, &echoes), end, echoes)))
                }
                // Nothing comes that would be kept.
                Matched::NotYet if screen.len() < KEPT => None,
                Matched::No | Matched::NotYet => Some(Err(output)),
            }
        };
        let looked = timeout(patience, self.terminal.watch(look)).await;
        match looked {
            Ok(Some(Ok((bindings, output, end, echoes)))) => {
                (self.seen, self.echoes) = (end, echoes);
                self.ahead.clear();
                Ok((bindings, output))
            }
            Ok(Some(Err(output))) => Err(self.instead(output, Why::Different)),
            Ok(None) => {
                // The program has ended: what it has shown is all.
                let output = self.new_output();
                match pattern.matches(&output, true, names, bound) {
                    Matched::Yes(bindings) => {
                        self.seen = usize::MAX;
                        Ok((bindings, output))
                    }
                    _ => Err(self.instead(output, Why::Ended)),
                }
            }
            Err(_) => Err(self.instead(self.new_output(), Why::Late)),
        }
    }

    /// What came, and why that is not good enough; in short where it is as much as is kept.
    fn instead(&self, output: String, why: Why) -> Instead {
        // Long before nothing more is kept, it is more to compare than is tried.
        let flood = self.terminal.raw().len() >= KEPT / 4;
        let output = if flood { excerpt(output, SHORT) } else { output };
        Instead { output: output + &left_out(self.terminal.omitted()), why }
    }

    /// What is on the screen that has not been waited for, and how much more there was.
    pub(super) fn news(&self) -> String {
        self.new_output() + &left_out(self.terminal.omitted())
    }

    fn new_output(&self) -> String {
        let screen = self.terminal.raw();
        let echoes = self.echoes(&screen);
        new(&screen, self.seen, echoes.as_deref().unwrap_or(&self.echoes))
    }

    /// Waits for the program's end. It is an error if it has printed more than is kept; but of a program that is typed at, and
    /// of one that is not waited for, only the end counts.
    pub(super) async fn ended(&self, patience: Duration) -> Option<Result<Exit, LabError>> {
        if self.typed || patience.is_zero() {
            return timeout(patience, self.terminal.ended()).await.ok();
        }
        let ended = async {
            tokio::select! {
                biased;
                () = self.terminal.overflows() => None,
                exit = self.terminal.ended() => Some(exit),
            }
        };
        let ended = timeout(patience, ended).await.ok()?;
        Some(match ended.filter(|_| self.terminal.omitted() == 0) {
            Some(exit) => exit,
            None => Err(self.terminal.too_much()),
        })
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

/// A line that tells what was not kept.
fn left_out(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!("\n[{bytes} bytes more were not kept]\n") }
}

/// Where the last line ends that has.
fn end_of_lines(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

/// What has come since `seen`, without echoes, with plain line ends.
fn new(screen: &[u8], seen: usize, echoes: &[Range<usize>]) -> String {
    let mut bytes = Vec::new();
    let mut at = seen.min(screen.len());
    // Of a line that was seen before it ended, such as a prompt, the blanks at its end may come later; they don't count.
    if at > 0 && screen[at - 1] != b'\n' {
        at += screen[at..].iter().take_while(|byte| **byte == b' ').count();
    }
    for echo in echoes.iter().filter(|echo| echo.end > seen && echo.end <= screen.len()) {
        bytes.extend_from_slice(&screen[at..echo.start.max(at)]);
        at = at.max(echo.end);
    }
    bytes.extend_from_slice(&screen[at..]);
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}
