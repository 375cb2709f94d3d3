//! The caller's terminal: its modes and its foreground group, kept and given back.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal},
    os::unix::fs::OpenOptionsExt,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask},
        termios::{SetArg, Termios, tcgetattr, tcsetattr},
    },
    unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp},
};

/// How often a program in the background asks its shell for the terminal before it takes it that nobody listens.
const ATTEMPTS: usize = 16;

/// The controlling terminal, wherever the standard streams lead; without one, all this does nothing.
pub(super) struct Terminal {
    tty: Option<File>,
    /// As they were found, if this process was in the foreground then: else they are somebody else's.
    modes: Option<Termios>,
    /// Whether the program's own group has the foreground, from this process.
    lent: bool,
}

impl Terminal {
    /// Notes how the terminal is; `lent` if the program will be born with the foreground.
    ///
    /// A program that writes to a pipe leaves the terminal to those after it in the pipeline, such as a pager.
    pub(super) fn open(lent: bool) -> Self {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty").ok()
        };
        let tty = (lent || io::stdout().is_terminal()).then(open).flatten();
        let mut terminal = Self { tty, modes: None, lent };
        if terminal.in_foreground() {
            terminal.modes = terminal.modes();
        }
        terminal
    }

    /// The modes as they are now.
    pub(super) fn modes(&self) -> Option<Termios> {
        self.tty.as_ref().and_then(|tty| tcgetattr(tty).ok())
    }

    /// Makes it as it was found, in the program's end or stop: unless the job was sent to the background, where the terminal
    /// is its shell's.
    pub(super) fn take_back(&mut self) {
        let Some(Ok(foreground)) = self.tty.as_ref().map(tcgetpgrp) else { return };
        // A program that leads a group of its own, such as a shell, may leave the foreground to nobody.
        let nobodys = kill(Pid::from_raw(-foreground.as_raw()), None) == Err(Errno::ESRCH);
        if self.lent || nobodys || foreground == getpgrp() {
            self.set(getpgrp(), self.modes.as_ref());
        }
        self.lent = false;
    }

    /// Lends the foreground, with these modes, to a program's group, if this process has it.
    pub(super) fn lend(&mut self, group: Pid, modes: Option<&Termios>) {
        if self.in_foreground() {
            self.set(group, modes);
            self.lent = true;
        }
    }

    fn in_foreground(&self) -> bool {
        self.tty.as_ref().is_some_and(|tty| tcgetpgrp(tty) == Ok(getpgrp()))
    }

    fn set(&self, group: Pid, modes: Option<&Termios>) {
        let Some(tty) = &self.tty else { return };
        undisturbed(|| {
            // A terminal that has gone away needs nothing.
            let _ = tcsetpgrp(tty, group);
            if let Some(modes) = modes {
                let _ = tcsetattr(tty, SetArg::TCSADRAIN, modes);
            }
        });
    }
}

/// Whether standard input is the controlling terminal; returns when this process's group is in its foreground, having
/// stopped until then as programs do that read from it in the background (termios(3)).
///
/// # Errors
///
/// If nobody brings it to the foreground: no shell looks after its group.
pub(super) fn await_foreground() -> io::Result<bool> {
    for _ in 0..ATTEMPTS {
        match tcgetpgrp(io::stdin()) {
            Err(_) => return Ok(false),
            Ok(group) if group == getpgrp() => return Ok(true),
            Ok(_) => kill(Pid::from_raw(0), Signal::SIGTTIN)?,
        }
    }
    Err(io::Error::other("it runs in the background of its terminal, and no shell can change that"))
}

/// Runs `f` with the signal blocked that a background process gets for changing the terminal.
fn undisturbed<T>(f: impl FnOnce() -> T) -> T {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTTOU);
    let mut before = SigSet::empty();
    let blocked = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&mask), Some(&mut before));
    let result = f();
    if blocked.is_ok() {
        let _ = before.thread_set_mask();
    }
    result
}
