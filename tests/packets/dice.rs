//! Conversations thrown with dice: every mark of TCP's analysis comes up, in orders that nobody thinks of.

use crate::craft::{Eth, Segment};

/// Numbers from a seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of some.
    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.next() % choices.len() as u64) as usize]
    }

    /// Whether it happened, of so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }
}

/// Segments of three conversations, one over IPv6, whose numbers stay close together and pass the end of the number space.
pub(crate) fn segments(seed: u64, count: usize) -> Vec<(u64, Vec<u8>)> {
    let mut dice = Dice::new(seed);
    let mut bases = [[1000, 0xffff_ff00], [0xffff_ffc0, 0x7fff_ffd0], [dice.next() as u32, 5000]];
    let mut said: [[Segment; 2]; 3] = Default::default();
    let (mut conversation_before, mut from_before) = (0, 0);
    let mut time = 0;
    let mut frames = Vec::new();
    for _ in 0..count {
        time += dice.of(&[50, 500, 2_000, 4_000, 15_000, 30_000, 300_000]) * 1_000;
        // Half of them answer the one before.
        let answers = dice.once_in(2);
        let conversation = if answers { conversation_before } else { dice.next() as usize % 3 };
        let from = if answers { 1 - from_before } else { dice.next() as usize % 2 };
        (conversation_before, from_before) = (conversation, from);
        if dice.once_in(100) {
            bases[conversation][from] = dice.next() as u32;
        }
        let ends = [bases[conversation][from], bases[conversation][1 - from]];
        let ports = (1000 + conversation as u16, 80);
        let before = &mut said[conversation][from];
        let segment = if dice.once_in(3) && before.ports.0 != 0 {
            again(&mut dice, before)
        } else {
            segment(&mut dice, ends, if from == 0 { ports } else { (80, ports.0) })
        };
        before.clone_from(&segment);
        let ip = match (conversation, from) {
            (2, 0) => Eth::default().ipv6("fd00::1", "fd00::2"),
            (2, _) => Eth::default().ipv6("fd00::2", "fd00::1"),
            (_, 0) => Eth::default().ipv4([10, 0, 0, 1], [10, 0, 0, 2]),
            _ => Eth::default().ipv4([10, 0, 0, 2], [10, 0, 0, 1]),
        };
        frames.push((time, ip.tcp(&segment)));
    }
    frames
}

/// What a side says that has nothing new: its last acknowledgment, another window, a probe, a keep-alive.
fn again(dice: &mut Dice, before: &Segment) -> Segment {
    let ends = u32::from(before.flags & 3 != 0);
    let next = before.seq.wrapping_add(before.data.len() as u32 + ends);
    let usual = Segment { seq: next, flags: 0x10, data: vec![], options: vec![], ..before.clone() };
    match dice.next() % 8 {
        0 => Segment { window: dice.of(&[0, 10, 200]), ..usual },
        1 => Segment { data: vec![b'p'], ..usual },
        2 => Segment { seq: next.wrapping_sub(1), ..usual },
        3 => before.clone(),
        _ => usual,
    }
}

fn segment(dice: &mut Dice, [own, other]: [u32; 2], ports: (u16, u16)) -> Segment {
    let usual = if dice.once_in(5) { 0x18 } else { 0x10 };
    let rare = dice.of(&[0x02, 0x12, 0x11, 0x04, 0x14, 0x01, 0x00]);
    let flags = if dice.once_in(6) { rare } else { usual };
    let steps = |dice: &mut Dice| 1 + 10 * (dice.next() % 12) as u32 + dice.of(&[0, 0, 0, 1]);
    let seq = if flags & 2 != 0 { own } else { own.wrapping_add(steps(dice)) };
    let ack = if flags & 0x10 != 0 { other.wrapping_add(steps(dice)) } else { dice.of(&[0, 7]) };
    let empty = flags & 6 != 0 && !dice.once_in(10);
    let length = if empty { 0 } else { dice.of(&[0, 0, 0, 10, 10, 20, 1, 30]) };
    let mut options = Vec::new();
    if flags & 2 != 0 && !dice.once_in(3) {
        options.extend([1, 3, 3, dice.of(&[0, 1, 2, 7])]);
    }
    if dice.once_in(5) {
        options.extend([1, 1, 5, 10]);
        options.extend(other.wrapping_add(50).to_be_bytes());
        options.extend(other.wrapping_add(60).to_be_bytes());
    }
    let window = dice.of(&[100, 100, 100, 50, 20, 0, 0, 10]);
    Segment { ports, seq, ack, flags, window, options, data: vec![b'x'; length] }
}
