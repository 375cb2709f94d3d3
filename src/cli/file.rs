//! `labnet file`: sends a file over TCP, or stores the files that are sent.

use std::{
    io,
    net::{TcpListener, ToSocketAddrs},
    num::NonZeroUsize,
    os::fd::AsFd,
    path::PathBuf,
};

use clap::{Args, Subcommand};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

use super::exit::{DONE, FAILED, Failure, Outcome, USAGE, tell};
use crate::{
    apps::file::{self, Error, SendOptions, ServeOptions},
    units::{ByteSize, Delay},
};

/// Sends a file over TCP, or stores the files that are sent.
#[derive(Debug, Args)]
pub(crate) struct File {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Serve(Serve),
    Send(Send),
}

/// Stores every file that is sent to ADDR, one a connection, each in a single step: a broken transfer leaves the file
/// that was there. Ends with Ctrl-C.
#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on, such as 10.10.10.2:5002; port 0 lets the kernel choose
    addr: String,
    /// Directory to store files in
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Name to store every file under [default: received_file.txt; with --verify the sender's]
    #[arg(long, value_parser = plain_name)]
    name: Option<String>,
    /// Take only transfers with name, length and BLAKE3 hash (sent with --verify), which resume after a break
    #[arg(long)]
    verify: bool,
    /// Refuse larger files, such as 64MiB
    #[arg(long, value_name = "SIZE")]
    max_size: Option<ByteSize>,
    /// Serve so many clients at once; further ones wait
    #[arg(long, value_name = "N", default_value = "64")]
    max_clients: NonZeroUsize,
    /// Give up on a client when nothing moves for so long
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: Delay,
    /// End after so many connections; the exit code is 1 if one of them failed
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Sends FILE to the server at ADDR and waits until it has closed the connection; with labnet's server that
/// means the file is stored.
#[derive(Debug, Args)]
struct Send {
    /// Address of the server, such as 10.10.10.2:5002
    addr: String,
    /// The file
    file: PathBuf,
    /// Send name, length and BLAKE3 hash too, resume after a break, and succeed only when the server has
    /// confirmed (it needs --verify as well)
    #[arg(long)]
    verify: bool,
    /// Give up when nothing moves for so long
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: Delay,
}

impl File {
    pub(crate) fn run(self) -> Outcome {
        match self.action {
            Action::Serve(serve) => serve.run(),
            Action::Send(send) => send.run(),
        }
    }
}

impl Serve {
    fn run(self) -> Outcome {
        let listener = TcpListener::bind(&self.addr)
            .map_err(|error| address_failure("listen on", &self.addr, error))?;
        let options = ServeOptions {
            directory: self.into,
            name: self.name,
            verify: self.verify,
            max_size: self.max_size.map_or(u64::MAX, |size| size.0),
            max_clients: self.max_clients,
            timeout: self.timeout.0,
            count: self.count,
        };
        let stop = stop_signals()?;
        let failed = file::serve(listener, &options, stop.as_fd(), &|event| {
            tell(format_args!("labnet file: {event}"));
        });
        match (signal_code(&stop), failed) {
            (Some(code), Ok(_)) => Ok(code),
            (None, Ok(0)) => Ok(DONE),
            (None, Ok(_)) => Ok(FAILED),
            (_, Err(error)) => Err(Failure::new(FAILED, format!("file serve: {error}"))),
        }
    }
}

impl Send {
    fn run(self) -> Outcome {
        let addresses: Vec<_> = self
            .addr
            .to_socket_addrs()
            .map_err(|error| address_failure("connect to", &self.addr, error))?
            .collect();
        let options = SendOptions { verify: self.verify, timeout: self.timeout.0 };
        let stop = stop_signals()?;
        let sent = file::send(&addresses, &self.file, &options, stop.as_fd());
        match (sent, signal_code(&stop)) {
            (Err(Error::Stopped), Some(code)) => Ok(code),
            (Ok(()), _) => Ok(DONE),
            (Err(error), _) => {
                let file = file::shown(&self.file);
                Err(Failure::new(FAILED, format!("file send: {file} not sent: {error}")))
            }
        }
    }
}

fn plain_name(name: &str) -> Result<String, Error> {
    file::check_name(name).map(|()| name.to_owned())
}

fn address_failure(action: &str, address: &str, error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::InvalidInput {
        return Failure::new(
            USAGE,
            format!("{address:?} is no address: give HOST:PORT, such as 10.10.10.2:5002"),
        );
    }
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there already",
        io::ErrorKind::AddrNotAvailable => "; it is no address of this host",
        _ => "",
    };
    Failure::new(FAILED, format!("can't {action} {address}: {error}{hint}"))
}

/// A descriptor that is readable once Ctrl-C or SIGTERM asks the program to end.
fn stop_signals() -> Result<SignalFd, Failure> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals
        .thread_block()
        .and_then(|()| {
            SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        })
        .map_err(|errno| Failure::new(FAILED, format!("can't receive signals: {errno}")))
}

/// The exit code that tells which signal ended the program, as shells have it.
fn signal_code(stop: &SignalFd) -> Option<u8> {
    let signal = stop.read_signal().ok().flatten()?;
    Some(128 + u8::try_from(signal.ssi_signo).unwrap_or(0))
}
