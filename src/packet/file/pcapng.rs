//! The blocks of pcapng.

use std::{io::Read, ops::Range};

use super::{
    super::{Direction, Interface},
    about::{About, Section, Statistics},
    clock::Clock,
    error::{ReadError, ReadFault},
    format::{
        AROUND, BYTE_ORDER, FILTER_TEXT, HEAD, INBOUND, MOST_BYTES, MOST_INTERFACES, OUTBOUND,
        block, option, padded,
    },
    input::{Input, Taken},
    options::{Options, text},
    order::{Order, joined},
    packet::Found,
};

/// What of a section is needed to read on.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    /// The clocks of the section's interfaces.
    clocks: Vec<Clock>,
    /// How many interfaces the sections before have.
    before: usize,
    /// How many bytes have described interfaces so far, in all sections.
    described: usize,
}

/// A block.
struct Block<'a> {
    kind: u32,
    /// Without what is around it.
    body: &'a [u8],
    /// Where the body is in the input's buffer and in the stream.
    start: usize,
    offset: u64,
}

/// What of a packet block is not the same in its three kinds.
struct Packet {
    interface: u32,
    ticks: u64,
    kept: u32,
    length: u32,
    /// Where its bytes begin in the block's body.
    start: usize,
}

impl Pcapng {
    /// Reads the first section's header.
    pub(super) fn header<R: Read>(
        input: &mut Input<R>,
        about: &mut About,
    ) -> Result<Self, ReadError> {
        let mut pcapng = Self { order: Order::Little, clocks: Vec::new(), before: 0, described: 0 };
        if let Some(block) = pcapng.next(input)? {
            pcapng.section(&block, about)?;
        }
        Ok(pcapng)
    }

    /// Finds the next frame, and reads what is before it.
    pub(super) fn find<R: Read>(
        &mut self,
        input: &mut Input<R>,
        about: &mut About,
    ) -> Result<Option<Found>, ReadError> {
        while let Some(block) = self.next(input)? {
            let packet = match block.kind {
                block::ENHANCED_PACKET => self.enhanced(&block)?,
                block::SIMPLE_PACKET => self.simple(&block, about)?,
                block::PACKET => self.obsolete(&block)?,
                other => {
                    match other {
                        block::SECTION => self.section(&block, about)?,
                        block::INTERFACE => self.interface(&block, about)?,
                        block::STATISTICS => self.statistics(&block, about)?,
                        // Names, secrets, events, and what others have made up: no frames.
                        _ => {}
                    }
                    continue;
                }
            };
            return self.frame(&block, packet).map(Some);
        }
        Ok(None)
    }

    /// Takes the next block, and learns the byte order if it begins a section.
    // Called for each frame from two places: not inlined, it would hand over its result in memory, which takes longer than the rest.
    #[inline(always)]
    fn next<'a, R: Read>(
        &mut self,
        input: &'a mut Input<R>,
    ) -> Result<Option<Block<'a>>, ReadError> {
        const WHAT: &str = "a block";
        let offset = input.offset();
        let head = input.peek(AROUND)?;
        let found = head.len() as u64;
        if found == 0 {
            return Ok(None);
        }
        let Some(&[kind, length, first]) = head.as_chunks::<4>().0.first_chunk::<3>() else {
            return Err(
                ReadFault::Truncated { what: WHAT, needed: AROUND as u64, found }.at(offset)
            );
        };
        let mut least = AROUND as u32;
        if self.order.u32(kind) == block::SECTION {
            least += 16;
            self.order = [Order::Little, Order::Big]
                .into_iter()
                .find(|order| order.u32(first) == BYTE_ORDER)
                .ok_or_else(|| ReadFault::ByteOrder(u32::from_be_bytes(first)).at(offset + 8))?;
        }
        let (kind, length) = (self.order.u32(kind), self.order.u32(length));
        if length < least || length % 4 != 0 {
            return Err(ReadFault::BlockLength { length, least }.at(offset + 4));
        }
        if length > MOST_BYTES {
            return Err(ReadFault::TooLong { what: WHAT, length }.at(offset + 4));
        }
        let Taken { bytes, start, offset } = input.take(length as usize, WHAT)?;
        let (bytes, last) = bytes.split_last_chunk::<4>().unwrap_or((bytes, &[0; 4]));
        let last = self.order.u32(*last);
        if last != length {
            let at = offset + u64::from(length) - 4;
            return Err(ReadFault::LengthsDiffer { first: length, last }.at(at));
        }
        let body = bytes.get(HEAD..).unwrap_or_default();
        Ok(Some(Block { kind, body, start: start + HEAD, offset: offset + HEAD as u64 }))
    }

    /// Begins a section.
    fn section(&mut self, block: &Block<'_>, about: &mut About) -> Result<(), ReadError> {
        let ([_order, version, _, _], _) = self.fields(block, "a section's block")?;
        let [major, minor] = match self.order {
            Order::Little => [version, version >> 16],
            Order::Big => [version >> 16, version],
        }
        .map(|half| (half & 0xffff) as u16);
        if major != 1 {
            return Err(ReadFault::Version { major, minor, known: "1.x" }.at(block.offset + 4));
        }
        let mut section = Section::default();
        let mut options = self.options(block, 16);
        while let Some(opt) = options.next()? {
            match opt.code {
                option::COMMENT => section.comments.push(opt.text()),
                option::SECTION_HARDWARE => section.hardware = Some(opt.text()),
                option::SECTION_OS => section.os = Some(opt.text()),
                option::SECTION_APPLICATION => section.application = Some(opt.text()),
                _ => {}
            }
        }
        about.section = section;
        self.before = about.interfaces.len();
        self.clocks.clear();
        Ok(())
    }

    fn interface(&mut self, block: &Block<'_>, about: &mut About) -> Result<(), ReadError> {
        self.described += block.body.len();
        if about.interfaces.len() >= MOST_INTERFACES || self.described > MOST_BYTES as usize {
            return Err(ReadFault::TooManyInterfaces.at(block.offset));
        }
        let ([kind, snap_length], _) = self.fields(block, "an interface's block")?;
        let link_type = match self.order {
            Order::Little => kind & 0xffff,
            Order::Big => kind >> 16,
        };
        let mut interface = Interface {
            name: None,
            description: None,
            link_type: link_type as u16,
            snap_length,
            digits: 0,
            filter: None,
            os: None,
        };
        let (mut resolution, mut offset) = (Clock::MICROSECONDS, 0);
        let mut options = self.options(block, 8);
        while let Some(opt) = options.next()? {
            match opt.code {
                option::INTERFACE_NAME => interface.name = Some(opt.text()),
                option::INTERFACE_DESCRIPTION => interface.description = Some(opt.text()),
                option::INTERFACE_OS => interface.os = Some(opt.text()),
                option::INTERFACE_FILTER => {
                    if let [FILTER_TEXT, filter @ ..] = opt.value {
                        interface.filter = Some(text(filter));
                    }
                }
                option::INTERFACE_RESOLUTION => resolution = opt.u8()?,
                option::INTERFACE_OFFSET => offset = opt.u64()?.cast_signed(),
                _ => {}
            }
        }
        interface.digits = Clock::digits(resolution);
        about.add(interface);
        self.clocks.push(Clock::new(resolution, offset));
        Ok(())
    }

    fn statistics(&self, block: &Block<'_>, about: &mut About) -> Result<(), ReadError> {
        let ([interface, high, low], _) = self.fields(block, "a statistics block")?;
        let clock = self.clock(interface, block)?;
        let time = |high, low| time(clock, joined(high, low), block.offset);
        let mut statistics = Statistics { time: time(high, low)?, ..Statistics::default() };
        let mut options = self.options(block, 12);
        while let Some(opt) = options.next()? {
            match opt.code {
                option::STATISTICS_START => {
                    statistics.start =
                        opt.words().and_then(|[high, low]| time(high, low)).map(Some)?;
                }
                option::STATISTICS_END => {
                    statistics.end =
                        opt.words().and_then(|[high, low]| time(high, low)).map(Some)?;
                }
                option::STATISTICS_RECEIVED => statistics.received = Some(opt.u64()?),
                option::STATISTICS_DROPPED => statistics.dropped = Some(opt.u64()?),
                option::STATISTICS_ACCEPTED => statistics.accepted = Some(opt.u64()?),
                option::STATISTICS_OS_DROPPED => statistics.os_dropped = Some(opt.u64()?),
                option::STATISTICS_DELIVERED => statistics.delivered = Some(opt.u64()?),
                _ => {}
            }
        }
        if let Some(place) = about.statistics.get_mut(self.before + interface as usize) {
            *place = Some(statistics);
        }
        Ok(())
    }

    #[inline]
    fn enhanced(&self, block: &Block<'_>) -> Result<Packet, ReadError> {
        let ([interface, high, low, kept, length], _) = self.fields(block, "a packet's block")?;
        Ok(Packet { interface, ticks: joined(high, low), kept, length, start: 20 })
    }

    /// It has no time, and its length is as the interface's limit says.
    fn simple(&self, block: &Block<'_>, about: &About) -> Result<Packet, ReadError> {
        let ([length], _) = self.fields(block, "a simple packet's block")?;
        self.clock(0, block)?;
        let limit = match about.interfaces.get(self.before).map(|first| first.snap_length) {
            None | Some(0) => u32::MAX,
            Some(limit) => limit,
        };
        Ok(Packet { interface: 0, ticks: 0, kept: length.min(limit), length, start: 4 })
    }

    fn obsolete(&self, block: &Block<'_>) -> Result<Packet, ReadError> {
        let ([first, high, low, kept, length], _) =
            self.fields(block, "an obsolete packet's block")?;
        // A short with the interface comes before one with a number of drops.
        let interface = match self.order {
            Order::Little => first & 0xffff,
            Order::Big => first >> 16,
        };
        Ok(Packet { interface, ticks: joined(high, low), kept, length, start: 20 })
    }

    /// The frame that a packet block holds.
    #[inline]
    fn frame(&self, block: &Block<'_>, packet: Packet) -> Result<Found, ReadError> {
        let Packet { interface, ticks, kept, length, start } = packet;
        let clock = self.clock(interface, block)?;
        let simple = block.kind == block::SIMPLE_PACKET;
        let time = if simple { 0 } else { time(clock, ticks, block.offset)? };
        let end = start.saturating_add(kept as usize);
        if end > block.body.len() {
            let (needed, found) = (end as u64, block.body.len() as u64);
            let fault = ReadFault::TooShort { what: "a packet's block", needed, found };
            return Err(fault.at(block.offset));
        }
        let mut found = Found {
            interface: self.before + interface as usize,
            time,
            length: length.max(kept),
            direction: None,
            comments: Vec::new(),
            bytes: Range { start: block.start + start, end: block.start + end },
        };
        let mut options = self.options(block, padded(end));
        while let (false, Some(opt)) = (simple, options.next()?) {
            match opt.code {
                option::COMMENT => found.comments.push(opt.text()),
                option::PACKET_FLAGS => {
                    found.direction = match opt.u32()? & 3 {
                        INBOUND => Some(Direction::In),
                        OUTBOUND => Some(Direction::Out),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The first fields of a block.
    #[inline]
    fn fields<'a, const N: usize>(
        &self,
        block: &Block<'a>,
        what: &'static str,
    ) -> Result<([u32; N], &'a [u8]), ReadError> {
        self.order.words(block.body).ok_or_else(|| {
            let (needed, found) = (4 * N as u64, block.body.len() as u64);
            ReadFault::TooShort { what, needed, found }.at(block.offset)
        })
    }

    /// The options, which begin at `start` in the block's body.
    fn options<'a>(&self, block: &Block<'a>, start: usize) -> Options<'a> {
        let rest = block.body.get(start..).unwrap_or_default();
        Options::new(self.order, rest, block.offset + start as u64)
    }

    /// The clock of one of the section's interfaces.
    fn clock(&self, interface: u32, block: &Block<'_>) -> Result<&Clock, ReadError> {
        self.clocks.get(interface as usize).ok_or_else(|| {
            let described = self.clocks.len();
            ReadFault::UnknownInterface { interface, described }.at(block.offset)
        })
    }
}

/// When a tick was.
fn time(clock: &Clock, ticks: u64, offset: u64) -> Result<u64, ReadError> {
    clock.time(ticks).ok_or_else(|| ReadFault::Time { ticks }.at(offset))
}
