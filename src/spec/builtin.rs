//! Labs that the program carries, so that it shows something wherever it is installed.

use super::{Document, Problems, Spec, load};

const SOCKETS: &str = include_str!("../../topology/sockets-lab.toml");
const SOCKETS_FILES: &[(&str, &str)] =
    &[("../fixtures/send.txt", include_str!("../../fixtures/send.txt"))];

/// The names of the labs that the program carries.
pub const BUILTIN: &[&str] = &["sockets"];

/// The lab that the program carries under this name, if there is one.
pub fn builtin(name: &str) -> Option<Result<Spec, Problems>> {
    let (text, files) = match name {
        "sockets" => (SOCKETS, SOCKETS_FILES),
        _ => return None,
    };
    let document = Document { file: format!("@{name}"), text: text.into() };
    Some(load::parse(document, name, load::Files::Embedded(files)))
}
