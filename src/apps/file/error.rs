//! Why a transfer fails.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::frame::FrameError;

/// A path for people; none of its characters can steer a terminal.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

fn printable(text: &str) -> String {
    let one = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(one).collect()
}

/// Why a transfer failed, worded for the user of the side that reports it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening socket is not usable.
    #[error("can't listen: {0}")]
    Listen(io::Error),
    /// The name of the other end has no address.
    #[error("the name has no address to connect to")]
    NoAddress,
    /// No connection came about.
    #[error("can't connect to {address}: {source}; is a file server listening there?")]
    Connect {
        /// The address tried.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The connection was reset or failed; the receiver keeps the file it had.
    #[error("the connection with {peer} broke: {source}")]
    Broken {
        /// The other end.
        peer: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The other end neither sent nor took a byte for the whole time-out.
    #[error(
        "nothing moved between here and {peer} for {after:?}; a longer `--timeout` waits longer"
    )]
    Silent {
        /// The other end.
        peer: SocketAddr,
        /// The time-out.
        after: Duration,
    },
    /// The stream ended before the announced length.
    #[error("{peer} closed the connection before its file or its answer was complete")]
    Short {
        /// The other end.
        peer: SocketAddr,
    },
    /// The `stop` descriptor became readable.
    #[error("interrupted")]
    Stopped,
    /// A system call on a file or directory failed.
    #[error("can't {action} {}: {source}", shown(path))]
    File {
        /// The verb, such as `open`.
        action: &'static str,
        /// The object.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Only regular files are sent and replaced; nothing is written through a symbolic link.
    #[error("{} is {kind}; only a regular file can be sent or replaced", shown(path))]
    NotRegular {
        /// The object.
        path: PathBuf,
        /// What it is, with an article.
        kind: &'static str,
    },
    /// The file became shorter or longer while it was sent.
    #[error(
        "{} is no longer the {length} bytes it was at the start; send a copy of it",
        shown(path)
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length when it was opened.
        length: u64,
    },
    /// The file is larger than the receiver allows.
    #[error("the file is larger than the {limit} bytes that `--max-size` allows")]
    TooLarge {
        /// Largest allowed length in bytes.
        limit: u64,
    },
    /// The name can't be used.
    #[error("file name {name:?} refused: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// The same content is being received under the same name by another connection.
    #[error(
        "another transfer of the same {} is under way; send again when it has ended",
        printable(name)
    )]
    Busy {
        /// The file's name.
        name: String,
    },
    /// The content received does not have the announced BLAKE3 hash.
    #[error(
        "{} was damaged on its way (its BLAKE3 differs) and is not stored; send it again",
        printable(name)
    )]
    Corrupt {
        /// The file's name.
        name: String,
    },
    /// The other end's bytes are no frame of the verified mode.
    #[error("{peer} does not speak `--verify` ({source}); give it to both sides or to neither")]
    NoFrame {
        /// The other end.
        peer: SocketAddr,
        /// What is wrong with its bytes.
        source: FrameError,
    },
    /// A frame that its sender must not send at this point.
    #[error("{peer} broke the rules of `--verify`: unexpected frame")]
    Protocol {
        /// The other end.
        peer: SocketAddr,
    },
    /// The receiver answered nothing to an offer.
    #[error(
        "{peer} did not answer within {after:?}: either it serves without `--verify` (give it to both sides \
         or to neither), or it has all the clients it takes"
    )]
    NoAnswer {
        /// The receiver.
        peer: SocketAddr,
        /// How long was waited.
        after: Duration,
    },
    /// The receiver told why it does not store the file.
    #[error("{peer} refused: {reason}")]
    Refused {
        /// The receiver.
        peer: SocketAddr,
        /// Its words.
        reason: String,
    },
    /// The receiver of a raw stream sent bytes, which file servers never do.
    #[error("{peer} answered with data; it is no file server")]
    Answered {
        /// The other end.
        peer: SocketAddr,
    },
}

impl Error {
    /// For `map_err`: a failed `action` on `path`.
    pub(super) fn file<E: Into<io::Error>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source: source.into() }
    }
    /// Whether the connection is gone and the same transfer may succeed on another.
    pub(super) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::Broken { .. } | Self::Silent { .. } | Self::Short { .. } | Self::Stopped
        )
    }
}
