//! Cables: what joins two interfaces, or one and a switch.

use super::Plan;
use crate::name::Endpoint;

impl Plan {
    /// The number of the cable that an interface is at, and which of its ends that is. Links come first, from 0, in file order, then
    /// the ports of each network; a port's end 0 is the node's, its end 1 the switch's.
    pub fn cable(&self, interface: &Endpoint) -> Option<(u32, usize)> {
        let links = self.links.iter().map(|link| &link.ends[..]);
        let ports = self.networks.iter().flat_map(|network| &network.ports);
        let cables = links.chain(ports.map(|port| std::slice::from_ref(&port.endpoint)));
        (0..).zip(cables).find_map(|(number, ends)| {
            Some((number, ends.iter().position(|end| end == interface)?))
        })
    }
}
