//! What is on its way between interfaces: the queues in which the kernel keeps frames that have been sent but not received.

use std::{net::UdpSocket, time::Duration};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

use super::{
    error::{Attempt, KernelError},
    link::set_up,
    netlink::Netlink,
};

/// A frame may stand in this many queues one after the other on its way: a link's, those of switches and routers.
const HOPS: usize = 4;
/// How long a queue may take: it is a matter of microseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// `lo` in every namespace.
const LOOPBACK: u32 = 1;

/// A way to wait until what has been sent has arrived.
///
/// A frame that leaves a veth or `lo` stands in a queue of the processor it was sent from (`softnet_data` in
/// include/linux/netdevice.h), which serves first what came first. So when a datagram over `lo` has arrived, everything that was
/// queued on that processor before it has arrived too.
#[derive(Debug)]
pub(crate) struct Backlog(UdpSocket);

impl Backlog {
    /// Raises `lo` of the calling thread's network namespace and makes a socket there.
    pub(crate) fn open() -> Result<Self, KernelError> {
        Netlink::open()?.apply(vec![set_up("raise lo for captures".to_owned(), LOOPBACK)])?;
        let step = || "make a socket on lo for captures";
        let socket = UdpSocket::bind("127.0.0.1:0").attempt(step)?;
        socket.connect(socket.local_addr().attempt(step)?).attempt(step)?;
        socket.set_read_timeout(Some(PATIENCE)).attempt(step)?;
        Ok(Self(socket))
    }

    /// Returns when everything has arrived that was on its way when this was called.
    pub(crate) fn flush(&self) -> Result<(), KernelError> {
        let this = Pid::from_raw(0);
        let all = sched_getaffinity(this).attempt(|| "read this process's processors")?;
        let processors =
            (0..CpuSet::count()).filter(|&processor| all.is_set(processor) == Ok(true));
        let processors: Vec<usize> = processors.collect();
        let round = || {
            for &processor in &processors {
                let mut one = CpuSet::new();
                one.set(processor).attempt(|| "name a processor")?;
                sched_setaffinity(this, &one)
                    .attempt(|| format!("run on processor {processor}"))?;
                let step = || "wait for frames that are on their way";
                self.0.send(&[0]).attempt(step)?;
                self.0.recv(&mut [0]).attempt(step)?;
            }
            Ok(())
        };
        let flushed = (0..HOPS).try_for_each(|_| round());
        sched_setaffinity(this, &all).attempt(|| "run on all processors")?;
        flushed
    }
}
