//! What became of the frames of a link, once its whole recording is known.

use std::{collections::HashMap, io::Read};

use super::{Arrival, Crossing, Crossings, ReadError, Reader, Verdict};

/// For each frame of a recording, by its number, what became of it: of one that was sent over a link of which both ends were recorded
/// how it arrived, and what a wire noted at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts(HashMap<u64, Verdict>);

impl Verdicts {
    /// Reads a recording to the end. If it is of the two ends of a link, its only interfaces, it is known what arrived; of another
    /// one, what wires noted.
    ///
    /// # Errors
    ///
    /// If the recording can't be read on.
    pub fn read(reader: &mut Reader<impl Read>) -> Result<Self, ReadError> {
        let (mut noted, mut paired) = (HashMap::new(), HashMap::new());
        let mut crossings = Crossings::new([[0, 1]]);
        let mut number = 0;
        let mut note = |crossing: Crossing| {
            let first = !matches!(crossing.verdict.arrival, Some(Arrival::Copy(_)));
            let sent = crossing.sent.filter(|_| first);
            paired.extend(sent.map(|sent| (sent.number, crossing.verdict)));
        };
        while let Some(frame) = reader.next_frame()? {
            number += 1;
            noted.extend(Verdict::noted(&frame.comments).map(|verdict| (number, verdict)));
            crossings.push(number, &frame).for_each(&mut note);
        }
        crossings.finish().for_each(note);
        if reader.interfaces().len() == 2 {
            noted.extend(paired);
        }
        Ok(Self(noted))
    }

    /// What became of a frame, as far as that is known.
    pub fn of(&self, number: u64) -> Option<Verdict> {
        self.0.get(&number).copied()
    }
}
