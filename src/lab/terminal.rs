//! A program on a terminal of its own.

use nix::sys::termios::LocalFlags;

use super::{Error, Exit, LabError, Program, Transcript};

/// A program on a terminal of its own, typed at and read as a person would; killed when dropped.
///
/// The terminal echoes what is typed, unless the program turns that off, and its screen is a roll of paper: TERM is `dumb`.
///
/// ```
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("topology/sockets-lab.toml").await?;
/// let mut shell = lab.node("KALI").command("sh").env("PS1", "KALI: ").terminal().await?;
/// shell.expect("KALI: ").await?;
/// shell.type_line("hostname").await?;
/// shell.expect("KALI\nKALI: ").await?;
/// shell.type_line("exit 3").await?;
/// assert_eq!(shell.wait().await?.to_string(), "KALI$ sh\nKALI: hostname\nKALI\nKALI: exit 3\n[exit code 3]\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Terminal {
    program: Program,
}

impl Terminal {
    pub(super) fn new(program: Program) -> Self {
        Self { program }
    }

    /// Types a line and the Enter key.
    ///
    /// # Errors
    ///
    /// If nobody is at the terminal any more.
    pub async fn type_line(&mut self, line: &str) -> Result<(), Error> {
        self.program.write(format!("{line}\r")).await
    }

    /// Presses a key together with Ctrl: `ctrl('C')` interrupts, `ctrl('D')` ends the input, `ctrl('Z')` stops.
    ///
    /// # Errors
    ///
    /// If there is no such key on a terminal, or nobody is at it any more.
    pub async fn ctrl(&mut self, key: char) -> Result<(), Error> {
        let code = match key.to_ascii_uppercase() {
            key @ '@'..='_' => key as u8 ^ 0x40,
            _ => return Err(Error::io(format!("press Ctrl-{key}"), nix::errno::Errno::EINVAL)),
        };
        self.program.write([code]).await
    }

    /// Waits until the screen shows a text, after what the last call found; what was typed is on the screen too.
    ///
    /// # Errors
    ///
    /// As for [`Program::expect`].
    pub async fn expect(&mut self, text: &str) -> Result<(), Error> {
        self.program.expect(text).await
    }

    /// Waits until the whole screen, from the beginning, is exactly this text.
    ///
    /// # Errors
    ///
    /// As for [`Program::expect`].
    pub async fn expect_screen(&self, screen: &str) -> Result<(), Error> {
        let same = |shown: &[u8]| {
            (String::from_utf8_lossy(shown).replace("\r\n", "\n") == screen).then_some(())
        };
        self.program.seen(screen, |collected| same(&collected.screen)).await
    }

    /// What the screen has shown so far, typing echoed; line ends are plain.
    pub fn screen(&self) -> String {
        self.program.transcript().screen()
    }

    /// The program itself: to wait until it is ready, or to signal it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Waits until the program has ended, and tells what it did; type what ends it first.
    ///
    /// # Errors
    ///
    /// If the lab ends first.
    pub async fn wait(self) -> Result<Transcript, Error> {
        // The terminal must stay open meanwhile, or the program would be hung up on.
        self.program.ended().await?;
        Ok(self.program.transcript())
    }

    /// Returns when `found` does, given all that the screen has shown, or with `None` when nothing can come any more.
    pub(crate) async fn watch<T>(&self, mut found: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        self.program.watch(|collected| found(&collected.screen)).await
    }

    /// Keeps no more than so many bytes of what it prints from here on.
    pub(crate) fn keep(&self, most: usize) {
        self.program.keep(most);
    }

    /// How many bytes it has printed beyond what is kept.
    pub(crate) fn omitted(&self) -> u64 {
        self.program.omitted()
    }

    /// Returns when it has printed more than is kept; not at all if it ends before.
    pub(crate) async fn overflows(&self) {
        if self.program.watch(|collected| (collected.omitted > 0).then_some(())).await.is_none() {
            std::future::pending().await
        }
    }

    /// That it has printed more than is kept.
    pub(crate) fn too_much(&self) -> LabError {
        self.program.too_much()
    }

    /// Whether what is typed shows on the screen, by the terminal's own doing (ECHO in termios(3)).
    pub(crate) fn echoes(&self) -> bool {
        self.program.termios().is_some_and(|modes| modes.local_flags.contains(LocalFlags::ECHO))
    }

    /// Whether the program takes each key as it comes (no ICANON in termios(3)): it may echo what is typed itself.
    pub(crate) fn edits(&self) -> bool {
        self.program.termios().is_some_and(|modes| !modes.local_flags.contains(LocalFlags::ICANON))
    }

    /// Waits until the program has ended.
    pub(crate) async fn ended(&self) -> Result<Exit, LabError> {
        self.program.ended().await
    }

    /// Kills the program and waits until it has ended.
    pub(crate) async fn end(&self) -> Result<Exit, LabError> {
        self.program.kill();
        self.program.ended().await
    }

    /// What the screen has shown so far, byte for byte.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.program.screen()
    }
}
