//! What the quantities share: a decimal number and a unit, read exactly.

/// A unit and how many of the smallest unit it is.
pub(super) type Unit = (&'static str, u128);

/// Reads `NUMBER UNIT` (a blank between them is allowed, a fraction too) as a whole count of the smallest unit.
/// None: not of that form, an unknown unit, too large, or finer than the smallest unit.
pub(super) fn parse(text: &str, units: &[Unit]) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let parts = 10u128.checked_pow(fraction.len().try_into().ok()?)?;
    let digits: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scaled = digits.checked_mul(scale)?;
    if !scaled.is_multiple_of(parts) {
        return None;
    }
    whole.parse::<u128>().ok()?.checked_mul(scale)?.checked_add(scaled / parts)
}

/// A whole count of the smallest unit as a decimal of a larger one, which is a power of ten.
pub(super) fn decimal(count: u128, scale: u128) -> String {
    let whole = count / scale;
    if count.is_multiple_of(scale) {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let text = format!("{whole}.{:0width$}", count % scale);
    text.trim_end_matches('0').to_owned()
}
