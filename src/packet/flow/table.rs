//! Conversations as a table.

use std::fmt;

use super::{
    flows::Flows,
    row::{ClientBy, Flow, FlowEnd, Handshake},
    time::Short,
    tracker::MAX_FLOWS,
    unit::FlowProtocol,
};

const HEADINGS: [&str; 9] = [
    "No.",
    "Protocol",
    "Client",
    "Server",
    "Handshake",
    "Client sent",
    "Server sent",
    "Closed",
    "Duration",
];

impl fmt::Display for Flows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        let (mut ephemeral, mut seen_first, mut again, mut dropped) = (false, false, false, false);
        for flow in self.iter() {
            ephemeral |= flow.client.ephemeral || flow.server.ephemeral;
            dropped |= flow.client.dropped + flow.server.dropped > 0;
            again |= flow.client.retransmissions + flow.server.retransmissions > 0;
            seen_first |= unsure(&flow);
            rows.push(cells(&flow));
        }
        if rows.len() > 1 {
            write_aligned(f, &rows)?;
        }
        if ephemeral {
            let range = &self.options().ephemeral;
            writeln!(f, "* ephemeral: from {} to {}", range.start(), range.end())?;
        }
        if seen_first {
            writeln!(f, "? client because seen first: there is no SYN")?;
        }
        if again {
            writeln!(f, "+N: segments sent again, besides")?;
        }
        if dropped {
            writeln!(f, "-N: segments among all of these that the link dropped")?;
        }
        match self.unlisted() {
            0 => Ok(()),
            frames => writeln!(
                f,
                "{frames} frames are of conversations beyond the first {MAX_FLOWS}, which are not listed"
            ),
        }
    }
}

/// Whether one would expect to know who began, and doesn't.
fn unsure(flow: &Flow) -> bool {
    flow.protocol == FlowProtocol::Tcp && flow.client_by == ClientBy::SeenFirst
}

fn cells(flow: &Flow) -> [String; 9] {
    let name = |end: &FlowEnd| match flow.protocol {
        FlowProtocol::Tcp | FlowProtocol::Udp => {
            format!("{}{}", end.address, if end.ephemeral { "*" } else { "" })
        }
        FlowProtocol::Icmp | FlowProtocol::Icmpv6 => end.address.ip().to_string(),
    };
    let sent = |end: &FlowEnd| {
        let again = match end.retransmissions {
            0 => String::new(),
            again => format!(" +{again}"),
        };
        let dropped = match end.dropped {
            0 => String::new(),
            dropped => format!(" -{dropped}"),
        };
        format!("{} B in {}{again}{dropped}", end.bytes, end.segments - end.retransmissions)
    };
    let handshake = match (flow.handshake, flow.handshake_rtt) {
        (None, _) => "-".to_owned(),
        (Some(Handshake::Complete), Some(rtt)) => Short(rtt).to_string(),
        (Some(handshake), _) => handshake.to_string(),
    };
    let closed = match flow.protocol {
        FlowProtocol::Tcp => flow.closing.to_string(),
        _ => "-".to_owned(),
    };
    [
        flow.number.to_string(),
        flow.protocol.to_string(),
        name(&flow.client) + if unsure(flow) { "?" } else { "" },
        name(&flow.server),
        handshake,
        sent(&flow.client),
        sent(&flow.server),
        closed,
        Short(flow.duration).to_string(),
    ]
}

/// Writes rows with their columns two spaces apart; numbers in the first are flush right.
fn write_aligned<const N: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; N]]) -> fmt::Result {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            line += &match column {
                0 => format!("{cell:>width$}"),
                _ => format!("  {cell:width$}"),
            };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
