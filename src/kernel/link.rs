//! Links: veth pairs and bridges, born in their place with everything set.

use std::os::fd::{AsRawFd, BorrowedFd};

use rtnetlink::{
    LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_route::{
        RouteNetlinkMessage,
        link::{
            BridgePortState, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoPortData,
            InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage, State,
        },
    },
};

use super::{
    error::KernelError,
    netlink::{Change, Netlink},
};

/// One end of a veth pair to be.
pub(crate) struct VethEnd<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: u32,
    pub(crate) mtu: u32,
    /// The kernel draws one if there is none.
    pub(crate) mac: Option<[u8; 6]>,
    /// The index of the bridge it is a port of.
    pub(crate) bridge: Option<u32>,
}

impl VethEnd<'_> {
    fn describe<T>(&self, builder: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
        let mut builder = builder.name(self.name).index(self.index).mtu(self.mtu);
        // Unasked, the kernel makes a queue a processor, each with files in /sys, and removes all but one again
        // (`veth_init_queues` in drivers/net/veth.c).
        for queues in [LinkAttribute::NumTxQueues(1), LinkAttribute::NumRxQueues(1)] {
            builder = builder.append_extra_attribute(queues);
        }
        if let Some(mac) = self.mac {
            builder = builder.address(mac.to_vec());
        }
        if let Some(bridge) = self.bridge {
            builder = builder.controller(bridge);
        }
        builder
    }
}

/// As `ip link add NEAR … type veth peer name FAR … netns FD`: `near` in the socket's namespace, `far` in `far_namespace`.
pub(crate) fn veth(
    step: String,
    near: &VethEnd<'_>,
    far: &VethEnd<'_>,
    far_namespace: BorrowedFd<'_>,
) -> Change {
    let peer = far
        .describe(LinkMessageBuilder::<LinkUnspec>::new())
        .setns_by_fd(far_namespace.as_raw_fd());
    pair(step, near, far.name, peer)
}

/// The same with both ends in the socket's namespace.
pub(crate) fn veth_here(step: String, near: &VethEnd<'_>, far: &VethEnd<'_>) -> Change {
    pair(step, near, far.name, far.describe(LinkMessageBuilder::<LinkUnspec>::new()))
}

fn pair(
    step: String,
    near: &VethEnd<'_>,
    far: &str,
    peer: LinkMessageBuilder<LinkUnspec>,
) -> Change {
    let builder = near.describe(LinkVeth::new(near.name, far));
    let message = builder.set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build()))).build();
    Change::create(step, RouteNetlinkMessage::NewLink(message))
}

/// A switch to be.
pub(crate) struct BridgeLink<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: u32,
    pub(crate) mtu: u32,
}

/// As `ip link add NAME type bridge`, without spanning tree and with multicast flooded as a plain switch does.
pub(crate) fn bridge(step: String, bridge: &BridgeLink<'_>) -> Change {
    let data =
        vec![InfoBridge::StpState(BridgeStpState::Disabled), InfoBridge::MulticastSnooping(false)];
    let builder = LinkBridge::new(bridge.name).index(bridge.index).mtu(bridge.mtu);
    let message = builder.set_info_data(InfoData::Bridge(data)).build();
    Change::create(step, RouteNetlinkMessage::NewLink(message))
}

/// As `ip link set dev IF up`.
pub(crate) fn set_up(step: String, index: u32) -> Change {
    Change::set(step, RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).up().build()))
}

/// As `ip link set dev IF down`.
pub(crate) fn set_down(step: String, index: u32) -> Change {
    let message = LinkUnspec::new_with_index(index).down().build();
    Change::set(step, RouteNetlinkMessage::SetLink(message))
}

/// Whether a link can carry frames: raised, with a carrier, and, as a bridge port, forwarding.
///
/// The kernel notices a carrier some time after it is there, and drops what is sent before; since Linux 6.8, being asked for
/// one link makes it look (`linkwatch_sync_dev` in `rtnl_getlink`, net/core/rtnetlink.c).
pub(crate) fn is_up(netlink: &mut Netlink, index: u32) -> Result<bool, KernelError> {
    let mut message = LinkUnspec::new_with_index(index).build();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let answer = netlink.get("look at a link", RouteNetlinkMessage::GetLink(message))?;
    Ok(matches!(answer, RouteNetlinkMessage::NewLink(link) if carries_frames(&link)))
}

fn carries_frames(link: &LinkMessage) -> bool {
    let raised = link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
    let operational = link.attributes.iter().all(|attribute| match attribute {
        LinkAttribute::OperState(state) => matches!(state, State::Up | State::Unknown),
        LinkAttribute::LinkInfo(infos) => infos.iter().all(|info| match info {
            LinkInfo::PortData(InfoPortData::BridgePort(port)) => {
                port.iter().all(|attribute| match attribute {
                    InfoBridgePort::State(state) => *state == BridgePortState::Forwarding,
                    _ => true,
                })
            }
            _ => true,
        }),
        _ => true,
    });
    raised && operational
}
