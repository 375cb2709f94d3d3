//! `labnet packets`: what a recording holds, as a list or as a whole.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use super::{
    capture::interface,
    exit::{DONE, FAILED, Failure, Outcome, USAGE},
    labs::{Choice, failure},
    listing::{Listing, Show},
};
use crate::{
    lab::{Capture, Error, Lab},
    packet::{Filter, Reader, list::Columns},
};

/// What is written at once.
const CHUNK: usize = 64 << 10;

/// Show what a recording holds: a file, or what a running lab records of a link (`capture = true` in its topology)
///
/// Files are pcapng or pcap. Protocols above TCP and UDP are not guessed from port numbers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file (`./NAME` if a link is called the same; `-` is standard input), or of a running lab NODE:INTERFACE, a link or a network
    #[arg(value_name = "FILE|NODE:IF|LINK")]
    source: String,
    /// Show only frames that pass this filter, as of tcpdump: `tcp port 5001`
    #[arg(short, long, value_name = "EXPR")]
    filter: Option<Filter>,
    /// Which columns to list, joined by commas
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    /// List one JSON object a frame
    #[arg(long, conflicts_with = "columns")]
    json: bool,
    #[command(flatten)]
    lab: Choice,
}

/// Frames to show, and of which interface, if not of all.
struct Source {
    input: Box<dyn Read>,
    interface: Option<String>,
    /// Whether it is of all ends of a link.
    link: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let source = source(&args)?;
    let mut reader = Reader::new(source.input).map_err(|error| unreadable(&args, &error))?;
    let columns = args.columns.clone().unwrap_or_default();
    let show = if args.json { Show::Json } else { Show::Columns(columns) };
    let listing = Listing::new(show).filter(args.filter.clone());
    let mut listing = listing.at(source.interface).only_sent(source.link);
    let mut out = io::stdout().lock();
    let mut text = Vec::with_capacity(2 * CHUNK);
    loop {
        let more = listing.next(&mut reader, &mut text);
        if text.len() >= CHUNK || !matches!(more, Ok(true)) {
            let written = out.write_all(&text).and_then(|()| out.flush());
            written.map_err(|error| {
                Failure::new(FAILED, format!("cannot write to standard output: {error}"))
            })?;
            text.clear();
        }
        match more {
            Ok(true) => {}
            Ok(false) => break,
            // What was good before it has been shown.
            Err(error) => return Err(unreadable(&args, &error)),
        }
    }
    remarks(&reader);
    Ok(DONE)
}

/// Says on standard error what a list does not show.
fn remarks(reader: &Reader<impl Read>) {
    for (interface, statistics) in reader.interfaces().iter().zip(reader.statistics()) {
        let name = interface.name.as_deref().unwrap_or("an interface");
        if let Some(note) = &interface.description {
            anstream::eprintln!("labnet: {name}: {note}");
        }
        if let Some(dropped) = statistics.and_then(|s| s.dropped).filter(|dropped| *dropped > 0) {
            anstream::eprintln!(
                "labnet: {name}: {dropped} frames are missing, for which the kernel had no room"
            );
        }
    }
}

fn unreadable(args: &Args, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FAILED, format!("{}: {error}", args.source))
}

fn source(args: &Args) -> Result<Source, Failure> {
    let name = args.source.as_str();
    if name == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::new(USAGE, "standard input is a terminal, not a recording"));
        }
        return Ok(Source { input: Box::new(io::stdin()), interface: None, link: false });
    }
    let is_file =
        name.contains('/') || Path::new(name).exists() || Path::new(name).extension().is_some();
    if is_file {
        let file = File::open(name).map_err(|error| unreadable(args, &error))?;
        return Ok(Source { input: Box::new(file), interface: None, link: false });
    }
    args.lab.with(async |lab| recorded(&lab, name).await)
}

/// What a lab records of a link, or at an interface.
async fn recorded(lab: &Lab, name: &str) -> Result<Source, Failure> {
    let (link, interface) = match lab.try_link(name) {
        Ok(link) => (link, None),
        Err(error) => {
            let endpoint = interface(lab, name, error)?;
            let of = lab.plan().segment_of(&endpoint);
            let of = of.ok_or_else(|| {
                let what = format!("{endpoint} is at no link or network: nothing is recorded there; `labnet capture {endpoint}` records from now on");
                Failure::new(USAGE, what)
            })?;
            (lab.try_link(&of).map_err(failure)?, Some(endpoint.to_string()))
        }
    };
    let capture: Capture = match link.recording().await {
        Ok(capture) => capture,
        Err(Error::Lab(error)) => return Err(failure(error)),
        Err(error) => return Err(Failure::new(FAILED, error)),
    };
    if let Some(end) = capture.end() {
        anstream::eprintln!("labnet: {}: the recording ended early: {}", link.name(), end.why);
    }
    let link = interface.is_none();
    Ok(Source { input: Box::new(capture.bytes()), interface, link })
}
