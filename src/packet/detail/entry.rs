//! A line of a frame's detail, with those below it.

use std::fmt;

use serde::Serialize;

/// A field of a frame: `bits = name: value`, where bits and value may be missing, and the fields it consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Which bits of their bytes it takes, as `.... 0101`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bits: String,
    /// What it is.
    pub name: String,
    /// Its value, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

impl Entry {
    /// A heading: a line without a value.
    pub(super) fn heading(name: impl Into<String>) -> Self {
        let (bits, value) = (String::new(), String::new());
        Self { bits, name: name.into(), value, fields: Vec::new() }
    }

    pub(super) fn field(name: impl Into<String>, value: impl ToString) -> Self {
        Self { value: value.to_string(), ..Self::heading(name) }
    }

    /// Some bits of a number of `width` bits: those that `mask` has.
    pub(super) fn bits(
        name: impl Into<String>,
        value: impl ToString,
        number: u32,
        mask: u32,
        width: u32,
    ) -> Self {
        let mut bits = String::new();
        for bit in (0..width).rev() {
            bits.push(match (mask >> bit & 1, number >> bit & 1) {
                (0, _) => '.',
                (_, 0) => '0',
                _ => '1',
            });
            if bit % 4 == 0 && bit > 0 {
                bits.push(' ');
            }
        }
        Self { bits, ..Self::field(name, value) }
    }

    /// One bit: set or not.
    pub(super) fn flag(name: &str, number: u32, mask: u32, width: u32) -> Self {
        let value = if number & mask != 0 { "Set" } else { "Not set" };
        Self::bits(name, value, number, mask, width)
    }

    pub(super) fn with(mut self, fields: impl IntoIterator<Item = Self>) -> Self {
        self.fields.extend(fields);
        self
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "{:1$}", "", depth * 4)?;
        if !self.bits.is_empty() {
            write!(f, "{} = ", self.bits)?;
        }
        f.write_str(&self.name)?;
        if !self.value.is_empty() {
            write!(f, ": {}", self.value)?;
        }
        f.write_str("\n")?;
        self.fields.iter().try_for_each(|field| field.write(f, depth + 1))
    }
}

impl fmt::Display for Entry {
    /// Its line and those below it, each indented by four more than the one it belongs to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
