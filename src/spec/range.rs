//! Names that stand for many: `h{1..50}`.

/// The most nodes of a lab.
pub(super) const MOST: usize = 10_000;

/// All names that a text stands for: itself, or one for each number of its range.
///
/// A first number written with leading zeros gives all numbers that width: `h{01..50}`.
///
/// # Errors
///
/// What is wrong with the range, for people; also that it stands for more than `most` names.
pub(super) fn expand(text: &str, most: usize) -> Result<Vec<String>, String> {
    let too_many = || format!("a lab has at most {MOST} nodes");
    let Some((head, rest)) = text.split_once('{') else {
        return if most > 0 { Ok(vec![text.to_owned()]) } else { Err(too_many()) };
    };
    let form = || "a range is written `{FIRST..LAST}`, as in `h{1..50}`".to_owned();
    let (range, tail) = rest.split_once('}').ok_or_else(form)?;
    if tail.contains('{') {
        return Err("a name may hold one range".to_owned());
    }
    let (first, last) = range.split_once("..").ok_or_else(form)?;
    let number = |digits: &str| {
        let only_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| only_digits).ok_or_else(form)
    };
    let width = if first.starts_with('0') { first.len().min(64) } else { 1 };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("the range ends at {last}, before it starts at {first}"));
    }
    if last - first >= most as u64 {
        return Err(too_many());
    }
    Ok((first..=last).map(|number| format!("{head}{number:0width$}{tail}")).collect())
}
