//! Addresses and routes.

use std::net::IpAddr;

use ipnet::IpNet;
use rtnetlink::{
    AddressMessageBuilder, RouteMessageBuilder,
    packet_route::{
        RouteNetlinkMessage,
        address::AddressFlags,
        route::{RouteAttribute, RouteMetric, RouteScope},
    },
};

use super::netlink::Change;
use crate::plan;

/// As `ip addr add ADDRESS dev IF noprefixroute nodad`: the plan lists every route itself, and a lab's addresses are unique.
pub(crate) fn add_address(step: String, index: u32, address: IpNet) -> Change {
    let flags = AddressFlags::Noprefixroute | AddressFlags::Nodad;
    let message = match address {
        IpNet::V4(net) => {
            let message = AddressMessageBuilder::<std::net::Ipv4Addr>::new().index(index);
            message.address(net.addr(), net.prefix_len()).build()
        }
        IpNet::V6(net) => {
            let message = AddressMessageBuilder::<std::net::Ipv6Addr>::new().index(index);
            message.address(net.addr(), net.prefix_len()).build()
        }
    };
    let mut message = message;
    message.attributes.push(rtnetlink::packet_route::address::AddressAttribute::Flags(flags));
    Change::create(step, RouteNetlinkMessage::NewAddress(message))
}

/// As `ip route add TO via NEXT-HOP dev IF src SOURCE congctl NAME`.
pub(crate) fn add_route(step: String, index: u32, route: &plan::Route) -> Change {
    let mut message = match (route.to, route.via, route.source) {
        (IpNet::V4(to), via, source) => {
            let mut builder = RouteMessageBuilder::<std::net::Ipv4Addr>::new();
            builder =
                builder.destination_prefix(to.network(), to.prefix_len()).output_interface(index);
            if let Some(IpAddr::V4(via)) = via {
                builder = builder.gateway(via);
            }
            if let Some(IpAddr::V4(source)) = source {
                builder = builder.pref_source(source);
            }
            builder.build()
        }
        (IpNet::V6(to), via, source) => {
            let mut builder = RouteMessageBuilder::<std::net::Ipv6Addr>::new();
            builder =
                builder.destination_prefix(to.network(), to.prefix_len()).output_interface(index);
            if let Some(IpAddr::V6(via)) = via {
                builder = builder.gateway(via);
            }
            if let Some(IpAddr::V6(source)) = source {
                builder = builder.pref_source(source);
            }
            builder.build()
        }
    };
    message.header.scope =
        if route.via.is_some() { RouteScope::Universe } else { RouteScope::Link };
    let congestion = RouteMetric::CcAlgo(route.congestion.to_string());
    message.attributes.push(RouteAttribute::Metrics(vec![congestion]));
    Change::create(step, RouteNetlinkMessage::NewRoute(message))
}
