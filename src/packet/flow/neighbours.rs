//! Who asked for whom on the link: ARP, and neighbour discovery.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::super::{
    Network, Packet, Transport,
    decode::{Arp, Icmpv6Message},
};
use crate::units::MacAddr;

/// How many questions are told apart.
const MAX_QUESTIONS: usize = 4_096;

/// Questions to all, with their answers.
///
/// A host that knows another asks it alone whether it is still there, after a time; that is not told.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Who asks, and for whom; and who answered.
    asked: BTreeMap<(IpAddr, IpAddr), BTreeSet<MacAddr>>,
}

impl Neighbours {
    pub(super) fn note(&mut self, packet: &Packet<'_>) {
        let Some(ethernet) = packet.ethernet else { return };
        let to_all = ethernet.destination.0[0] & 1 == 1;
        match (packet.network, packet.transport) {
            (Some(Network::Arp(arp)), _) => {
                let (sender, target) = (arp.sender.into(), arp.target.into());
                match arp.operation {
                    Arp::REQUEST if to_all => self.ask(sender, target),
                    Arp::REPLY => self.answer(target, sender, arp.sender_mac),
                    _ => {}
                }
            }
            (Some(Network::Ipv6(ipv6)), Some(Transport::Icmpv6(icmpv6))) => match icmpv6.message {
                // Without an address of its own it makes sure that nobody has the one it wants.
                Icmpv6Message::NeighborSolicitation { target, .. }
                    if to_all && !ipv6.source.is_unspecified() =>
                {
                    self.ask(ipv6.source.into(), target.into());
                }
                Icmpv6Message::NeighborAdvertisement { target, options, .. } => {
                    let mac = options.target_link_layer().unwrap_or(ethernet.source);
                    self.answer(ipv6.destination.into(), target.into(), mac);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn ask(&mut self, who: IpAddr, whom: IpAddr) {
        if self.asked.len() < MAX_QUESTIONS {
            self.asked.entry((who, whom)).or_default();
        }
    }

    fn answer(&mut self, who: IpAddr, whom: IpAddr, mac: MacAddr) {
        if let Some(answers) = self.asked.get_mut(&(who, whom)).filter(|a| a.len() < MAX_QUESTIONS)
        {
            answers.insert(mac);
        }
    }

    /// Who asked for whom, and who answered, in the order of addresses.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, IpAddr, &BTreeSet<MacAddr>)> {
        self.asked.iter().map(|((who, whom), answers)| (*who, *whom, answers))
    }
}
