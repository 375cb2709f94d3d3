//! `labnet echo`: the echo server and client of the sockets lab.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
};

use clap::Subcommand;

use super::{
    address::host_and_port,
    exit::{DONE, FAILED, Failure, Outcome, USAGE},
    runtime::block_on,
};
use crate::{
    apps::echo::{Trace, client, server},
    units::{ByteSize, Delay},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    Serve(Serve),
    Send(Send),
}

/// Answer each client's message and close: its digits if it contains SECRET
#[derive(Debug, clap::Args)]
struct Serve {
    /// Where to listen, HOST:PORT; port 0 lets the kernel choose
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// How long to wait for more when a message ends inside a character or fills its TCP segments
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    gap: Delay,
    /// How long a client may take for its message
    #[arg(long, value_name = "TIME", default_value = "1m")]
    timeout: Delay,
    /// The longest message
    #[arg(long, value_name = "SIZE", default_value = "64KiB")]
    max_size: ByteSize,
    /// How many clients are served at once; more wait to be accepted
    #[arg(long, value_name = "N", default_value = "16384")]
    max_clients: NonZeroUsize,
    /// Tell every socket call and what it returns
    #[arg(short, long)]
    verbose: bool,
}

/// Send words as one message and print what was sent and what came back
#[derive(Debug, clap::Args)]
struct Send {
    /// The server, HOST:PORT
    #[arg(value_parser = host_and_port)]
    addr: String,
    /// The words of the message
    #[arg(required = true)]
    words: Vec<String>,
    /// How long connecting, and then the reply, may take
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Delay,
    /// Tell every socket call and what it returns
    #[arg(short, long)]
    verbose: bool,
}

impl Args {
    pub(crate) fn run(self) -> Outcome {
        match self.role {
            Role::Serve(serve) => serve.run(),
            Role::Send(send) => send.run(),
        }
    }
}

impl Serve {
    fn run(self) -> Outcome {
        let trace = Trace { enabled: self.verbose };
        let limits = server::Limits {
            gap: self.gap.0,
            timeout: self.timeout.0,
            max_size: usize::try_from(self.max_size.0).unwrap_or(usize::MAX),
            max_clients: self.max_clients,
        };
        // Before the event loop takes descriptors, so that the socket is number 3 as in the textbook.
        let socket =
            server::bind(&self.addr, trace).map_err(|error| Failure::new(FAILED, error))?;
        block_on(server::serve(socket, limits, trace))?
            .map_err(|error| Failure::new(FAILED, error))?;
        Ok(DONE)
    }
}

impl Send {
    fn run(self) -> Outcome {
        let text = client::text(&self.words);
        if text.is_empty() {
            return Err(Failure::new(USAGE, "nothing to send: the words are only spaces"));
        }
        let trace = Trace { enabled: self.verbose };
        let reply = block_on(client::exchange(&self.addr, &text, self.timeout.0, trace))?
            .map_err(|error| Failure::new(FAILED, error))?;
        writeln!(io::stdout(), "Sent: {text}\nReceived: {reply}").map_err(|error| {
            Failure::new(FAILED, format_args!("cannot write standard output: {error}"))
        })?;
        Ok(DONE)
    }
}
