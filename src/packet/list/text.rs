//! Numbers and addresses as text, appended to bytes: the list's hot path, without the formatting machinery.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::units::MacAddr;

#[inline]
pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// In decimal.
pub(super) fn number(out: &mut Vec<u8>, value: impl Into<u64>) {
    /// The digits of `u64::MAX`.
    const MOST: usize = 20;
    let mut left = value.into();
    if left < 10 {
        return out.push(b'0' + left as u8);
    }
    let mut digits = [0; 2 * MOST];
    let mut at = MOST;
    while left >= 10 {
        let pair = PAIRS[(left % 100) as usize];
        (digits[at - 2], digits[at - 1]) = (pair[0], pair[1]);
        at -= 2;
        left /= 100;
    }
    if left > 0 {
        at -= 1;
        digits[at] = b'0' + left as u8;
    }
    // A copy of fixed length is a few instructions, one of any length is a call.
    let end = out.len() + MOST - at;
    out.extend_from_slice(&digits[at..at + MOST]);
    out.truncate(end);
}

/// The numbers below 100 as two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// In decimal, with zeros in front up to a width.
pub(super) fn padded(out: &mut Vec<u8>, value: u64, width: usize) {
    let start = out.len();
    number(out, value);
    let missing = width.saturating_sub(out.len() - start);
    out.resize(out.len() + missing, b'0');
    out[start..].rotate_right(missing);
}

/// In hexadecimal, with zeros in front up to a width.
pub(super) fn hex(out: &mut Vec<u8>, value: u32, width: u32) {
    let digits = (8 - value.leading_zeros() / 4).max(width).max(1);
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (digit * 4) & 0xf) as usize]);
    }
}

pub(super) fn mac(out: &mut Vec<u8>, mac: MacAddr) {
    for (at, byte) in mac.0.into_iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        hex(out, byte.into(), 2);
    }
}

pub(super) fn ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    let mut text = [b'.'; 16];
    let mut at = 0;
    for byte in address.octets() {
        if byte >= 100 {
            text[at] = b'0' + byte / 100;
            at += 1;
        }
        if byte >= 10 {
            text[at] = b'0' + byte / 10 % 10;
            at += 1;
        }
        text[at] = b'0' + byte % 10;
        // The point behind it is there already.
        at += 2;
    }
    let end = out.len() + at - 1;
    out.extend_from_slice(&text);
    out.truncate(end);
}

/// As RFC 5952 has it, but for IPv4-compatible addresses, which the C library writes with dots.
pub(super) fn ipv6(out: &mut Vec<u8>, address: Ipv6Addr) {
    let groups = address.segments();
    let dotted = match groups {
        [0, 0, 0, 0, 0, 0xffff, ..] => true,
        [0, 0, 0, 0, 0, 0, high, _] => high != 0,
        _ => false,
    };
    let count = if dotted { 6 } else { 8 };
    let (start, length) = longest_zeros(&groups[..count]);
    let mut at = 0;
    while at < count {
        if length > 1 && at == start {
            put(out, "::");
            at += length;
            continue;
        }
        if at > 0 && (length < 2 || at != start + length) {
            out.push(b':');
        }
        hex(out, groups[at].into(), 1);
        at += 1;
    }
    if dotted {
        if start + length != count {
            out.push(b':');
        }
        let [a, b] = [groups[6].to_be_bytes(), groups[7].to_be_bytes()];
        ipv4(out, Ipv4Addr::new(a[0], a[1], b[0], b[1]));
    }
}

/// The first of the longest runs of zero groups: where it starts and how long it is.
fn longest_zeros(groups: &[u16]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), 0);
    for (at, group) in groups.iter().enumerate() {
        run = if *group == 0 { run + 1 } else { 0 };
        if run > best.1 {
            best = (at + 1 - run, run);
        }
    }
    best
}

/// Puts blanks before or behind what was appended since `start`, up to a width.
pub(super) fn align(out: &mut Vec<u8>, start: usize, width: usize, right: bool) {
    let missing = width.saturating_sub(out.len() - start);
    out.resize(out.len() + missing, b' ');
    if right {
        out[start..].rotate_right(missing);
    }
}
