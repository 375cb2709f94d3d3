//! Primitives: qualifiers, and the address or number that they qualify.

use std::ops::Range;

use super::{
    error::FilterError,
    expression::{Direction, Expression, Joint, Primitive},
    lex::Token,
    parse::{Id, Item, Parser, not},
    words::Protocol,
};

/// What stands before an address or a number and says what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Qualifiers {
    pub(super) protocol: Option<Protocol>,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// None written: an address is meant.
    Default,
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

impl Parser<'_> {
    /// A protocol by itself, or qualifiers with their address or number.
    pub(super) fn head(&mut self) -> Result<Item, FilterError> {
        let start = self.place().start;
        let protocol = match self.peek() {
            Token::Protocol(protocol) => {
                self.next();
                Some(protocol)
            }
            _ => None,
        };
        let direction = self.direction()?;
        let kind = match self.peek() {
            Token::Host => Some(Kind::Host),
            Token::Net => Some(Kind::Net),
            Token::Port => Some(Kind::Port),
            Token::PortRange => Some(Kind::PortRange),
            Token::Proto if direction.is_none() => Some(Kind::Proto),
            Token::Broadcast | Token::Multicast if direction.is_none() => {
                return self.cast(protocol, start);
            }
            _ => None,
        };
        match (protocol, direction, kind) {
            (None, None, None) => {
                Err(self.unexpected("a condition, as `host 10.10.10.2` or `tcp`,"))
            }
            (Some(Protocol::Ether), None, None) => {
                Err(self
                    .unexpected("`host`, `src`, `dst`, `proto`, `broadcast`, `multicast` or `[`"))
            }
            (Some(protocol), None, None) => {
                Ok(Item::Term(Expression::Primitive(Primitive::Protocol(protocol)), None))
            }
            (_, _, kind) => {
                if kind.is_some() {
                    self.next();
                }
                let qualifiers = Qualifiers {
                    protocol,
                    direction: direction.unwrap_or(Direction::Either),
                    kind: kind.unwrap_or(Kind::Default),
                };
                self.check_qualifiers(qualifiers, start..self.last_end())?;
                let id = self.qualified(qualifiers)?;
                Ok(Item::Term(id, Some(qualifiers)))
            }
        }
    }

    fn direction(&mut self) -> Result<Option<Direction>, FilterError> {
        let (single, other) = match self.peek() {
            Token::Src => (Direction::Source, Token::Dst),
            Token::Dst => (Direction::Destination, Token::Src),
            _ => return Ok(None),
        };
        self.next();
        let Some(joint) = self.joint() else { return Ok(Some(single)) };
        self.next();
        if self.peek() != other {
            let expected = if other == Token::Src { "`src`" } else { "`dst`" };
            return Err(self.unexpected(expected));
        }
        self.next();
        Ok(Some(if joint == Joint::And { Direction::Both } else { Direction::Either }))
    }

    /// `broadcast` or `multicast`, after the protocol.
    fn cast(&mut self, protocol: Option<Protocol>, start: usize) -> Result<Item, FilterError> {
        let broadcast = self.peek() == Token::Broadcast;
        self.next();
        let place = start..self.last_end();
        let primitive = match (broadcast, protocol) {
            (true, None | Some(Protocol::Ether)) => Primitive::Broadcast,
            (true, Some(Protocol::Ip)) => {
                return Err(self
                    .error(place, "`ip broadcast` depends on the interface's netmask")
                    .help("write the address, as `dst host 10.10.10.255`"));
            }
            (false, None) => Primitive::Multicast(Protocol::Ether),
            (false, Some(protocol @ (Protocol::Ether | Protocol::Ip | Protocol::Ip6))) => {
                Primitive::Multicast(protocol)
            }
            (true, _) => return Err(self.error(place, "only `ether` has broadcast frames")),
            (false, _) => {
                return Err(self.error(place, "only `ether`, `ip` and `ip6` have multicast frames"));
            }
        };
        Ok(Item::Term(Expression::Primitive(primitive), None))
    }

    /// The address, number or list of them after qualifiers.
    fn qualified(&mut self, qualifiers: Qualifiers) -> Result<Expression, FilterError> {
        let start = self.place().start;
        match self.peek() {
            Token::Not => {
                self.next();
                Ok(not(self.deeper(|parser| parser.qualified(qualifiers))?))
            }
            Token::Sign("(") => {
                self.next();
                let inner = self.deeper(|parser| parser.group(Some(qualifiers)))?;
                self.expect(")")?;
                match inner {
                    Item::Id(id, Id::Single) => Ok(id),
                    Item::Number(number, place) => self.number(number, place, Some(qualifiers)),
                    _ => Err(self
                        .error(start..self.last_end(), "this is not a list of addresses or numbers")
                        .help("as in `port (80 or 81)`")),
                }
            }
            _ => self.id(Some(qualifiers)),
        }
    }

    /// Refuses qualifiers that mean nothing together.
    fn check_qualifiers(
        &self,
        qualifiers: Qualifiers,
        place: Range<usize>,
    ) -> Result<(), FilterError> {
        use Protocol::{Arp, Ether, Ip, Ip6, Rarp, Sctp, Tcp, Udp};
        let (allowed, kind): (&[Protocol], _) = match qualifiers.kind {
            Kind::Default | Kind::Host => (&[Ether, Ip, Ip6, Arp, Rarp], "host"),
            Kind::Net => (&[Ip, Ip6, Arp, Rarp], "net"),
            Kind::Port => (&[Tcp, Udp, Sctp], "port"),
            Kind::PortRange => (&[Tcp, Udp, Sctp], "portrange"),
            Kind::Proto => (&[Ether, Ip, Ip6], "proto"),
        };
        if qualifiers.protocol.is_none_or(|protocol| allowed.contains(&protocol)) {
            return Ok(());
        }
        let help = match qualifiers.kind {
            Kind::Default => {
                "a port is written `tcp src port 80`; addresses are those of ip, ip6, arp and rarp"
                    .to_owned()
            }
            Kind::Host | Kind::Net => {
                format!("write `… and {kind} …`; before `{kind}` stand ip, ip6, arp or rarp")
            }
            Kind::Port | Kind::PortRange => "ports are those of tcp, udp and sctp".to_owned(),
            Kind::Proto => "`proto` follows ip, ip6, ether or nothing".to_owned(),
        };
        Err(self.error(place, format!("this protocol has no `{kind}`")).help(help))
    }
}
