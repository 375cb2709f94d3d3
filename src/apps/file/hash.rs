//! BLAKE3 of what a file holds.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
};

use blake3::Hasher;

use super::{BUFFER, Error};

/// Hashes the first `length` bytes of `file`, calling `advance` with the position every so often.
///
/// # Errors
/// `read_error`'s for a failed read, of kind `UnexpectedEof` if the file is shorter; `advance`'s.
pub(super) fn prefix(
    file: &File,
    length: u64,
    read_error: impl Fn(io::Error) -> Error,
    advance: impl Fn(u64) -> Result<(), Error>,
) -> Result<Hasher, Error> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    let mut position = 0;
    while position < length {
        let wanted = usize::try_from(length - position).unwrap_or(BUFFER).min(BUFFER);
        match file.read_at(&mut buffer[..wanted], position) {
            Ok(0) => return Err(read_error(ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                position += count as u64;
                advance(position)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(error)),
        }
    }
    Ok(hasher)
}
