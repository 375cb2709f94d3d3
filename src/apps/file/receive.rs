//! From the socket to the disk.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt};

use blake3::{Hash, Hasher};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice},
    poll::PollFlags,
    unistd::pipe2,
};

use super::{BUFFER, Error, connection::Connection};

/// Wished size of the pipe between socket and file: what an unprivileged process may ask for (pipe(7)).
const PIPE: usize = 1 << 20;

/// Moves the raw stream into `file` until its end, through a pipe and never through this process (splice(2)).
///
/// Returns its length in bytes; `file_error` words a failed write.
///
/// # Errors
/// [`Error::TooLarge`] as soon as more than `limit` bytes have come.
pub(super) fn raw(
    connection: &Connection<'_>,
    file: &File,
    limit: u64,
    file_error: impl Fn(Errno) -> Error,
) -> Result<u64, Error> {
    let (drain, fill) = pipe2(OFlag::O_CLOEXEC).map_err(&file_error)?;
    // Refused when the user's pipes are many; the default of 64 KiB serves too.
    let _ = fcntl(&fill, FcntlArg::F_SETPIPE_SZ(PIPE as i32));
    let flags = SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK;
    let mut total = 0;
    loop {
        let mut piped = connection.when_ready(PollFlags::POLLIN, |socket| {
            Ok(splice(socket, None, &fill, None, PIPE, flags)?)
        })?;
        if piped == 0 {
            return Ok(total);
        }
        total += piped as u64;
        if total > limit {
            return Err(Error::TooLarge { limit });
        }
        while piped > 0 {
            match splice(&drain, None, file, None, piped, SpliceFFlags::SPLICE_F_MOVE) {
                Ok(0) => return Err(file_error(Errno::EIO)),
                Ok(stored) => piped -= stored,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(file_error(errno)),
            }
        }
    }
}

/// Fills `range` of `file` from the stream; `hasher` has seen the bytes before it.
///
/// Returns the hash up to the range's end.
pub(super) fn verified(
    connection: &Connection<'_>,
    mut hasher: Hasher,
    file: &File,
    range: Range<u64>,
    file_error: impl Fn(io::Error) -> Error,
) -> Result<Hash, Error> {
    let mut buffer = vec![0; BUFFER];
    let mut position = range.start;
    while position < range.end {
        let wanted = usize::try_from(range.end - position).unwrap_or(BUFFER).min(BUFFER);
        let count = connection.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(Error::Short { peer: connection.peer });
        }
        file.write_all_at(&buffer[..count], position).map_err(&file_error)?;
        hasher.update(&buffer[..count]);
        position += count as u64;
    }
    Ok(hasher.finalize())
}
