//! `labnet logs`: what a program of the topology has printed.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

use nix::unistd::{Whence, lseek64};

use super::{
    exit::{DONE, FAILED, Failure, Outcome, USAGE, tell},
    labs::{Choice, failure},
};
use crate::{
    init::{LogRange, Reply, Request},
    lab::LabError,
    name::ProgramName,
};

/// Show what a program of the topology has printed, both streams in one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The node it runs in
    node: String,
    /// Its name in the topology
    program: String,
    /// Go on with what it prints until it ends
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    lab: Choice,
}

pub(crate) fn run(args: Args) -> Outcome {
    let program: ProgramName = args.program.parse().map_err(|error| Failure::new(USAGE, error))?;
    args.lab.with(async |lab| {
        let node = lab.try_node(&args.node).map_err(failure)?.name().clone();
        let request = Request::Logs { node, program, follow: args.follow };
        let (_, mut replies) = lab.session().ask(request, &[]).await.map_err(failure)?;
        let mut shown = 0;
        loop {
            let range = match replies.next().await.map_err(failure)? {
                (Reply::Log(range), mut fds) if !fds.is_empty() => {
                    let file = File::from(fds.remove(0));
                    show(&file, range, &mut shown).map_err(|error| {
                        Failure::new(FAILED, format!("cannot show the output: {error}"))
                    })?;
                    range
                }
                (other, _) => return Err(failure(LabError::unexpected(&other))),
            };
            if !args.follow || range.ended {
                return Ok(DONE);
            }
        }
    })
}

/// Prints what is new in the record.
fn show(file: &File, range: LogRange, shown: &mut u64) -> io::Result<()> {
    let mut out = io::stdout().lock();
    skip_to(range.start, shown, &mut out)?;
    let mut buffer = vec![0; 64 * 1024];
    while *shown < range.end {
        let want = buffer.len().min((range.end - *shown) as usize);
        let length = file.read_at(&mut buffer[..want], *shown)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // What is dropped meanwhile reads as zeroes; a hole begins at its old start, so this part is sound if its start is.
        let kept = lseek64(file, *shown as i64, Whence::SeekData)? as u64;
        if kept > *shown {
            skip_to(kept, shown, &mut out)?;
            continue;
        }
        out.write_all(&buffer[..length])?;
        *shown += length as u64;
    }
    out.flush()
}

/// Goes on at `start` if that is later, saying so.
fn skip_to(start: u64, shown: &mut u64, out: &mut impl Write) -> io::Result<()> {
    if start > *shown {
        let lost = start - *shown;
        out.flush()?;
        tell(format_args!("labnet: the oldest {lost} bytes are no longer kept"));
        *shown = start;
    }
    Ok(())
}
