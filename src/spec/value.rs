//! Values that need more than [`std::str::FromStr`]: addresses with prefix lengths and paths in a node's home.

use std::{
    net::IpAddr,
    path::{Component, Path, PathBuf},
};

use ipnet::IpNet;

use super::{Problem, Spanned, reader::Reader};

/// Reads an address with its prefix length.
pub(super) fn cidr(
    reader: &mut Reader,
    text: &Spanned<String>,
    what: &str,
) -> Option<Spanned<IpNet>> {
    match parse_cidr(&text.value) {
        Ok(net) => Some(text.with(net)),
        Err((label, help)) => {
            let message =
                format!("{what}: `{}` is not an address with a prefix length", text.value);
            let problem = Problem::new("bad-address", message).at(&text.span, label).help(help);
            reader.problems.push(problem);
            None
        }
    }
}

/// The address, or what is wrong with it and what to do.
pub(super) fn parse_cidr(text: &str) -> Result<IpNet, (String, String)> {
    let example = || "write it as in `10.0.0.2/24`".to_owned();
    let Some((address, length)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(_) => ("no prefix length".to_owned(), format!("add one, as in `{text}/24`")),
            Err(_) => ("not an address".to_owned(), example()),
        });
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err((format!("`{address}` is not an IP address"), example()));
    };
    let (family, longest) = match address {
        IpAddr::V4(_) => ("IPv4", 32),
        IpAddr::V6(_) => ("IPv6", 128),
    };
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    length
        .parse()
        .ok()
        .filter(|_| digits)
        .and_then(|length| IpNet::new(address, length).ok())
        .ok_or((
            format!("`/{length}` is not a prefix length"),
            format!("in {family} it is a number from 0 to {longest}"),
        ))
}

/// A path that stays below a directory, without `.`; or why it does not.
pub(super) fn below(text: &str) -> Result<PathBuf, &'static str> {
    if text.ends_with('/') {
        return Err("it names a directory, not a file");
    }
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("`..` leaves the home directory"),
            Component::RootDir | Component::Prefix(_) => {
                return Err("it must be relative to the home directory");
            }
        }
    }
    if path.as_os_str().is_empty() { Err("it names no file") } else { Ok(path) }
}
