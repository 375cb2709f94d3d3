//! Addresses and numbers, made conditions by the qualifiers that stand before them.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::{
    error::{FilterError, shorten},
    expression::{Expression, Primitive},
    lex::Token,
    parse::Parser,
    primitive::{Kind, Qualifiers},
    words::{self, Protocol},
};

const ADDRESS: &str = "an address as 10.10.10.2 or fd00::2";

impl Parser<'_> {
    /// An address, number or name.
    pub(super) fn id(&mut self, qualifiers: Option<Qualifiers>) -> Result<Expression, FilterError> {
        let place = self.place();
        let token = self.peek();
        if let (Token::Word(word), None) = (token, qualifiers) {
            return Err(self.no_condition(word, place));
        }
        let qualifiers = self.qualifiers_for(qualifiers, place.clone())?;
        match token {
            Token::Ip(address, parts) => {
                self.next();
                self.ip(address, parts, place, qualifiers)
            }
            Token::Ip6(address) => {
                self.next();
                self.ip6(address, place, qualifiers)
            }
            Token::Mac(address) => {
                self.next();
                let is_host = matches!(qualifiers.kind, Kind::Default | Kind::Host);
                if !is_host || qualifiers.protocol != Some(Protocol::Ether) {
                    return Err(self
                        .error(place, "this is an Ethernet address")
                        .help("write `ether host`, `ether src` or `ether dst` before it"));
                }
                let direction = qualifiers.direction;
                Ok(Expression::Primitive(Primitive::Ether { direction, address }))
            }
            Token::Number(number) => {
                self.next();
                self.number(number, place, Some(qualifiers))
            }
            Token::Word(word) => {
                self.next();
                self.word(word, false, place, qualifiers)
            }
            Token::Escaped(word) => {
                self.next();
                self.word(word, true, place, qualifiers)
            }
            Token::Protocol(_) if qualifiers.kind == Kind::Proto => {
                let name = self.text(place.clone());
                Err(self
                    .error(place, format!("`{name}` is a word of the language"))
                    .help(format!("write `\\{name}` for the protocol's name")))
            }
            _ => Err(self.unexpected(wanted(qualifiers))),
        }
    }

    /// The qualifiers, where any stood before.
    fn qualifiers_for(
        &self,
        qualifiers: Option<Qualifiers>,
        place: Range<usize>,
    ) -> Result<Qualifiers, FilterError> {
        qualifiers.ok_or_else(|| self.unqualified(place))
    }

    /// A number that stands where an address or number is qualified.
    pub(super) fn number(
        &self,
        number: u32,
        place: Range<usize>,
        qualifiers: Option<Qualifiers>,
    ) -> Result<Expression, FilterError> {
        let qualifiers = self.qualifiers_for(qualifiers, place.clone())?;
        let Qualifiers { protocol, direction, kind } = qualifiers;
        let primitive = match kind {
            Kind::Default | Kind::Host => {
                return Err(self
                    .error(place, format!("`{number}` where {} should be", wanted(qualifiers)))
                    .help("a port is written `port 80`"));
            }
            Kind::Net if self.peek() == Token::Sign("/") => {
                return Err(self
                    .error(place, "before a mask's length stand at least two parts of an address")
                    .help(format!("write `{number}.0.0.0/…`")));
            }
            Kind::Net => match u8::try_from(number) {
                Ok(first @ 1..) => {
                    let address = Ipv4Addr::new(first, 0, 0, 0);
                    return self.network(address, Ipv4Addr::new(255, 0, 0, 0), place, qualifiers);
                }
                _ => {
                    return Err(self
                        .error(place, format!("`{number}` is not the beginning of an address"))
                        .help("write the net as `10`, `10.1`, `10.1.2` or `10.0.0.0/8`"));
                }
            },
            Kind::Port | Kind::PortRange => {
                let port = self.port(number, place)?;
                Primitive::Ports { protocol, direction, low: port, high: port }
            }
            Kind::Proto if protocol == Some(Protocol::Ether) => {
                return self.ether_type(number, place);
            }
            Kind::Proto => match u8::try_from(number) {
                Ok(number) => Primitive::Carries { protocol, number },
                Err(_) => return Err(self.error(place, "a protocol's number is at most 255")),
            },
        };
        Ok(Expression::Primitive(primitive))
    }

    fn port(&self, number: u32, place: Range<usize>) -> Result<u16, FilterError> {
        u16::try_from(number).map_err(|_| self.error(place, "a port is at most 65535"))
    }

    fn ether_type(&self, number: u32, place: Range<usize>) -> Result<Expression, FilterError> {
        match u16::try_from(number) {
            // tcpdump looks for AppleTalk's two in 802.3 frames also.
            Ok(number @ 1501..) if number != 0x809b && number != 0x80f3 => {
                Ok(Expression::Primitive(Primitive::EtherType(number)))
            }
            _ => Err(self.error(place, "this is not an EtherType").help(
                "EtherTypes are from 1501 to 65535; 802.3 frames and AppleTalk are not supported",
            )),
        }
    }

    fn ip(
        &mut self,
        address: Ipv4Addr,
        parts: u32,
        place: Range<usize>,
        qualifiers: Qualifiers,
    ) -> Result<Expression, FilterError> {
        let mask = |length| Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - length).unwrap_or(0));
        match qualifiers.kind {
            Kind::Net => {
                let mask = match self.peek() {
                    Token::Sign("/") => mask(self.prefix_length(32)?),
                    Token::Mask => {
                        self.next();
                        let Token::Ip(mask, _) = self.peek() else {
                            return Err(self.unexpected("a mask as 255.255.255.0"));
                        };
                        self.next();
                        mask
                    }
                    _ => mask(parts * 8),
                };
                self.network(address, mask, place.start..self.last_end(), qualifiers)
            }
            Kind::Default | Kind::Host if parts == 4 => {
                if matches!(self.peek(), Token::Sign("/") | Token::Mask) {
                    return Err(self
                        .error(self.place(), "only a net has a mask")
                        .help("write `net`"));
                }
                self.network(address, Ipv4Addr::BROADCAST, place, qualifiers)
            }
            Kind::Default | Kind::Host => {
                Err(self.error(place, "a host's address has four parts").help(format!(
                    "for all addresses that begin so write `net`, as `net {address}/{}`",
                    parts * 8
                )))
            }
            _ => Err(self.misplaced(place, qualifiers)),
        }
    }

    /// IPv4 addresses under a mask.
    fn network(
        &self,
        address: Ipv4Addr,
        mask: Ipv4Addr,
        place: Range<usize>,
        Qualifiers { protocol, direction, .. }: Qualifiers,
    ) -> Result<Expression, FilterError> {
        if matches!(protocol, Some(Protocol::Ip6 | Protocol::Ether)) {
            return Err(self.error(place, "this is an IPv4 address"));
        }
        if address & !mask != Ipv4Addr::UNSPECIFIED {
            return Err(self
                .error(place, "the address has bits outside the mask")
                .help(format!("the net's own address is {}", address & mask)));
        }
        Ok(Expression::Primitive(Primitive::Ip { protocol, direction, address, mask }))
    }

    fn ip6(
        &mut self,
        address: Ipv6Addr,
        place: Range<usize>,
        qualifiers: Qualifiers,
    ) -> Result<Expression, FilterError> {
        let is_net = match qualifiers.kind {
            Kind::Net => true,
            Kind::Default | Kind::Host => false,
            _ => return Err(self.misplaced(place, qualifiers)),
        };
        if !matches!(qualifiers.protocol, None | Some(Protocol::Ip6)) {
            return Err(self.error(place, "this is an IPv6 address"));
        }
        let length = if self.peek() == Token::Sign("/") { self.prefix_length(128)? } else { 128 };
        let place = place.start..self.last_end();
        if length < 128 && !is_net {
            return Err(self.error(place, "only a net has a mask").help("write `net`"));
        }
        let mask = Ipv6Addr::from_bits(u128::MAX.checked_shl(128 - length).unwrap_or(0));
        if address & !mask != Ipv6Addr::UNSPECIFIED {
            return Err(self
                .error(place, "the address has bits outside the mask")
                .help(format!("the net's own address is {}", address & mask)));
        }
        let direction = qualifiers.direction;
        Ok(Expression::Primitive(Primitive::Ip6 { direction, address, mask }))
    }

    /// `/` and the number after it.
    fn prefix_length(&mut self, most: u32) -> Result<u32, FilterError> {
        self.next();
        let Token::Number(length) = self.peek() else {
            return Err(self.unexpected("the mask's length"));
        };
        if length > most {
            return Err(self.error(self.place(), format!("a mask has at most {most} bits")));
        }
        self.next();
        Ok(length)
    }

    fn word(
        &self,
        word: &str,
        escaped: bool,
        place: Range<usize>,
        qualifiers: Qualifiers,
    ) -> Result<Expression, FilterError> {
        let Qualifiers { protocol, direction, kind } = qualifiers;
        match kind {
            Kind::PortRange if word.contains('-') && !escaped => {
                let (low, high) = word.split_once('-').unwrap_or_default();
                let (Some(low), Some(high)) = (decimal(low), decimal(high)) else {
                    return Err(self.unknown(word, wanted(qualifiers), place));
                };
                let (low, high) = (self.port(low, place.clone())?, self.port(high, place)?);
                let (low, high) = (low.min(high), low.max(high));
                Ok(Expression::Primitive(Primitive::Ports { protocol, direction, low, high }))
            }
            Kind::Port
                if word.contains('-') && word.split('-').all(|end| decimal(end).is_some()) =>
            {
                Err(self
                    .error(place, format!("`{}` is more than a port", shorten(word)))
                    .help(format!("write `portrange {word}`")))
            }
            Kind::Proto if protocol == Some(Protocol::Ether) => {
                match words::ether_type(word).filter(|_| escaped) {
                    Some(number) => self.ether_type(number.into(), place),
                    None => Err(self.unknown_protocol(word, place, words::ether_types())),
                }
            }
            Kind::Proto => {
                match words::ip_protocol(word).filter(|(_, escape)| escaped || !escape) {
                    Some((number, _)) => {
                        Ok(Expression::Primitive(Primitive::Carries { protocol, number }))
                    }
                    None => Err(self.unknown_protocol(word, place, words::ip_protocols())),
                }
            }
            _ => Err(self.unknown(word, wanted(qualifiers), place)),
        }
    }

    /// A word that begins no condition.
    fn no_condition(&self, word: &str, place: Range<usize>) -> FilterError {
        let help = match words::near(word) {
            Some(near) => format!("did you mean `{near}`?"),
            None if word.contains('.') => {
                "Wireshark's display filters are another language; this one has `host 10.10.10.2`, `tcp port 80`, \
                 `tcp[tcpflags] & tcp-syn != 0`"
                    .to_owned()
            }
            None => "a condition is a protocol, as `tcp`, or an address or number with what it is, as `host 10.10.10.2`"
                .to_owned(),
        };
        self.error(place, format!("`{}` is no condition", shorten(word))).help(help)
    }

    /// A word stands where an address or a number should.
    fn unknown(&self, word: &str, wanted: &str, place: Range<usize>) -> FilterError {
        self.error(place, format!("`{}` where {wanted} should be", shorten(word)))
            .help("names are not looked up: write addresses and ports as numbers")
    }

    fn unknown_protocol(
        &self,
        word: &str,
        place: Range<usize>,
        names: impl Iterator<Item = &'static str> + Clone,
    ) -> FilterError {
        let error = self.error(place, format!("`{}` is not a protocol known here", shorten(word)));
        match words::nearest(word, names.clone()) {
            Some(near) => error.help(format!("did you mean `\\{near}`?")),
            None => {
                let names = names.collect::<Vec<_>>().join(", ");
                error.help(format!("write its number, or one of {names} after a backslash"))
            }
        }
    }

    fn misplaced(&self, place: Range<usize>, qualifiers: Qualifiers) -> FilterError {
        self.error(place, format!("an address where {} should be", wanted(qualifiers)))
            .help("write `host` before the address")
    }
}

/// What qualifiers are followed by.
fn wanted(qualifiers: Qualifiers) -> &'static str {
    match (qualifiers.kind, qualifiers.protocol) {
        (Kind::Default | Kind::Host, Some(Protocol::Ether)) => {
            "an Ethernet address as 02:00:0a:0a:0a:02"
        }
        (Kind::Default | Kind::Host, _) => ADDRESS,
        (Kind::Net, _) => "a net as 10.10.10.0/24 or fd00::/64",
        (Kind::Port, _) => "a port's number",
        (Kind::PortRange, _) => "two ports as 6000-6008",
        (Kind::Proto, _) => "a protocol's number or name",
    }
}

fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}
