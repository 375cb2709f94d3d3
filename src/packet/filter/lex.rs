//! Text into tokens, by the rules of libpcap's scanner: the longest match wins.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::{
    error::{FilterError, shorten},
    words::{self, Protocol},
};

/// A token of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Src,
    Dst,
    Host,
    Net,
    Mask,
    Port,
    PortRange,
    Proto,
    Less,
    Greater,
    Broadcast,
    Multicast,
    And,
    Or,
    Not,
    Length,
    Protocol(Protocol),
    Number(u32),
    /// The beginning of an IPv4 address, and how many of its four parts are there.
    Ip(Ipv4Addr, u32),
    Ip6(Ipv6Addr),
    Mac([u8; 6]),
    /// A word after a backslash.
    Escaped(&'a str),
    /// A word that means nothing by itself.
    Word(&'a str),
    Unsupported(&'a str),
    /// One of `( ) [ ] : + - * / % & | ^ << >> = != < <= > >=`.
    Sign(&'static str),
    End,
}

/// The signs, those first that begin with another one.
const SIGNS: [(&str, Token<'static>); 26] = [
    ("&&", Token::And),
    ("||", Token::Or),
    ("!=", Token::Sign("!=")),
    ("==", Token::Sign("=")),
    (">=", Token::Sign(">=")),
    ("<=", Token::Sign("<=")),
    ("<<", Token::Sign("<<")),
    (">>", Token::Sign(">>")),
    ("!", Token::Not),
    ("=", Token::Sign("=")),
    (">", Token::Sign(">")),
    ("<", Token::Sign("<")),
    ("(", Token::Sign("(")),
    (")", Token::Sign(")")),
    ("[", Token::Sign("[")),
    ("]", Token::Sign("]")),
    (":", Token::Sign(":")),
    ("+", Token::Sign("+")),
    ("-", Token::Sign("-")),
    ("*", Token::Sign("*")),
    ("/", Token::Sign("/")),
    ("%", Token::Sign("%")),
    ("&", Token::Sign("&")),
    ("|", Token::Sign("|")),
    ("^", Token::Sign("^")),
    // What C programmers write.
    ("~", Token::Unsupported("~")),
];

/// All tokens of a text with their places, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        if [' ', '\t', '\r', '\n'].contains(&next) {
            at += 1;
            continue;
        }
        let (token, length) = token(text, at)?;
        tokens.push((token, at..at + length));
        at += length;
    }
    tokens.push((Token::End, at..at));
    Ok(tokens)
}

/// The token at a place, and its length.
fn token(text: &str, at: usize) -> Result<(Token<'_>, usize), FilterError> {
    let rest = &text[at..];
    let run = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
    let address = run(|c| c.is_ascii_hexdigit() || c == ':' || c == '.');
    if rest[..address].matches(':').count() >= 2 {
        let token = colons(&rest[..address]).ok_or_else(|| {
            let found = shorten(&rest[..address]);
            FilterError::new(
                text,
                at..at + address,
                format!("`{found}` is neither an IPv6 nor an Ethernet address"),
            )
        })?;
        return Ok((token, address));
    }
    if rest.starts_with('\\') {
        let end = rest.find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(rest.len());
        if end > 1 {
            return Ok((Token::Escaped(&rest[1..end]), end));
        }
    }
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let word = &rest[..run(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))];
        let word = word.trim_end_matches(['-', '_']);
        let token = self::word(word).map_err(|(message, help)| {
            FilterError::new(text, at..at + word.len(), message).help(help)
        })?;
        return Ok((token, word.len()));
    }
    let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
    sign.map(|(sign, token)| (*token, sign.len())).ok_or_else(|| {
        let length = rest.chars().next().map_or(0, char::len_utf8);
        let found = rest[..length].escape_debug();
        FilterError::new(text, at..at + length, format!("`{found}` has no meaning in a filter"))
    })
}

/// An address that is written with colons.
fn colons(text: &str) -> Option<Token<'static>> {
    mac(text, ':').map(Token::Mac).or_else(|| text.parse().ok().map(Token::Ip6))
}

/// Six bytes of one or two hexadecimal digits each.
fn mac(text: &str, separator: char) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(separator);
    for byte in &mut bytes {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}

/// What a word is: its token, or what is wrong and what to do.
fn word(word: &str) -> Result<Token<'_>, (String, String)> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let too_large =
        || (format!("`{}` is too large", shorten(word)), "numbers have 32 bits".to_owned());
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    if let Some(hex) = hexadecimal.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        let value = if hex.is_empty() { None } else { Some(u32::from_str_radix(hex, 16)) };
        return match value {
            Some(value) => value.map(Token::Number).map_err(|_| too_large()),
            None => Ok(Token::Word(word)),
        };
    }
    if digits(word) {
        return if word.len() > 1 && word.starts_with('0') {
            let plain = word.trim_start_matches('0');
            Err((
                format!("`{}` begins with 0, which tcpdump takes for octal", shorten(word)),
                format!(
                    "write `{}`, or hexadecimal as `0x1f`",
                    if plain.is_empty() { "0" } else { plain }
                ),
            ))
        } else {
            word.parse().map(Token::Number).map_err(|_| too_large())
        };
    }
    if word.contains('.') && word.split('.').all(digits) {
        return parts(word).ok_or_else(|| {
            (
                format!("`{}` is not an IPv4 address", shorten(word)),
                "it has at most four parts from 0 to 255, without leading zeros".to_owned(),
            )
        });
    }
    let meaning = mac(word, '-').map(Token::Mac).or_else(|| words::meaning(word));
    Ok(meaning.unwrap_or(Token::Word(word)))
}

/// The parts of an IPv4 address.
fn parts(word: &str) -> Option<Token<'static>> {
    let mut bytes = [0; 4];
    let mut count = 0;
    for part in word.split('.') {
        let plain = part == "0" || !part.starts_with('0');
        *bytes.get_mut(count)? = part.parse().ok().filter(|_| plain)?;
        count += 1;
    }
    Some(Token::Ip(bytes.into(), count as u32))
}
