//! The file as a whole, its links and its networks.

use std::{ops::RangeInclusive, str::FromStr};

use ipnet::IpNet;
use toml::de::{DeTable, DeValue};

use super::{
    End, Link, Network, Problem, Problems, Spanned, Spec, bends, nodes,
    reader::{Key, Reader, Table, Value},
    value::cidr,
};
use crate::name::{Endpoint, LabName, NameError, NodeName};

/// What Linux takes for a veth: `ETH_MIN_MTU` to `ETH_MAX_MTU` (`include/uapi/linux/if_ether.h`).
pub(super) const MTU: RangeInclusive<u32> = 68..=65535;

/// Reads the whole; `stem` names the lab if the file does not.
pub(super) fn read(reader: &mut Reader, table: &DeTable<'_>, stem: &str) -> Spec {
    let mut table = Table::new(table, "the topology");
    let name = match table.get("name") {
        Some(value) => reader.parse("bad-name", value, "`name`"),
        None => name_from(reader, stem),
    };
    let nodes = nodes::read(reader, table.get("nodes"));
    let links = links(reader, table.get("links"));
    let networks = networks(reader, table.get("networks"));
    table.finish(reader);
    Spec { name, nodes, links, networks, problems: Problems::default() }
}

fn name_from(reader: &mut Reader, stem: &str) -> Option<Spanned<LabName>> {
    match stem.parse() {
        Ok(name) => Some(Spanned::unplaced(name)),
        Err(_) => {
            let message = format!("the file's name `{stem}` can't be the lab's name");
            let help = "give the lab a name in the first line, as in `name = \"lab\"`";
            reader.problems.push(Problem::new("bad-name", message).help(help));
            None
        }
    }
}

fn links(reader: &mut Reader, value: Option<&Value<'_>>) -> Vec<Link> {
    if let Some(DeValue::Array(list)) = value.map(|value| value.get_ref()) {
        return list.iter().filter_map(|value| link(reader, None, value)).collect();
    }
    let entries = reader.entries(value, "`links`");
    entries.into_iter().filter_map(|(key, value)| link(reader, Some(key), value)).collect()
}

fn link(reader: &mut Reader, key: Option<&Key<'_>>, value: &Value<'_>) -> Option<Link> {
    let what = key.map_or("a link".to_owned(), |key| format!("link `{}`", key.get_ref()));
    let name = key.and_then(|key| reader.name(key, "`links`"));
    let mut table = reader.table(value, &what)?;
    let ends = match table.get("ends") {
        Some(value) => ends(reader, value, &format!("`ends` of {what}")),
        None => {
            let problem = Problem::new("bad-ends", format!("{what} has no `ends`"))
                .at(&Some(key.map_or(value.span(), |key| key.span())), "which two interfaces?")
                .help("name them, as in `ends = [\"R2:eth0\", \"KALI:eth0\"]`");
            reader.problems.push(problem);
            None
        }
    };
    let (mtu, offload) = mtu_and_offload(reader, &mut table);
    let capture = flag(reader, &mut table, "capture");
    let bends = bends::read(reader, &mut table);
    table.finish(reader);
    Some(Link { name, ends, mtu, offload, capture, bends })
}

fn mtu_and_offload(reader: &mut Reader, table: &mut Table<'_>) -> (Option<Spanned<u32>>, bool) {
    let what = table.what().to_owned();
    let mtu = table
        .get("mtu")
        .and_then(|value| reader.number("bad-mtu", value, &format!("`mtu` of {what}"), MTU));
    (mtu, flag(reader, table, "offload"))
}

fn flag(reader: &mut Reader, table: &mut Table<'_>, key: &'static str) -> bool {
    let what = format!("`{key}` of {}", table.what());
    table.get(key).and_then(|value| reader.boolean(value, &what)).unwrap_or(false)
}

fn ends(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<[Spanned<End>; 2]> {
    let DeValue::Array(list) = value.get_ref() else {
        reader.wrong_type(value, what, "a list of two interfaces");
        return None;
    };
    if list.len() != 2 {
        let message = format!("{what} has {} entries; a link has two ends", list.len());
        let problem = Problem::new("bad-ends", message)
            .at(&Some(value.span()), "not two")
            .help("more than two interfaces meet in a network: `[networks.NAME]`");
        reader.problems.push(problem);
        return None;
    }
    let mut ends = list.iter().map(|value| reader.parse::<End>("bad-name", value, what));
    // Both ends are read before either is given up, so that both are reported.
    let (first, second) = (ends.next()?, ends.next()?);
    Some([first?, second?])
}

impl FromStr for End {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains(':') {
            let Endpoint { node, interface } = text.parse()?;
            return Ok(Self { node, interface: Some(interface) });
        }
        Ok(Self { node: text.parse::<NodeName>()?, interface: None })
    }
}

fn networks(reader: &mut Reader, value: Option<&Value<'_>>) -> Vec<Network> {
    let entries = reader.entries(value, "`networks`");
    entries.into_iter().filter_map(|(key, value)| network(reader, key, value)).collect()
}

fn network(reader: &mut Reader, key: &Key<'_>, value: &Value<'_>) -> Option<Network> {
    let what = format!("network `{}`", key.get_ref());
    let name = reader.name(key, "`networks`");
    let mut table = reader.table(value, &what)?;
    let subnet = format!("`subnet` of {what}");
    let subnets = match table.get("subnet") {
        Some(value) => {
            let texts = reader.texts(value, &subnet);
            let texts = texts.iter().flatten();
            texts.filter_map(|text| self::subnet(reader, text, &subnet)).collect()
        }
        None => {
            let problem = Problem::new("no-subnet", format!("{what} has no `subnet`"))
                .at(&Some(key.span()), "which addresses are its nodes'?")
                .help("write one, as in `subnet = \"203.0.113.0/24\"`, or `subnet = []` for none");
            reader.problems.push(problem);
            Vec::new()
        }
    };
    let (mtu, offload) = mtu_and_offload(reader, &mut table);
    let capture = flag(reader, &mut table, "capture");
    let bends = bends::read(reader, &mut table);
    table.finish(reader);
    Some(Network { name: name?, subnets, mtu, offload, capture, bends })
}

pub(super) fn subnet(
    reader: &mut Reader,
    text: &Spanned<String>,
    what: &str,
) -> Option<Spanned<IpNet>> {
    let subnet = cidr(reader, text, what)?;
    if subnet.value.trunc() != subnet.value {
        let message = format!("{what}: `{}` is an address in a subnet", subnet.value);
        let problem = Problem::new("bad-subnet", message)
            .at(&subnet.span, "bits beyond the prefix are set")
            .help(format!("the subnet is `{}`", subnet.value.trunc()));
        reader.problems.push(problem);
        return None;
    }
    Some(subnet)
}
