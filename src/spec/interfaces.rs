//! Interfaces in their three forms: text, list, table.

use ipnet::IpNet;
use toml::de::DeValue;

use super::{
    Interface, Problem, Spanned,
    reader::{Key, Reader, Table, Value, spanned},
    topology::MTU,
    value::cidr,
};
use crate::{
    name::{IfName, NetworkName},
    units::MacAddr,
};

/// What an interface's value says, whatever its form.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) addresses: Option<Vec<Spanned<IpNet>>>,
    pub(super) network: Option<Spanned<NetworkName>>,
    pub(super) mac: Option<Spanned<MacAddr>>,
    pub(super) mtu: Option<Spanned<u32>>,
}

pub(super) fn read(reader: &mut Reader, value: Option<&Value<'_>>, node: &str) -> Vec<Interface> {
    let entries = reader.entries(value, &format!("`interfaces` of {node}"));
    entries.into_iter().filter_map(|(key, value)| interface(reader, key, value, node)).collect()
}

fn interface(
    reader: &mut Reader,
    key: &Key<'_>,
    value: &Value<'_>,
    node: &str,
) -> Option<Interface> {
    let what = format!("interface `{}` of {node}", key.get_ref());
    let name = name(reader, &spanned(key), node);
    let Fields { addresses, network, mac, mtu } = match value.get_ref() {
        DeValue::String(_) => {
            let text = reader.string(value, &what);
            text.map(|text| from_text(reader, &text, &what)).unwrap_or_default()
        }
        DeValue::Array(_) => {
            Fields { addresses: Some(addresses(reader, value, &what)), ..Fields::default() }
        }
        DeValue::Table(entries) => table(reader, Table::new(entries, &what)),
        _ => {
            reader.wrong_type(value, &what, "an address, a list of them, a network or a table");
            Fields::default()
        }
    };
    Some(Interface { name: name?, addresses, network, mac, mtu })
}

pub(super) fn name(
    reader: &mut Reader,
    text: &Spanned<String>,
    node: &str,
) -> Option<Spanned<IfName>> {
    let name = reader.parse_text::<IfName>("bad-name", text, &format!("`interfaces` of {node}"))?;
    if name.value.as_str() == "lo" {
        let problem = Problem::new("bad-name", format!("{node} has an interface `lo` anyway"))
            .at(&name.span, "every node has it")
            .help("leave it out; it holds 127.0.0.1/8");
        reader.problems.push(problem);
        return None;
    }
    Some(name)
}

/// An address if it looks like one, else the name of a network.
pub(super) fn from_text(reader: &mut Reader, text: &Spanned<String>, what: &str) -> Fields {
    let numeric = text.value.starts_with(|c: char| c.is_ascii_digit()) && text.value.contains('.');
    if numeric || text.value.contains(['/', ':']) {
        let addresses = cidr(reader, text, what).into_iter().collect();
        return Fields { addresses: Some(addresses), ..Fields::default() };
    }
    let network = reader.parse_text("bad-name", text, what);
    Fields { network, ..Fields::default() }
}

fn addresses(reader: &mut Reader, value: &Value<'_>, what: &str) -> Vec<Spanned<IpNet>> {
    let texts = reader.texts(value, what);
    texts.iter().flatten().filter_map(|text| cidr(reader, text, what)).collect()
}

fn table(reader: &mut Reader, mut table: Table<'_>) -> Fields {
    let what = table.what().to_owned();
    let fields = Fields {
        addresses: table
            .get("addresses")
            .map(|value| addresses(reader, value, &format!("`addresses` of {what}"))),
        network: table
            .get("network")
            .and_then(|value| reader.parse("bad-name", value, &format!("`network` of {what}"))),
        mac: table.get("mac").and_then(|value| mac(reader, value, &format!("`mac` of {what}"))),
        mtu: table
            .get("mtu")
            .and_then(|value| reader.number("bad-mtu", value, &format!("`mtu` of {what}"), MTU)),
    };
    table.finish(reader);
    fields
}

fn mac(reader: &mut Reader, value: &Value<'_>, what: &str) -> Option<Spanned<MacAddr>> {
    const GROUP: u8 = 1;
    let mac = reader.parse::<MacAddr>("bad-mac", value, what)?;
    if mac.value.0[0] & GROUP != 0 || mac.value.0 == [0; 6] {
        let problem = Problem::new("bad-mac", format!("{what}: `{}` is no host's", mac.value))
            .at(&mac.span, "a group address, or all zero")
            .help("the second digit of a host's address is even, as in `02:00:0a:0a:0a:02`");
        reader.problems.push(problem);
        return None;
    }
    Some(mac)
}
