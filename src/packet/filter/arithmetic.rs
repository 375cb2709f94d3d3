//! Numbers that are computed from frames: their grammar, and what is known of them before any frame.

use std::ops::Range;

use super::{
    error::FilterError,
    expression::{Arithmetic, Check, Value},
    instruction::{self as bpf, MEMORY},
    lex::Token,
    parse::{MAX_DEPTH, Parser},
    words::Protocol,
};

/// An operator with how tightly it binds to its left and to its right.
///
/// `%` and `^` have no precedence in libpcap's grammar: they take all that follows as their right side, and no other
/// operator takes its right side from them.
fn operator(token: Token<'_>) -> Option<(u16, u8, u8)> {
    let Token::Sign(sign) = token else { return None };
    Some(match sign {
        "|" => (bpf::OR, 1, 2),
        "&" => (bpf::AND, 3, 4),
        "<<" => (bpf::LSH, 5, 6),
        ">>" => (bpf::RSH, 5, 6),
        "+" => (bpf::ADD, 7, 8),
        "-" => (bpf::SUB, 7, 8),
        "*" => (bpf::MUL, 9, 10),
        "/" => (bpf::DIV, 9, 10),
        "%" => (bpf::MOD, NO_PRECEDENCE, 0),
        "^" => (bpf::XOR, NO_PRECEDENCE, 0),
        _ => return None,
    })
}

const UNARY: u8 = 11;
const NO_PRECEDENCE: u8 = 12;
/// The most bytes that tcpdump keeps of a frame.
const MAX_OFFSET: i32 = 262_143;

impl Parser<'_> {
    /// A number, from its first token on.
    pub(super) fn arithmetic(&mut self, binding: u8) -> Result<Arithmetic, FilterError> {
        let start = self.place().start;
        let left = self.operand()?;
        self.operations(left, start, binding)
    }

    /// Goes on after the first operand, which began at `start`.
    pub(super) fn operations(
        &mut self,
        mut left: Arithmetic,
        start: usize,
        binding: u8,
    ) -> Result<Arithmetic, FilterError> {
        while let Some((operation, before, after)) = operator(self.peek()) {
            if before < binding {
                break;
            }
            self.next();
            let right_start = self.place().start;
            let right = self.deeper(|parser| parser.arithmetic(after))?;
            let right_place = right_start..self.last_end();
            self.check_right(operation, &right, right_place)?;
            left = binary(operation, left, right);
            self.check_size(&left, start..self.last_end())?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Arithmetic, FilterError> {
        match self.peek() {
            Token::Number(number) => {
                self.next();
                Ok(Arithmetic::number(number))
            }
            Token::Length => {
                self.next();
                Ok(Arithmetic::length())
            }
            Token::Sign("-") => {
                self.next();
                let inner = self.deeper(|parser| parser.arithmetic(UNARY))?;
                Ok(negative(inner))
            }
            Token::Sign("(") => {
                self.next();
                let inner = self.deeper(|parser| parser.arithmetic(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Protocol(protocol) => {
                let start = self.place().start;
                self.next();
                self.accessor(protocol, start)
            }
            token => {
                let error = self.unexpected("a number, `len`, or bytes of a header as `tcp[13]`");
                let is_difference = matches!(token, Token::Word(word) if word.contains('-'));
                Err(if is_difference { error.help("write spaces around `-`") } else { error })
            }
        }
    }

    /// `[index]` or `[index:size]` after a protocol that stood at `start`.
    pub(super) fn accessor(
        &mut self,
        protocol: Protocol,
        start: usize,
    ) -> Result<Arithmetic, FilterError> {
        self.expect("[")?;
        let index = self.deeper(|parser| parser.arithmetic(0))?;
        let mut size = 1;
        if self.peek() == Token::Sign(":") {
            self.next();
            size = match self.peek() {
                Token::Number(size @ (1 | 2 | 4)) => size as u8,
                _ => return Err(self.unexpected("1, 2 or 4 bytes")),
            };
            self.next();
        }
        self.expect("]")?;
        let place = start..self.last_end();
        if let Value::Number(number) = index.value {
            let (base, lowest) = base(protocol);
            let offset = base.wrapping_add(number).cast_signed();
            if offset < lowest || offset > MAX_OFFSET {
                return Err(self.error(place, "no frame has a byte there"));
            }
        }
        let loaded = load(protocol, index, size);
        self.check_size(&loaded, place)?;
        Ok(loaded)
    }

    /// Refuses divisors and shifts that tcpdump or the kernel would refuse, and those that they compute differently.
    fn check_right(
        &self,
        operation: u16,
        right: &Arithmetic,
        place: Range<usize>,
    ) -> Result<(), FilterError> {
        const FIRST: &str = "tcpdump judges by the first number in it";
        match (operation, &right.value, right.first) {
            (bpf::DIV | bpf::MOD, Value::Number(0), _) => {
                Err(self.error(place, "division by zero"))
            }
            (bpf::DIV | bpf::MOD, _, Some(0)) => {
                Err(self.error(place, "tcpdump takes this for a division by zero").help(FIRST))
            }
            (bpf::LSH | bpf::RSH, Value::Number(0..=31), Some(32..)) => {
                Err(self.error(place, "tcpdump takes this for more than 31 bits").help(FIRST))
            }
            (bpf::LSH | bpf::RSH, Value::Number(0..=31), _) => Ok(()),
            (bpf::LSH | bpf::RSH, Value::Number(_), _) => {
                Err(self.error(place, "a shift is by at most 31 bits"))
            }
            (bpf::LSH | bpf::RSH, _, _) => Err(self
                .error(place, "a shift is by a number that does not depend on the frame")
                .help("the kernel and tcpdump disagree on shifts by more than 31 bits")),
            _ => Ok(()),
        }
    }

    fn check_size(&self, value: &Arithmetic, place: Range<usize>) -> Result<(), FilterError> {
        if value.registers > MEMORY || value.depth > MAX_DEPTH {
            return Err(self.error(place, "this computation is too deep"));
        }
        Ok(())
    }
}

impl Arithmetic {
    pub(super) fn number(number: u32) -> Self {
        Self {
            value: Value::Number(number),
            checks: Vec::new(),
            first: Some(number),
            registers: 1,
            depth: 1,
        }
    }

    pub(super) fn length() -> Self {
        Self { value: Value::Length, first: None, ..Self::number(0) }
    }
}

/// Where a header begins (after IPv4's own length for what IPv4 carries), and the lowest offset that makes sense from there.
pub(super) fn base(protocol: Protocol) -> (u32, i32) {
    match protocol {
        Protocol::Ether => (0, 0),
        Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp => (14, 0),
        Protocol::Icmp6 => (54, 0),
        Protocol::Tcp | Protocol::Udp | Protocol::Sctp | Protocol::Icmp | Protocol::Igmp => {
            (14, -60)
        }
    }
}

/// The protocol's number in IPv4, for those whose accessors look there.
pub(super) fn ip_number(protocol: Protocol) -> Option<u8> {
    match protocol {
        Protocol::Icmp => Some(1),
        Protocol::Igmp => Some(2),
        Protocol::Tcp => Some(6),
        Protocol::Udp => Some(17),
        Protocol::Sctp => Some(132),
        _ => None,
    }
}

/// The EtherType of a protocol that is directly in Ethernet.
pub(super) fn ether_number(protocol: Protocol) -> Option<u16> {
    match protocol {
        Protocol::Ip => Some(0x0800),
        Protocol::Arp => Some(0x0806),
        Protocol::Rarp => Some(0x8035),
        Protocol::Ip6 => Some(0x86dd),
        _ => None,
    }
}

fn load(protocol: Protocol, index: Arithmetic, size: u8) -> Arithmetic {
    let mut checks = Vec::new();
    let mut check = |check| {
        if !checks.contains(&check) {
            checks.push(check);
        }
    };
    let inner = index.checks;
    if let Some(number) = ip_number(protocol) {
        check(Check::EtherType(0x0800));
        inner.into_iter().for_each(&mut check);
        check(Check::IpCarries(number));
        check(Check::FirstFragment);
    } else {
        inner.into_iter().for_each(&mut check);
        if protocol == Protocol::Icmp6 {
            check(Check::EtherType(0x86dd));
            check(Check::Ip6Carries(58));
        } else if let Some(number) = ether_number(protocol) {
            check(Check::EtherType(number));
        }
    }
    Arithmetic {
        value: Value::Load { protocol, index: Box::new(index.value), size },
        checks,
        first: index.first,
        registers: index.registers.max(2),
        depth: index.depth + 1,
    }
}

fn negative(inner: Arithmetic) -> Arithmetic {
    let value = match inner.value {
        Value::Number(number) => Value::Number(number.wrapping_neg()),
        value => Value::Negative(Box::new(value)),
    };
    Arithmetic { value, depth: inner.depth + 1, ..inner }
}

/// An operation with what libpcap's optimiser knows of it: a result that can't depend on a byte doesn't need the byte.
///
/// Only what the left side presupposes is checked, as tcpdump does.
fn binary(operation: u16, left: Arithmetic, right: Arithmetic) -> Arithmetic {
    let registers = left.registers.max(right.registers + 1);
    let depth = left.depth.max(right.depth) + 1;
    let value = match (left.value, right.value) {
        (Value::Number(left), Value::Number(right)) => {
            Value::Number(bpf::calculate(operation, left, right).unwrap_or(0))
        }
        (Value::Number(0), _) if !matches!(operation, bpf::ADD | bpf::SUB | bpf::OR | bpf::XOR) => {
            Value::Number(0)
        }
        (_, Value::Number(0)) if matches!(operation, bpf::MUL | bpf::AND) => Value::Number(0),
        (left, right) => Value::Binary(operation, Box::new(left), Box::new(right)),
    };
    Arithmetic { value, checks: left.checks, first: left.first, registers, depth }
}
