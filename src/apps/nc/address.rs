//! From names to addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;

use super::Family;
use crate::apps::Error;

/// All addresses of a name in the family asked for, in the resolver's order.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    family: Family,
) -> Result<Vec<SocketAddr>, Error> {
    let fits = |address: &SocketAddr| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    let failed = |source| Error::Lookup { name: host.to_owned(), source };
    Ok(lookup_host((host, port)).await.map_err(failed)?.filter(fits).collect())
}

/// The address a listener binds to: the first one of its name, or all of the host.
pub(super) async fn own(
    host: Option<&str>,
    port: u16,
    family: Family,
) -> Result<SocketAddr, Error> {
    match host {
        Some(host) => {
            let addresses = resolve(host, port, family).await?;
            addresses.first().copied().ok_or_else(|| Error::no_address(host))
        }
        None => Ok(SocketAddr::new(unspecified(family != Family::V6), port)),
    }
}

/// All addresses of the host.
pub(super) fn unspecified(ipv4: bool) -> IpAddr {
    if ipv4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}
