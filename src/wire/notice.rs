//! What wires tell those who record their links: of each frame that they took in, what they do to it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::packet::Fate;

/// How many notices wait for whoever records; further ones are lost, for a wire does not wait.
const MOST: usize = 1 << 15;
/// The first bytes of a frame tell it from others: in them are the checksums of all the rest.
const HEAD: usize = 96;

/// What a wire says of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notice {
    /// The wire's cable, by its number in the plan ([`Plan::cable`](crate::plan::Plan::cable)).
    pub(crate) cable: u32,
    /// The end that sent the frame: 0 or 1.
    pub(crate) direction: usize,
    /// When the wire had it, in ns since 1970: later than it was sent.
    pub(crate) time: u64,
    pub(crate) imprint: Imprint,
    pub(crate) fate: Fate,
}

/// What a frame is known by at another place: its length and first bytes, as they were sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Imprint {
    length: u32,
    head: [u8; HEAD],
}

impl Imprint {
    /// Of a frame of which these bytes are known, the first of `length`.
    pub(crate) fn of(bytes: &[u8], length: u32) -> Self {
        let mut head = [0; HEAD];
        for (kept, byte) in head.iter_mut().zip(bytes) {
            *kept = *byte;
        }
        Self { length, head }
    }

    /// The same for all frames that can't be told apart by their first `snap` bytes.
    pub(crate) fn key(&self, snap: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.length.hash(&mut hasher);
        self.head[..snap.min(HEAD)].hash(&mut hasher);
        hasher.finish()
    }
}

/// The wires' side: it never waits, and costs next to nothing while nobody records.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    wanted: Arc<AtomicBool>,
    sender: SyncSender<Notice>,
}

/// The recorders' side.
#[derive(Debug)]
pub(crate) struct Notices {
    wanted: Arc<AtomicBool>,
    receiver: Receiver<Notice>,
}

/// Both sides.
pub(crate) fn notices() -> (Notifier, Notices) {
    let wanted = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = sync_channel(MOST);
    (Notifier { wanted: wanted.clone(), sender }, Notices { wanted, receiver })
}

impl Notifier {
    /// The imprint of a frame that is about to be taken in, if anybody wants to hear of it.
    pub(crate) fn imprint(&self, bytes: &[u8]) -> Option<Imprint> {
        self.wanted.load(Ordering::Relaxed).then(|| Imprint::of(bytes, bytes.len() as u32))
    }

    /// Says what becomes of a frame.
    pub(crate) fn tell(&self, cable: u32, direction: usize, imprint: Imprint, fate: Fate) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = since.map_or(0, |since| since.as_nanos() as u64);
        // Where there is no room, the frame is recorded without this.
        let _ = self.sender.try_send(Notice { cable, direction, time, imprint, fate });
    }
}

impl Notices {
    /// Whether anybody wants to hear of frames.
    pub(crate) fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// What has been told by now.
    pub(crate) fn take(&self) -> impl Iterator<Item = Notice> {
        self.receiver.try_iter()
    }
}
