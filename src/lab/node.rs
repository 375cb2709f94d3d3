//! A node of a running lab.

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use super::{CaptureBuilder, Command, Error, LabError, session::Session};
use crate::{
    init::{OpenMode, Reply, Request},
    kernel::InetSocket,
    name::{Endpoint, IfName, NodeName},
    plan::Ready,
};

/// A node of a running lab: a handle, cheap to clone. It does not keep the lab up.
///
/// ```
/// use labnet::Lab;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> labnet::TestResult {
/// let lab = Lab::up("@sockets").await?;
/// let (r2, kali) = (lab.node("R2"), lab.node("KALI"));
///
/// // Files: the home of each node is its own.
/// kali.write("notes.txt", "sent by KALI").await?;
/// kali.command("labnet file send R2:5002 notes.txt").run().await?.success()?;
/// assert_eq!(r2.read("received_file.txt").await?, b"sent by KALI");
///
/// // Sockets: made in the node, used here, by whatever privilege.
/// let here = r2.udp_bind("10.10.10.2:53".parse()?).await?;
/// let there = kali.udp_bind("10.10.10.3:0".parse()?).await?;
/// there.send_to(b"?", "10.10.10.2:53").await?;
/// let (length, from) = here.recv_from(&mut [0; 16]).await?;
/// assert_eq!((length, from), (1, there.local_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) session: Arc<Session>,
    pub(super) name: NodeName,
    home: PathBuf,
}

impl Node {
    pub(super) fn new(session: Arc<Session>, name: NodeName, home: PathBuf) -> Self {
        Self { session, name, home }
    }

    /// Its name and host name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Its home directory, as its programs see it; from elsewhere, [`Node::read`] and [`Node::write`] reach it.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A command to run in the node, given as words of a shell command line: `labnet echo send 10.10.10.2:5001 hi`.
    ///
    /// Quotes and backslashes work as in sh; nothing is expanded. See [`Node::command_from`] for words as they are.
    pub fn command(&self, line: &str) -> Command {
        Command::parse(self.clone(), line)
    }

    /// A command to run in the node, given as words.
    pub fn command_from<W: Into<String>>(&self, words: impl IntoIterator<Item = W>) -> Command {
        Command::new(self.clone(), words.into_iter().map(Into::into).collect())
    }

    /// A capture of what passes an interface, `lo` too.
    ///
    /// # Panics
    ///
    /// If this can't be an interface's name; whether there is such an interface shows when the capture starts.
    #[allow(clippy::panic, reason = "documented; a wrong name is a mistake in the test")]
    #[track_caller]
    pub fn capture(&self, interface: &str) -> CaptureBuilder {
        match interface.parse::<IfName>() {
            Ok(interface) => {
                let endpoint = Endpoint { node: self.name.clone(), interface };
                CaptureBuilder::new(self.session.clone(), endpoint.to_string(), vec![endpoint])
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A listening TCP socket made in the node.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it there, as for a port that is taken.
    pub async fn tcp_listen(&self, address: SocketAddr) -> Result<TcpListener, Error> {
        let listener =
            std::net::TcpListener::from(self.socket(InetSocket::TcpListener(address)).await?);
        TcpListener::from_std(listener).map_err(|error| Error::io("use a listening socket", error))
    }

    /// A TCP connection made from the node.
    ///
    /// # Errors
    ///
    /// If it can't be made: refused, unreachable, timed out.
    pub async fn tcp_connect(&self, address: SocketAddr) -> Result<TcpStream, Error> {
        let stream = std::net::TcpStream::from(self.socket(InetSocket::TcpStream(address)).await?);
        let connected = TcpSocket::from_std_stream(stream).connect(address).await;
        connected
            .map_err(|error| Error::io(format!("connect from {} to {address}", self.name), error))
    }

    /// A UDP socket made in the node.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it there, as for a port that is taken.
    pub async fn udp_bind(&self, address: SocketAddr) -> Result<UdpSocket, Error> {
        let socket = std::net::UdpSocket::from(self.socket(InetSocket::Udp(address)).await?);
        UdpSocket::from_std(socket).map_err(|error| Error::io("use a UDP socket", error))
    }

    async fn socket(&self, socket: InetSocket) -> Result<OwnedFd, LabError> {
        match self.session.call(Request::Socket { node: self.name.clone(), socket }).await {
            Ok((reply, mut fds)) => fds.pop().ok_or_else(|| LabError::unexpected(&reply)),
            Err(LabError::Kernel { mut error }) => {
                error.step = format!("{} in {}", error.step, self.name);
                Err(LabError::Kernel { error })
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until a condition holds in the node, whoever brings it about; [`Program::ready`](crate::Program::ready) looks at
    /// one program only.
    ///
    /// ```
    /// use std::time::Duration;
    /// use labnet::{Lab, spec::Ready};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> labnet::TestResult {
    /// let lab = Lab::up("@sockets").await?;
    /// lab.node("R2").wait(&Ready::Tcp(5001), Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If it does not within `timeout`.
    pub async fn wait(&self, ready: &Ready, timeout: Duration) -> Result<(), LabError> {
        let request =
            Request::Wait { node: self.name.clone(), ready: ready.clone(), by: None, timeout };
        self.session.call(request).await.map(|_| ())
    }

    /// The content of a file as the node's programs see it; relative paths start from its home.
    ///
    /// # Errors
    ///
    /// If it can't be read there.
    pub async fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
        let path = path.as_ref();
        let (fd, _) = self.open(path, OpenMode::Read).await?;
        let read = move || {
            let mut content = Vec::new();
            io::Read::read_to_end(&mut std::fs::File::from(fd), &mut content).map(|_| content)
        };
        let read =
            tokio::task::spawn_blocking(read).await.map_err(Into::into).and_then(|result| result);
        read.map_err(|error| Error::io(format!("read {}:{}", self.name, path.display()), error))
    }

    /// Writes a file in the node, made or emptied first; relative paths start from its home.
    ///
    /// # Errors
    ///
    /// If it can't be written there.
    pub async fn write(
        &self,
        path: impl AsRef<Path>,
        content: impl Into<Vec<u8>>,
    ) -> Result<(), Error> {
        let (path, content) = (path.as_ref(), content.into());
        let (fd, folder) = self.open(path, OpenMode::Write(0o644)).await?;
        let write = move || {
            if folder {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let mut file = std::fs::File::from(fd);
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            io::Write::write_all(&mut file, &content)
        };
        let written =
            tokio::task::spawn_blocking(write).await.map_err(Into::into).and_then(|result| result);
        written.map_err(|error| Error::io(format!("write {}:{}", self.name, path.display()), error))
    }

    /// Opens a file as the node's programs see it; true if it is a folder.
    pub(crate) async fn open(
        &self,
        path: &Path,
        mode: OpenMode,
    ) -> Result<(OwnedFd, bool), LabError> {
        let request = Request::Open { node: self.name.clone(), path: path.to_owned(), mode };
        match self.session.call(request).await? {
            (Reply::Opened { folder }, mut fds) if !fds.is_empty() => Ok((fds.remove(0), folder)),
            (other, _) => Err(LabError::unexpected(&other)),
        }
    }
}
