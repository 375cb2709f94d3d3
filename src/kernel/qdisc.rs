//! Queueing disciplines (tc(8)).

use rtnetlink::{
    packet_core::DefaultNla,
    packet_route::{
        RouteNetlinkMessage,
        tc::{TcAttribute, TcHandle, TcMessage},
    },
};

use super::netlink::Change;

/// TCA_OPTIONS of `linux/rtnetlink.h`.
const OPTIONS: u16 = 2;
/// How many packets the queue holds, as tc(8) has it.
const LIMIT: u32 = 1000;

/// As `tc qdisc add dev IF root netem`, which impairs nothing yet.
pub(crate) fn netem(step: String, index: u32) -> Change {
    // struct tc_netem_qopt of `linux/pkt_sched.h`: latency, limit, loss, gap, duplicate, jitter.
    let options = [0, LIMIT, 0, 0, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = TcHandle::ROOT;
    message.attributes.push(TcAttribute::Kind("netem".to_owned()));
    message.attributes.push(TcAttribute::Other(DefaultNla::new(OPTIONS, options)));
    Change::create(step, RouteNetlinkMessage::NewQueueDiscipline(message))
}
