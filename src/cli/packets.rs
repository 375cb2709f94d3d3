//! `labnet packets`: what a recording holds, frame by frame or as a whole.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use super::{
    capture::interface,
    exit::{DONE, FAILED, Failure, Outcome, USAGE, tell},
    labs::{Choice, failure},
    view::{Form, View},
};
use crate::{
    lab::{Capture, Error, Hosts, Lab},
    manual::SINCE_VARIABLE,
    packet::{Filter, Reader, list::Columns},
    units::Printable,
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
    /// Only frames that pass this filter, as of tcpdump: `tcp port 5001`
    #[arg(short, long, value_name = "EXPR")]
    filter: Option<Filter>,
    /// Only frames since this time, in seconds since 1970 as of `date +%s.%N`; frames are counted from there
    #[arg(long, value_name = "TIME", env = SINCE_VARIABLE, hide_env = true, value_parser = since)]
    since: Option<u64>,
    /// List these columns, joined by commas
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    #[command(flatten)]
    forms: Forms,
    /// With --follow, show bytes in hexadecimal
    #[arg(long, requires = "follow")]
    hex: bool,
    /// Print JSON: of a list one object a frame
    #[arg(long, conflicts_with_all = ["columns", "follow", "ladder", "normalise", "normalise_flows"])]
    json: bool,
    /// With --ladder, draw into this file, as SVG
    #[arg(short, long, value_name = "FILE", requires = "ladder")]
    output: Option<PathBuf>,
    #[command(flatten)]
    lab: Choice,
}

/// Seconds since 1970, to the nanosecond.
fn since(text: &str) -> Result<u64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let nanos = format!("{fraction:0<9}");
    let time = match digits(whole) && digits(fraction) && nanos.len() == 9 {
        true => whole.parse::<u64>().ok().zip(nanos.parse::<u64>().ok()),
        false => None,
    };
    let time = time.and_then(|(whole, nanos)| whole.checked_mul(1_000_000_000)?.checked_add(nanos));
    time.ok_or_else(|| "write seconds since 1970, as `date +%s.%N` prints them".to_owned())
}

/// Other forms than a list; one at a time.
#[derive(Debug, clap::Args)]
#[group(multiple = false, conflicts_with = "columns")]
struct Forms {
    /// Tell everything of one frame, to the last bit
    #[arg(long, value_name = "N")]
    frame: Option<u64>,
    /// A row a conversation: who with whom, how much, and how it ended
    #[arg(long)]
    flows: bool,
    /// Measure one conversation: round trips, delays of acknowledgments, Nagle's algorithm, windows
    #[arg(long, value_name = "N")]
    flow: Option<usize>,
    /// What was said in one conversation
    #[arg(long, value_name = "N")]
    follow: Option<usize>,
    /// Draw frames as arrows between hosts: all, or those of one conversation
    #[arg(long, value_name = "N", num_args = 0..=1)]
    ladder: Option<Option<usize>>,
    /// What is the same in each run of the same programs: no times, ephemeral ports or random numbers
    #[arg(long)]
    normalise: bool,
    /// The same, less in what order the two sides spoke
    #[arg(long)]
    normalise_flows: bool,
}

impl Args {
    fn form(&self) -> Form {
        let Forms { frame, flows, flow, follow, ladder, normalise, normalise_flows } = &self.forms;
        let list = Form::List(self.columns.clone().unwrap_or_default());
        let chosen = [
            frame.map(Form::Frame),
            flows.then_some(Form::Flows),
            flow.map(Form::Flow),
            follow.map(Form::Follow),
            ladder.map(Form::Ladder),
            normalise.then_some(Form::Normalised),
            normalise_flows.then_some(Form::NormalisedFlows),
        ];
        chosen.into_iter().flatten().next().unwrap_or(list)
    }
}

/// Frames to show.
enum Source {
    File(Box<dyn Read>),
    /// Of a running lab; of one interface, or of all ends of a link.
    Lab(Capture, Option<String>),
}

pub(crate) fn run(args: Args) -> Outcome {
    let source = source(&args)?;
    let unreadable = |error: &dyn std::fmt::Display| unreadable(&args, error);
    let hosts = match &source {
        Source::File(_) => Hosts::default(),
        Source::Lab(capture, _) => capture.hosts().clone(),
    };
    let mut view = View::new(args.form(), args.json, args.hex, args.output.clone(), &hosts);
    view.filter(args.filter.clone());
    view.since(args.since.unwrap_or_default());
    let input = match source {
        Source::File(input) => input,
        Source::Lab(capture, Some(interface)) => {
            view.at(interface);
            Box::new(capture.bytes())
        }
        Source::Lab(capture, None) => {
            view.of_link(capture.verdicts().map_err(|error| unreadable(&error))?);
            Box::new(capture.bytes())
        }
    };
    let mut reader = Reader::new(input).map_err(|error| unreadable(&error))?;
    let mut text = Vec::with_capacity(2 * CHUNK);
    let read = loop {
        match reader.next_with_interface() {
            Ok(Some((frame, interface))) => {
                view.add(frame, interface, &mut text);
                if view.is_complete() {
                    break Ok(());
                }
            }
            Ok(None) => break Ok(()),
            // What was good before it is shown.
            Err(error) => break Err(unreadable(&error)),
        }
        if text.len() >= CHUNK {
            write(&mut text)?;
        }
    };
    let finished = view.finish(&mut text);
    write(&mut text)?;
    read?;
    finished?;
    remarks(&reader);
    Ok(DONE)
}

fn write(text: &mut Vec<u8>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(|error| {
        Failure::new(FAILED, format!("cannot write to standard output: {error}"))
    })?;
    text.clear();
    Ok(())
}

/// Says on standard error what is not shown.
fn remarks(reader: &Reader<impl Read>) {
    for (interface, statistics) in reader.interfaces().iter().zip(reader.statistics()) {
        let name = Printable(interface.name.as_deref().unwrap_or("an interface"));
        if let Some(note) = &interface.description {
            tell(format_args!("labnet: {name}: {}", Printable(note)));
        }
        if let Some(dropped) = statistics.and_then(|s| s.dropped).filter(|dropped| *dropped > 0) {
            tell(format_args!(
                "labnet: {name}: {dropped} frames are missing, for which the kernel had no room"
            ));
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
        return Ok(Source::File(Box::new(io::stdin())));
    }
    let path = Path::new(name);
    // An interface may have a dot in its name, as in `R2:eth0.10`.
    let is_called_file = path.extension().is_some() && !name.contains(':');
    if name.contains('/') || path.exists() || is_called_file {
        let file = File::open(path).map_err(|error| unreadable(args, &error))?;
        return Ok(Source::File(Box::new(file)));
    }
    args.lab.with(async |lab| recorded(&lab, name).await)
}

/// What a lab records of a link, or at an interface.
async fn recorded(lab: &Lab, name: &str) -> Result<Source, Failure> {
    let (link, interface) = match lab.try_link(name) {
        Ok(link) => (link, None),
        Err(error) => {
            let endpoint = interface(lab, name, error)?;
            let of = lab.plan().segment_of(&endpoint).ok_or_else(|| {
                let what = format!(
                    "{endpoint} is at no link or network, so nothing is recorded there; \
                     `labnet capture {endpoint}` records from now on"
                );
                Failure::new(USAGE, what)
            })?;
            (lab.try_link(&of).map_err(failure)?, Some(endpoint.to_string()))
        }
    };
    let capture = match link.recording().await {
        Ok(capture) => capture,
        Err(Error::Lab(error)) => return Err(failure(error)),
        Err(error) => return Err(Failure::new(FAILED, error)),
    };
    if let Some(end) = capture.end() {
        let name = link.name();
        tell(format_args!("labnet: {name}: the recording ended early: {}", end.why));
    }
    Ok(Source::Lab(capture, interface))
}
