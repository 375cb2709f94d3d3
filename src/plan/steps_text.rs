//! Steps as people read them.

use std::fmt;

use super::{Backend, End, Program, Route, Step};
use crate::{name::Endpoint, units::Delay};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { node } => write!(f, "node     {node}"),
            Self::Hub => write!(f, "hub"),
            Self::Sysctl { node, key, value } => write!(f, "sysctl   {node} {key} = {value}"),
            Self::HubSysctl { key, value } => write!(f, "sysctl   hub {key} = {value}"),
            Self::Bridge { network, bridge, mtu } => {
                write!(f, "bridge   {bridge} for {network}, mtu {mtu}")
            }
            Self::Link { link, ends: [a, b], hub: [c, d] } => {
                write!(f, "link     {link}: {a} -- {c} | {d} -- {b}")
            }
            Self::Port { bridge, port, end } => write!(f, "port     {port} of {bridge} -- {end}"),
            Self::OffloadOff { endpoint } => write!(f, "offload  {endpoint} off"),
            Self::Address { endpoint, address } => write!(f, "address  {endpoint} {address}"),
            Self::Capture { of, interfaces } => {
                let names: Vec<String> = interfaces.iter().map(Endpoint::to_string).collect();
                write!(f, "capture  {of} at {}", names.join(", "))
            }
            Self::Bend { of, from, to, backend, seed, direction } => {
                write!(f, "bend     {of} ")?;
                match (from, to) {
                    (Some(from), _) => write!(f, "from {from}")?,
                    (None, Some(to)) => write!(f, "to {to}")?,
                    (None, None) => {}
                }
                write!(f, ": {direction} (seed {seed}")?;
                match backend {
                    Backend::Auto => write!(f, ")"),
                    backend => write!(f, ", {backend})"),
                }
            }
            Self::LoopbackUp { node } => write!(f, "up       {node}:lo"),
            Self::HubUp { interface } => write!(f, "up       {interface} in the hub"),
            Self::Up { endpoint } => write!(f, "up       {endpoint}"),
            Self::Route { node, route } => write!(f, "route    {node} {route}"),
            Self::File { node, file } => {
                write!(f, "file     {node} {} from {}", file.target.display(), file.source)
            }
            Self::Program { node, program } => write!(f, "program  {node} {program}"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, mtu {})", self.endpoint, self.mac, self.mtu)
    }
}

impl fmt::Display for Route {
    /// As `ip route` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to)?;
        if let Some(via) = self.via {
            write!(f, " via {via}")?;
        }
        write!(f, " dev {}", self.interface)?;
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        write!(f, " congctl {}", self.congestion)
    }
}

impl fmt::Display for Program {
    /// Its name, its command line as a shell takes it, and what is waited for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.command.iter().map(String::as_str);
        // Words that hold a NUL have no shell form; they can't come from a topology.
        let line = shlex::try_join(words).unwrap_or_else(|_| self.command.join(" "));
        write!(f, "{}: {line}", self.name)?;
        match &self.ready {
            Some(ready) => write!(f, " (ready: {ready}, within {})", Delay(self.timeout)),
            None => Ok(()),
        }
    }
}
