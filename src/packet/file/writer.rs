//! Writing recordings.

use std::io::{self, Write};

use super::{
    super::{Direction, Frame, Interface},
    about::{Section, Statistics},
    encoder::{Encoder, invalid},
    format::{BYTE_ORDER, FILTER_TEXT, INBOUND, OUTBOUND, block, option},
};

/// Writes a recording in the pcapng format, of one section, that tshark, Wireshark and libpcap read.
///
/// Each block goes to `W` in one call of [`Write::write_all`], so what has been written is a whole recording at any time; frames are
/// many and small, so `W` should gather them, as [`io::BufWriter`] does. Nothing is allocated for a frame. Where it
/// returns an error of kind [`InvalidInput`](io::ErrorKind::InvalidInput) nothing has been written.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    block: Encoder,
    /// For each interface, the ns of its clock's ticks.
    ticks: Vec<u64>,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// If `out` fails, or a text is longer than the 65,535 bytes that pcapng has room for.
    pub fn new(mut out: W, section: &Section) -> io::Result<Self> {
        let mut block = Encoder::default();
        // Version 1.0, and a length that says "not known", as of a section that still grows.
        block.begin(block::SECTION).u32(BYTE_ORDER).u16(1).u16(0).u32(u32::MAX).u32(u32::MAX);
        block
            .text(option::SECTION_HARDWARE, section.hardware.as_ref())?
            .text(option::SECTION_OS, section.os.as_ref())?
            .text(option::SECTION_APPLICATION, section.application.as_ref())?;
        for comment in &section.comments {
            block.option(option::COMMENT, comment.as_bytes())?;
        }
        block.write(&mut out)?;
        Ok(Self { out, block, ticks: Vec::new() })
    }

    /// Describes an interface, at any time before its first frame, and returns its number for [`Frame::interface`].
    ///
    /// tshark reads any mixture; libpcap, and so tcpdump, only interfaces that agree in link type and snap length.
    ///
    /// # Errors
    /// If `out` fails, a text is longer than 65,535 bytes, or its clock has more than 9 digits.
    pub fn add_interface(&mut self, interface: &Interface) -> io::Result<usize> {
        let Interface { name, description, link_type, snap_length, digits, filter, os } = interface;
        let Some(power) = 9_u32.checked_sub(u32::from(*digits)) else {
            return Err(invalid(format!("a clock of {digits} digits: ns have 9")));
        };
        let block = self.block.begin(block::INTERFACE).u16(*link_type).u16(0).u32(*snap_length);
        block
            .text(option::INTERFACE_NAME, name.as_ref())?
            .text(option::INTERFACE_DESCRIPTION, description.as_ref())?
            .option(option::INTERFACE_RESOLUTION, &[*digits])?;
        if let Some(filter) = filter {
            let filter: Vec<u8> = [FILTER_TEXT].into_iter().chain(filter.bytes()).collect();
            block.option(option::INTERFACE_FILTER, &filter)?;
        }
        block.text(option::INTERFACE_OS, os.as_ref())?;
        block.write(&mut self.out)?;
        self.ticks.push(10_u64.pow(power));
        Ok(self.ticks.len() - 1)
    }

    /// Records a frame; its time is rounded down to the interface's digits.
    ///
    /// # Errors
    /// If `out` fails, the interface hasn't been added, the frame has more bytes than its length says, or it takes, with its
    /// comments, more than 16 MiB.
    pub fn write(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let Frame { interface, time, length, direction, comments, bytes } = frame;
        let tick = self.tick(*interface)?;
        if bytes.len() > *length as usize {
            let kept = bytes.len();
            return Err(invalid(format!("{kept} bytes of a frame that is said to have {length}")));
        }
        let block = self.block.begin(block::ENHANCED_PACKET).u32(*interface as u32);
        block.time(time / tick).u32(bytes.len() as u32).u32(*length).padded(bytes);
        if let Some(direction) = direction {
            let flags = match direction {
                Direction::In => INBOUND,
                Direction::Out => OUTBOUND,
            };
            block.option(option::PACKET_FLAGS, &flags.to_le_bytes())?;
        }
        for comment in comments {
            block.option(option::COMMENT, comment.as_bytes())?;
        }
        block.write(&mut self.out)
    }

    /// Records what an interface has counted; usually at the end, for the last such block counts.
    ///
    /// # Errors
    /// If `out` fails, or the interface hasn't been added.
    pub fn statistics(&mut self, interface: usize, statistics: &Statistics) -> io::Result<()> {
        let tick = self.tick(interface)?;
        let Statistics { time, start, end, received, dropped, accepted, os_dropped, delivered } =
            statistics;
        let block = self.block.begin(block::STATISTICS).u32(interface as u32).time(time / tick);
        for (code, time) in [(option::STATISTICS_START, start), (option::STATISTICS_END, end)] {
            if let Some(time) = time {
                // Two words, the higher one first.
                let ticks = (time / tick).rotate_left(32);
                block.option(code, &ticks.to_le_bytes())?;
            }
        }
        for (code, count) in [
            (option::STATISTICS_RECEIVED, received),
            (option::STATISTICS_DROPPED, dropped),
            (option::STATISTICS_ACCEPTED, accepted),
            (option::STATISTICS_OS_DROPPED, os_dropped),
            (option::STATISTICS_DELIVERED, delivered),
        ] {
            if let Some(count) = count {
                block.option(code, &count.to_le_bytes())?;
            }
        }
        block.write(&mut self.out)
    }

    /// Hands on all that `out` holds back.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// What is written to; bytes put there by others end up between blocks.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// What was written to, without flushing it.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn tick(&self, interface: usize) -> io::Result<u64> {
        self.ticks.get(interface).copied().ok_or_else(|| {
            let added = self.ticks.len();
            invalid(format!("interface {interface} of a recording with {added} of them"))
        })
    }
}
