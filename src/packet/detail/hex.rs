//! Bytes in hexadecimal and as text.

use std::fmt;

/// Displays bytes 16 a line: their offset, their values, and those that are printable ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, bytes) in self.0.chunks(16).enumerate() {
            write!(f, "{:04x}  ", line * 16)?;
            for byte in bytes {
                write!(f, "{byte:02x} ")?;
            }
            write!(f, "{:1$}", "", (16 - bytes.len()) * 3 + 2)?;
            for byte in bytes {
                let printable = byte.is_ascii_graphic() || *byte == b' ';
                write!(f, "{}", if printable { char::from(*byte) } else { '.' })?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
