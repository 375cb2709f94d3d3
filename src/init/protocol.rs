//! What clients and init say to each other.
//!
//! Each message is one JSON value in a seqpacket message, with descriptors beside it. A request gets replies that carry its
//! number: one, or for `Spawn` and `Logs` several.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    bend::{BendReply, BendRequest},
    error::LabError,
};
use crate::{
    kernel::{InetSocket, KernelError},
    name::{Endpoint, LabName, NodeName, ProgramName},
    packet::filter::Instruction,
    plan::{Plan, Ready},
};

/// The first message, from the client to the supervisor; a pidfd of the client is with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) plan: Plan,
    /// The folder that relative sources of files start from.
    pub(crate) base: PathBuf,
    /// Under this name other clients find the lab; without it, it is the client's alone.
    pub(crate) public: Option<PublicLab>,
}

/// What is kept of a lab that other clients can find.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PublicLab {
    pub(crate) name: LabName,
    /// Where its topology came from, for people.
    pub(crate) topology: String,
}

/// A request or a reply with its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message<T> {
    pub(crate) id: u64,
    pub(crate) body: T,
}

/// What a client may ask of init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// What the lab consists of: [`Reply::Described`].
    Describe,
    /// The namespaces of a node, to join: [`Reply::Joined`], with the descriptors of pid, mount, uts and net namespace,
    /// and before them that of the user namespace if the lab has one.
    Join { node: NodeName },
    /// Starts a program on the three descriptors sent along: [`Reply::Spawned`], later [`Reply::Exited`].
    Spawn(SpawnRequest),
    /// Sends a signal to the program that request `program` of this client started, and to its group.
    Signal { program: u64, signal: i32 },
    /// Kills that program and its group, unless it has ended, and forgets it.
    Release { program: u64 },
    /// [`Reply::Done`] when the condition holds, in the named program or in any, or a failure after `timeout`.
    Wait { node: NodeName, ready: Ready, by: Option<WaitFor>, timeout: Duration },
    /// The recorded output of a program of the topology: [`Reply::Log`] with a descriptor, and with `follow` another
    /// each time there is more.
    Logs { node: NodeName, program: ProgramName, follow: bool },
    /// A socket made in a node: [`Reply::Done`] with its descriptor.
    Socket { node: NodeName, socket: InetSocket },
    /// A file opened as programs in the node see it: [`Reply::Opened`] with its descriptor.
    Open { node: NodeName, path: PathBuf, mode: OpenMode },
    /// Records what passes the interfaces into the descriptor sent along: [`Reply::Capturing`] when it does, later
    /// [`Reply::Captured`]. A pipe's end must not block.
    Capture(CaptureRequest),
    /// Ends the capture that request `capture` of this client started, when what has passed is recorded.
    StopCapture { capture: u64 },
    /// What is recorded of a link or network since the lab came up: [`Reply::Recorded`] with a descriptor of its own.
    Recording { of: String },
    /// Something of links that bend: [`Reply::Bend`].
    Bend(BendRequest),
    /// The lab goes on when this client ends.
    Detach,
    /// The lab ends.
    Down,
}

/// A command to start in a node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SpawnRequest {
    pub(crate) node: NodeName,
    pub(crate) argv: Vec<String>,
    /// Over the node's variables.
    pub(crate) env: Vec<(String, String)>,
    /// From the node's home, which it is without this.
    pub(crate) cwd: Option<PathBuf>,
    /// Whether the descriptors are a terminal, to be its session's.
    pub(crate) terminal: bool,
}

/// What to capture.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CaptureRequest {
    pub(crate) interfaces: Vec<Endpoint>,
    pub(crate) filter: Option<CaptureFilter>,
    /// The most bytes kept of a frame; 0 keeps all.
    pub(crate) snap_length: u32,
    /// Ends after so many frames.
    pub(crate) count: Option<u64>,
    /// Leaves out what arrives.
    pub(crate) only_sent: bool,
}

/// A filter that frames must pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CaptureFilter {
    /// As written.
    pub(crate) text: String,
    pub(crate) program: Vec<Instruction>,
}

/// How a capture ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CaptureEnd {
    /// In the order they were asked for.
    pub(crate) interfaces: Vec<CaptureCounts>,
    /// How many frames were recorded; if it has failed, some may be missing from the end of the file.
    pub(crate) frames: u64,
    pub(crate) why: EndReason,
}

/// What passed the filter at an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CaptureCounts {
    pub(crate) passed: u64,
    /// Of those, what the kernel had no room for.
    pub(crate) dropped: u64,
}

/// Why a capture ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EndReason {
    /// Whoever started it wanted it to.
    Asked,
    /// There were as many frames as wanted.
    Count,
    /// The recording would have grown beyond its limit.
    Full,
    /// Nobody reads the pipe any more.
    ReaderGone,
    /// The kernel refused something.
    Failed(KernelError),
}

/// Whose socket counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum WaitFor {
    /// The program that this request of the same client started.
    Spawned(u64),
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OpenMode {
    Read,
    /// Created if need be, with these permission bits; what was there is for the client to empty.
    Write(u32),
}

/// What init answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The lab is up; unasked, as number 0.
    Ready(Description),
    Described(Description),
    Joined(Joined),
    Spawned {
        pid: i32,
    },
    Exited(Exit),
    Log(LogRange),
    Opened {
        folder: bool,
    },
    Capturing,
    Captured(CaptureEnd),
    /// With how it ended, if it has.
    Recorded(Option<CaptureEnd>),
    Bend(BendReply),
    Done,
    Failed(LabError),
}

/// What a process needs to run in a node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Joined {
    /// The variables of the node, to be set over the caller's own.
    pub(crate) env: Vec<(String, String)>,
    /// Comes first in PATH.
    pub(crate) bin: PathBuf,
    pub(crate) home: PathBuf,
    /// Whether the first descriptor is a user namespace.
    pub(crate) user_namespace: bool,
}

/// Which part of a program's output is still there: bytes `start` to `end` of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Nothing will follow.
    pub(crate) ended: bool,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match nix::sys::signal::Signal::try_from(*signal) {
                Ok(signal) => write!(f, "signal {signal}"),
                Err(_) => write!(f, "signal {signal}"),
            },
        }
    }
}

/// A running lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<NodeDescription>,
    /// What is not quite as usual on this machine, for people.
    pub(crate) notes: Vec<String>,
    /// What is asked of cables that are bent, in a line each, for people.
    pub(crate) bends: Vec<String>,
}

/// A running node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodeDescription {
    pub(crate) name: NodeName,
    pub(crate) home: PathBuf,
    /// The inode number of its network namespace, as in `readlink /proc/PID/ns/net`.
    pub(crate) net_inode: u64,
    /// Its name for `ip netns`, if it has one.
    pub(crate) netns_name: Option<String>,
    pub(crate) programs: Vec<ProgramDescription>,
}

/// A program of the topology.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProgramDescription {
    pub(crate) name: ProgramName,
    pub(crate) command: Vec<String>,
    /// In the lab's PID namespace.
    pub(crate) pid: i32,
    pub(crate) exit: Option<Exit>,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("it was stopped"),
            Self::Count => f.write_str("it has as many frames as wanted"),
            Self::Full => f.write_str("it has reached its greatest size"),
            Self::ReaderGone => f.write_str("nobody reads it any more"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// As bytes of a message.
pub(crate) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, LabError> {
    serde_json::to_vec(message).map_err(|error| LabError::Protocol { what: error.to_string() })
}

/// From bytes of a message.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LabError> {
    serde_json::from_slice(bytes).map_err(|error| LabError::Protocol { what: error.to_string() })
}
