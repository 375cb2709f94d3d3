//! Manuals that the program carries.

use std::path::Path;

use super::{Manual, parse};
use crate::{
    plan::Plan,
    spec::{Document, Problems},
};

/// The manual that the program carries under this name, if there is one.
///
/// # Errors
///
/// Within: everything that is wrong with it.
pub fn builtin(name: &str) -> Option<Result<(Manual, Plan), Problems>> {
    let text = match name {
        "sockets" => include_str!("../../topology/sockets-lab.md"),
        _ => return None,
    };
    let document = Document { file: format!("@{name}"), text: text.into() };
    Some(parse(document, Path::new("")))
}
