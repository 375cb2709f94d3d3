//! Frames as lines of text: what `capture` and `packets` show.

use std::io::Read;

use serde::Serialize;

use crate::packet::{
    Direction, Filter, Frame, Interface, ReadError, Reader,
    list::{Columns, List, Row},
};

/// In which form frames are shown.
#[derive(Debug, Clone)]
pub(super) enum Show {
    Columns(Columns),
    /// One object a line.
    Json,
}

/// Lists frames, in one pass.
#[derive(Debug)]
pub(super) struct Listing {
    show: Show,
    filter: Option<Filter>,
    interface: Option<String>,
    /// Whether frames that arrive are left out, since they are listed where they were sent.
    only_sent: bool,
    /// Whether each interface is a recording of its own, for what one frame says of others.
    apart: bool,
    lists: Vec<List>,
    rows: u64,
    /// When the first frame passed, and the newest that is shown.
    first: Option<u64>,
    newest: Option<u64>,
}

impl Listing {
    pub(super) fn new(show: Show) -> Self {
        let (filter, interface, only_sent, apart) = (None, None, false, false);
        let (lists, rows, first, newest) = (Vec::new(), 0, None, None);
        Self { show, filter, interface, only_sent, apart, lists, rows, first, newest }
    }

    /// Names the interface of each frame, and takes each for a recording of its own.
    pub(super) fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// Knows of no frames but those of one interface, if it is named.
    pub(super) fn at(self, interface: Option<String>) -> Self {
        Self { interface, ..self }
    }

    /// Knows of each frame of a link only where it was sent.
    pub(super) fn only_sent(self, only_sent: bool) -> Self {
        Self { only_sent, ..self }
    }

    /// Shows only frames that pass a filter; what others say counts all the same.
    pub(super) fn filter(self, filter: Option<Filter>) -> Self {
        Self { filter, ..self }
    }

    /// Appends the next frame's line, if it is shown; false at the end.
    pub(super) fn next(
        &mut self,
        reader: &mut Reader<impl Read>,
        text: &mut Vec<u8>,
    ) -> Result<bool, ReadError> {
        let Some((frame, interface)) = reader.next_with_interface()? else { return Ok(false) };
        self.add(&frame, interface, text);
        Ok(true)
    }

    fn add(&mut self, frame: &Frame<'_>, interface: &Interface, text: &mut Vec<u8>) {
        let elsewhere = self.interface.is_some() && self.interface != interface.name;
        if elsewhere || self.only_sent && frame.direction == Some(Direction::In) {
            return;
        }
        let place = if self.apart { frame.interface } else { 0 };
        if self.lists.len() <= place {
            self.lists.resize_with(place + 1, List::new);
        }
        let mut row = self.lists[place].row(frame, interface);
        self.rows += 1;
        let first = *self.first.get_or_insert(frame.time);
        if self.filter.as_ref().is_some_and(|filter| !filter.matches(&frame.bytes, frame.length)) {
            return;
        }
        let since = |earlier: u64| frame.time.wrapping_sub(earlier).cast_signed();
        (row.number, row.time) = (self.rows, since(first));
        row.delta = self.newest.replace(frame.time).map_or(0, since);
        let name = interface.name.as_deref().filter(|_| self.apart);
        write(&self.show, name, &row, text);
    }
}

/// A row with the interface that it was recorded at.
#[derive(Serialize)]
struct At<'a, 'b> {
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(flatten)]
    row: &'a Row<'b>,
}

fn write(show: &Show, interface: Option<&str>, row: &Row<'_>, text: &mut Vec<u8>) {
    match show {
        Show::Columns(columns) => {
            if let Some(name) = interface {
                text.extend_from_slice(name.as_bytes());
                text.push(b' ');
            }
            row.write(columns, text);
        }
        // Writing to memory can't fail, and a row has no maps with odd keys.
        Show::Json => drop(serde_json::to_writer(&mut *text, &At { interface, row })),
    }
    text.push(b'\n');
}
