//! Where running labs are found: one directory a lab, held by a lock for as long as its processes live.
//!
//! `/run/labnet` for root, else `$XDG_RUNTIME_DIR/labnet`, else `/tmp/labnet-UID`. A lab's directory holds `fs` (the mount
//! point of its tmpfs, empty as seen from the host) and, for labs that others may find, `socket` and `state.json`. The
//! directory itself is locked (flock(2)) by supervisor and init together, so a lock that can be taken proves both gone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::fd::AsFd,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    unistd::getuid,
};
use serde::{Deserialize, Serialize};

use super::{
    error::LabError,
    protocol::{Message, PublicLab, Request, encode},
};
use crate::{
    kernel::{connect_unix, wait_readable, words},
    name::LabName,
};

/// Where `ip netns` looks for names.
const NETNS: &str = "/run/netns";

/// How long a lab that does not answer any more may take to be gone; it is a matter of 10 ms.
const ENDING: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(2);

/// A lab's directory, locked by this process and those it forks.
#[derive(Debug)]
pub(crate) struct LabDir {
    path: PathBuf,
    _lock: Flock<File>,
}

/// What `state.json` says of a lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registered {
    #[serde(flatten)]
    pub(crate) lab: PublicLab,
    pub(crate) supervisor: i32,
    pub(crate) init: i32,
    /// Seconds since 1970.
    pub(crate) since: u64,
}

/// The directory of all labs of this user.
pub(crate) fn root() -> PathBuf {
    if getuid().is_root() && in_first_user_namespace() {
        return "/run/labnet".into();
    }
    // A relative path is to be ignored (XDG Base Directory Specification).
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| Path::new(dir).is_absolute()) {
        Some(dir) => Path::new(&dir).join("labnet"),
        None => format!("/tmp/labnet-{}", outer_uid()).into(),
    }
}

fn in_first_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// This user's id outside the user namespace it may be root of.
fn outer_uid() -> String {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mut fields = map.split_whitespace();
    match (fields.next(), fields.next(), getuid().as_raw()) {
        (Some("0"), Some(outer), 0) => outer.to_owned(),
        (_, _, uid) => uid.to_string(),
    }
}

fn unusable(path: &Path, error: io::Error) -> LabError {
    let why = match error.raw_os_error() {
        Some(code) => words(Errno::from_raw(code)),
        None => error.to_string(),
    };
    LabError::StateDirectory { path: path.to_owned(), why }
}

/// The directory of all labs, made if need be; refused if it is somebody else's.
fn make_root() -> Result<(), LabError> {
    let root = root();
    let mode = if root.starts_with("/run/labnet") { 0o755 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(&root) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(unusable(&root, error));
        }
        _ => {}
    }
    match is_ours(&root) {
        Ok(false) => Err(unusable(&root, io::Error::other("it is not a folder of this user's"))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&root, error)),
        // Another lab's end may have removed it meanwhile; whoever needs it tries again.
        _ => Ok(()),
    }
}

/// Whether it is a folder of this user's: in /tmp, anybody could have made it.
fn is_ours(root: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(root)?;
    Ok(metadata.is_dir() && metadata.uid() == getuid().as_raw())
}

/// The directories of this user's labs.
fn lab_dirs() -> Vec<PathBuf> {
    let root = root();
    if !is_ours(&root).unwrap_or(false) {
        return Vec::new();
    }
    fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => {
            // The directory may have been removed between open and lock; then the lock is of nothing.
            let same = fs::metadata(path)
                .is_ok_and(|now| lock.metadata().is_ok_and(|ours| now.ino() == ours.ino()));
            Ok(same.then_some(lock))
        }
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

impl LabDir {
    /// Takes the directory of a public lab's name, or one of no name.
    pub(crate) fn claim(name: Option<&LabName>) -> Result<Self, LabError> {
        Self::take(name).inspect_err(|_| {
            // The folder of all labs may have been made for this one; if it holds others, it stays.
            let _ = fs::remove_dir(root());
        })
    }

    fn take(name: Option<&LabName>) -> Result<Self, LabError> {
        // Names can't start with a dot, so a private lab's folder is never a public lab's.
        let private = |attempt: u32| format!(".{}-{attempt}", std::process::id());
        let mut attempt = 0;
        let deadline = Instant::now() + ENDING;
        loop {
            make_root()?;
            let path = root().join(name.map_or_else(|| private(attempt), ToString::to_string));
            match DirBuilder::new().mode(0o755).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // The last lab has just gone, and the folder of all labs with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unusable(&path, error)),
            }
            match lock(&path) {
                Ok(Some(lock)) => {
                    remove_contents(&path);
                    return Self { path, _lock: lock }.furnish();
                }
                Ok(None) => match name {
                    Some(name) if answers(&path, deadline) || Instant::now() >= deadline => {
                        return Err(LabError::AlreadyUp { name: name.clone() });
                    }
                    // Its client has gone, or its processes were killed: they are still ending.
                    Some(_) => thread::sleep(PAUSE),
                    // A process of another PID namespace has the same number.
                    None => attempt += 1,
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unusable(&path, error)),
            }
        }
    }

    /// Makes what every lab's directory holds, or removes it again.
    fn furnish(self) -> Result<Self, LabError> {
        let fs = self.fs();
        match DirBuilder::new().mode(0o755).create(&fs) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.remove(None);
                Err(unusable(&fs, error))
            }
        }
    }

    /// The mount point of the lab's tmpfs.
    pub(crate) fn fs(&self) -> PathBuf {
        self.path.join("fs")
    }

    /// Where clients connect.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }

    /// Records a public lab; readers see all of it or nothing.
    pub(crate) fn record(&self, state: &Registered) -> Result<(), LabError> {
        let (new, path) = (self.path.join("state.new"), self.path.join("state.json"));
        let text = encode(state)?;
        let write = || {
            fs::write(&new, text)?;
            fs::set_permissions(&new, Permissions::from_mode(0o644))?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| unusable(&path, error))
    }

    /// Removes the directory with what is in it, and the names in `/run/netns` that lead to `init`.
    pub(crate) fn remove(&self, init: Option<i32>) {
        if let Some(init) = init {
            remove_netns_names(init);
        }
        remove_contents(&self.path);
        // Whoever comes next finds it gone, or sweeps it; the folder of all labs goes with the last.
        let _ = fs::remove_dir(&self.path);
        let _ = self.path.parent().map(fs::remove_dir);
    }
}

/// Whether the lab of a directory answers by then. One that is coming up takes clients, but answers when it is up, or never if it
/// is to end instead.
fn answers(directory: &Path, deadline: Instant) -> bool {
    let Ok(init) = connect_unix(&directory.join("socket")) else { return false };
    let question = encode(&Message { id: 1, body: Request::Describe });
    let left = deadline.saturating_duration_since(Instant::now());
    question.is_ok_and(|question| init.send(&question, &[]).is_ok())
        && wait_readable(&[init.as_fd()], Some(left)).is_ok_and(|ready| ready[0])
        && init.recv().is_ok()
}

/// Removes what labnet makes in a lab's directory, and only that.
fn remove_contents(path: &Path) {
    for file in ["socket", "state.json", "state.new"] {
        let _ = fs::remove_file(path.join(file));
    }
    let _ = fs::remove_dir(path.join("fs"));
}

/// Names each node for `ip netns` by a link to init's descriptor of its namespace, and returns the names.
///
/// A name that is taken stays as it is: the node gets `LAB-NODE` instead, or nothing if that is taken too.
pub(crate) fn add_netns_names(
    lab: &LabName,
    init: i32,
    nodes: &[(String, i32)],
) -> io::Result<Vec<Option<String>>> {
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    match DirBuilder::new().mode(0o755).create(NETNS) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let name = |(node, fd): &(String, i32)| {
        let target = format!("/proc/{init}/fd/{fd}");
        for name in [node.clone(), format!("{lab}-{node}")] {
            let path = Path::new(NETNS).join(&name);
            match std::os::unix::fs::symlink(&target, &path) {
                Ok(()) => return Ok(Some(name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    };
    nodes.iter().map(name).collect()
}

fn remove_netns_names(init: i32) {
    let ours = format!("/proc/{init}/fd/");
    for entry in fs::read_dir(NETNS).into_iter().flatten().flatten() {
        let path = entry.path();
        let leads_to_init = fs::read_link(&path)
            .is_ok_and(|target| target.as_os_str().to_string_lossy().starts_with(&ours));
        // A link that still leads somewhere is another init's, to which the kernel gave the number again.
        if leads_to_init && !path.exists() {
            let _ = fs::remove_file(path);
        }
    }
}

/// The state of a new public lab.
pub(crate) fn register(lab: PublicLab, init: i32) -> Registered {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Registered { lab, supervisor: std::process::id() as i32, init, since }
}

/// The public labs of this user that are up, by name, each with its directory.
pub(crate) fn registered() -> Vec<(PathBuf, Registered)> {
    let mut found = Vec::new();
    for path in lab_dirs() {
        let Ok(text) = fs::read(path.join("state.json")) else { continue };
        if let Ok(state) = super::protocol::decode::<Registered>(&text) {
            found.push((path, state));
        }
    }
    found.sort_by(|(_, a), (_, b)| a.lab.name.cmp(&b.lab.name));
    found
}

/// Removes what labs have left whose processes are all gone, and says how many there were.
pub(crate) fn sweep() -> usize {
    let mut swept = 0;
    for path in lab_dirs() {
        if let Ok(Some(lock)) = lock(&path) {
            let state = fs::read(path.join("state.json")).ok();
            let init = state
                .and_then(|text| super::protocol::decode::<Registered>(&text).ok())
                .map(|state| state.init);
            LabDir { path, _lock: lock }.remove(init);
            swept += 1;
        }
    }
    swept
}
