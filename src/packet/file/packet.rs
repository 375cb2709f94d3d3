//! A frame that was found: everything but its bytes, which stay where they are.

use std::ops::Range;

use super::super::Direction;

/// A frame, its bytes by their place in the input's buffer.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) interface: usize,
    pub(super) time: u64,
    pub(super) length: u32,
    pub(super) direction: Option<Direction>,
    pub(super) comments: Vec<String>,
    pub(super) bytes: Range<usize>,
}
