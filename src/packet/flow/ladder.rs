//! Frames as arrows between hosts.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use super::{
    super::{Direction, Fate, Frame, Network, Packet, changed::Changed, fate::Changes},
    half::Half,
    label::{Numbers, label},
    tracker::Tracker,
    unit::{Side, Unit},
};

/// How many arrows are drawn.
pub const MAX_ARROWS: usize = 10_000;
/// How many hosts have a column.
pub const MAX_COLUMNS: usize = 12;

/// What a ladder shows.
#[derive(Debug, Clone, Default)]
pub struct LadderOptions {
    /// One conversation, by its number as [`Flows`](super::Flows) counts; or all frames between hosts.
    pub flow: Option<usize>,
    /// The names of hosts by their addresses; others are called by their address. Addresses of one name share a column.
    pub names: BTreeMap<IpAddr, String>,
}

/// Frames as arrows between hosts, one column a host, for drawings.
///
/// Where both ends of a link were recorded, each frame is one arrow that knows when it was sent and when it arrived: a frame seen at one
/// end and then at another is the same if addresses, IP id and all behind the IP header are, and equal ones arrive in the order they
/// were sent. What wires noted counts: a frame that one dropped arrives nowhere, one that it duplicated arrives twice, and one that it
/// corrupted is known again by its other bytes. The first [`MAX_ARROWS`] arrows between the first [`MAX_COLUMNS`] hosts are kept.
#[derive(Debug)]
pub struct Ladder {
    options: LadderOptions,
    tracker: Tracker,
    halves: HashMap<usize, [Half; 2]>,
    columns: Vec<Column>,
    arrows: Vec<Arrow>,
    /// Where each arrow was seen.
    places: Vec<Vec<Place>>,
    /// Arrows by what they carry.
    alike: HashMap<u64, Vec<usize>>,
    /// Arrows that wires corrupted.
    changed: Changed<usize>,
    frames: u64,
    omitted: u64,
    start: Option<u64>,
}

type Place = (usize, Option<Direction>);

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, or its address.
    pub name: String,
    /// The addresses it was seen with.
    pub addresses: Vec<IpAddr>,
}

/// A frame on its way from one host to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The number of its first record, from 1.
    pub number: u64,
    /// The place of the sender's column.
    pub from: usize,
    /// The place of the receiver's column.
    pub to: usize,
    /// When it passed the sender's end, in ns since the ladder's start; or when it was seen, if one end was recorded.
    pub sent: Option<u64>,
    /// When it passed the receiver's end, if that was recorded too.
    pub arrived: Option<u64>,
    /// When a copy of it passed there, if a wire made one.
    pub copied: Option<u64>,
    /// What a wire did to it.
    pub fate: Fate,
    /// Whether it was dropped, or seen at one end only, though both were recorded, and for longer than the slowest frame took that way.
    pub broken: bool,
    /// What it is, as `PSH, ACK seq=1 ack=1 len=6`.
    pub label: String,
    /// Whether it repeats what was sent before.
    pub again: bool,
}

impl Ladder {
    /// Nothing yet.
    pub fn new(options: LadderOptions) -> Self {
        Self {
            options,
            tracker: Tracker::default(),
            halves: HashMap::new(),
            columns: Vec::new(),
            arrows: Vec::new(),
            places: Vec::new(),
            alike: HashMap::new(),
            changed: Changed::default(),
            frames: 0,
            omitted: 0,
            start: None,
        }
    }

    /// Takes note of a frame; those without IP addresses, or an ARP message's, are passed over.
    pub fn add(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        let place = (frame.interface, frame.direction);
        let elsewhere = |arrow: &usize| self.places[*arrow][0].0 != frame.interface;
        if frame.direction == Some(Direction::In)
            && let Some((_, arrow)) = self.changed.find(frame.length, &frame.bytes, elsewhere)
        {
            return self.seen(arrow, place, frame.time);
        }
        let packet = Packet::decode(&frame.bytes, frame.length);
        let unit = Unit::of(&packet);
        let member = unit.as_ref().and_then(|unit| self.tracker.member(frame, unit));
        if self.options.flow.is_some_and(|flow| member.is_none_or(|m| m.flow + 1 != flow)) {
            return;
        }
        let Some((from, to)) = ends(&packet) else { return };
        let key = identity(&packet, from, to);
        let start = *self.start.get_or_insert(frame.time);
        let time = frame.time.saturating_sub(start);
        let alike = self.alike.get(&key).into_iter().flatten();
        let known = alike.copied().find(|arrow| {
            let changes = self.arrows[*arrow].changes();
            let times = 1 + usize::from(changes.duplicated.is_some());
            self.places[*arrow].iter().filter(|seen| **seen == place).count() < times
        });
        if let Some(known) = known {
            return self.seen(known, place, frame.time);
        }
        let (Some(from), Some(to), true) =
            (self.column(from), self.column(to), self.arrows.len() < MAX_ARROWS)
        else {
            self.omitted += 1;
            return;
        };
        let numbers = match (&unit, member) {
            (Some(unit), Some(member)) => {
                let [client, server] = self.halves.entry(member.flow).or_default();
                match member.side {
                    Side::Client => Numbers::new(unit, client, server),
                    Side::Server => Numbers::new(unit, server, client),
                }
            }
            _ => Numbers::default(),
        };
        let label = label(&packet, &numbers, self.options.flow.is_none());
        let fate = Fate::of(&frame.comments).unwrap_or_default();
        if let Fate::Passed(changes) = fate {
            self.alike.entry(key).or_default().push(self.arrows.len());
            if changes.corrupted.is_some() {
                self.changed.push(self.arrows.len(), frame.length, &frame.bytes);
            }
        }
        self.places.push(vec![place]);
        self.arrows.push(Arrow {
            number: self.frames,
            from,
            to,
            sent: Some(time),
            arrived: None,
            copied: None,
            fate,
            broken: matches!(fate, Fate::Dropped(_)),
            label,
            again: numbers.again,
        });
    }

    /// An arrow is seen at another place, or once more at the same one.
    fn seen(&mut self, arrow: usize, place: Place, time: u64) {
        let time = time.saturating_sub(self.start.unwrap_or(0));
        let again = self.places[arrow].contains(&place);
        self.places[arrow].push(place);
        let arrow = &mut self.arrows[arrow];
        if again { arrow.copied = Some(time) } else { arrow.arrived = Some(time) }
    }

    /// Says that there are no more frames: those seen at one end only are told from those recorded at one end only.
    pub fn finish(&mut self) {
        // Where the frames of each direction are recorded first, and of those recorded at both ends the longest delay.
        let (mut homes, mut slowest) = (HashMap::new(), HashMap::new());
        let mut last = 0;
        for (arrow, places) in self.arrows.iter().zip(&self.places) {
            let way = (arrow.from, arrow.to);
            homes.entry(way).or_insert(places[0].0);
            last = last.max(arrow.arrived.or(arrow.sent).unwrap_or(0));
            if let (Some(sent), Some(arrived), false) =
                (arrow.sent, arrow.arrived, arrow.changes().is_late())
            {
                let slowest = slowest.entry(way).or_insert(0);
                *slowest = arrived.saturating_sub(sent).max(*slowest);
            }
        }
        for (arrow, places) in self.arrows.iter_mut().zip(&self.places) {
            let there = homes.get(&(arrow.to, arrow.from));
            let apart =
                there.is_some_and(|there| homes.get(&(arrow.from, arrow.to)) != Some(there));
            let delay = slowest.get(&(arrow.from, arrow.to));
            // What was sent at the very end may have been under way still.
            let late = !arrow.changes().is_late()
                && arrow
                    .sent
                    .is_some_and(|sent| last - sent.min(last) > delay.copied().unwrap_or(0));
            if arrow.arrived.is_some() || arrow.broken || !(apart || delay.is_some()) || !late {
                continue;
            }
            arrow.broken = true;
            let (seen, direction) = places[0];
            if Some(&seen) == there && direction != Some(Direction::Out) {
                (arrow.arrived, arrow.sent) = (arrow.sent, None);
            }
        }
    }

    /// The hosts, in the order of their first frames.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The arrows, in the order they were seen.
    pub fn arrows(&self) -> &[Arrow] {
        &self.arrows
    }

    /// How many records of frames beyond the bounds are not among the arrows.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// What it shows, in a few words.
    pub fn title(&self) -> String {
        let head =
            self.options.flow.and_then(|flow| self.tracker.heads().get(flow.checked_sub(1)?));
        match head {
            Some(head) => format!("{} {} → {}", head.protocol, head.client, head.server),
            None => format!("{} frames between {} hosts", self.arrows.len(), self.columns.len()),
        }
    }

    /// The place of an address's column.
    fn column(&mut self, address: IpAddr) -> Option<usize> {
        let name = self.options.names.get(&address);
        let found = self.columns.iter().position(|column| match name {
            Some(name) => column.name == *name,
            None => column.addresses.contains(&address),
        });
        let place = match found {
            Some(place) => place,
            None if self.columns.len() >= MAX_COLUMNS => return None,
            None => {
                let name = name.cloned().unwrap_or_else(|| address.to_string());
                self.columns.push(Column { name, addresses: Vec::new() });
                self.columns.len() - 1
            }
        };
        let addresses = &mut self.columns.get_mut(place)?.addresses;
        if !addresses.contains(&address) && addresses.len() < MAX_COLUMNS {
            addresses.push(address);
        }
        Some(place)
    }
}

impl Arrow {
    fn changes(&self) -> Changes {
        match self.fate {
            Fate::Dropped(_) => Changes::default(),
            Fate::Passed(changes) => changes,
        }
    }
}

/// From which host to which.
fn ends(packet: &Packet<'_>) -> Option<(IpAddr, IpAddr)> {
    match packet.network {
        Some(Network::Arp(arp)) => Some((arp.sender.into(), arp.target.into())),
        _ => packet.addresses(),
    }
}

/// What stays the same of a packet along its way.
fn identity(packet: &Packet<'_>, from: IpAddr, to: IpAddr) -> u64 {
    let mut hasher = DefaultHasher::new();
    (from, to, packet.segment.bytes).hash(&mut hasher);
    match packet.network {
        Some(Network::Ipv4(ipv4)) => (ipv4.id, ipv4.fragment_offset).hash(&mut hasher),
        Some(Network::Ipv6(ipv6)) => ipv6.flow_label.hash(&mut hasher),
        _ => packet.frame.bytes.hash(&mut hasher),
    }
    hasher.finish()
}
