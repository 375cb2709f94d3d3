//! What captures have recorded.

use std::{
    convert::Infallible,
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use super::{Error, hosts::Hosts};
use crate::{
    init::{CaptureEnd, EndReason},
    packet::{
        Direction, FlowOptions, Flows, Frame, Normalised, ReadError, Reader, Verdicts,
        flow::{Ladder, LadderOptions},
        list::{Columns, List, Row},
    },
};

/// What a capture has recorded: frames, with the interfaces that they passed.
///
/// Its Display is the packet list; of a link, each frame is listed where it was sent, and what a wire did to it stands at the end of its
/// line, as `[dropped (fault 1)]`. It is kept in a temporary file without a name, not in memory, and goes with this value.
#[derive(Debug, Clone)]
pub struct Capture {
    file: Arc<File>,
    end: Option<CaptureEnd>,
    /// Whether it is of all ends of links, so that each frame is there where it was sent.
    of_links: bool,
    hosts: Arc<Hosts>,
}

impl Capture {
    /// One without an end may go on.
    pub(super) fn new(
        file: Arc<File>,
        end: Option<CaptureEnd>,
        of_links: bool,
        hosts: Arc<Hosts>,
    ) -> Self {
        Self { file, end, of_links, hosts }
    }

    /// The names of the lab's nodes.
    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// How many frames were recorded. A capture of a link has each frame twice: where it was sent and where it arrived.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn frames(&self) -> Result<u64, ReadError> {
        if let Some(end) = self.end.as_ref().filter(|end| !matches!(end.why, EndReason::Failed(_)))
        {
            return Ok(end.frames);
        }
        let (mut reader, mut count) = (self.reader()?, 0);
        while reader.next_frame()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// How it ended, if it has.
    pub(crate) fn end(&self) -> Option<&CaptureEnd> {
        self.end.as_ref()
    }

    /// How many frames the kernel had no room for: they are missing.
    pub fn dropped(&self) -> u64 {
        let interfaces = self.end.iter().flat_map(|end| &end.interfaces);
        interfaces.map(|interface| interface.dropped).sum()
    }

    /// Its frames, from the first.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn reader(&self) -> Result<Reader<impl Read + use<>>, ReadError> {
        Reader::new(self.bytes())
    }

    /// Its bytes, from the first.
    pub(crate) fn bytes(&self) -> impl Read + use<> {
        ReadAt { file: self.file.clone(), offset: 0 }
    }

    /// The packet list with columns of your choice, as `info,verdict`, which is stable text where frames come in a known order: of a link,
    /// each frame where it was sent, with what became of it.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn list(&self, columns: &Columns) -> Result<String, ReadError> {
        let verdicts = self.verdicts()?;
        let mut text = Vec::new();
        let Ok(()) = self.rows(Some(&verdicts), |row| {
            row.write(columns, &mut text);
            text.push(b'\n');
            Ok::<_, Infallible>(())
        })?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// What became of each frame, by its number in [`Capture::reader`]: what a wire did to it and, if both ends of a link were captured,
    /// whether and when it arrived.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn verdicts(&self) -> Result<Verdicts, ReadError> {
        Verdicts::read(&mut self.reader()?)
    }

    /// Its conversations; their Display is a table.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn flows(&self) -> Result<Flows, ReadError> {
        let mut flows = Flows::default();
        self.each(|frame| flows.add(frame))?;
        Ok(flows)
    }

    /// What of it is the same in each run, however loaded the machine: stable text for snapshots.
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn normalised(&self) -> Result<Normalised, ReadError> {
        let mut normalised = Normalised::new(FlowOptions::default(), self.hosts.by_mac.clone());
        self.each(|frame| normalised.add(frame))?;
        normalised.finish();
        Ok(normalised)
    }

    /// Its frames as arrows between the nodes, to be drawn by [`ladder_text`](crate::report::ladder_text) or
    /// [`ladder_svg`](crate::report::ladder_svg).
    ///
    /// # Errors
    ///
    /// If the recording can't be read.
    pub fn ladder(&self) -> Result<Ladder, ReadError> {
        let names = self.hosts.by_address.clone();
        let mut ladder = Ladder::new(LadderOptions { flow: None, names });
        self.each(|frame| ladder.add(frame))?;
        ladder.finish();
        Ok(ladder)
    }

    fn each(&self, mut take: impl FnMut(&Frame<'_>)) -> Result<(), ReadError> {
        let mut reader = self.reader()?;
        while let Some(frame) = reader.next_frame()? {
            take(&frame);
        }
        Ok(())
    }

    /// Hands out the rows of the packet list, until one is not taken.
    fn rows<E>(
        &self,
        verdicts: Option<&Verdicts>,
        mut take: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<Result<(), E>, ReadError> {
        let (mut list, mut reader, mut number) = (List::new(), self.reader()?, 0);
        while let Some((frame, interface)) = reader.next_with_interface()? {
            number += 1;
            if self.of_links && frame.direction == Some(Direction::In) {
                continue;
            }
            let mut row = list.row(&frame, interface);
            row.verdict = verdicts.map_or(row.verdict, |verdicts| verdicts.of(number));
            let taken = take(&row);
            if taken.is_err() {
                return Ok(taken);
            }
        }
        Ok(Ok(()))
    }

    /// Writes it to a file in pcapng, which Wireshark, tshark and `labnet packets` read.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let copy = || {
            let mut file = File::create(path)?;
            io::copy(&mut self.bytes(), &mut file)
        };
        copy().map(drop).map_err(|error| Error::io(format!("write {}", path.display()), error))
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = Columns::default();
        let mut line = Vec::new();
        let shown = self.rows(None, |row| {
            row.write(&columns, &mut line);
            let written = writeln!(f, "{}", String::from_utf8_lossy(&line));
            line.clear();
            written
        });
        shown.unwrap_or_else(|error| writeln!(f, "[the recording can't be read on: {error}]"))
    }
}

/// Reads a file from a place of its own.
#[derive(Debug)]
struct ReadAt {
    file: Arc<File>,
    offset: u64,
}

impl Read for ReadAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
