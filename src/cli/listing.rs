//! Frames one by one, as lines of text or in full: what `capture` and `packets` show.

use serde::Serialize;

use super::exit::{FAILED, Failure};
use crate::packet::{
    Direction, Filter, Frame, Interface, Verdicts,
    detail::{Detail, Hex},
    list::{Columns, List, Row},
};

/// In which form frames are shown.
#[derive(Debug, Clone)]
pub(super) enum Show {
    Columns(Columns),
    /// One object a line.
    Json,
    /// The frame with this number, in full, or as JSON if that is true.
    Detail(u64, bool),
}

/// Lists frames, in one pass.
#[derive(Debug)]
pub(super) struct Listing {
    show: Show,
    filter: Option<Filter>,
    /// What became of the frames of a link, which is listed where they were sent.
    link: Option<Verdicts>,
    /// Whether each interface is a recording of its own, for what one frame says of others.
    apart: bool,
    lists: Vec<List>,
    frames: u64,
    rows: u64,
    /// Whether the frame that alone was wanted has been told.
    told: bool,
    /// When the first frame passed, and the newest that is shown.
    first: Option<u64>,
    newest: Option<u64>,
}

impl Listing {
    pub(super) fn new(show: Show) -> Self {
        let (lists, frames, rows) = (Vec::new(), 0, 0);
        let (filter, link, apart, told) = (None, None, false, false);
        let (first, newest) = (None, None);
        Self { show, filter, link, apart, lists, frames, rows, told, first, newest }
    }

    /// Names the interface of each frame, and takes each for a recording of its own: the same frame may be seen at several
    /// interfaces, which is no retransmission.
    pub(super) fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// Knows of each frame of a link only where it was sent, with what became of it.
    pub(super) fn of_link(&mut self, verdicts: Verdicts) {
        self.link = Some(verdicts);
    }

    /// Shows only frames that pass a filter; what others say counts all the same.
    pub(super) fn filter(&mut self, filter: Option<Filter>) {
        self.filter = filter;
    }

    /// Whether the frame has been shown that alone was wanted.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.show, Show::Detail(number, _) if self.rows >= number)
    }

    /// # Errors
    ///
    /// If the frame that alone was wanted did not come.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        match self.show {
            Show::Detail(number, _) if self.rows < number || number == 0 => {
                let what = format!("there is no frame {number}; there are {}", self.rows);
                Err(Failure::new(FAILED, what))
            }
            Show::Detail(number, _) if !self.told => {
                let what = format!("frame {number} does not pass the filter");
                Err(Failure::new(FAILED, what))
            }
            _ => Ok(()),
        }
    }

    /// Counts a frame that comes before what is shown.
    pub(super) fn pass_over(&mut self) {
        self.frames += 1;
    }

    /// Appends the next frame as text, if it is shown.
    pub(super) fn add(&mut self, frame: Frame<'_>, interface: &Interface, text: &mut Vec<u8>) {
        self.frames += 1;
        if self.link.is_some() && frame.direction == Some(Direction::In) {
            return;
        }
        let place = if self.apart { frame.interface } else { 0 };
        if self.lists.len() <= place {
            self.lists.resize_with(place + 1, List::new);
        }
        let mut row = self.lists[place].row(&frame, interface);
        self.rows += 1;
        let first = *self.first.get_or_insert(frame.time);
        let unwanted = |filter: &Filter| !filter.matches(&frame.bytes, frame.length);
        if self.filter.as_ref().is_some_and(unwanted) {
            return;
        }
        if let Some(verdicts) = &self.link {
            row.verdict = verdicts.of(self.frames);
        }
        let since = |earlier: u64| frame.time.wrapping_sub(earlier).cast_signed();
        (row.number, row.time) = (self.rows, since(first));
        row.delta = self.newest.replace(frame.time).map_or(0, since);
        let name = interface.name.as_deref().filter(|_| self.apart);
        match &self.show {
            Show::Columns(columns) => {
                if let Some(name) = name {
                    text.extend_from_slice(name.as_bytes());
                    text.push(b' ');
                }
                row.write(columns, text);
                text.push(b'\n');
            }
            Show::Json => append_json(&At { interface: name, row: &row }, text),
            Show::Detail(number, json) if *number == row.number => {
                self.told = true;
                let detail = Detail::new(&row, &frame, interface);
                if *json {
                    append_json(&detail, text);
                } else {
                    text.extend_from_slice(format!("{detail}\n{}", Hex(&frame.bytes)).as_bytes());
                }
            }
            Show::Detail(..) => {}
        }
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

fn append_json(value: &impl Serialize, text: &mut Vec<u8>) {
    // Writing to memory can't fail, and neither rows nor details have maps with odd keys.
    let _ = serde_json::to_writer(&mut *text, value);
    text.push(b'\n');
}
