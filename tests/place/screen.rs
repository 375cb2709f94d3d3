//! A person at a terminal, with an interactive shell that does job control.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::Child,
    time::Instant,
};

use super::{PATIENCE, Place, until};
use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::{
        stat::Mode,
        termios::{Termios, tcgetattr},
    },
    unistd::tcgetpgrp,
};

pub(crate) struct Screen {
    /// Gone once the terminal is closed.
    master: Option<File>,
    shell: Child,
    /// At the shell's first prompt.
    modes: Termios,
    seen: String,
    /// What is before this was expected already.
    read: usize,
}

impl Screen {
    /// Opens a terminal with a shell, at its prompt; `labnet` is a command of it.
    pub(crate) fn open(place: &Place) -> Self {
        // Not openpty(3): programs that other tests start at this moment would keep the terminal open.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = open(&*ptsname_r(&master).unwrap(), flags, Mode::empty()).unwrap();
        let stream = || slave.try_clone().unwrap();
        let folder = super::program().parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        let shell = place
            .command("setsid")
            .args(["--ctty", "bash", "--norc", "--noprofile", "-i"])
            .envs([("PATH", &*path), ("PS1", "outer> "), ("TERM", "dumb"), ("SHELL", "/bin/bash")])
            .env_remove("HISTFILE")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        drop(slave);
        let modes = tcgetattr(&master).unwrap();
        let master = Some(File::from(OwnedFd::from(master)));
        let mut screen = Self { master, shell, modes, seen: String::new(), read: 0 };
        screen.expect("outer> ");
        screen.modes = screen.modes();
        screen
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    /// Types a command, and returns when the terminal has echoed it.
    pub(crate) fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Presses a key together with Ctrl.
    pub(crate) fn ctrl(&mut self, key: char) {
        self.press(&char::from(key as u8 & 0x1f).to_string());
    }

    /// Returns when the screen shows a text after what was expected before.
    pub(crate) fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.seen[self.read..].find(text) {
                self.read += place + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let master = self.master.as_mut().unwrap();
            let mut fds = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut fds, PollTimeout::try_from(left).unwrap());
            assert!(ready != Ok(0), "no {text:?} in time on the screen:\n{}", self.seen);
            let mut chunk = [0; 4096];
            match master.read(&mut chunk) {
                Ok(count) => self.seen += &String::from_utf8_lossy(&chunk[..count]),
                // The master's way to say that nobody has the terminal any more.
                Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => {
                    panic!("no {text:?} before the terminal's end:\n{}", self.seen)
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Asks the shell for the exit code of what ran last, and checks that the terminal is as it was.
    pub(crate) fn expect_code(&mut self, code: i32) {
        self.expect("outer> ");
        self.expect_sane();
        self.line("echo \"code=$?=\"");
        self.expect(&format!("code={code}="));
        self.expect("outer> ");
    }

    /// Modes and foreground group are those of the shell's prompt.
    pub(crate) fn expect_sane(&self) {
        let shell = self.shell.id() as i32;
        until("foreground for the shell", || {
            tcgetpgrp(self.master.as_ref().unwrap()).is_ok_and(|group| group.as_raw() == shell)
        });
        until("modes as at first", || self.modes() == self.modes);
    }

    fn modes(&self) -> Termios {
        tcgetattr(self.master.as_ref().unwrap()).unwrap()
    }

    /// Closes the terminal, as by closing its window.
    pub(crate) fn close(&mut self) {
        self.master = None;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
        // It may have ended by itself, for want of a terminal.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
