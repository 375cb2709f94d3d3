//! The least that two hosts and a link cost: raw netlink, nothing else.

use std::{
    fs::File,
    net::Ipv4Addr,
    os::fd::{AsRawFd, OwnedFd},
    thread,
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, unshare};
use rtnetlink::{
    AddressMessageBuilder, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage},
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoData, InfoVeth},
    },
    sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE},
};

/// The index of both ends.
const INDEX: u32 = 16;
const LOOPBACK: u32 = 1;

/// A network namespace and a routing socket in it.
struct Host {
    namespace: OwnedFd,
    socket: Socket,
}

impl Host {
    /// Moves the calling thread into a new network namespace.
    fn create() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let namespace = File::open("/proc/thread-self/ns/net").unwrap().into();
        let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
        socket.bind_auto().unwrap();
        socket.connect(&SocketAddr::new(0, 0)).unwrap();
        Self { namespace, socket }
    }

    /// Makes changes; the kernel acknowledges the last one.
    fn apply(&self, changes: Vec<(RouteNetlinkMessage, u16)>) {
        let mut requests = Vec::new();
        let count = changes.len();
        for (place, (change, flags)) in changes.into_iter().enumerate() {
            let ack = if place + 1 == count { NLM_F_ACK } else { 0 };
            let mut message = NetlinkMessage::from(change);
            message.header.flags = NLM_F_REQUEST | ack | flags;
            message.finalize();
            let start = requests.len();
            requests.resize(start + message.buffer_len().next_multiple_of(4), 0);
            message.serialize(&mut requests[start..]);
        }
        self.socket.send(&requests, 0).unwrap();
        let mut answer = Vec::with_capacity(4096);
        self.socket.recv(&mut answer, 0).unwrap();
        // struct nlmsghdr, then the error code: 0 is success (netlink(7)).
        assert_eq!(answer[16..20], [0; 4], "the kernel refused a change");
    }

    fn address(&self, address: Ipv4Addr) {
        let message = AddressMessageBuilder::<Ipv4Addr>::new().index(INDEX).address(address, 24);
        let message = RouteNetlinkMessage::NewAddress(message.build());
        self.apply(vec![(message, NLM_F_CREATE | NLM_F_EXCL)]);
    }

    fn raise(&self) {
        let up = |index| LinkUnspec::new_with_index(index).up().build();
        let change = |index| (RouteNetlinkMessage::SetLink(up(index)), 0);
        self.apply(vec![change(LOOPBACK), change(INDEX)]);
    }
}

/// Two network namespaces, a veth pair born in place, an address each, all raised; the time until the last answer.
pub(crate) fn pair() -> Duration {
    // The thread takes its namespace with it when it ends.
    thread::spawn(|| {
        let start = Instant::now();
        let (r2, kali) = (Host::create(), Host::create());
        let far = LinkMessageBuilder::<LinkUnspec>::new()
            .name("eth0")
            .index(INDEX)
            .setns_by_fd(r2.namespace.as_raw_fd())
            .build();
        let near = LinkVeth::new("eth0", "eth0")
            .index(INDEX)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(far)))
            .build();
        kali.apply(vec![(RouteNetlinkMessage::NewLink(near), NLM_F_CREATE | NLM_F_EXCL)]);
        r2.address(Ipv4Addr::new(10, 10, 10, 2));
        kali.address(Ipv4Addr::new(10, 10, 10, 3));
        r2.raise();
        kali.raise();
        start.elapsed()
    })
    .join()
    .unwrap()
}
