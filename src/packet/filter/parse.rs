//! The grammar: tokens into an expression, as libpcap's parser (grammar.y) reads them.

use std::ops::Range;

use super::{
    error::{FilterError, shorten},
    expression::{Arithmetic, Comparison, Expression, Joint, Primitive, Value},
    instruction::MEMORY,
    lex::{self, Token},
    primitive::Qualifiers,
    words,
};

/// How deep parentheses, `not` and computations may go.
pub(super) const MAX_DEPTH: usize = 64;
/// How long a filter may be, in bytes.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

/// A part of an expression that can stand between `and`, `or` and parentheses.
pub(super) enum Item {
    /// Complete in itself, with the qualifiers that an address or number after it takes over.
    Term(Expression, Option<Qualifiers>),
    /// An address or number whose qualifiers stood before, or addresses and numbers in parentheses (`list`).
    Id(Expression, Id),
    /// A number that may yet be an id.
    Number(u32, Range<usize>),
    /// A computation without a comparison.
    Arithmetic(Arithmetic),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    Single,
    List,
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token<'a>, Range<usize>)>,
    at: usize,
    depth: usize,
}

/// The expression that a text is; none if it is empty.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, FilterError> {
    if text.len() > MAX_LENGTH {
        let message = format!("a filter has at most {MAX_LENGTH} bytes, this one {}", text.len());
        return Err(FilterError::new(text, MAX_LENGTH..text.len(), message));
    }
    let mut parser = Parser { text, tokens: lex::tokens(text)?, at: 0, depth: 0 };
    if parser.peek() == Token::End {
        return Ok(None);
    }
    let start = parser.place().start;
    let item = parser.group(None)?;
    if parser.peek() != Token::End {
        return Err(parser.unexpected("`and`, `or` or the end"));
    }
    match item {
        Item::Term(expression, _) => Ok(Some(expression)),
        item => Err(parser.incomplete(&item, start)),
    }
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| *token)
    }

    /// A part of the text, for messages.
    pub(super) fn text(&self, place: Range<usize>) -> &str {
        &self.text[place]
    }

    fn peek_after(&self) -> Token<'a> {
        self.tokens.get(self.at + 1).map_or(Token::End, |(token, _)| *token)
    }

    /// Where the next token is.
    pub(super) fn place(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens.get(self.at).map_or(end..end, |(_, place)| place.clone())
    }

    /// Where the last token ended.
    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |(_, place)| place.end)
    }

    pub(super) fn next(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len());
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), FilterError> {
        if self.peek() != Token::Sign(sign) {
            return Err(self.unexpected(&format!("`{sign}`")));
        }
        self.next();
        Ok(())
    }

    /// Goes a level down, if there is one.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(self.place(), format!("more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(super) fn error(&self, place: Range<usize>, message: impl Into<String>) -> FilterError {
        FilterError::new(self.text, place, message)
    }

    /// The next token isn't what should be there.
    pub(super) fn unexpected(&self, expected: &str) -> FilterError {
        let place = self.place();
        let text = shorten(&self.text[place.clone()]);
        match self.peek() {
            Token::End => self.error(place, format!("the filter ends where {expected} should be")),
            Token::Unsupported("vlan") => self
                .error(place, "`vlan` is not supported")
                .help("frames with a tag are `ether proto 0x8100`"),
            Token::Unsupported(_) => self.error(place, format!("`{text}` is not supported")).help(
                "of tcpdump's language there are hosts, nets, ports, protocols, lengths and bytes",
            ),
            Token::Word(word) => {
                let error = self.error(place, format!("`{text}` where {expected} should be"));
                match words::near(word) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                }
            }
            _ => self.error(place, format!("`{text}` where {expected} should be")),
        }
    }

    /// Something that would have to be part of a primitive.
    fn incomplete(&self, item: &Item, start: usize) -> FilterError {
        let place = start..self.last_end();
        match item {
            Item::Arithmetic(..) => self
                .error(place, "this number is not compared with anything")
                .help("as in `tcp[tcpflags] & tcp-syn != 0`"),
            Item::Id(_, Id::List) => self
                .error(place, "tcpdump has no lists within lists")
                .help("take these parentheses away"),
            _ => self.unqualified(place),
        }
    }

    /// Something that qualifiers should stand before.
    pub(super) fn unqualified(&self, place: Range<usize>) -> FilterError {
        let text = &self.text[place.clone()];
        let is_number = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let wanted = if is_number { "`port`" } else { "`host` or `net`" };
        self.error(place, "nothing says what this is").help(format!("write {wanted} before it"))
    }

    /// Items joined by `and` and `or`; a single one if none follows.
    pub(super) fn group(&mut self, qualifiers: Option<Qualifiers>) -> Result<Item, FilterError> {
        let start = self.place().start;
        let first = self.item(qualifiers)?;
        if self.joint().is_none() {
            return Ok(first);
        }
        let (first, mut current, terms) = match first {
            Item::Term(term, taken_over) => (term, taken_over, true),
            Item::Number(number, place) => {
                (self.number(number, place, qualifiers)?, qualifiers, false)
            }
            Item::Id(id, Id::Single) => (id, qualifiers, false),
            item => return Err(self.incomplete(&item, start)),
        };
        let mut rest = Vec::new();
        while let Some(joint) = self.joint() {
            self.next();
            let start = self.place().start;
            let next = match self.item(current)? {
                Item::Term(term, taken_over) if terms => {
                    current = taken_over;
                    term
                }
                Item::Number(number, place) => self.number(number, place, current)?,
                Item::Id(id, _) => id,
                Item::Term(..) => {
                    let place = start..self.last_end();
                    return Err(self.error(
                        place,
                        "among addresses or numbers in parentheses there is only more of them",
                    ));
                }
                item => return Err(self.incomplete(&item, start)),
            };
            rest.push((joint, next));
        }
        let chain = Expression::Chain(Box::new(first), rest);
        Ok(if terms { Item::Term(chain, current) } else { Item::Id(chain, Id::Single) })
    }

    pub(super) fn joint(&self) -> Option<Joint> {
        match self.peek() {
            Token::And => Some(Joint::And),
            Token::Or => Some(Joint::Or),
            _ => None,
        }
    }

    fn item(&mut self, qualifiers: Option<Qualifiers>) -> Result<Item, FilterError> {
        let start = self.place().start;
        match self.peek() {
            Token::Not => {
                self.next();
                let inner = self.deeper(|parser| parser.item(qualifiers))?;
                match inner {
                    Item::Term(term, taken_over) => Ok(Item::Term(not(term), taken_over)),
                    Item::Id(id, _) => Ok(Item::Id(not(id), Id::Single)),
                    Item::Number(number, place) => {
                        Ok(Item::Id(not(self.number(number, place, qualifiers)?), Id::Single))
                    }
                    item => Err(self.incomplete(&item, start)),
                }
            }
            Token::Sign("(") => {
                self.next();
                let inner = self.deeper(|parser| parser.group(qualifiers))?;
                self.expect(")")?;
                match inner {
                    Item::Term(term, _) => Ok(Item::Term(term, qualifiers)),
                    Item::Id(id, Id::Single) => Ok(Item::Id(id, Id::List)),
                    item @ Item::Id(_, Id::List) => Err(self.incomplete(&item, start)),
                    Item::Number(number, _) => self.relation(Arithmetic::number(number), start),
                    Item::Arithmetic(arithmetic) => self.relation(arithmetic, start),
                }
            }
            Token::Number(_) | Token::Length | Token::Sign("-") => {
                let left = self.arithmetic(0)?;
                self.relation(left, start)
            }
            Token::Protocol(protocol) if self.peek_after() == Token::Sign("[") => {
                self.next();
                let left = self.accessor(protocol, start)?;
                self.relation(left, start)
            }
            Token::Ip(..) | Token::Ip6(_) | Token::Mac(_) | Token::Word(_) | Token::Escaped(_) => {
                let id = self.id(qualifiers)?;
                Ok(Item::Id(id, Id::Single))
            }
            Token::Less | Token::Greater => self.length(),
            _ => self.head(),
        }
    }

    /// What follows a number that began at `start`: operators, a comparison, or neither.
    fn relation(&mut self, left: Arithmetic, start: usize) -> Result<Item, FilterError> {
        let left = self.operations(left, start, 0)?;
        let comparison = match self.peek() {
            Token::Sign("=") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterOrEqual,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessOrEqual,
            _ => {
                return Ok(match left.value {
                    Value::Number(number) if left.checks.is_empty() && left.depth == 1 => {
                        Item::Number(number, start..self.last_end())
                    }
                    _ => Item::Arithmetic(left),
                });
            }
        };
        self.next();
        let right = self.arithmetic(0)?;
        if left.registers.max(right.registers + 1) > MEMORY {
            return Err(self.error(start..self.last_end(), "this computation is too deep"));
        }
        let relation = Primitive::Relation { left, comparison, right };
        Ok(Item::Term(Expression::Primitive(relation), None))
    }

    /// `less N` or `greater N`.
    fn length(&mut self) -> Result<Item, FilterError> {
        let comparison = match self.peek() {
            Token::Less => Comparison::LessOrEqual,
            _ => Comparison::GreaterOrEqual,
        };
        self.next();
        let Token::Number(number) = self.peek() else {
            return Err(self.unexpected("a number of bytes"));
        };
        self.next();
        let left = Arithmetic::length();
        let right = Arithmetic::number(number);
        let relation = Primitive::Relation { left, comparison, right };
        Ok(Item::Term(Expression::Primitive(relation), None))
    }
}

pub(super) fn not(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}
