//! Messages with descriptors over a seqpacket socket (unix(7)).

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    sys::{
        memfd::{MFdFlags, memfd_create},
        socket::{
            AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown,
            SockFlag, SockType, UnixAddr, accept4, bind, connect, getsockopt, listen, recvmsg,
            sendmsg, shutdown, socket, socketpair, sockopt,
        },
        stat::Mode,
    },
};

use super::sys::own_fd;

/// The most descriptors in a message (SCM_MAX_FD).
const MAX_FDS: usize = 253;
/// Larger bodies travel in a memfd, since a seqpacket message must fit the socket's send buffer.
const MAX_INLINE: usize = 32 * 1024;
/// The first byte of a message: the body follows, or is in the first descriptor.
const INLINE: u8 = 1;
const IN_MEMFD: u8 = 2;

/// One end of a conversation; nonblocking if its creator made it so.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// Why nothing was received.
#[derive(Debug)]
pub(crate) enum RecvError {
    /// The peer has closed its end, in whatever way.
    Closed,
    /// Nothing is there yet (nonblocking channels).
    WouldBlock,
    /// Anything else.
    Failed(Errno),
}

impl Channel {
    /// Two connected ends, both closed on exec.
    pub(crate) fn pair() -> nix::Result<(Self, Self)> {
        let (a, b) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Self(a), Self(b)))
    }

    /// Whether a descriptor is a seqpacket socket.
    pub(crate) fn is_one(fd: &impl AsFd) -> bool {
        getsockopt(fd, sockopt::SockType) == Ok(SockType::SeqPacket)
    }

    /// Takes a connected seqpacket socket.
    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// A second handle on the same end.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Has [`Channel::recv`] and [`Channel::send`] return instead of sleep.
    pub(crate) fn set_nonblocking(&self) -> nix::Result<()> {
        fcntl(&self.0, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(|_| ())
    }

    /// Ends the conversation for both sides, whoever else holds this end.
    pub(crate) fn shut_down(&self) {
        // Fails only if the peer has already ended it.
        let _ = shutdown(self.0.as_raw_fd(), Shutdown::Both);
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// Sends `body` with `fds`; what is sent is sent whole.
    pub(crate) fn send(&self, body: &[u8], fds: &[BorrowedFd<'_>]) -> nix::Result<()> {
        let mut raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        let memfd;
        let (kind, inline): (u8, &[u8]) = if body.len() <= MAX_INLINE {
            (INLINE, body)
        } else {
            let mut file = File::from(memfd_create(c"labnet-message", MFdFlags::MFD_CLOEXEC)?);
            file.write_all(body)
                .map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(libc::EIO)))?;
            memfd = file;
            raw.insert(0, memfd.as_raw_fd());
            (IN_MEMFD, &[])
        };
        if raw.len() > MAX_FDS {
            return Err(Errno::EINVAL);
        }
        let rights = [ControlMessage::ScmRights(&raw)];
        let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
        let kind = [kind];
        let parts = [IoSlice::new(&kind), IoSlice::new(inline)];
        loop {
            match sendmsg::<UnixAddr>(
                self.0.as_raw_fd(),
                &parts,
                control,
                MsgFlags::MSG_NOSIGNAL,
                None,
            ) {
                Err(Errno::EINTR) => {}
                other => return other.map(|_| ()),
            }
        }
    }

    /// Receives one message.
    pub(crate) fn recv(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), RecvError> {
        let mut buffer = vec![0; MAX_INLINE + 1];
        let mut control = vec![0; nix::cmsg_space!([RawFd; MAX_FDS]).capacity()];
        let (length, truncated, mut fds) = loop {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            match recvmsg::<UnixAddr>(self.0.as_raw_fd(), &mut parts, Some(&mut control), flags) {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(RecvError::WouldBlock),
                Err(Errno::ECONNRESET | Errno::EPIPE) => return Err(RecvError::Closed),
                Err(errno) => return Err(RecvError::Failed(errno)),
                Ok(message) if message.flags.contains(MsgFlags::MSG_CTRUNC) => {
                    let length = message.bytes;
                    break (length, true, arrived(&control));
                }
                Ok(message) => {
                    let mut fds: Vec<OwnedFd> = Vec::new();
                    for control in message.cmsgs().map_err(RecvError::Failed)? {
                        if let ControlMessageOwned::ScmRights(raw) = control {
                            fds.extend(raw.into_iter().map(own_fd));
                        }
                    }
                    let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
                    break (message.bytes, truncated, fds);
                }
            }
        };
        buffer.truncate(length);
        match buffer.first() {
            None => Err(RecvError::Closed),
            Some(_) if truncated => Err(RecvError::Failed(Errno::EMFILE)),
            Some(&IN_MEMFD) if !fds.is_empty() => {
                let io = |e: io::Error| {
                    RecvError::Failed(Errno::from_raw(e.raw_os_error().unwrap_or(libc::EIO)))
                };
                let mut file = File::from(fds.remove(0));
                let mut body = Vec::new();
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                file.read_to_end(&mut body).map_err(io)?;
                Ok((body, fds))
            }
            Some(&INLINE) => {
                buffer.remove(0);
                Ok((buffer, fds))
            }
            Some(_) => Err(RecvError::Failed(Errno::EBADMSG)),
        }
    }
}

/// The descriptors of a control message that the kernel has cut short, for want of numbers for more: they are this process's,
/// though nix does not tell them (`scm_detach_fds` in net/core/scm.c, cmsg(3)).
fn arrived(control: &[u8]) -> Vec<OwnedFd> {
    const HEAD: usize = size_of::<libc::cmsghdr>();
    let Some((length, _)) = control.split_first_chunk() else { return Vec::new() };
    // Nothing was written there if not even one descriptor arrived.
    let numbers = control.get(HEAD..usize::from_ne_bytes(*length)).unwrap_or_default();
    let (numbers, _) = numbers.as_chunks::<{ size_of::<RawFd>() }>();
    numbers.iter().map(|number| own_fd(RawFd::from_ne_bytes(*number))).collect()
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A socket at `path` that clients connect to.
pub(crate) fn listen_unix(path: &Path) -> nix::Result<OwnedFd> {
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    at_address(path, |address| bind(fd.as_raw_fd(), address))?;
    listen(&fd, Backlog::MAXCONN)?;
    Ok(fd)
}

/// The next client of a listening socket.
pub(crate) fn accept_unix(listener: &impl AsRawFd) -> io::Result<Channel> {
    Ok(Channel(own_fd(accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?)))
}

/// Connects to the socket at `path`.
pub(crate) fn connect_unix(path: &Path) -> nix::Result<Channel> {
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    at_address(path, |address| connect(fd.as_raw_fd(), address))?;
    Ok(Channel(fd))
}

/// Calls `f` with the address of the socket at `path`: a path over 107 bytes, too long for one (unix(7)), is written by way
/// of its folder's descriptor.
fn at_address<T>(path: &Path, f: impl FnOnce(&UnixAddr) -> nix::Result<T>) -> nix::Result<T> {
    match (UnixAddr::new(path), path.parent(), path.file_name()) {
        (Err(Errno::ENAMETOOLONG), Some(folder), Some(name)) => {
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let folder = open(folder, flags, Mode::empty())?;
            let short = format!("/proc/self/fd/{}", folder.as_raw_fd());
            f(&UnixAddr::new(&Path::new(&short).join(name))?)
        }
        (address, ..) => f(&address?),
    }
}
