//! What ports and Ethernet addresses are called.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use super::{
    row::{Flow, FlowEnd},
    unit::{FlowProtocol, Side},
};
use crate::units::MacAddr;

/// The names of ports that the kernel picked.
#[derive(Debug)]
pub(super) struct Roles {
    names: HashMap<(FlowProtocol, SocketAddr), String>,
}

impl Roles {
    /// Numbers the ports in the order of conversations.
    pub(super) fn new<'a>(flows: impl Iterator<Item = &'a Flow>) -> Self {
        let mut names = HashMap::new();
        let mut counts = [0; 2];
        for flow in flows {
            for side in Side::BOTH {
                let end = flow.end(side);
                if end.ephemeral {
                    names.entry((flow.protocol, end.address)).or_insert_with(|| {
                        let count = &mut counts[side as usize];
                        *count += 1;
                        format!("{side}:{count}")
                    });
                }
            }
        }
        Self { names }
    }

    /// An end's address, with its port or what that is called.
    pub(super) fn name(&self, protocol: FlowProtocol, end: &FlowEnd) -> String {
        let ip = end.address.ip();
        match (protocol, self.names.get(&(protocol, end.address))) {
            (FlowProtocol::Icmp | FlowProtocol::Icmpv6, _) => ip.to_string(),
            (_, Some(role)) => format!("{ip} {role}"),
            (_, None) => format!("{ip} {}", end.address.port()),
        }
    }
}

/// The names of Ethernet addresses.
#[derive(Debug)]
pub(super) struct Macs<'a> {
    known: &'a BTreeMap<MacAddr, String>,
    others: Vec<MacAddr>,
}

impl<'a> Macs<'a> {
    pub(super) fn new(known: &'a BTreeMap<MacAddr, String>) -> Self {
        Self { known, others: Vec::new() }
    }

    /// The node of that address; unknown ones are numbered in the order they are asked for.
    pub(super) fn name(&mut self, mac: MacAddr) -> String {
        if let Some(name) = self.known.get(&mac) {
            return name.clone();
        }
        if mac.0 == [0xff; 6] {
            return "all".to_owned();
        }
        let place = self.others.iter().position(|other| *other == mac).unwrap_or_else(|| {
            self.others.push(mac);
            self.others.len() - 1
        });
        format!("mac:{}", place + 1)
    }
}
