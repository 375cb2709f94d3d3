//! Classic pcap, as of pcap-savefile(5).

use std::io::Read;

use super::{
    super::Interface,
    about::About,
    error::{ReadError, ReadFault},
    format::MOST_BYTES,
    input::Input,
    order::Order,
    packet::Found,
};

/// Before each frame: seconds, their fraction, bytes kept, bytes there were.
const RECORD: usize = 16;
/// The whole header, with the magic number.
const HEADER: usize = 24;

/// What the magic number says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classic {
    order: Order,
    /// ns in the unit of fractions.
    unit: u64,
    digits: u8,
}

impl Classic {
    /// What the first bytes of a stream mean, if this is its format.
    pub(super) fn by_magic(magic: [u8; 4]) -> Option<Self> {
        [Order::Little, Order::Big].into_iter().find_map(|order| match order.u32(magic) {
            0xa1b2_c3d4 => Some(Self { order, unit: 1000, digits: 6 }),
            0xa1b2_3c4d => Some(Self { order, unit: 1, digits: 9 }),
            _ => None,
        })
    }

    /// Reads the header.
    pub(super) fn header<R: Read>(
        self,
        input: &mut Input<R>,
        about: &mut About,
    ) -> Result<(), ReadError> {
        let header = input.take(HEADER, "the file header")?;
        let short = || ReadFault::Empty.at(header.offset);
        let ([_magic, _, _zone, _accuracy, snap_length, link_type], _) =
            self.order.words(header.bytes).ok_or_else(short)?;
        let version = header.bytes.get(4..).and_then(<[u8]>::first_chunk).ok_or_else(short)?;
        let [major, minor] = self.order.halves(*version);
        // Older ones have the two lengths of a frame in the other order, or not always.
        if (major, minor) != (2, 4) {
            return Err(ReadFault::Version { major, minor, known: "2.4" }.at(header.offset + 4));
        }
        about.add(Interface {
            name: None,
            description: None,
            // Above it is what is known of frame check sequences.
            link_type: (link_type & 0xffff) as u16,
            snap_length,
            digits: self.digits,
            filter: None,
            os: None,
        });
        Ok(())
    }

    /// Finds the next frame.
    pub(super) fn find<R: Read>(self, input: &mut Input<R>) -> Result<Option<Found>, ReadError> {
        const WHAT: &str = "a frame's record";
        let offset = input.offset();
        let head = input.peek(RECORD)?;
        let found = head.len() as u64;
        if found == 0 {
            return Ok(None);
        }
        let Some(([seconds, fraction, kept, length], _)) = self.order.words(head) else {
            return Err(
                ReadFault::Truncated { what: WHAT, needed: RECORD as u64, found }.at(offset)
            );
        };
        if kept > MOST_BYTES {
            return Err(ReadFault::TooLong { what: "a frame", length: kept }.at(offset + 8));
        }
        let record = input.take(RECORD + kept as usize, WHAT)?;
        Ok(Some(Found {
            interface: 0,
            time: u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.unit,
            length: length.max(kept),
            direction: None,
            comments: Vec::new(),
            bytes: record.start + RECORD..record.start + record.bytes.len(),
        }))
    }
}
