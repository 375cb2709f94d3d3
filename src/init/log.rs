//! The recorded output of a program: a file on the lab's tmpfs that keeps the newest part.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsFd, unix::fs::FileExt},
    path::Path,
};

use nix::fcntl::{FallocateFlags, fallocate};
use tokio::sync::watch;

use super::protocol::LogRange;

/// More output than this is not kept: the oldest half goes.
const KEPT: u64 = 16 << 20;
/// How much of the end error messages show.
const TAIL: u64 = 4096;

/// Output that grows while readers read it.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    range: watch::Sender<LogRange>,
    lost: RefCell<Option<Lost>>,
}

/// Output that could not be kept, since the record last went on.
#[derive(Debug)]
struct Lost {
    bytes: u64,
    why: io::Error,
}

impl Log {
    /// Makes an empty record at `path`, with its folder.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let range = watch::Sender::new(LogRange { start: 0, end: 0, ended: false });
        Ok(Self { file, range, lost: RefCell::default() })
    }

    /// Adds output. Where the file system is full it is lost, which the record says where it goes on.
    pub(super) fn append(&self, output: &[u8]) {
        let mut lost = self.lost.borrow_mut();
        let added = match &*lost {
            None => self.add(output),
            Some(Lost { bytes, why }) => {
                let note = format!("\n(labnet: {bytes} bytes of output are lost: {why})\n");
                self.add(&[note.as_bytes(), output].concat())
            }
        };
        let before = lost.take().map_or(0, |lost| lost.bytes);
        *lost = added.err().map(|why| Lost { bytes: before + output.len() as u64, why });
    }

    /// Adds output; once it would exceed [`KEPT`], gives the oldest half's memory back.
    fn add(&self, output: &[u8]) -> io::Result<()> {
        let mut range = *self.range.borrow();
        self.file.write_all_at(output, range.end)?;
        range.end += output.len() as u64;
        if range.end - range.start > KEPT {
            // Whole pages only.
            let start = (range.end - KEPT / 2) & !4095;
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&self.file, flags, range.start as i64, (start - range.start) as i64)?;
            range.start = start;
        }
        self.range.send_replace(range);
        Ok(())
    }

    /// Says that nothing will follow.
    pub(super) fn end(&self) {
        if self.lost.borrow().is_some() {
            self.append(b"");
        }
        self.range.send_modify(|range| range.ended = true);
    }

    /// What is there, now and later.
    pub(super) fn watch(&self) -> watch::Receiver<LogRange> {
        self.range.subscribe()
    }

    /// The file, to hand to a reader.
    pub(super) fn file(&self) -> impl AsFd + '_ {
        self.file.as_fd()
    }

    /// The end of the output as text.
    pub(super) fn tail(&self) -> String {
        let range = *self.range.borrow();
        let start = range.start.max(range.end.saturating_sub(TAIL));
        let mut bytes = vec![0; (range.end - start) as usize];
        match self.file.read_exact_at(&mut bytes, start) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(its output can't be read: {error})"),
        }
    }
}
