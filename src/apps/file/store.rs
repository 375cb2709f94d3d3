//! The directory received files go to: names, temporary files, atomic replacement.

use std::{
    fs::File,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat, renameat},
    libc::mode_t,
    sys::stat::{FileStat, Mode, SFlag, fstatat},
    unistd::{UnlinkatFlags, fsync, linkat, unlinkat},
};

use super::Error;

/// Mode of received files before the umask, as `open` gives it in most languages.
const MODE: Mode = Mode::from_bits_truncate(0o666);

/// An open directory; whatever is renamed around it, files go into this one.
pub(super) struct Directory {
    path: PathBuf,
    pub(super) fd: OwnedFd,
    temporaries: AtomicU64,
}

impl Directory {
    /// Opens `path` and makes sure that files can be created there.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = open(path, flags, Mode::empty()).map_err(Error::file("open directory", path))?;
        let directory = Self { path: path.to_owned(), fd, temporaries: AtomicU64::new(0) };
        Temporary::create(&directory)?;
        Ok(directory)
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What `name` is here, itself if it is a symbolic link.
    pub(super) fn stat(&self, name: &str) -> Result<Option<FileStat>, Error> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(Error::file("examine", self.path_of(name))(errno)),
        }
    }

    /// Refuses to replace anything but a regular file.
    pub(super) fn check_target(&self, name: &str) -> Result<(), Error> {
        match self.stat(name)?.and_then(|stat| irregular(stat.st_mode)) {
            Some(kind) => Err(Error::NotRegular { path: self.path_of(name), kind }),
            None => Ok(()),
        }
    }

    /// Makes the durable content of `file`, here called `temporary`, appear durably as `name` in one step.
    pub(super) fn replace(&self, temporary: &str, name: &str) -> Result<(), Error> {
        self.check_target(name)?;
        renameat(&self.fd, temporary, &self.fd, name)
            .map_err(Error::file("replace", self.path_of(name)))?;
        fsync(&self.fd).map_err(Error::file("sync directory", &self.path))
    }

    /// Removes `name` if it is there.
    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir);
    }

    fn temporary_name(&self) -> String {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        format!(".labnet-file.{}.{number}.tmp", process::id())
    }
}

/// A file that nobody sees until [`commit`](Self::commit), and that is gone if that never comes.
pub(super) struct Temporary<'a> {
    directory: &'a Directory,
    pub(super) file: File,
    name: Option<String>,
}

impl<'a> Temporary<'a> {
    /// Creates it without a name, so that even SIGKILL leaves nothing (`O_TMPFILE`, open(2)); with a hidden one
    /// where the file system can't.
    pub(super) fn create(directory: &'a Directory) -> Result<Self, Error> {
        let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        match openat(&directory.fd, ".", flags, MODE) {
            Ok(fd) => Ok(Self { directory, file: fd.into(), name: None }),
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => Self::create_named(directory),
            Err(errno) => Err(Error::file("create a file in", &directory.path)(errno)),
        }
    }

    fn create_named(directory: &'a Directory) -> Result<Self, Error> {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let (name, fd) = unique(directory, |name| openat(&directory.fd, name, flags, MODE))?;
        Ok(Self { directory, file: fd.into(), name: Some(name) })
    }

    /// Makes the content durable and gives it `name`, replacing a regular file of that name.
    pub(super) fn commit(mut self, name: &str) -> Result<(), Error> {
        let directory = self.directory;
        self.file.sync_all().map_err(Error::file("sync", directory.path_of(name)))?;
        let temporary = match &self.name {
            Some(name) => name.clone(),
            None => {
                let unnamed = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                let (linked, ()) = unique(directory, |name| {
                    let follow = AtFlags::AT_SYMLINK_FOLLOW;
                    linkat(AT_FDCWD, unnamed.as_str(), &directory.fd, name, follow)
                })?;
                self.name.insert(linked).clone()
            }
        };
        directory.replace(&temporary, name)?;
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.directory.remove(name);
        }
    }
}

/// Calls `create` with fresh hidden names until one is not taken.
fn unique<T>(
    directory: &Directory,
    create: impl Fn(&str) -> nix::Result<T>,
) -> Result<(String, T), Error> {
    loop {
        let name = directory.temporary_name();
        match create(&name) {
            Ok(made) => return Ok((name, made)),
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(Error::file("create", directory.path_of(&name))(errno)),
        }
    }
}

/// What a file is, with an article, if it is not a regular one.
pub(super) fn irregular(mode: mode_t) -> Option<&'static str> {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => None,
        SFlag::S_IFDIR => Some("a directory"),
        SFlag::S_IFLNK => Some("a symbolic link"),
        SFlag::S_IFIFO => Some("a pipe"),
        SFlag::S_IFSOCK => Some("a socket"),
        _ => Some("a device"),
    }
}

/// Longest name in bytes: the name of its partial file must fit in 255.
const MAX_NAME: usize = 200;

/// Accepts a plain file name: no path, nothing hidden or unprintable, at most 200 bytes.
///
/// # Errors
/// [`Error::Name`] tells the broken rule.
pub fn check_name(name: &str) -> Result<(), Error> {
    let reason = match name {
        "" => "it is empty",
        "." | ".." => "it is a directory",
        _ if name.contains('/') => "it is a path; a plain file name is needed",
        _ if name.starts_with('.') => "names that begin with a dot are the receiver's own",
        _ if name.contains(char::is_control) => "it contains control characters",
        _ if name.len() > MAX_NAME => "it is longer than 200 bytes",
        _ => return Ok(()),
    };
    Err(Error::Name { name: name.to_owned(), reason })
}
