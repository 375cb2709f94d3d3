//! What is on its way between interfaces: the queues in which the kernel keeps frames that have been sent but not received.

use std::{
    io,
    net::UdpSocket,
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

use super::{
    error::{Attempt, KernelError},
    link::set_up,
    netlink::Netlink,
};

/// A frame may stand in this many queues one after the other on its way through a lab. Every cable has two, one before the hub and one
/// after it, so this is enough for two routers or switches between three cables, and one to spare.
pub(crate) const QUEUES: usize = 8;
/// How long a queue may take: it is a matter of microseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// After which time a datagram counts as lost.
const AGAIN: Duration = Duration::from_millis(100);
/// `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// A way to wait until what has been sent has arrived.
///
/// A frame that leaves a veth or `lo` stands in a queue of the processor it was sent from (`softnet_data` in
/// include/linux/netdevice.h), which serves first what came first. So when a datagram over `lo` has arrived, everything that was
/// queued on that processor before it has arrived too.
#[derive(Debug)]
pub(crate) struct Backlog {
    socket: UdpSocket,
    /// How many datagrams were sent.
    sent: u64,
}

impl Backlog {
    /// Raises `lo` of the calling thread's network namespace and makes a socket there.
    pub(crate) fn open() -> Result<Self, KernelError> {
        Netlink::open()?.apply(vec![set_up("raise lo to wait for frames".to_owned(), LOOPBACK)])?;
        let step = || "make a socket on lo to wait for frames";
        let socket = UdpSocket::bind("127.0.0.1:0").attempt(step)?;
        socket.connect(socket.local_addr().attempt(step)?).attempt(step)?;
        socket.set_read_timeout(Some(AGAIN)).attempt(step)?;
        Ok(Self { socket, sent: 0 })
    }

    /// Returns when everything that was on its way when this was called has left so many queues behind.
    pub(crate) fn flush(&mut self, queues: usize) -> Result<(), KernelError> {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this).attempt(|| "read this process's processors")?;
        let mut round = |processors: &[usize]| {
            for &processor in processors {
                let mut one = CpuSet::new();
                one.set(processor).attempt(|| "name a processor")?;
                sched_setaffinity(this, &one)
                    .attempt(|| format!("run on processor {processor}"))?;
                self.pass().attempt(|| "wait for frames that are on their way")?;
            }
            Ok(())
        };
        let flushed = every_processor(this)
            .and_then(|processors| (0..queues).try_for_each(|_| round(&processors)));
        sched_setaffinity(this, &before).attempt(|| "run where it did before")?;
        flushed
    }

    /// Sends a datagram and waits for it; one that finds its queue full is lost, and sent again.
    fn pass(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let first = self.sent;
        while Instant::now() < deadline {
            self.socket.send(&self.sent.to_ne_bytes())?;
            self.sent += 1;
            let mut number = [0; 8];
            loop {
                match self.socket.recv(&mut number) {
                    // An earlier one's may come late.
                    Ok(_) if u64::from_ne_bytes(number) < first => {}
                    Ok(_) => return Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// All that this thread may be made to run on: more than it does if it was started by taskset(1), for others send from those.
fn every_processor(this: Pid) -> Result<Vec<usize>, KernelError> {
    let mut all = CpuSet::new();
    (0..CpuSet::count()).try_for_each(|one| all.set(one)).attempt(|| "name all processors")?;
    // The kernel leaves out those that there are not, and those that are not for this process (cpuset(7)).
    sched_setaffinity(this, &all).attempt(|| "run on all processors")?;
    let all = sched_getaffinity(this).attempt(|| "read the machine's processors")?;
    Ok((0..CpuSet::count()).filter(|&one| all.is_set(one) == Ok(true)).collect())
}
