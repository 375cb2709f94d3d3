//! Conversations made by hand, segment by segment, as they are recorded at one end of a link or at both.

#![allow(dead_code, reason = "each test program uses some of it")]

use labnet::packet::{Direction, Fate, Frame};

use super::craft::{Eth, Ip, Segment};

pub(crate) const FIN: u16 = 1;
pub(crate) const SYN: u16 = 2;
pub(crate) const RST: u16 = 4;
pub(crate) const PSH: u16 = 8;
pub(crate) const ACK: u16 = 16;

/// The client is KALI, the server is R2.
pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

const MS: u64 = 1_000_000;
/// The byte that a wire changes: it makes another port of the sender's.
const CORRUPTED: usize = 34;
/// When the first segment is sent.
const START: u64 = 1_700_000_000_000_000_000;

/// A segment on its way.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) time: u64,
    pub(crate) from: usize,
    pub(crate) flags: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) window: u16,
    pub(crate) data: Vec<u8>,
    /// Whether it gets lost between the ends.
    pub(crate) lost: bool,
    /// What it says that came twice (D-SACK): left and right edge.
    pub(crate) twice: Option<(u32, u32)>,
    /// What a wire does to it, which is noted where it is sent, and how much later than others it arrives.
    pub(crate) fate: Fate,
    pub(crate) late: u64,
}

/// A TCP conversation in the making: each segment goes on where the sender is and acknowledges all that the other sent.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub(crate) ports: [u16; 2],
    pub(crate) steps: Vec<Step>,
    next: [u32; 2],
    pub(crate) clock: u64,
    /// What times of the day the hosts' TSval begin with, and where the numbers begin.
    pub(crate) epoch: u32,
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::numbered(50456, 1_000, 4_294_967_000)
    }

    /// With the client's port and the numbers of the SYNs.
    pub(crate) fn numbered(port: u16, client: u32, server: u32) -> Self {
        let (ports, next) = ([port, 5000], [client, server]);
        Self { ports, steps: Vec::new(), next, clock: START, epoch: 77 }
    }

    /// One with the three segments that open it, 1 ms apart.
    pub(crate) fn opened() -> Self {
        Self::new().open()
    }

    pub(crate) fn open(self) -> Self {
        self.say(CLIENT, SYN, "").say(SERVER, SYN | ACK, "").say(CLIENT, ACK, "")
    }

    /// Both send FIN, this one first.
    pub(crate) fn close(self, first: usize) -> Self {
        let second = 1 - first;
        self.say(first, FIN | ACK, "").say(second, FIN | ACK, "").say(first, ACK, "")
    }

    /// A segment, 1 ms after the one before.
    pub(crate) fn say(self, from: usize, flags: u16, data: impl AsRef<[u8]>) -> Self {
        self.after(MS, from, flags, data)
    }

    pub(crate) fn after(
        mut self,
        wait: u64,
        from: usize,
        flags: u16,
        data: impl AsRef<[u8]>,
    ) -> Self {
        self.clock += wait;
        let data = data.as_ref().to_vec();
        let (seq, ack) = (self.next[from], if flags & ACK > 0 { self.next[1 - from] } else { 0 });
        let length = data.len() as u32 + u32::from(flags & (SYN | FIN) > 0);
        self.next[from] = seq.wrapping_add(length);
        self.steps.push(Step {
            time: self.clock,
            from,
            flags,
            seq,
            ack,
            window: 64240,
            data,
            lost: false,
            twice: None,
            fate: Fate::PASSED,
            late: 0,
        });
        self
    }

    /// The step just made is lost on its way.
    pub(crate) fn lost(mut self) -> Self {
        self.steps.last_mut().unwrap().lost = true;
        self
    }

    /// A step is sent once more, 200 ms later; from the end, 1 is the last.
    pub(crate) fn again(mut self, back: usize) -> Self {
        self.clock += 200 * MS;
        let mut step = self.steps[self.steps.len() - back].clone();
        (step.time, step.lost, step.fate) = (self.clock, false, Fate::PASSED);
        self.steps.push(step);
        self
    }

    /// A wire does this to the step just made, which arrives so much later than others.
    pub(crate) fn fate(self, fate: &str, late: u64) -> Self {
        self.edit(|step| (step.fate, step.late) = (fate.parse().unwrap(), late))
    }

    /// The step just made, to be changed.
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Step)) -> Self {
        change(self.steps.last_mut().unwrap());
        self
    }

    /// As recorded at one interface, without directions.
    pub(crate) fn frames(&self) -> Vec<Frame<'static>> {
        let steps = self.steps.iter().enumerate();
        steps.map(|(index, step)| self.frame(index, step, 0, step.time, None)).collect()
    }

    /// As recorded at KALI (interface 0) and at R2 (interface 1), with a delay in ns between them.
    pub(crate) fn both_ends(&self, delay: u64) -> Vec<Frame<'static>> {
        let mut frames = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let out = Some(Direction::Out);
            let mut sent = self.frame(index, step, step.from, step.time, out);
            sent.comments.extend(step.fate.comment());
            frames.push(sent);
            let Fate::Passed(changes) = step.fate else { continue };
            let copies = usize::from(!step.lost) + usize::from(changes.duplicated.is_some());
            for copy in 0..copies as u64 {
                let arrives = step.time + delay + step.late + copy * MS / 5;
                let mut frame =
                    self.frame(index, step, 1 - step.from, arrives, Some(Direction::In));
                if changes.corrupted.is_some() {
                    frame.bytes.to_mut()[CORRUPTED] ^= 0x10;
                }
                frames.push(frame);
            }
        }
        frames.sort_by_key(|frame| frame.time);
        frames
    }

    fn frame(
        &self,
        index: usize,
        step: &Step,
        interface: usize,
        time: u64,
        direction: Option<Direction>,
    ) -> Frame<'static> {
        let clock = ((step.time - START) / MS) as u32;
        let mut options = if step.flags & SYN > 0 { vec![2, 4, 5, 180, 4, 2] } else { vec![1, 1] };
        options.extend([8, 10]);
        options.extend((self.epoch + clock).to_be_bytes());
        options.extend((self.epoch / 2 + clock).to_be_bytes());
        if step.flags & SYN > 0 {
            options.extend([1, 3, 3, 10]);
        }
        if let Some((left, right)) = step.twice {
            options.extend([1, 1, 5, 10]);
            options.extend(left.to_be_bytes());
            options.extend(right.to_be_bytes());
        }
        let bytes = hosts(step.from).fragment(index as u16 + 1, 0, false).tcp(&Segment {
            ports: (self.ports[step.from], self.ports[1 - step.from]),
            seq: step.seq,
            ack: step.ack,
            flags: step.flags,
            window: step.window,
            options,
            data: step.data.clone(),
        });
        frame(interface, time, direction, bytes)
    }
}

/// The packets from one of the two hosts to the other.
pub(crate) fn hosts(from: usize) -> Ip {
    let mac = |host| [2, 0, 0, 0, 0, [3, 2][host]];
    let ip = |host| [10, 10, 10, [3, 2][host]];
    Eth { source: mac(from), destination: mac(1 - from) }.ipv4(ip(from), ip(1 - from))
}

/// A frame of these bytes.
pub(crate) fn frame(
    interface: usize,
    time: u64,
    direction: Option<Direction>,
    bytes: Vec<u8>,
) -> Frame<'static> {
    let length = bytes.len() as u32;
    Frame { interface, time, length, direction, comments: Vec::new(), bytes: bytes.into() }
}

/// A frame at one interface, a time after the start.
pub(crate) fn at(after: u64, bytes: Vec<u8>) -> Frame<'static> {
    frame(0, START + after, None, bytes)
}
