//! Reading recordings.

use std::{borrow::Cow, io::Read};

use super::{
    super::{Frame, Interface},
    about::{About, Section, Statistics},
    classic::Classic,
    error::{ReadError, ReadFault},
    format::block,
    input::Input,
    packet::Found,
    pcapng::Pcapng,
};

/// Reads a recording frame by frame: pcapng, or classic pcap with µs or ns, of either byte order.
///
/// It reads in large pieces, so `R` needs no buffer of its own, and never waits for more than the next frame takes, so `R`
/// may be a pipe from a program that still records. It takes the same memory for a recording of any length; frames
/// are borrowed from its buffer. After an error, or the end, there are no more frames.
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    about: About,
    ended: bool,
}

#[derive(Debug)]
enum Format {
    Pcapng(Pcapng),
    Classic(Classic),
}

/// How packed files begin, and what unpacks them.
const PACKED: [(&[u8], &str); 3] =
    [(&[0x1f, 0x8b], "gunzip"), (&[0x28, 0xb5, 0x2f, 0xfd], "unzstd"), (b"\xfd7zX", "unxz")];

impl<R: Read> Reader<R> {
    /// Reads the recording's header, which tells its format.
    ///
    /// # Errors
    /// If `input` can't be read, is empty or something else, or its header is damaged.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut input = Input::new(input);
        let mut about = About::default();
        let first = input.peek(4)?;
        let Some(&magic) = first.first_chunk() else {
            let found = first.len() as u64;
            let truncated = ReadFault::Truncated { what: "the file header", needed: 24, found };
            return Err(if found == 0 { ReadFault::Empty } else { truncated }.at(0));
        };
        let format = if magic == block::SECTION.to_be_bytes() {
            Format::Pcapng(Pcapng::header(&mut input, &mut about)?)
        } else if let Some(classic) = Classic::by_magic(magic) {
            classic.header(&mut input, &mut about)?;
            Format::Classic(classic)
        } else {
            let packed = PACKED.iter().find(|(start, _)| magic.starts_with(start));
            return Err(match packed {
                Some((_, program)) => ReadFault::Compressed(program),
                None => ReadFault::NotARecording(magic),
            }
            .at(0));
        };
        Ok(Self { input, format, about, ended: false })
    }

    /// The next frame, or nothing at the recording's end.
    ///
    /// The frame is borrowed from this reader's buffer. Its `length` is never less than its `bytes` are, whatever the recording
    /// says; where that tells no time (a simple packet block of pcapng), `time` is 0.
    ///
    /// # Errors
    /// At the first byte that is missing or makes no sense; all frames before it have been returned by then.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        Ok(self.next_with_interface()?.map(|(frame, _)| frame))
    }

    /// The next frame with the interface that recorded it, or nothing at the recording's end.
    ///
    /// # Errors
    /// As [`next_frame`](Self::next_frame).
    pub fn next_with_interface(&mut self) -> Result<Option<(Frame<'_>, &Interface)>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcapng(pcapng) => pcapng.find(&mut self.input, &mut self.about),
            Format::Classic(classic) => classic.find(&mut self.input),
        };
        self.ended = !matches!(found, Ok(Some(_)));
        let Some(found) = found? else { return Ok(None) };
        let Found { interface, time, length, direction, comments, bytes } = found;
        let bytes = Cow::Borrowed(self.input.taken(bytes));
        let frame = Frame { interface, time, length, direction, comments, bytes };
        Ok(self.about.interfaces.get(interface).map(|described| (frame, described)))
    }

    /// The interfaces described so far, in all sections; a [`Frame::interface`] is a place among these.
    ///
    /// pcapng describes an interface anywhere before its first frame, so there may be more later.
    pub fn interfaces(&self) -> &[Interface] {
        &self.about.interfaces
    }

    /// For each of the interfaces, the last statistics that were recorded so far.
    pub fn statistics(&self) -> &[Option<Statistics>] {
        &self.about.statistics
    }

    /// What the section that was read last says about itself; nothing in classic pcap.
    pub fn section(&self) -> &Section {
        &self.about.section
    }
}
