//! The options at the end of a block.

use super::{
    error::{ReadError, ReadFault},
    format::{MOST_OPTIONS, option, padded},
    order::Order,
};

/// The options of a block, one after the other.
pub(super) struct Options<'a> {
    order: Order,
    rest: &'a [u8],
    /// Where in the stream `rest` is.
    offset: u64,
    count: usize,
}

/// An option: its code tells what it is.
pub(super) struct Opt<'a> {
    order: Order,
    pub(super) code: u16,
    pub(super) value: &'a [u8],
    /// Where in the stream it is.
    offset: u64,
}

impl<'a> Options<'a> {
    pub(super) fn new(order: Order, rest: &'a [u8], offset: u64) -> Self {
        Self { order, rest, offset, count: 0 }
    }

    /// The next one, until `opt_endofopt` or the block's end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Opt<'a>>, ReadError> {
        let Some((head, after)) = self.rest.split_first_chunk::<4>() else { return Ok(None) };
        let [code, length] = self.order.halves(*head);
        if code == option::END {
            return Ok(None);
        }
        let offset = self.offset;
        self.count += 1;
        if self.count > MOST_OPTIONS {
            return Err(ReadFault::TooManyOptions.at(offset));
        }
        let Some(value) = after.get(..length.into()) else {
            let room = after.len() as u64;
            return Err(ReadFault::OptionLength { code, length, room }.at(offset));
        };
        let taken = padded(length.into());
        self.rest = after.get(taken..).unwrap_or_default();
        self.offset += (head.len() + taken) as u64;
        Ok(Some(Opt { order: self.order, code, value, offset }))
    }
}

impl Opt<'_> {
    /// Its value as text; bytes that are no UTF-8 become U+FFFD, and zeros at the end, which some writers leave, go.
    pub(super) fn text(&self) -> String {
        text(self.value)
    }

    pub(super) fn u8(&self) -> Result<u8, ReadError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&self) -> Result<u32, ReadError> {
        self.fixed().map(|bytes| self.order.u32(bytes))
    }

    pub(super) fn u64(&self) -> Result<u64, ReadError> {
        self.fixed().map(|bytes| self.order.u64(bytes))
    }

    /// A timestamp: two words.
    pub(super) fn words(&self) -> Result<[u32; 2], ReadError> {
        let [a, b, c, d, e, f, g, h] = self.fixed()?;
        Ok([self.order.u32([a, b, c, d]), self.order.u32([e, f, g, h])])
    }

    fn fixed<const N: usize>(&self) -> Result<[u8; N], ReadError> {
        self.value.try_into().map_err(|_| {
            let (length, expected) = (self.value.len() as u64, N as u64);
            ReadFault::OptionValue { code: self.code, length, expected }.at(self.offset)
        })
    }
}

/// Bytes as text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}
