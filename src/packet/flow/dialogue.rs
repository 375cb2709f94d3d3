//! What was said, as text that a terminal can show.

use std::fmt::Write as _;

use super::{
    follow::{Follow, Piece, Said},
    unit::Side,
};

/// How bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogueForm {
    /// As lines of UTF-8.
    Text,
    /// As rows of 16 bytes in hexadecimal, with their offset in that side's stream.
    Hex,
}

/// Writes down what two said, piece by piece: `→` leads what the client said, `←` what the server said.
///
/// Nothing that was said can be taken for anything else, or reach the terminal: in text, a newline begins a line, and all other
/// characters that are not printable are escaped as in Rust (`\r`, `\u{1b}`), bytes that are not UTF-8 as `\xff`, and a backslash as `\\`.
/// So a single backslash is ours: at the end of a line it says that there was no newline, `\[5 bytes missing]` stands for what
/// is not in the recording, and `\[5 bytes dropped]` for a datagram that was dropped on its way.
///
/// ```text
/// → hello
/// ← who is\
/// → \[5 bytes missing]
/// ```
#[derive(Debug)]
pub struct Dialogue {
    form: DialogueForm,
    /// Whose line is open.
    open: Option<Side>,
    /// Bytes that can't be shown before those that follow: of a character, or of a row.
    held: Vec<u8>,
    /// The offset of the first byte held, in hexadecimal.
    offset: u64,
}

impl Dialogue {
    /// Nothing was said yet.
    pub fn new(form: DialogueForm) -> Self {
        Self { form, open: None, held: Vec::new(), offset: 0 }
    }

    /// All that a conversation has said, as far as it is in order; `follow` has no pieces then.
    pub fn all(form: DialogueForm, follow: &mut Follow) -> String {
        let mut dialogue = Self::new(form);
        let mut text = String::new();
        while let Some(piece) = follow.next_piece() {
            text += &dialogue.piece(&piece);
        }
        text + &dialogue.finish()
    }

    /// The text of the next piece.
    pub fn piece(&mut self, piece: &Piece) -> String {
        let mut text = String::new();
        let goes_on = matches!(piece.said, Said::Bytes(_)) && self.open == Some(piece.from);
        if !goes_on {
            self.end_line(&mut text);
        }
        match &piece.said {
            Said::Bytes(bytes) => self.say(&mut text, piece, bytes),
            Said::Datagram(bytes) => {
                self.say(&mut text, piece, bytes);
                if bytes.is_empty() {
                    self.begin_line(&mut text, piece.from);
                }
                self.end_line(&mut text);
            }
            Said::Gap(length) => self.remark(&mut text, piece, *length, "missing"),
            Said::Dropped(length) => self.remark(&mut text, piece, *length, "dropped"),
        }
        text
    }

    /// Says what became of bytes that are not shown.
    fn remark(&self, text: &mut String, piece: &Piece, length: u64, what: &str) {
        let (arrow, offset) = (arrow(piece.from), piece.offset);
        let _ = match self.form {
            DialogueForm::Text => writeln!(text, "{arrow} \\[{length} bytes {what}]"),
            DialogueForm::Hex => writeln!(text, "{arrow} {offset:08x}  [{length} bytes {what}]"),
        };
    }

    /// The text of what is held back.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        self.end_line(&mut text);
        text
    }

    fn say(&mut self, text: &mut String, piece: &Piece, bytes: &[u8]) {
        if self.held.is_empty() {
            self.offset = piece.offset;
        }
        self.held.extend_from_slice(bytes);
        match self.form {
            DialogueForm::Text => self.lines(text, piece.from),
            DialogueForm::Hex => {
                self.open = Some(piece.from);
                let whole = self.held.len() - self.held.len() % 16;
                let rest = self.held.split_off(whole);
                for row in std::mem::replace(&mut self.held, rest).chunks(16) {
                    self.row(text, piece.from, row);
                }
            }
        }
    }

    /// Writes what is held as lines; the start of a character is held on.
    fn lines(&mut self, text: &mut String, from: Side) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while !rest.is_empty() {
            let (good, bad, after) = match std::str::from_utf8(rest) {
                Ok(_) => (rest, &[][..], &[][..]),
                Err(error) => {
                    let (good, rest) = rest.split_at(error.valid_up_to());
                    let Some(bad) = error.error_len() else {
                        self.characters(text, from, good);
                        self.begin_line(text, from);
                        self.held = rest.to_vec();
                        return;
                    };
                    let (bad, after) = rest.split_at(bad);
                    (good, bad, after)
                }
            };
            self.characters(text, from, good);
            self.bytes(text, from, bad);
            rest = after;
        }
    }

    fn characters(&mut self, text: &mut String, from: Side, utf8: &[u8]) {
        for c in String::from_utf8_lossy(utf8).chars() {
            self.begin_line(text, from);
            match c {
                '\n' => {
                    text.push('\n');
                    self.open = None;
                }
                '\'' | '"' => text.push(c),
                c => text.extend(c.escape_debug()),
            }
        }
    }

    fn bytes(&mut self, text: &mut String, from: Side, bytes: &[u8]) {
        for byte in bytes {
            self.begin_line(text, from);
            let _ = write!(text, "\\x{byte:02x}");
        }
    }

    fn begin_line(&mut self, text: &mut String, from: Side) {
        if self.open.replace(from).is_none() {
            let _ = write!(text, "{} ", arrow(from));
        }
    }

    fn end_line(&mut self, text: &mut String) {
        let Some(from) = self.open else { return };
        let held = std::mem::take(&mut self.held);
        match self.form {
            DialogueForm::Text => {
                self.bytes(text, from, &held);
                text.push_str("\\\n");
            }
            DialogueForm::Hex if held.is_empty() => {}
            DialogueForm::Hex => self.row(text, from, &held),
        }
        self.open = None;
    }

    fn row(&mut self, text: &mut String, from: Side, bytes: &[u8]) {
        let mut digits = String::new();
        for (at, byte) in bytes.iter().enumerate() {
            let _ = write!(digits, "{}{byte:02x}", if at == 8 { "  " } else { " " });
        }
        let shown: String = bytes
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        let _ = writeln!(text, "{} {:08x} {digits:49}  {shown}", arrow(from), self.offset);
        self.offset += bytes.len() as u64;
    }
}

fn arrow(from: Side) -> char {
    match from {
        Side::Client => '→',
        Side::Server => '←',
    }
}
