//! Captures that are to be, and that are on.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    sync::Arc,
};

use nix::sys::memfd::{MFdFlags, memfd_create};
use tokio::sync::watch;

use super::{Capture, Error, LabError, hosts::Hosts, session::Session};
use crate::{
    init::{CaptureEnd, CaptureFilter, CaptureRequest, EndReason, Reply, Request},
    name::Endpoint,
    packet::Filter,
};

/// A capture to be; [`CaptureBuilder::start`] starts it.
///
/// ```
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let capture = lab.node("R2").capture("eth0").filter("tcp port 5001 and tcp[tcpflags] & tcp-syn != 0").start().await?;
/// lab.node("KALI").command("labnet echo send R2:5001 hi").run().await?.success()?;
/// let capture = capture.stop().await?;
/// assert_eq!(capture.frames()?, 2);
/// assert!(capture.to_string().contains("→ 5001 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 SACK_PERM"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a capture records nothing until it is started"]
pub struct CaptureBuilder {
    session: Arc<Session>,
    name: String,
    interfaces: Vec<Endpoint>,
    filter: Option<String>,
    snap_length: u32,
    count: Option<u64>,
    only_sent: bool,
    of_links: bool,
}

impl CaptureBuilder {
    pub(crate) fn new(session: Arc<Session>, name: String, interfaces: Vec<Endpoint>) -> Self {
        Self {
            session,
            name,
            interfaces,
            filter: None,
            snap_length: 0,
            count: None,
            only_sent: false,
            of_links: false,
        }
    }

    /// At all ends of links: each frame is recorded where it is sent.
    pub(super) fn of_links(self) -> Self {
        Self { of_links: true, ..self }
    }

    /// Records only frames that pass a filter, in the language of [`Filter`].
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Keeps so many bytes of each frame at most, the Ethernet header included; 0, as without this, keeps all.
    pub fn snap_length(mut self, bytes: u32) -> Self {
        self.snap_length = bytes;
        self
    }

    /// Ends by itself after so many frames, at least one: [`RunningCapture::ended`] waits for it.
    pub fn count(mut self, frames: u64) -> Self {
        self.count = Some(frames.max(1));
        self
    }

    /// Leaves out frames that arrive: of a link, each is recorded once, where it is sent.
    pub fn only_sent(mut self) -> Self {
        self.only_sent = true;
        self
    }

    /// Starts; every frame that passes after this has returned is recorded.
    ///
    /// # Errors
    ///
    /// If the filter is not understood, an interface is not there, or the kernel refuses.
    pub async fn start(self) -> Result<RunningCapture, Error> {
        let file =
            spill().map_err(|error| Error::io("make a temporary file for a capture", error))?;
        let (name, session, of_links) = (self.name.clone(), self.session.clone(), self.of_links);
        let recording = self.record_into(&file).await?;
        let (file, ending) = (Arc::new(file), recording.ending.clone());
        let record = CaptureRecord { name, file, ending, of_links, hosts: session.hosts() };
        session.note_capture(record.clone());
        Ok(RunningCapture { recording, record })
    }

    /// Starts, writing into a file, or into a pipe whose end here does not block.
    pub(crate) async fn record_into(self, output: &impl AsFd) -> Result<Recording, Error> {
        let filter = match self.filter {
            None => None,
            Some(text) => {
                let program = text.parse::<Filter>()?.program().to_vec();
                Some(CaptureFilter { text, program })
            }
        };
        let request = CaptureRequest {
            interfaces: self.interfaces,
            filter,
            snap_length: self.snap_length,
            count: self.count,
            only_sent: self.only_sent,
        };
        let (capture, mut replies) =
            self.session.ask(Request::Capture(request), &[output.as_fd()]).await?;
        let (sender, ending) = watch::channel(None);
        // From here on it ends even if nobody waits for it any more.
        let recording = Recording { session: self.session, capture, ending };
        match replies.next().await? {
            (Reply::Capturing, _) => {}
            (other, _) => return Err(LabError::unexpected(&other).into()),
        }
        tokio::spawn(async move {
            let end = match replies.next().await {
                Ok((Reply::Captured(end), _)) => Ok(end),
                Ok((other, _)) => Err(LabError::unexpected(&other)),
                Err(error) => Err(error),
            };
            sender.send_replace(Some(end));
        });
        Ok(recording)
    }
}

/// How a capture ended, or that it has not yet.
type Ending = watch::Receiver<Option<Result<CaptureEnd, LabError>>>;

async fn end_of(mut ending: Ending) -> Result<CaptureEnd, LabError> {
    let end = ending.wait_for(Option::is_some).await.map_err(|_| LabError::Gone)?.clone();
    end.ok_or(LabError::Gone)?
}

/// A capture that was asked for; dropping this ends it.
#[derive(Debug)]
pub(crate) struct Recording {
    session: Arc<Session>,
    capture: u64,
    ending: Ending,
}

impl Recording {
    /// Has it end when what has passed is recorded.
    pub(crate) fn stop(&self) {
        self.session.tell(Request::StopCapture { capture: self.capture });
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) -> Result<CaptureEnd, LabError> {
        end_of(self.ending.clone()).await
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.ending.borrow().is_none() {
            self.stop();
        }
    }
}

/// What is known of a started capture, while it is on and after.
#[derive(Debug, Clone)]
pub(super) struct CaptureRecord {
    pub(super) name: String,
    file: Arc<File>,
    ending: Ending,
    of_links: bool,
    hosts: Arc<Hosts>,
}

impl CaptureRecord {
    /// What it has recorded, once it has ended.
    pub(super) async fn ended(self) -> Result<Capture, LabError> {
        let end = end_of(self.ending).await?;
        match &end.why {
            EndReason::Failed(error) => Err(error.clone().into()),
            _ => Ok(Capture::new(self.file, Some(end), self.of_links, self.hosts)),
        }
    }
}

/// A capture that is on; dropping this ends it.
#[derive(Debug)]
#[must_use = "a capture ends when this is dropped"]
pub struct RunningCapture {
    recording: Recording,
    record: CaptureRecord,
}

impl RunningCapture {
    /// Ends it, and returns what it has recorded: every frame that passed before this was called.
    ///
    /// # Errors
    ///
    /// If the lab has ended, or the recording could not be written.
    pub async fn stop(self) -> Result<Capture, Error> {
        self.recording.stop();
        self.ended().await
    }

    /// Waits until it ends by itself, after [`CaptureBuilder::count`] frames.
    ///
    /// # Errors
    ///
    /// As for [`RunningCapture::stop`].
    pub async fn ended(self) -> Result<Capture, Error> {
        Ok(self.record.clone().ended().await?)
    }
}

/// A file without a name where temporary files are, which the kernel writes to disk as memory gets short; in memory where the
/// file system has no such files.
fn spill() -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .open(std::env::temp_dir());
    match file {
        Ok(file) => Ok(file),
        Err(_) => Ok(memfd_create(c"labnet-capture", MFdFlags::MFD_CLOEXEC)?.into()),
    }
}
