//! Expressions into code. What is loaded when is libpcap's: a frame that ends before a byte that is looked at doesn't match.

use super::{
    arithmetic::{ether_number, ip_number},
    code::{Code, Label},
    expression::{Direction, Expression, Joint, Primitive},
    instruction as bpf,
    words::Protocol,
};

const IP: u16 = 0x0800;
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
const IP6: u16 = 0x86dd;
const SCTP: u8 = 132;
const TCP: u8 = 6;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;

// Where fields are in a frame.
const ETHER_DESTINATION: u32 = 0;
const ETHER_SOURCE: u32 = 6;
const ETHER_TYPE: u32 = 12;
const IP_FRAGMENT: u32 = 14 + 6;
pub(super) const IP_PROTOCOL: u32 = 14 + 9;
const IP_DESTINATION: u32 = 14 + 16;
pub(super) const IP6_NEXT_HEADER: u32 = 14 + 6;
const IP6_DESTINATION: u32 = 14 + 24;
const IP6_PAYLOAD: u32 = 14 + 40;

/// What loads the byte, the two or the four bytes at a fixed place.
pub(super) const LOAD_1: u16 = bpf::LD | bpf::B | bpf::ABS;
const LOAD_2: u16 = bpf::LD | bpf::H | bpf::ABS;
const LOAD_4: u16 = bpf::LD | bpf::W | bpf::ABS;

impl Code {
    /// Code that goes on at `yes` for frames of which the expression holds, and at `no` for others.
    pub(super) fn expression(&mut self, expression: &Expression, yes: Label, no: Label) {
        match expression {
            Expression::Primitive(primitive) => self.primitive(primitive, yes, no),
            Expression::Not(inner) => self.expression(inner, no, yes),
            Expression::Chain(first, rest) => self.chain(first, rest, yes, no),
        }
    }

    /// Joined from left to right: what is true so far goes on with the next `and`, what is false with the next `or`.
    fn chain(&mut self, first: &Expression, rest: &[(Joint, Expression)], yes: Label, no: Label) {
        let labels: Vec<Label> = rest.iter().map(|_| self.label()).collect();
        let mut targets = Vec::with_capacity(labels.len() + 1);
        let mut ahead = (yes, no);
        targets.push(ahead);
        for ((joint, _), label) in rest.iter().zip(&labels).rev() {
            match joint {
                Joint::And => ahead.0 = *label,
                Joint::Or => ahead.1 = *label,
            }
            targets.push(ahead);
        }
        let mut targets = targets.into_iter().rev();
        let mut next = || targets.next().unwrap_or((yes, no));
        let (holds, fails) = next();
        self.expression(first, holds, fails);
        for ((_, expression), label) in rest.iter().zip(labels) {
            self.place(label);
            let (holds, fails) = next();
            self.expression(expression, holds, fails);
        }
    }

    fn primitive(&mut self, primitive: &Primitive, yes: Label, no: Label) {
        match *primitive {
            Primitive::Ip { protocol, direction, address, mask } => {
                let (address, mask) = (address.to_bits(), mask.to_bits());
                let protocols = match protocol {
                    Some(protocol) => &[ether_number(protocol).unwrap_or(IP)][..],
                    None => &[IP, ARP, RARP],
                };
                self.any(protocols, yes, no, |code, &number, yes, no| {
                    let fields = if number == IP { [26, IP_DESTINATION] } else { [28, 38] };
                    code.ether_type(number, no);
                    code.directed(direction, fields, yes, no, |code, field, yes, no| {
                        code.masked(field, address, mask, yes, no);
                    });
                });
            }
            Primitive::Ip6 { direction, address, mask } => {
                self.ether_type(IP6, no);
                let fields = [22, IP6_DESTINATION];
                self.directed(direction, fields, yes, no, |code, field, yes, no| {
                    code.ip6_address(field, address.to_bits(), mask.to_bits(), yes, no);
                });
            }
            Primitive::Ether { direction, address } => {
                let fields = [ETHER_SOURCE, ETHER_DESTINATION];
                self.directed(direction, fields, yes, no, |code, field, yes, no| {
                    code.ether_address(field, address, yes, no);
                });
            }
            Primitive::Ports { protocol, direction, low, high } => {
                self.any(&[IP6, IP], yes, no, |code, &version, yes, no| {
                    code.ports(version, protocol, direction, (low, high), yes, no);
                });
            }
            Primitive::Protocol(protocol) => match (protocol, ip_number(protocol)) {
                (Protocol::Icmp6, _) => self.carries(IP6, 58, yes, no),
                (Protocol::Icmp | Protocol::Igmp, Some(number)) => {
                    self.carries(IP, number, yes, no)
                }
                (_, Some(number)) => self.carried(None, number, yes, no),
                (_, None) => {
                    let number = ether_number(protocol).unwrap_or(0);
                    self.plain(LOAD_2, ETHER_TYPE);
                    self.test(bpf::JEQ, number.into(), yes, no);
                }
            },
            Primitive::Carries { protocol, number } => self.carried(protocol, number, yes, no),
            Primitive::EtherType(number) => {
                self.plain(LOAD_2, ETHER_TYPE);
                self.test(bpf::JEQ, number.into(), yes, no);
            }
            Primitive::Broadcast => self.ether_address(ETHER_DESTINATION, [0xff; 6], yes, no),
            Primitive::Multicast(protocol) => self.multicast(protocol, yes, no),
            Primitive::Relation { ref left, comparison, ref right } => {
                self.relation(left, comparison, right, yes, no);
            }
        }
    }

    /// Goes on where an EtherType is the one given, and at `no` otherwise.
    pub(super) fn ether_type(&mut self, number: u16, no: Label) {
        self.plain(LOAD_2, ETHER_TYPE);
        self.require(bpf::JEQ, number.into(), no);
    }

    /// A test after which code goes on if it holds.
    pub(super) fn require(&mut self, code: u16, k: u32, no: Label) {
        let on = self.label();
        self.test(code, k, on, no);
        self.place(on);
    }

    /// A test after which code goes on if it doesn't hold.
    pub(super) fn forbid(&mut self, code: u16, k: u32, no: Label) {
        let on = self.label();
        self.test(code, k, no, on);
        self.place(on);
    }

    /// One of several alternatives.
    fn any<T>(
        &mut self,
        of: &[T],
        yes: Label,
        no: Label,
        mut one: impl FnMut(&mut Self, &T, Label, Label),
    ) {
        let Some((last, others)) = of.split_last() else { return };
        for alternative in others {
            let next = self.label();
            one(self, alternative, yes, next);
            self.place(next);
        }
        one(self, last, yes, no);
    }

    /// A condition on the source's or the destination's field.
    fn directed(
        &mut self,
        direction: Direction,
        [source, destination]: [u32; 2],
        yes: Label,
        no: Label,
        one: impl Fn(&mut Self, u32, Label, Label),
    ) {
        let next = self.label();
        match direction {
            Direction::Source => return one(self, source, yes, no),
            Direction::Destination => return one(self, destination, yes, no),
            Direction::Either => one(self, source, yes, next),
            Direction::Both => one(self, source, next, no),
        }
        self.place(next);
        one(self, destination, yes, no);
    }

    /// Four bytes under a mask; nothing is loaded for a mask of 0.
    fn masked(&mut self, field: u32, value: u32, mask: u32, yes: Label, no: Label) {
        if mask == 0 {
            return self.jump(yes);
        }
        self.plain(LOAD_4, field);
        if mask != u32::MAX {
            self.plain(bpf::ALU | bpf::AND, mask);
        }
        self.test(bpf::JEQ, value, yes, no);
    }

    fn ip6_address(&mut self, field: u32, address: u128, mask: u128, yes: Label, no: Label) {
        for word in 0..4 {
            let part = |bits: u128| (bits >> (96 - 32 * word)) as u32;
            let next = self.label();
            self.masked(field + 4 * word, part(address), part(mask), next, no);
            self.place(next);
        }
        self.jump(yes);
    }

    fn ether_address(&mut self, field: u32, address: [u8; 6], yes: Label, no: Label) {
        let [a, b, c, d, e, f] = address;
        self.plain(LOAD_4, field + 2);
        self.require(bpf::JEQ, u32::from_be_bytes([c, d, e, f]), no);
        self.plain(LOAD_2, field);
        self.test(bpf::JEQ, u16::from_be_bytes([a, b]).into(), yes, no);
    }

    fn ports(
        &mut self,
        version: u16,
        protocol: Option<Protocol>,
        direction: Direction,
        range: (u16, u16),
        yes: Label,
        no: Label,
    ) {
        self.ether_type(version, no);
        let number = protocol.and_then(ip_number);
        let protocols = number.map_or(vec![SCTP, TCP, UDP], |number| vec![number]);
        self.plain(LOAD_1, if version == IP { IP_PROTOCOL } else { IP6_NEXT_HEADER });
        let found = self.label();
        self.any(&protocols, found, no, |code, &number, yes, no| {
            code.test(bpf::JEQ, number.into(), yes, no);
        });
        self.place(found);
        let (load, header) = if version == IP {
            self.first_fragment(no);
            self.plain(bpf::LDX | bpf::MSH | bpf::B, 14);
            (bpf::LD | bpf::H | bpf::IND, 14)
        } else {
            (LOAD_2, IP6_PAYLOAD)
        };
        self.directed(direction, [header, header + 2], yes, no, |code, field, yes, no| {
            code.plain(load, field);
            if range.0 == range.1 {
                return code.test(bpf::JEQ, range.0.into(), yes, no);
            }
            code.require(bpf::JGE, range.0.into(), no);
            code.test(bpf::JGT, range.1.into(), no, yes);
        });
    }

    /// Goes on for IPv4 datagrams that are whole or begin one.
    pub(super) fn first_fragment(&mut self, no: Label) {
        self.plain(LOAD_2, IP_FRAGMENT);
        self.forbid(bpf::JSET, 0x1fff, no);
    }

    fn carried(&mut self, protocol: Option<Protocol>, number: u8, yes: Label, no: Label) {
        let versions = match protocol.and_then(ether_number) {
            Some(version) => &[version][..],
            None => &[IP, IP6],
        };
        self.any(versions, yes, no, |code, &version, yes, no| {
            code.carries(version, number, yes, no);
        });
    }

    /// A protocol in IPv4, or in IPv6 at once or after a fragment header.
    fn carries(&mut self, version: u16, number: u8, yes: Label, no: Label) {
        self.ether_type(version, no);
        if version == IP {
            self.plain(LOAD_1, IP_PROTOCOL);
            return self.test(bpf::JEQ, number.into(), yes, no);
        }
        self.plain(LOAD_1, IP6_NEXT_HEADER);
        let other = self.label();
        self.test(bpf::JEQ, number.into(), yes, other);
        self.place(other);
        self.require(bpf::JEQ, FRAGMENT.into(), no);
        self.plain(LOAD_1, IP6_PAYLOAD);
        self.test(bpf::JEQ, number.into(), yes, no);
    }

    fn multicast(&mut self, protocol: Protocol, yes: Label, no: Label) {
        let (load, test, value) = match protocol {
            Protocol::Ip => (IP_DESTINATION, bpf::JGE, 224),
            Protocol::Ip6 => (IP6_DESTINATION, bpf::JEQ, 0xff),
            _ => (ETHER_DESTINATION, bpf::JSET, 1),
        };
        if let Some(number) = ether_number(protocol) {
            self.ether_type(number, no);
        }
        self.plain(LOAD_1, load);
        self.test(test, value, yes, no);
    }
}
