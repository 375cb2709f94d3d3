//! Numbers and comparisons of them into code.

use super::{
    arithmetic::{base, ip_number},
    code::{Code, Label},
    compile::{IP_PROTOCOL, IP6_NEXT_HEADER, LOAD_1},
    expression::{Arithmetic, Check, Comparison, Value},
    instruction as bpf,
    words::Protocol,
};

impl Code {
    /// Goes on at `yes` or `no` by what two numbers are to each other, and at `no` for frames that don't have them.
    pub(super) fn relation(
        &mut self,
        left: &Arithmetic,
        comparison: Comparison,
        right: &Arithmetic,
        yes: Label,
        no: Label,
    ) {
        for check in left.checks.iter().chain(&right.checks) {
            self.check(*check, no);
        }
        let (test, yes, no) = match comparison {
            Comparison::Equal => (bpf::JEQ, yes, no),
            Comparison::NotEqual => (bpf::JEQ, no, yes),
            Comparison::Greater => (bpf::JGT, yes, no),
            Comparison::GreaterOrEqual => (bpf::JGE, yes, no),
            Comparison::Less => (bpf::JGE, no, yes),
            Comparison::LessOrEqual => (bpf::JGT, no, yes),
        };
        let (source, k) = self.operands(&left.value, &right.value, 0);
        self.test(test | source, k, yes, no);
    }

    fn check(&mut self, check: Check, no: Label) {
        match check {
            Check::EtherType(number) => self.ether_type(number, no),
            Check::IpCarries(number) => {
                self.plain(LOAD_1, IP_PROTOCOL);
                self.require(bpf::JEQ, number.into(), no);
            }
            Check::Ip6Carries(number) => {
                self.plain(LOAD_1, IP6_NEXT_HEADER);
                self.require(bpf::JEQ, number.into(), no);
            }
            Check::FirstFragment => self.first_fragment(no),
        }
    }

    /// Two values, the left one in A; the right one is X or a constant. `memory` is the first free word of it.
    fn operands(&mut self, left: &Value, right: &Value, memory: u32) -> (u16, u32) {
        if let Value::Number(number) = right {
            self.value(left, memory);
            return (0, *number);
        }
        if let Value::Number(_) = left {
            self.value(right, memory);
            self.plain(bpf::MISC | bpf::TAX, 0);
            self.value(left, memory);
        } else {
            self.value(left, memory);
            self.plain(bpf::ST, memory);
            self.value(right, memory + 1);
            self.plain(bpf::MISC | bpf::TAX, 0);
            self.plain(bpf::LD | bpf::MEM, memory);
        }
        (bpf::X, 0)
    }

    /// Puts a value into A.
    fn value(&mut self, value: &Value, memory: u32) {
        match value {
            Value::Number(number) => self.plain(bpf::LD | bpf::IMM, *number),
            Value::Length => self.plain(bpf::LD | bpf::LEN, 0),
            Value::Negative(inner) => {
                self.value(inner, memory);
                self.plain(bpf::ALU | bpf::NEG, 0);
            }
            Value::Binary(operation, left, right) => {
                let (source, k) = self.operands(left, right, memory);
                self.plain(bpf::ALU | operation | source, k);
            }
            Value::Load { protocol, index, size } => self.load(*protocol, index, *size, memory),
        }
    }

    fn load(&mut self, protocol: Protocol, index: &Value, size: u8, memory: u32) {
        let (base, _) = base(protocol);
        let after_ip = ip_number(protocol).is_some();
        let width = match size {
            1 => bpf::B,
            2 => bpf::H,
            _ => bpf::W,
        };
        if let Value::Number(index) = index {
            let mode = if after_ip { bpf::IND } else { bpf::ABS };
            if after_ip {
                self.plain(bpf::LDX | bpf::MSH | bpf::B, 14);
            }
            return self.plain(bpf::LD | width | mode, base.wrapping_add(*index));
        }
        self.value(index, memory);
        if after_ip {
            self.plain(bpf::LDX | bpf::MSH | bpf::B, 14);
            self.plain(bpf::ALU | bpf::ADD | bpf::X, 0);
        }
        if base > 0 {
            self.plain(bpf::ALU | bpf::ADD, base);
        }
        // Offsets with the highest bit set mean other things to the kernel (SKF_NET_OFF and its like).
        self.forbid(bpf::JGT, i32::MAX.cast_unsigned(), Label::REJECT);
        self.plain(bpf::MISC | bpf::TAX, 0);
        self.plain(bpf::LD | width | bpf::IND, 0);
    }
}
