//! Wires: what carries frames between the ends of a link that is bent.

mod notice;

pub(crate) use notice::{Imprint, Notice, Notices, Notifier, notices};
