//! What has come so far of a verified transfer, kept so that a broken one can go on.

use std::{fs::File, io};

use blake3::Hash;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg, OFlag, openat},
    sys::stat::{Mode, fstat},
};

use super::{Error, store::Directory};

/// The hidden file `.NAME.HASH.partial` (the first 16 hexadecimal digits of the content's hash), locked by one
/// connection.
pub(super) struct Partial<'a> {
    directory: &'a Directory,
    name: String,
    pub(super) file: Flock<File>,
}

impl<'a> Partial<'a> {
    /// Opens or creates the partial file for this content and target; with it comes its length.
    ///
    /// # Errors
    /// [`Error::Busy`] while another connection has it.
    pub(super) fn open(
        directory: &'a Directory,
        target: &str,
        hash: Hash,
    ) -> Result<(Self, u64), Error> {
        let name = format!(".{target}.{}.partial", &hash.to_hex()[..16]);
        loop {
            let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let failed = |action| Error::file::<Errno>(action, directory.path_of(&name));
            directory.check_target(&name)?;
            let file: File =
                openat(&directory.fd, name.as_str(), flags, Mode::from_bits_truncate(0o666))
                    .map_err(failed("open"))?
                    .into();
            let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((_, Errno::EWOULDBLOCK)) => {
                    return Err(Error::Busy { name: target.to_owned() });
                }
                Err((_, errno)) => return Err(failed("lock")(errno)),
            };
            let opened = fstat(&*file).map_err(failed("examine"))?;
            // Its former owner may have renamed or removed it between our open and our lock.
            let named = directory.stat(&name)?;
            if named
                .is_some_and(|named| (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino))
            {
                let length = u64::try_from(opened.st_size).unwrap_or(0);
                return Ok((Self { directory, name, file }, length));
            }
        }
    }

    /// Cuts the content to `length`, makes it durable and gives it its final name.
    pub(super) fn commit(self, target: &str, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(self.failed("truncate"))?;
        self.file.sync_all().map_err(self.failed("sync"))?;
        self.directory.replace(&self.name, target)
    }

    /// Removes it.
    pub(super) fn discard(self) {
        self.directory.remove(&self.name);
    }

    /// For `map_err`: a failed `action` on the partial file.
    pub(super) fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> Error {
        let path = self.directory.path_of(&self.name);
        move |error| Error::file(action, path.clone())(error)
    }
}
