//! The ways of frames in the hub, as filters at the hooks of its interfaces.
//!
//! ```text
//! link   directly   R2 ═ l1a → l1b ═ KALI
//!        worker     R2 ═ l1a → far ═ near → worker → l1b ═ KALI      what KALI sends goes from l1b by near to far
//!        kernel     R2 ═ l1a → l1b → ifb → l1b ═ KALI
//! port   directly   R1 ═ p1 ─ switch
//!        worker     R1 ═ p1 → far ═ near → worker → near → p1 ─ switch
//!                   switch ─ p1 → near ═ far → worker → p1 ═ R1
//!        kernel     R1 ═ p1 → ifb → p1 ─ switch, and switch ─ p1 → ifb → p1 ═ R1
//! ```
//!
//! What the worker has had of a port arrives there again, and must then pass: it bears a mark, the port's index, and frames from
//! nodes bear none. Towards nodes the worker sends past the hooks, and what an ifb gives back passes them (`ifb_ri_tasklet` in
//! drivers/net/ifb.c).

use crate::kernel::{Hook, Matching, Onward};

/// Where a cable passes the hub.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Between these interfaces, to which its ends lead.
    Link([u32; 2]),
    /// At this port of a switch.
    Port(u32),
}

/// A pair of interfaces in the hub, through which a cable is led to the worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) near: u32,
    pub(super) far: u32,
}

/// Which way frames go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Direct,
    Worker(Pair),
    /// Through an ifb in each direction.
    Kernel([u32; 2]),
}

/// The interfaces of one direction at the worker.
pub(super) struct Stretch {
    /// Where its frames arrive.
    pub(super) receive: u32,
    /// Where they are sent on.
    pub(super) send: u32,
    /// With this mark, through the interface's hook; without one, past it.
    pub(super) mark: Option<u32>,
}

/// A hook, and what it does; none: nothing.
pub(super) type Filter = ((u32, Hook), Option<(Matching, Onward)>);

impl Place {
    /// The interfaces of both directions, if they are led through a pair.
    pub(super) fn stretches(self, pair: Pair) -> [Stretch; 2] {
        let Pair { near, far } = pair;
        let stretch = |receive, send, mark| Stretch { receive, send, mark };
        match self {
            Self::Link([a, b]) => [stretch(near, b, None), stretch(far, a, None)],
            Self::Port(port) => [stretch(near, near, Some(port)), stretch(far, port, None)],
        }
    }

    /// What the hooks do on a way, in the order in which it is put in force.
    pub(super) fn filters(self, way: Way) -> Vec<Filter> {
        let all = |onward| Some((Matching::All, onward));
        let unmarked = |onward| Some((Matching::Mark(0), onward));
        let sent_by = Onward::SentBy;
        match (self, way) {
            (Self::Link([a, b]), way) => {
                let (from_a, from_b, to_a, to_b) = match way {
                    Way::Direct => (b, a, None, None),
                    Way::Worker(Pair { near, far }) => (far, near, None, None),
                    Way::Kernel([first, second]) => (b, a, Some(second), Some(first)),
                };
                vec![
                    ((a, Hook::Egress), to_a.and_then(|ifb| all(sent_by(ifb)))),
                    ((b, Hook::Egress), to_b.and_then(|ifb| all(sent_by(ifb)))),
                    ((a, Hook::Ingress), all(sent_by(from_a))),
                    ((b, Hook::Ingress), all(sent_by(from_b))),
                ]
            }
            (Self::Port(port), way) => {
                let (before, from_node, to_node) = match way {
                    Way::Direct => (None, None, None),
                    Way::Worker(Pair { near, far }) => {
                        let back = (Matching::Mark(port), Onward::ArriveAt(port));
                        let before = ((near, Hook::Egress), Some(back));
                        (Some(before), unmarked(sent_by(far)), all(sent_by(near)))
                    }
                    Way::Kernel([first, second]) => {
                        (None, unmarked(sent_by(first)), all(sent_by(second)))
                    }
                };
                let filters = [((port, Hook::Ingress), from_node), ((port, Hook::Egress), to_node)];
                before.into_iter().chain(filters).collect()
            }
        }
    }
}
