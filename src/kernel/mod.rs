//! Thin verbs on kernel objects, named as the kernel and `ip` name them.

mod backlog;
mod capture;
mod carrier;
mod error;
mod ethtool;
mod event;
mod ifb;
mod link;
mod message;
mod mount;
mod namespace;
mod neighbour;
mod netlink;
mod nft;
mod outlet;
mod poll;
mod process;
pub(crate) mod qdisc;
mod redirect;
mod route;
mod sock_diag;
mod socket;
mod stat;
mod sys;
mod user;

pub(crate) use backlog::{Backlog, QUEUES};
pub(crate) use capture::{Passing, Ring, RingSize, capture_socket};
pub(crate) use carrier::{LinkMonitor, LinkStatus};
pub use error::KernelError;
pub(crate) use error::{Attempt, words};
pub(crate) use ethtool::offload_off;
pub(crate) use event::{Alarm, Bell, Watch, monotonic, realtime, take_error};
pub(crate) use ifb::ifb;
pub(crate) use link::{BridgeLink, VethEnd, bridge, is_up, set_down, set_up, veth, veth_here};
pub(crate) use message::{Channel, RecvError, accept_unix, connect_unix, listen_unix};
pub(crate) use mount::{bind, mount_private, overlay_etc, proc, renew_proc, sysfs, tmpfs};
pub(crate) use namespace::{Namespace, NamespaceKind, enter};
pub(crate) use neighbour::NeighbourMonitor;
pub(crate) use netlink::{Change as NetlinkChange, Netlink};
pub(crate) use nft::nftables_generation;
pub(crate) use outlet::Outlet;
pub(crate) use poll::{wait_readable, wait_writable};
pub(crate) use process::{
    Session, Spawn, SpawnError, die_with_parent, fork, open_standard_streams, pidfd_open,
};
#[doc(hidden)]
pub use qdisc::{Counters as EgressCounters, EgressTrial};
pub(crate) use redirect::{Hook, Matching, Onward, hooks, no_redirect, redirect};
pub(crate) use route::{add_address, add_route};
pub(crate) use sock_diag::{BoundSocket, Which, sockets};
pub(crate) use socket::{InetSocket, inet_socket, packet_socket};
pub(crate) use stat::{Stat, family, pids};
pub(crate) use sys::{
    BATCH, Change, Identity, async_fd, at_own_load, catch_signals, close_inherited,
    die_of_broken_pipes, ignore_broken_pipes, in_real_time, own_fd, poll_child, unset_variable,
};
#[doc(hidden)]
pub use user::enter_user_namespace;
pub(crate) use user::{has_capability, map_root};
