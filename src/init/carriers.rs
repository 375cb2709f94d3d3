//! Carriers of links: a node whose neighbour takes its end down notices, as on a cable from one to the other.
//!
//! A link's two pairs meet in the hub, so a node's end that goes down takes only the carrier of the one in the hub that it leads
//! to. Init copies it: while one end in the hub has no carrier, the other is down, and the node that it leads to has none either.

use std::{collections::HashMap, io, rc::Rc};

use tokio::{io::unix::AsyncFd, task::spawn_local};

use super::{cables::Cables, error::LabError, ways::Place};
use crate::kernel::{
    Attempt, LinkMonitor, LinkStatus, Netlink, NetlinkChange, async_fd, set_down, set_up,
};

/// The ends of links in the hub.
struct Carriers {
    netlink: Netlink,
    /// A link's ends and how they are.
    links: Vec<([u32; 2], [LinkStatus; 2])>,
    /// The place of the link of an end.
    places: HashMap<u32, usize>,
}

/// Starts to copy carriers; all links are up.
pub(super) fn follow(cables: &Rc<Cables>) -> Result<(), LabError> {
    let up = LinkStatus { raised: true, carrier: true };
    let ends = cables.abouts.iter().filter_map(|about| match about.place {
        Place::Link(ends) => Some(ends),
        Place::Port(_) => None,
    });
    let links: Vec<_> = ends.map(|ends| (ends, [up; 2])).collect();
    if links.is_empty() {
        return Ok(());
    }
    let places = links.iter().enumerate();
    let places = places.flat_map(|(place, (ends, _))| ends.map(|end| (end, place))).collect();
    let carriers = Carriers { netlink: Netlink::open()?, links, places };
    let monitor = async_fd(LinkMonitor::new(Netlink::open()?)?);
    spawn_local(carriers.copy(monitor.attempt(|| "watch the hub's interfaces")?));
    Ok(())
}

impl Carriers {
    async fn copy(mut self, mut monitor: AsyncFd<LinkMonitor>) {
        while let Ok(mut ready) = monitor.readable_mut().await {
            match ready.try_io(|monitor| monitor.get_mut().changed()) {
                Ok(Ok(changed)) => changed.into_iter().for_each(|(end, now)| self.note(end, now)),
                // Some were lost: those carriers are copied when they change again.
                Ok(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => return,
                Err(_would_block) => {}
            }
        }
    }

    fn note(&mut self, end: u32, now: LinkStatus) {
        let Some((ends, status)) = self.places.get(&end).map(|&place| &mut self.links[place])
        else {
            return;
        };
        status[usize::from(ends[1] == end)] = now;
        if let Some(change) = due(*ends, *status) {
            // If the other end is gone there is nobody to notice.
            let _ = self.netlink.apply(vec![change]);
        }
    }
}

/// What is to be changed, of ends that are so. At most one of them is down for the other's sake, and of that nobody can tell
/// whether it would have a carrier.
fn due(ends: [u32; 2], status: [LinkStatus; 2]) -> Option<NetlinkChange> {
    let change = |(this, other): (usize, usize)| match (status[this], status[other].raised) {
        (LinkStatus { raised: true, carrier: false }, true) => {
            Some(set_down("lower the other end of a link".to_owned(), ends[other]))
        }
        (LinkStatus { raised: true, carrier: true }, false) => {
            Some(set_up("raise the other end of a link".to_owned(), ends[other]))
        }
        _ => None,
    };
    [(0, 1), (1, 0)].into_iter().find_map(change)
}
