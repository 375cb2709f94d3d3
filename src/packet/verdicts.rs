//! What became of the frames of a link, once its whole recording is known.

use std::{collections::HashMap, io::Read};

use super::{Crossings, ReadError, Reader, Verdict};

/// For each frame that was sent over a link, by its number in the recording, what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts(HashMap<u64, Verdict>);

impl Verdicts {
    /// Reads a recording of the two ends of a link, its only interfaces, to the end. Of another recording, nothing is known.
    ///
    /// # Errors
    ///
    /// If the recording can't be read on.
    pub fn read(reader: &mut Reader<impl Read>) -> Result<Self, ReadError> {
        let mut verdicts = HashMap::new();
        let mut crossings = Crossings::new([[0, 1]]);
        let mut number = 0;
        let mut note = |crossing: super::Crossing| {
            verdicts.extend(crossing.sent.map(|sent| (sent.number, crossing.verdict)));
        };
        while let Some(frame) = reader.next_frame()? {
            number += 1;
            crossings.push(number, &frame).for_each(&mut note);
        }
        crossings.finish().for_each(note);
        Ok(if reader.interfaces().len() == 2 { Self(verdicts) } else { Self::default() })
    }

    /// What became of a frame, if it was sent there.
    pub fn of(&self, number: u64) -> Option<Verdict> {
        self.0.get(&number).copied()
    }
}
