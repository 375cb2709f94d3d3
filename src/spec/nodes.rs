//! Nodes, and names that stand for many of them.

use toml::de::DeValue;

use super::{
    Node, Problem, Route, Spanned, Sysctl, interfaces, programs, range,
    reader::{Key, Reader, Value, spanned},
    value::cidr,
};
use crate::name::NodeName;

/// The most bytes of text that all nodes together may hold once ranges are expanded.
const LARGEST: usize = 64 << 20;

pub(super) fn read(reader: &mut Reader, value: Option<&Value<'_>>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut room = LARGEST;
    let entries = reader.entries(value, "`nodes`");
    let is_table = value.is_none_or(|value| value.get_ref().is_table());
    if entries.is_empty() && is_table {
        let problem = Problem::new("no-nodes", "the topology has no nodes").help(
            "a node is written `[nodes.R2]`, and below it `interfaces.eth0 = \"10.0.0.2/24\"`",
        );
        reader.problems.push(problem);
    }
    for (key, value) in entries {
        let names = names(reader, key, nodes.len());
        let size = weight(value).saturating_mul(names.len());
        if size > room {
            let problem = Problem::new("bad-range", "the nodes hold more than 64 MiB of text")
                .at(&Some(key.span()), "this range makes them too large");
            reader.problems.push(problem);
            continue;
        }
        room -= size;
        nodes.extend(node(reader, key, value, &names));
    }
    nodes
}

/// Reads what stands under a key, once, and gives it to each of its names.
fn node(
    reader: &mut Reader,
    key: &Key<'_>,
    value: &Value<'_>,
    names: &[Spanned<String>],
) -> Vec<Node> {
    let what = format!("node `{}`", key.get_ref());
    let parsed = names.iter().filter_map(|name| reader.parse_text("bad-name", name, "`nodes`"));
    let names: Vec<Spanned<NodeName>> = parsed.collect();
    let Some(mut table) = reader.table(value, &what) else { return Vec::new() };
    let interfaces = interfaces::read(reader, table.get("interfaces"), &what);
    let routes = routes(reader, table.get("routes"), &what);
    let sysctls = sysctls(reader, table.get("sysctls"), &what);
    let env = programs::env(reader, table.get("env"), &what);
    let files = programs::files(reader, table.get("files"), &what);
    let programs = programs::read(reader, table.get("programs"), &what);
    table.finish(reader);
    let node = |name| Node {
        name,
        interfaces: interfaces.clone(),
        routes: routes.clone(),
        sysctls: sysctls.clone(),
        env: env.clone(),
        files: files.clone(),
        programs: programs.clone(),
    };
    names.into_iter().map(node).collect()
}

fn routes(reader: &mut Reader, value: Option<&Value<'_>>, what: &str) -> Vec<Route> {
    let entries = reader.entries(value, &format!("`routes` of {what}"));
    let mut routes = Vec::new();
    for (key, value) in entries {
        let what = format!("route `{}` of {what}", key.get_ref());
        let via = reader.string(value, &what);
        routes.extend(via.and_then(|via| route(reader, &spanned(key), &via, &what)));
    }
    routes
}

pub(super) fn route(
    reader: &mut Reader,
    to: &Spanned<String>,
    via: &Spanned<String>,
    what: &str,
) -> Option<Route> {
    let to = match to.value.as_str() {
        "default" => Some(to.with(None)),
        _ => cidr(reader, to, what).map(|to| to.with(Some(to.value.trunc()))),
    };
    let Ok(next_hop) = via.value.parse() else {
        let message = format!("{what}: the next hop `{}` is not an IP address", via.value);
        let problem = Problem::new("bad-address", message)
            .at(&via.span, "not an address")
            .help("write the router's address without a prefix length, as in `10.0.0.1`");
        reader.problems.push(problem);
        return None;
    };
    to.map(|to| Route { to, via: via.with(next_hop) })
}

/// Settings may be written as one dotted key in quotes or as nested tables (`sysctls.net.ipv4.ip_forward = 1`).
fn sysctls(reader: &mut Reader, value: Option<&Value<'_>>, what: &str) -> Vec<Sysctl> {
    let what = format!("`sysctls` of {what}");
    let mut pending = reader.entries(value, &what);
    pending.reverse();
    let mut pending: Vec<_> = pending.into_iter().map(|(k, v)| (spanned(k), v)).collect();
    let mut sysctls = Vec::new();
    while let Some((key, value)) = pending.pop() {
        if let DeValue::Table(_) = value.get_ref() {
            let below = reader.entries(Some(value), &what).into_iter().rev();
            pending.extend(below.map(|(child, value)| {
                let child = spanned(child);
                (child.with(format!("{}.{}", key.value, child.value)), value)
            }));
            continue;
        }
        let setting = match value.get_ref() {
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Boolean(on) => Some(u8::from(*on).to_string()),
            _ => reader.string(value, &format!("`{}` in {what}", key.value)).map(|text| text.value),
        };
        let Some(value) = setting else { continue };
        sysctls.extend(sysctl(reader, key, value, &what));
    }
    sysctls
}

/// A setting, if it belongs to one node.
pub(super) fn sysctl(
    reader: &mut Reader,
    key: Spanned<String>,
    value: String,
    what: &str,
) -> Option<Sysctl> {
    if let Err((label, help)) = sysctl_rule(&key.value) {
        let message = format!("{what}: `{}` can't be set for one node", key.value);
        reader.problems.push(Problem::new("bad-sysctl", message).at(&key.span, label).help(help));
        return None;
    }
    Some(Sysctl { key: key.value, value })
}

/// Whether a setting belongs to one node and can be written before it has interfaces; else what is wrong and what to do.
fn sysctl_rule(key: &str) -> Result<(), (&'static str, &'static str)> {
    let parts: Vec<&str> = key.split('.').collect();
    let word = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    if parts.len() < 2 || !parts.iter().all(word) {
        return Err(("not a setting", "settings are dotted, as in `net.ipv4.ip_forward`"));
    }
    match parts.as_slice() {
        ["net", _, "conf" | "neigh", "all" | "default" | "lo", ..] => Ok(()),
        ["net", _, "conf" | "neigh", ..] => {
            Err(("settings are written before interfaces exist", "set it for `default` instead"))
        }
        ["net", ..] => Ok(()),
        _ => Err(("not per network namespace", "only settings below `net.` belong to one node")),
    }
}

/// The names that a key stands for; none if there is something wrong with its range.
fn names(reader: &mut Reader, key: &Key<'_>, nodes: usize) -> Vec<Spanned<String>> {
    let key = spanned(key);
    match range::expand(&key.value, range::MOST - nodes) {
        Ok(names) => names.into_iter().map(|name| key.with(name)).collect(),
        Err(error) => {
            let message = format!("`{}` can't name nodes: {error}", key.value);
            reader.problems.push(Problem::new("bad-range", message).at(&key.span, ""));
            Vec::new()
        }
    }
}

/// How many bytes of text a value holds, roughly.
fn weight(value: &Value<'_>) -> usize {
    const ENTRY: usize = 32;
    match value.get_ref() {
        DeValue::String(text) => text.len() + ENTRY,
        DeValue::Array(values) => values.iter().map(weight).sum(),
        DeValue::Table(entries) => {
            entries.iter().map(|(key, value)| key.get_ref().len() + ENTRY + weight(value)).sum()
        }
        _ => ENTRY,
    }
}
