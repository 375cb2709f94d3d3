//! Intermediate functional blocks: interfaces that give what arrives elsewhere an egress, and then send it on there.

use rtnetlink::{
    LinkIfb,
    packet_route::{RouteNetlinkMessage, link::LinkAttribute},
};

use super::netlink::Change;

/// As `ip link add NAME type ifb`: what a filter at the ingress of another interface redirects to it leaves it for that
/// interface's ingress again, past the filters there, when its own queueing discipline lets it (drivers/net/ifb.c).
pub(crate) fn ifb(step: String, name: &str, index: u32, mtu: u32) -> Change {
    let builder = LinkIfb::new(name).index(index).mtu(mtu);
    // A discipline each would stand at more than one queue.
    let builder = builder.append_extra_attribute(LinkAttribute::NumTxQueues(1));
    Change::create(step, RouteNetlinkMessage::NewLink(builder.build()))
}
