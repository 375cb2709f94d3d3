//! Signals to send to programs.

/// A signal (signal(7)); `Signal::Term as i32` is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Signal {
    /// SIGHUP: the terminal is gone; to many servers, read your configuration again.
    Hup = libc::SIGHUP,
    /// SIGINT: Ctrl-C.
    Int = libc::SIGINT,
    /// SIGQUIT: Ctrl-\.
    Quit = libc::SIGQUIT,
    /// SIGKILL: ends it whatever it does.
    Kill = libc::SIGKILL,
    /// SIGUSR1.
    Usr1 = libc::SIGUSR1,
    /// SIGUSR2.
    Usr2 = libc::SIGUSR2,
    /// SIGTERM: please end.
    Term = libc::SIGTERM,
    /// SIGSTOP: stops it until [`Signal::Cont`].
    Stop = libc::SIGSTOP,
    /// SIGCONT: goes on.
    Cont = libc::SIGCONT,
}
