//! What sent lines begin with.

/// Puts a text before each line of a stream that comes in pieces.
///
/// ```
/// let mut prefix = labnet::apps::nc::Prefix::new("R2: ");
/// assert_eq!(prefix.apply(b"Hi Iam"), b"R2: Hi Iam");
/// assert_eq!(prefix.apply(b" R2\nNice"), b" R2\nR2: Nice");
/// ```
#[derive(Debug, Clone)]
pub struct Prefix<'a> {
    text: &'a str,
    line_begins: bool,
}

impl<'a> Prefix<'a> {
    /// A stream at its beginning.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, line_begins: true }
    }

    /// The next piece of the stream, the text put before each line that begins in it. Pieces are not held back until their
    /// line is whole: a line may have no end, and memory has.
    pub fn apply(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len() + self.text.len());
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            if self.line_begins {
                out.extend_from_slice(self.text.as_bytes());
            }
            out.extend_from_slice(line);
            self.line_begins = line.ends_with(b"\n");
        }
        out
    }
}
