//! One capture in the worker: rings of frames merged by time, written as pcapng.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags},
};
use serde::{Deserialize, Serialize};

use super::{
    output::Output,
    protocol::{CaptureCounts, CaptureEnd, CaptureFilter, EndReason},
};
use crate::{
    kernel::{Attempt, KernelError, Ring, RingSize},
    packet::{Frame, Interface, Section, Statistics, Writer},
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
}

/// A capture that is on.
pub(super) struct Recorder {
    rings: Vec<Ring>,
    writer: Writer<Output>,
    frames: u64,
    count: Option<u64>,
    limit: Option<u64>,
    state: State,
    rest: Option<Instant>,
    /// A frame to which its tag was given back.
    tagged: Vec<u8>,
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
        let Recording { count, limit, .. } = what;
        let (frames, state, rest, tagged) = (0, State::Running, None, Vec::new());
        Ok(Self { rings, writer, frames, count, limit, state, rest, tagged })
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
        let output = self.writer.get_ref();
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
        if self.writer.get_ref().is_abandoned() {
            return Err(Errno::EPIPE.into());
        }
        if !self.writer.get_mut().send()? {
            return Ok(());
        }
        let before = self.frames;
        let stopping = matches!(self.state, State::Stopping(_));
        let seen = now();
        while let Some(place) = self.oldest(seen, stopping) {
            if self.is_full(place) {
                self.stop(EndReason::Full);
            } else {
                self.write(place)?;
                if self.count == Some(self.frames) {
                    self.stop(EndReason::Count);
                }
            }
            if self.is_done() {
                break;
            }
            if self.writer.get_ref().waiting() >= CHUNK && !self.writer.get_mut().send()? {
                return Ok(());
            }
        }
        let held = self.rings.iter().any(|ring| ring.next_time().is_some());
        let busy = held || self.frames - before >= MANY;
        let rest = if held { HOLD } else { REST };
        let running = matches!(self.state, State::Running | State::Flushing(_));
        self.rest = (busy && running).then(|| Instant::now() + rest);
        self.settle()?;
        if self.writer.get_mut().send()?
            && let State::Closing(end) = &self.state
        {
            self.state = State::Ended(end.clone());
        }
        Ok(())
    }

    /// Whether the ring's next frame would be too much.
    fn is_full(&self, place: usize) -> bool {
        let length = self.rings[place].peek().map_or(0, |captured| captured.bytes.len() as u64);
        let total = self.writer.get_ref().total() + length + BLOCK;
        self.limit.is_some_and(|limit| total > limit)
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

    fn write(&mut self, place: usize) -> io::Result<()> {
        let ring = &mut self.rings[place];
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
            self.writer.write(&Frame {
                interface: place,
                time: captured.time,
                length: captured.length,
                direction: Some(captured.direction),
                comments: Vec::new(),
                bytes: bytes.into(),
            })?;
            self.frames += 1;
        }
        ring.release();
        Ok(())
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
            self.writer.statistics(place, &statistics)?;
        }
        self.state = State::Closing(end);
        Ok(())
    }

    fn ended(&mut self, why: EndReason) -> CaptureEnd {
        let counts = |ring: &mut Ring| ring.counts().unwrap_or_default();
        let counts = self.rings.iter_mut().map(counts);
        let interfaces =
            counts.map(|c| CaptureCounts { passed: c.passed, dropped: c.dropped }).collect();
        CaptureEnd { interfaces, frames: self.frames, why }
    }
}

/// Starts all rings at once: for each the kernel waits until no processor can be using the socket (`synchronize_net` in
/// `packet_set_ring`, net/packet/af_packet.c), some 10 ms, and for all of them no longer.
fn start_rings(what: &Recording, sockets: Vec<OwnedFd>) -> Result<Vec<Ring>, KernelError> {
    let program = what.filter.as_ref().map_or(&[][..], |filter| &filter.program);
    let start = |interface: &RecordedInterface, socket| {
        let snap = if what.snap_length == 0 { u32::MAX } else { what.snap_length };
        let frame = interface.longest.min(snap) as usize;
        let size = RingSize { frame, memory: interface.memory };
        Ring::start(socket, interface.index, program, what.only_sent, size).map_err(|error| {
            KernelError { step: format!("{} ({})", error.step, interface.name), ..error }
        })
    };
    thread::scope(|scope| {
        let pairs = what.interfaces.iter().zip(sockets);
        let started: Vec<_> = pairs
            .map(|(interface, socket)| scope.spawn(move || start(interface, socket)))
            .collect();
        let lost = || KernelError::odd("start a capture", "a thread failed");
        started.into_iter().map(|thread| thread.join().map_err(|_| lost())?).collect()
    })
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

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
