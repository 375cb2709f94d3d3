//! `labnet capture`: record what passes interfaces of a running lab, or watch it.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    rc::Rc,
    thread,
};

use nix::{fcntl::OFlag, unistd::pipe2};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use super::{
    exit::{BROKE, DONE, FAILED, Failure, Outcome, USAGE, tell},
    labs::{Choice, failure},
    listing::{Listing, Show},
};
use crate::{
    init::{CaptureEnd, EndReason},
    lab::{CaptureBuilder, Error, Lab, LabError, Recording},
    name::Endpoint,
    packet::{Filter, Reader, list::Columns},
    units::Delay,
};

/// Show what passes interfaces of a running lab, or record it, until Ctrl-C
///
/// Of a link, frames are recorded at both ends, and listed where they were sent. Wireshark shows them live by
/// `labnet capture lan -w - | wireshark -k -i -`, tshark by `… | tshark -r -`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where: NODE:INTERFACE, as in R2:eth0, or a link or network
    #[arg(required = true, value_name = "NODE:IF|LINK")]
    places: Vec<String>,
    /// Record in pcapng into this file, or to standard output if it is `-`, instead of a list
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Only frames that pass this filter, as of tcpdump: `tcp port 5001`
    #[arg(short, long, value_name = "EXPR")]
    filter: Option<Filter>,
    /// End after so many frames
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time
    #[arg(long = "for", value_name = "TIME")]
    time: Option<Delay>,
    /// Keep so many bytes of each frame
    #[arg(short, long, value_name = "BYTES")]
    snap_length: Option<u32>,
    /// Which columns to list, joined by commas
    #[arg(long, value_name = "NAMES", conflicts_with = "write")]
    columns: Option<Columns>,
    /// List one JSON object a frame
    #[arg(long, conflicts_with_all = ["write", "columns"])]
    json: bool,
    #[command(flatten)]
    lab: Choice,
}

/// Where the recording goes.
enum Target {
    /// Into a file that becomes the one named when the capture is on.
    File { file: File, made: Option<(PathBuf, PathBuf)> },
    /// To standard output as it is.
    Stream,
    /// To standard output as a list.
    List(Listing),
}

pub(crate) fn run(args: Args) -> Outcome {
    args.lab.clone().with(async |lab| {
        let (builder, links) = builder(&lab, &args)?;
        let mut signals = Signals::catch()?;
        match target(&args, links)? {
            Target::File { file, made } => {
                let capture = begin(builder, &file, &made).await?;
                let path = args.write.as_deref().unwrap_or(Path::new("-"));
                say_it_is_on(&args);
                let end = attend(&capture, &args, &mut signals).await?;
                summary(end, Some(path))
            }
            Target::Stream => {
                let show = |reader: OwnedFd| {
                    let mut out = io::stdout().lock();
                    io::copy(&mut File::from(reader), &mut out)?;
                    out.flush()
                };
                pipe(builder, &args, signals, show).await
            }
            Target::List(listing) => {
                let builder = if links { builder.only_sent() } else { builder };
                pipe(builder, &args, signals, |reader| list(listing, reader)).await
            }
        }
    })
}

/// The capture that the command line describes, and whether all its places are links.
fn builder(lab: &Lab, args: &Args) -> Result<(CaptureBuilder, bool), Failure> {
    let (mut interfaces, mut links) = (Vec::new(), 0);
    for place in &args.places {
        match lab.try_link(place) {
            Ok(link) => {
                links += 1;
                interfaces.extend_from_slice(link.ends());
            }
            Err(error) => interfaces.push(interface(lab, place, error)?),
        }
    }
    let mut seen = Vec::new();
    interfaces.retain(|interface| {
        !seen.contains(interface) && {
            seen.push(interface.clone());
            true
        }
    });
    let name = args.places.join(",");
    let mut builder = CaptureBuilder::new(lab.session().clone(), name, interfaces);
    if let Some(filter) = &args.filter {
        builder = builder.filter(filter.as_str());
    }
    if let Some(bytes) = args.snap_length {
        builder = builder.snap_length(bytes);
    }
    if let Some(count) = args.count {
        builder = builder.count(count);
    }
    Ok((builder, links == args.places.len()))
}

/// The interface of this name, if the name can be one's; else the error says what else was meant.
pub(super) fn interface(lab: &Lab, place: &str, no_link: LabError) -> Result<Endpoint, Failure> {
    match place.parse::<Endpoint>() {
        Ok(endpoint) => {
            lab.try_node(endpoint.node.as_str()).map_err(failure)?;
            Ok(endpoint)
        }
        Err(_) if lab.try_node(place).is_ok() => {
            let node = lab.plan().nodes.iter().find(|node| node.name.as_str() == place);
            let interfaces = node.iter().flat_map(|node| &node.interfaces);
            let names: Vec<String> = interfaces.map(|i| format!("{place}:{}", i.name)).collect();
            let what = format!("`{place}` is a node; which interface? {}", names.join(", "));
            Err(Failure::new(USAGE, what))
        }
        Err(_) => Err(failure(no_link)),
    }
}

fn target(args: &Args, links: bool) -> Result<Target, Failure> {
    match &args.write {
        None => {
            let columns = args.columns.clone().unwrap_or_default();
            let show = if args.json { Show::Json } else { Show::Columns(columns) };
            let listing = Listing::new(show);
            Ok(Target::List(if links { listing } else { listing.apart() }))
        }
        Some(path) if path == Path::new("-") => {
            if io::stdout().is_terminal() {
                let what = "a recording is not for a terminal; without -w, frames are listed";
                return Err(Failure::new(USAGE, what));
            }
            Ok(Target::Stream)
        }
        Some(path) => open(path).map_err(|error| {
            Failure::new(FAILED, format!("cannot write {}: {error}", path.display()))
        }),
    }
}

/// A new file beside one that may exist, which stays until the capture is on; pipes and devices are written to as they are.
fn open(path: &Path) -> io::Result<Target> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        let file = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        let file = file.map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO) => {
                io::Error::other("nobody reads this pipe yet; start its reader first")
            }
            _ => error,
        })?;
        return Ok(Target::File { file, made: None });
    }
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    Ok(Target::File { file, made: Some((new, path)) })
}

async fn begin(
    builder: CaptureBuilder,
    file: &File,
    made: &Option<(PathBuf, PathBuf)>,
) -> Result<Recording, Failure> {
    let recording = builder.record_into(file).await.map_err(refused);
    let Some((new, path)) = made else { return recording };
    let named = match &recording {
        Ok(_) => fs::rename(new, path),
        Err(_) => fs::remove_file(new),
    };
    named.map_err(|error| {
        Failure::new(FAILED, format!("cannot write {}: {error}", path.display()))
    })?;
    recording
}

/// Records into a pipe that a thread of its own reads, since what it writes to may block.
async fn pipe(
    builder: CaptureBuilder,
    args: &Args,
    mut signals: Signals,
    show: impl FnOnce(OwnedFd) -> io::Result<()> + Send + 'static,
) -> Outcome {
    let broke = |error: nix::Error| Failure::new(BROKE, format!("cannot make a pipe: {error}"));
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(broke)?;
    let nonblocking = nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK);
    nix::fcntl::fcntl(&writer, nonblocking).map_err(broke)?;
    let capture = builder.record_into(&writer).await.map_err(refused)?;
    // The reader's end is when the lab has closed its end, the only one then.
    drop(writer);
    say_it_is_on(args);
    let (told, shown) = oneshot::channel();
    // If nobody waits for it any more, this process is about to end.
    thread::spawn(move || told.send(show(reader)));
    let end = attend(&capture, args, &mut signals).await?;
    let shown = tokio::select! {
        shown = shown => shown,
        code = signals.next() => return Err(interrupted(code)),
    };
    match shown {
        Ok(Err(error)) if end.is_ok() => {
            Err(Failure::new(FAILED, format!("cannot show the capture: {error}")))
        }
        // A recording that broke off can't be shown to its end: why it did is what there is to tell.
        Ok(_) => summary(end, None),
        Err(_) => Err(Failure::new(BROKE, "the thread that shows the capture has failed")),
    }
}

fn list(mut listing: Listing, reader: OwnedFd) -> io::Result<()> {
    let text = Rc::new(RefCell::new(Vec::new()));
    let input = Prompt { input: File::from(reader), text: text.clone() };
    let mut reader = Reader::new(input).map_err(io::Error::other)?;
    let mut line = Vec::new();
    while let Some((frame, interface)) = reader.next_with_interface().map_err(io::Error::other)? {
        listing.add(frame, interface, &mut line);
        text.borrow_mut().append(&mut line);
    }
    Ok(())
}

/// Writes what there is to say before it waits for more.
struct Prompt {
    input: File,
    text: Rc<RefCell<Vec<u8>>>,
}

impl Read for Prompt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut text = self.text.borrow_mut();
        let mut out = io::stdout().lock();
        out.write_all(&text)?;
        out.flush()?;
        text.clear();
        self.input.read(buffer)
    }
}

/// The signals that end a capture.
struct Signals([(u8, Signal); 3]);

impl Signals {
    /// From here on, none of them ends the process.
    fn catch() -> Result<Self, Failure> {
        let one = |kind: SignalKind| {
            let broke = |error| Failure::new(BROKE, format!("cannot handle signals: {error}"));
            Ok((kind.as_raw_value() as u8, signal(kind).map_err(broke)?))
        };
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()];
        Ok(Self([one(interrupt)?, one(terminate)?, one(SignalKind::hangup())?]))
    }

    /// Waits for one of them, and returns the exit code that tells which it was, as shells have it.
    async fn next(&mut self) -> u8 {
        let [(a, interrupt), (b, terminate), (c, hang_up)] = &mut self.0;
        let number = tokio::select! {
            _ = interrupt.recv() => a,
            _ = terminate.recv() => b,
            _ = hang_up.recv() => c,
        };
        128 + *number
    }
}

fn interrupted(code: u8) -> Failure {
    Failure::new(code, "interrupted before the capture had ended")
}

/// Waits for the capture's end, which the user, the time or the number of frames brings about; fails if the user does not want to
/// wait for it.
async fn attend(
    capture: &Recording,
    args: &Args,
    signals: &mut Signals,
) -> Result<Result<CaptureEnd, LabError>, Failure> {
    let over = async {
        match args.time {
            Some(time) => sleep(time.0).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = capture.ended() => return Ok(end),
        _ = signals.next() => {}
        () = over => {}
    }
    capture.stop();
    tokio::select! {
        end = capture.ended() => Ok(end),
        // Who presses Ctrl-C again does not want to wait.
        code = signals.next() => Err(interrupted(code)),
    }
}

/// Says how it went, on standard error.
fn summary(end: Result<CaptureEnd, LabError>, path: Option<&Path>) -> Outcome {
    let CaptureEnd { interfaces, frames, why } = end.map_err(failure)?;
    let dropped: u64 = interfaces.iter().map(|interface| interface.dropped).sum();
    let plural = if frames == 1 { "" } else { "s" };
    let place = path.map(|path| format!(" in {}", path.display())).unwrap_or_default();
    tell(format_args!("{frames} frame{plural} captured{place}, {dropped} dropped by the kernel"));
    match why {
        EndReason::Failed(error) => Err(Failure::new(FAILED, error)),
        EndReason::ReaderGone => Err(Failure::new(FAILED, "nobody reads the capture any more")),
        EndReason::Asked | EndReason::Count | EndReason::Full => Ok(DONE),
    }
}

/// From here on, whoever waits for this line can send what is to be captured.
fn say_it_is_on(args: &Args) {
    tell(format_args!("labnet: capturing on {}", args.places.join(", ")));
}

fn refused(error: Error) -> Failure {
    match error {
        Error::Lab(error) => failure(error),
        error => Failure::new(USAGE, error),
    }
}
