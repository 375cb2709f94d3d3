//! One capture in the worker: rings of frames merged by time, written as pcapng.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags},
};
use serde::{Deserialize, Serialize};

use super::{
    fates::{Fates, Wired, now},
    output::Output,
    protocol::{CaptureCounts, CaptureEnd, CaptureFilter, EndReason},
    rings::start_rings,
};
use crate::{
    kernel::{Attempt, KernelError, Ring},
    packet::{Frame, Interface, Section, Statistics, Writer},
    wire::Notice,
};

/// A frame of one interface is not written before others', which may be older, have had this long to show.
const HOLD: Duration = Duration::from_millis(2);
/// After a pass over this many frames the next is put off a little: to wake up for every frame would take the processor from
/// those who send them.
const MANY: u64 = 32;
const REST: Duration = Duration::from_millis(1);
/// What is written at once.
const CHUNK: usize = 256 << 10;
/// More than a recorded frame takes beside its bytes.
const BLOCK: u64 = 64;
/// Said of an interface that leaves segmentation and checksums to others.
const OFFLOAD: &str =
    "offload is on: frames may be longer than the MTU, and checksums are not filled in";

/// What to record, for the worker; the sockets of its interfaces and the output travel with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) interfaces: Vec<RecordedInterface>,
    pub(super) filter: Option<CaptureFilter>,
    /// The most bytes kept of a frame; 0 keeps all.
    pub(super) snap_length: u32,
    /// Ends after so many frames.
    pub(super) count: Option<u64>,
    /// Leaves out what arrives.
    pub(super) only_sent: bool,
    /// Ends before the output grows beyond so many bytes.
    pub(super) limit: Option<u64>,
}

/// An interface to record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordedInterface {
    /// As `R2:eth0`.
    pub(super) name: String,
    pub(super) index: u32,
    /// Whether segmentation and checksums are left to it.
    pub(super) offload: bool,
    /// The longest frame, in bytes.
    pub(super) longest: u32,
    /// Memory for its frames.
    pub(super) memory: usize,
    /// The cable that it is at, by its number in the plan, and which of its ends; none if frames differ beyond it.
    pub(super) cable: Option<(u32, usize)>,
}

/// A capture that is on.
pub(super) struct Recorder {
    rings: Vec<Ring>,
    fates: Fates,
    sink: Sink,
    state: State,
    rest: Option<Instant>,
    /// A frame to which its tag was given back.
    tagged: Vec<u8>,
}

/// Where frames are written to, as long as more are wanted.
struct Sink {
    writer: Writer<Output>,
    frames: u64,
    count: Option<u64>,
    limit: Option<u64>,
}

enum State {
    Running,
    /// Everything up to a moment, in ns since 1970, is to be written.
    Flushing(u64),
    /// What is in the rings is still to be written, unless enough has been.
    Stopping(EndReason),
    /// What was written is still to be taken by the output.
    Closing(CaptureEnd),
    Ended(CaptureEnd),
}

impl Recorder {
    /// Starts; frames are recorded from when this returns.
    pub(super) fn start(what: Recording, mut fds: Vec<OwnedFd>) -> Result<Self, KernelError> {
        let odd = || KernelError::odd("start a capture", "a descriptor is missing");
        let sockets = fds.split_off(fds.len().min(1));
        let output =
            Output::new(fds.pop().ok_or_else(odd)?).attempt(|| "use the output of a capture")?;
        let section = this_machine();
        let step = || "write the head of a recording";
        let mut writer = Writer::new(output, &section).attempt(step)?;
        let filter = what.filter.as_ref();
        for interface in &what.interfaces {
            let mut described = Interface::ethernet(&interface.name);
            described.snap_length = what.snap_length;
            described.filter = filter.map(|filter| filter.text.clone());
            described.os = section.os.clone();
            described.description = interface.offload.then(|| OFFLOAD.to_owned());
            writer.add_interface(&described).attempt(step)?;
        }
        if sockets.len() != what.interfaces.len() {
            return Err(odd());
        }
        let rings = start_rings(&what, sockets)?;
        let fates = what.fates();
        let sink = Sink { writer, frames: 0, count: what.count, limit: what.limit };
        Ok(Self { rings, fates, sink, state: State::Running, rest: None, tagged: Vec::new() })
    }

    /// Whether wires may have something to tell.
    pub(super) fn is_concerned(&self) -> bool {
        self.fates.is_concerned()
    }

    /// Says which cables are wired from now on.
    pub(super) fn wired(&mut self, wired: &Wired) {
        self.fates.wired(wired);
    }

    /// Hears what became of a frame.
    pub(super) fn hear(&mut self, notice: &Notice) {
        self.fates.hear(notice);
    }

    /// Lets nothing more in; what is there is still to be written.
    pub(super) fn stop(&mut self, why: EndReason) {
        if matches!(self.state, State::Running | State::Flushing(_)) {
            let muted = self.rings.iter().try_for_each(Ring::mute);
            self.state = State::Stopping(muted.map_or_else(EndReason::Failed, |()| why));
            self.rest = None;
        }
    }

    /// Everything that has passed by now is to be written; [`Recorder::is_flushed`] tells when it is.
    pub(super) fn flush(&mut self) {
        if matches!(self.state, State::Running | State::Flushing(_)) {
            self.state = State::Flushing(now());
            self.rest = None;
        }
    }

    /// Whether what [`Recorder::flush`] asked for is done, or nothing is left to be done.
    pub(super) fn is_flushed(&self) -> bool {
        !matches!(self.state, State::Flushing(_))
    }

    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<&CaptureEnd> {
        match &self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// What to wait for before the next [`Recorder::advance`]: descriptors, and until when at most.
    pub(super) fn wait_for<'a>(&'a self, polled: &mut Vec<PollFd<'a>>) -> Option<Instant> {
        let output = self.sink.writer.get_ref();
        if output.is_blocked() {
            polled.push(PollFd::new(output.as_fd(), PollFlags::POLLOUT));
            return None;
        }
        // A reader that goes away is noticed even if nothing is to be written.
        if output.is_pipe() {
            polled.push(PollFd::new(output.as_fd(), PollFlags::empty()));
        }
        if self.rest.is_none() {
            polled
                .extend(self.rings.iter().map(|ring| PollFd::new(ring.as_fd(), PollFlags::POLLIN)));
        }
        match self.state {
            State::Running => self.rest,
            _ => self.rest.or_else(|| Some(Instant::now())),
        }
    }

    /// Writes what is there, as far as the output takes it.
    pub(super) fn advance(&mut self) {
        let Err(error) = self.pass() else { return };
        let step = "write the recording";
        let why = match error.raw_os_error() {
            Some(libc::EPIPE) => EndReason::ReaderGone,
            Some(code) => EndReason::Failed(KernelError::new(step, Errno::from_raw(code))),
            None => EndReason::Failed(KernelError::odd(step, error.to_string())),
        };
        self.state = State::Ended(self.ended(why));
    }

    fn pass(&mut self) -> io::Result<()> {
        if let State::Ended(_) = self.state {
            return Ok(());
        }
        if self.sink.writer.get_ref().is_abandoned() {
            return Err(Errno::EPIPE.into());
        }
        if !self.sink.writer.get_mut().send()? {
            return Ok(());
        }
        let before = self.sink.frames;
        let stopping = matches!(self.state, State::Stopping(_));
        let seen = now();
        while !self.is_done() && self.record_one(seen, stopping)? {
            if self.sink.writer.get_ref().waiting() >= CHUNK
                && !self.sink.writer.get_mut().send()?
            {
                return Ok(());
            }
        }
        let held = self.rings.iter().any(|ring| ring.next_time().is_some());
        let waits = self.fates.first().is_some() && !self.is_done();
        let busy = held || self.sink.frames - before >= MANY;
        let running = matches!(self.state, State::Running | State::Flushing(_));
        let rest = if held && !waits { HOLD } else { REST };
        self.rest = (busy && running || waits).then(|| Instant::now() + rest);
        self.settle()?;
        if self.sink.writer.get_mut().send()?
            && let State::Closing(end) = &self.state
        {
            self.state = State::Ended(end.clone());
        }
        Ok(())
    }

    /// Records the next frame, or has it wait until its fate is known; says whether there was one.
    fn record_one(&mut self, seen: u64, stopping: bool) -> io::Result<bool> {
        let end = match self.fates.next() {
            Some(frame) => self.sink.put(&frame)?,
            None => match self.oldest(seen, stopping) {
                Some(place) => self.take(place)?,
                None => return Ok(false),
            },
        };
        if let Some(end) = end {
            self.stop(end);
        }
        Ok(true)
    }

    /// Whether what is left in the rings is not wanted.
    fn is_done(&self) -> bool {
        matches!(self.state, State::Stopping(EndReason::Count | EndReason::Full))
    }

    /// The ring whose next frame is the oldest of all, if no older one can show any more.
    fn oldest(&self, seen: u64, stopping: bool) -> Option<usize> {
        let (mut oldest, mut empty) = (None, false);
        for (place, ring) in self.rings.iter().enumerate() {
            match (ring.next_time(), oldest) {
                (None, _) => empty = true,
                (Some(time), Some((least, _))) if time >= least => {}
                (Some(time), _) => oldest = Some((time, place)),
            }
        }
        let (time, place) = oldest?;
        let settled = !empty || stopping || time + HOLD.as_nanos() as u64 <= seen;
        settled.then_some(place)
    }

    /// Takes the next frame of a ring; says why the recording ends, if it does.
    fn take(&mut self, place: usize) -> io::Result<Option<EndReason>> {
        let ring = &mut self.rings[place];
        let mut end = None;
        if let Some(captured) = ring.peek() {
            let bytes = match captured.tag {
                None => captured.bytes,
                Some(tag) => {
                    let addresses = captured.bytes.len().min(12);
                    self.tagged.clear();
                    self.tagged.extend_from_slice(&captured.bytes[..addresses]);
                    self.tagged.extend_from_slice(&tag);
                    self.tagged.extend_from_slice(&captured.bytes[addresses..]);
                    &self.tagged
                }
            };
            let frame = Frame {
                interface: place,
                time: captured.time,
                length: captured.length,
                direction: Some(captured.direction),
                comments: Vec::new(),
                bytes: bytes.into(),
            };
            if let Some(frame) = self.fates.pass(frame) {
                end = self.sink.put(&frame)?;
            }
        }
        ring.release();
        Ok(end)
    }

    /// Goes on to the next state when what this one waits for is done.
    fn settle(&mut self) -> io::Result<()> {
        let until = match &self.state {
            State::Flushing(until) => *until,
            State::Stopping(_) => u64::MAX,
            _ => return Ok(()),
        };
        for ring in &mut self.rings {
            let later = ring.next_time().is_some_and(|time| time > until);
            let drained = later || ring.is_drained().map_err(io::Error::other)?;
            if !drained
                && !matches!(self.state, State::Stopping(EndReason::Count | EndReason::Full))
            {
                return Ok(());
            }
        }
        if !self.is_done() && self.fates.first().is_some_and(|first| first <= until) {
            return Ok(());
        }
        let State::Stopping(why) = &self.state else {
            self.state = State::Running;
            return Ok(());
        };
        let end = self.ended(why.clone());
        for (place, counts) in end.interfaces.iter().enumerate() {
            let statistics = Statistics {
                time: now(),
                accepted: Some(counts.passed),
                dropped: Some(counts.dropped),
                delivered: Some(counts.passed - counts.dropped),
                ..Statistics::default()
            };
            self.sink.writer.statistics(place, &statistics)?;
        }
        self.state = State::Closing(end);
        Ok(())
    }

    fn ended(&mut self, why: EndReason) -> CaptureEnd {
        let counts = |ring: &mut Ring| ring.counts().unwrap_or_default();
        let counts = self.rings.iter_mut().map(counts);
        let interfaces =
            counts.map(|c| CaptureCounts { passed: c.passed, dropped: c.dropped }).collect();
        CaptureEnd { interfaces, frames: self.sink.frames, why }
    }
}

impl Recording {
    fn fates(&self) -> Fates {
        Fates::new(self.interfaces.iter().map(|interface| interface.cable), self.snap_length)
    }
}

impl Sink {
    /// Writes a frame, unless that is too much; says why the recording ends, if it does.
    fn put(&mut self, frame: &Frame<'_>) -> io::Result<Option<EndReason>> {
        let noted: usize = frame.comments.iter().map(String::len).sum();
        let total = self.writer.get_ref().total() + (frame.bytes.len() + noted) as u64 + BLOCK;
        if self.limit.is_some_and(|limit| total > limit) {
            return Ok(Some(EndReason::Full));
        }
        self.writer.write(frame)?;
        self.frames += 1;
        Ok((self.count == Some(self.frames)).then_some(EndReason::Count))
    }
}

/// What a recording says of this program and this machine.
fn this_machine() -> Section {
    let uname = nix::sys::utsname::uname().ok();
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    Section {
        hardware: uname.as_ref().map(|name| text(name.machine())),
        os: uname.map(|name| format!("{} {}", text(name.sysname()), text(name.release()))),
        application: Some(format!("labnet {}", env!("CARGO_PKG_VERSION"))),
        comments: Vec::new(),
    }
}
