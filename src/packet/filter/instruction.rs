//! Classic BPF: its instructions, and a machine that runs them.

use serde::{Deserialize, Serialize};

/// An instruction of classic BPF, laid out as `struct sock_filter` in linux/filter.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// For a test that holds, how many instructions to skip.
    pub jt: u8,
    /// For a test that doesn't hold, how many instructions to skip.
    pub jf: u8,
    /// Its operand.
    pub k: u32,
}

impl Instruction {
    /// An instruction that goes on with the next one.
    pub(super) const fn plain(code: u16, k: u32) -> Self {
        Self { code, jt: 0, jf: 0, k }
    }
}

// The names and values of linux/bpf_common.h: classes, then sizes and modes of loads, then operations.
pub(super) const LD: u16 = 0x00;
pub(super) const LDX: u16 = 0x01;
pub(super) const ST: u16 = 0x02;
pub(super) const STX: u16 = 0x03;
pub(super) const ALU: u16 = 0x04;
pub(super) const JMP: u16 = 0x05;
pub(super) const RET: u16 = 0x06;
pub(super) const MISC: u16 = 0x07;

pub(super) const W: u16 = 0x00;
pub(super) const H: u16 = 0x08;
pub(super) const B: u16 = 0x10;

pub(super) const IMM: u16 = 0x00;
pub(super) const ABS: u16 = 0x20;
pub(super) const IND: u16 = 0x40;
pub(super) const MEM: u16 = 0x60;
pub(super) const LEN: u16 = 0x80;
pub(super) const MSH: u16 = 0xa0;

pub(super) const ADD: u16 = 0x00;
pub(super) const SUB: u16 = 0x10;
pub(super) const MUL: u16 = 0x20;
pub(super) const DIV: u16 = 0x30;
pub(super) const OR: u16 = 0x40;
pub(super) const AND: u16 = 0x50;
pub(super) const LSH: u16 = 0x60;
pub(super) const RSH: u16 = 0x70;
pub(super) const NEG: u16 = 0x80;
pub(super) const MOD: u16 = 0x90;
pub(super) const XOR: u16 = 0xa0;

pub(super) const JA: u16 = 0x00;
pub(super) const JEQ: u16 = 0x10;
pub(super) const JGT: u16 = 0x20;
pub(super) const JGE: u16 = 0x30;
pub(super) const JSET: u16 = 0x40;

pub(super) const X: u16 = 0x08;
pub(super) const A: u16 = 0x10;
pub(super) const TAX: u16 = 0x00;
pub(super) const TXA: u16 = 0x80;

/// How many words of scratch memory a program has (BPF_MEMWORDS).
pub(super) const MEMORY: usize = 16;

/// Runs a program on a frame: how many of its bytes to keep, 0 for a frame that doesn't match.
///
/// `bytes` is what was kept of a frame that had `length` bytes. A load beyond `bytes`, a division by zero, an unknown
/// instruction and a jump out of the program end it with 0, as they do in the kernel (net/core/filter.c) and in
/// libpcap. Jumps only go forward, so every program ends.
pub fn run(program: &[Instruction], bytes: &[u8], length: u32) -> u32 {
    let mut machine = Machine { bytes, length, a: 0, x: 0, memory: [0; MEMORY] };
    let mut at = 0_usize;
    while let Some(instruction) = program.get(at) {
        at += 1;
        match machine.step(*instruction) {
            Some(Step::Skip(count)) => at = at.saturating_add(count),
            Some(Step::Return(value)) => return value,
            None => return 0,
        }
    }
    0
}

struct Machine<'a> {
    bytes: &'a [u8],
    length: u32,
    a: u32,
    x: u32,
    memory: [u32; MEMORY],
}

enum Step {
    Skip(usize),
    Return(u32),
}

impl Machine<'_> {
    /// Runs an instruction; `None` where the program can't go on.
    fn step(&mut self, instruction: Instruction) -> Option<Step> {
        let Instruction { code, jt, jf, k } = instruction;
        let operand = if code & X == 0 { k } else { self.x };
        match code & 0x07 {
            LD => self.a = self.value(code, k)?,
            LDX if code == LDX | MSH | B => self.x = u32::from(self.load::<1>(k)?[0] & 0xf) * 4,
            LDX if code & !0xe0 == LDX | W => self.x = self.value(code, k)?,
            ST => *self.memory.get_mut(k as usize)? = self.a,
            STX => *self.memory.get_mut(k as usize)? = self.x,
            ALU => self.a = calculate(code & 0xf0, self.a, operand)?,
            JMP if code & 0xf0 == JA => return Some(Step::Skip(k as usize)),
            JMP => {
                let holds = match code & 0xf0 {
                    JEQ => self.a == operand,
                    JGT => self.a > operand,
                    JGE => self.a >= operand,
                    JSET => self.a & operand != 0,
                    _ => return None,
                };
                return Some(Step::Skip(usize::from(if holds { jt } else { jf })));
            }
            RET => return Some(Step::Return(if code & A == 0 { k } else { self.a })),
            MISC if code & 0xf8 == TAX => self.x = self.a,
            MISC if code & 0xf8 == TXA => self.a = self.x,
            _ => return None,
        }
        Some(Step::Skip(0))
    }

    /// What a load finds.
    fn value(&self, code: u16, k: u32) -> Option<u32> {
        let at = match code & 0xe0 {
            IMM => return Some(k),
            MEM => return self.memory.get(k as usize).copied(),
            LEN => return Some(self.length),
            ABS => k,
            IND => self.x.wrapping_add(k),
            _ => return None,
        };
        match code & 0x18 {
            W => self.load(at).map(u32::from_be_bytes),
            H => self.load(at).map(|bytes| u16::from_be_bytes(bytes).into()),
            B => self.load::<1>(at).map(|[byte]| byte.into()),
            _ => None,
        }
    }

    fn load<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        self.bytes.get(at as usize..)?.first_chunk().copied()
    }
}

/// The result of an operation on 32 bits; none for a division by zero.
pub(super) fn calculate(operation: u16, left: u32, right: u32) -> Option<u32> {
    Some(match operation {
        ADD => left.wrapping_add(right),
        SUB => left.wrapping_sub(right),
        MUL => left.wrapping_mul(right),
        DIV => left.checked_div(right)?,
        MOD => left.checked_rem(right)?,
        AND => left & right,
        OR => left | right,
        XOR => left ^ right,
        LSH => left.checked_shl(right).unwrap_or(0),
        RSH => left.checked_shr(right).unwrap_or(0),
        NEG => left.wrapping_neg(),
        _ => return None,
    })
}
