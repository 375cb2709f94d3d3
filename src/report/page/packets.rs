//! Packet lists that can be searched and opened, and tables of conversations.

use std::fmt::Write;

use super::{super::svg::escaped, Ids};
use crate::packet::{
    Flows, Frame, Interface,
    detail::{Detail, Hex},
    list::{Column, Row},
};

/// More frames of a section are in the recording, and not in the page.
const MOST_FRAMES: usize = 120;

const COLUMNS: [Column; 8] = [
    Column::Number,
    Column::Time,
    Column::Source,
    Column::Destination,
    Column::Protocol,
    Column::Length,
    Column::Verdict,
    Column::Info,
];

/// The place of the verdict, which stands before what may be too wide to be seen at once.
const VERDICT: usize = 6;

/// The frames of a section.
#[derive(Default)]
pub(super) struct PacketTable {
    rows: Vec<PacketRow>,
    count: usize,
}

struct PacketRow {
    cells: [String; 8],
    detail: String,
}

impl PacketTable {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, row: &Row<'_>, frame: &Frame<'_>, interface: &Interface) {
        self.count += 1;
        if self.rows.len() == MOST_FRAMES {
            return;
        }
        let cell = |column| {
            let mut text = Vec::new();
            row.write_column(column, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        let detail = format!("{}\n{}", Detail::new(row, frame, interface), Hex(&frame.bytes));
        self.rows.push(PacketRow { cells: COLUMNS.map(cell), detail });
    }

    pub(super) fn html(&self, of: &str, file: &str, ids: &mut Ids) -> String {
        let id = ids.next();
        let mut html = format!(
            "<div class=\"packets\">\n<p class=\"find\"><label for=\"f{id}\">Filter</label> \
             <input id=\"f{id}\" type=\"search\" placeholder=\"tcp, 5001, SYN, dropped …\" aria-controls=\"t{id}\"> \
             <output for=\"f{id}\" aria-live=\"polite\"></output></p>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Frames on {of}\">\n<table id=\"t{id}\">\n\
             <thead><tr><th scope=\"col\">No.</th><th scope=\"col\">Time (s)</th><th scope=\"col\">Source</th>\
             <th scope=\"col\">Destination</th><th scope=\"col\">Protocol</th><th scope=\"col\">Length (B)</th>\
             <th scope=\"col\">Verdict</th><th scope=\"col\">Info</th></tr></thead>\n"
        );
        for row in &self.rows {
            let detail = ids.next();
            let [number, rest @ ..] = &row.cells;
            let dropped =
                if row.cells[VERDICT].starts_with("dropped") { " class=\"dropped\"" } else { "" };
            let _ = write!(
                html,
                "<tbody{dropped}><tr><td><button type=\"button\" aria-expanded=\"false\" aria-controls=\"d{detail}\" \
                 aria-label=\"Frame {number}\">{number}</button></td>"
            );
            for cell in rest {
                let _ = write!(html, "<td>{}</td>", escaped(cell));
            }
            let _ = writeln!(
                html,
                "</tr><tr class=\"detail\" id=\"d{detail}\" hidden><td colspan=\"8\"><pre>{}</pre></td></tr></tbody>",
                escaped(&row.detail)
            );
        }
        html.push_str("</table>\n</div>\n");
        let left_out = self.count - self.rows.len();
        if left_out > 0 {
            let _ = writeln!(
                html,
                "<p>{left_out} more are in <a href=\"{0}\">{0}</a>.</p>",
                escaped(file)
            );
        }
        html + "</div>\n"
    }
}

/// Who spoke with whom, and how much.
pub(super) fn flow_table(flows: &Flows, of: &str) -> String {
    let mut rows = String::new();
    for flow in flows.iter() {
        let handshake =
            flow.handshake_rtt.map(|rtt| format!("{:.3}", rtt as f64 / 1e6)).unwrap_or_default();
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{handshake}</td><td>{}</td><td>{:.3}</td></tr>",
            flow.number,
            flow.protocol,
            flow.client.address,
            flow.server.address,
            flow.client.bytes,
            flow.server.bytes,
            flow.client.segments + flow.server.segments,
            flow.closing,
            flow.duration as f64 / 1e6
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Conversations on {of}\">\n<table class=\"flows\">\
         <caption>Conversations on {of}</caption>\n<thead><tr><th scope=\"col\">No.</th><th scope=\"col\">Protocol</th>\
         <th scope=\"col\">Client</th><th scope=\"col\">Server</th><th scope=\"col\">Client sent (B)</th>\
         <th scope=\"col\">Server sent (B)</th><th scope=\"col\">Segments</th><th scope=\"col\">Handshake (ms)</th>\
         <th scope=\"col\">Closed</th><th scope=\"col\">Duration (ms)</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n</div>\n"
    )
}
