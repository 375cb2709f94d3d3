//! How much was sent when: a chart of each longer TCP conversation.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use super::{super::svg::escaped, image};
use crate::packet::{Transport, list::Row};

/// Conversations with fewer segments that hold data are told well enough by the list.
const LEAST_SEGMENTS: usize = 8;
/// More charts than this of a section would hide the rest.
const MOST_CHARTS: usize = 6;
/// In pixels: the chart, and what is left of it and below for what the axes say.
const SIZE: (f64, f64) = (640.0, 240.0);
const MARGIN: (f64, f64) = (70.0, 40.0);
/// What is left above and to the right, in pixels.
const ABOVE: f64 = 32.0;
const RIGHT: f64 = 20.0;

const STYLE: &str = "text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; } \
    line, path { fill: none; stroke: #6b7280; } .client { stroke: #1d4ed8; stroke-width: 2; } \
    .server { stroke: #b45309; stroke-width: 2; stroke-dasharray: 5 3; } \
    @media (prefers-color-scheme: dark) { text { fill: #e5e7eb; } line, path { stroke: #9ca3af; } \
    .client { stroke: #93c5fd; } .server { stroke: #fcd34d; } }";

/// The conversations of a section.
pub(super) struct Chart {
    names: BTreeMap<IpAddr, String>,
    conversations: BTreeMap<u32, Conversation>,
}

#[derive(Default)]
struct Conversation {
    /// Who sent first, and to whom.
    ends: Option<[(IpAddr, u16); 2]>,
    start: i64,
    /// For both sides, when how many bytes had been sent in all, and in how many segments.
    sent: [Vec<(i64, u64)>; 2],
}

impl Chart {
    pub(super) fn new(names: BTreeMap<IpAddr, String>) -> Self {
        Self { names, conversations: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, row: &Row<'_>) {
        let packet = &row.insight.packet;
        let (Some(tcp), Some(Transport::Tcp(header)), Some((from, to))) =
            (&row.insight.tcp, packet.transport, packet.addresses())
        else {
            return;
        };
        let from = (from, header.source_port);
        let conversation = self.conversations.entry(tcp.stream).or_default();
        if conversation.ends.is_none() {
            conversation.start = row.time;
        }
        let [client, _] = *conversation.ends.get_or_insert([from, (to, header.destination_port)]);
        let length = u64::from(packet.payload.length);
        if length > 0 {
            let sent = &mut conversation.sent[usize::from(client != from)];
            let before = sent.last().map_or(0, |(_, bytes)| *bytes);
            // What is sent again adds nothing.
            let end = u64::from(tcp.sequence) + length - 1;
            sent.push((row.time - conversation.start, before.max(end)));
        }
    }

    pub(super) fn html(&self) -> String {
        let long = |conversation: &&Conversation| {
            conversation.sent.iter().map(Vec::len).sum::<usize>() >= LEAST_SEGMENTS
        };
        let mut html = String::new();
        for conversation in self.conversations.values().filter(long).take(MOST_CHARTS) {
            let Some([client, server]) = conversation.ends else { continue };
            let name = |(address, port): (IpAddr, u16)| {
                let name = self.names.get(&address).cloned().unwrap_or_else(|| address.to_string());
                format!("{name}:{port}")
            };
            let (client, server) = (name(client), name(server));
            let [up, down] = conversation.sent.each_ref().map(Vec::len);
            let caption = format!(
                "Bytes sent over time: {client} (solid) in {up} segments, {server} (dashed) in {down}"
            );
            let _ = writeln!(
                html,
                "<figure class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Bytes sent by {0} and {1} over time\">{2}\
                 <figcaption>{3}</figcaption></figure>",
                escaped(&client),
                escaped(&server),
                image(&draw(conversation), &caption),
                escaped(&caption)
            );
        }
        html
    }
}

fn draw(conversation: &Conversation) -> String {
    let points = || conversation.sent.iter().flatten();
    let longest = points().map(|(time, _)| *time).max().unwrap_or(0).max(1) as f64;
    let most = points().map(|(_, bytes)| *bytes).max().unwrap_or(0).max(1) as f64;
    let x = |time: f64| MARGIN.0 + time / longest * (SIZE.0 - MARGIN.0 - RIGHT);
    let y = |bytes: f64| SIZE.1 - MARGIN.1 - bytes / most * (SIZE.1 - MARGIN.1 - ABOVE);
    let (time_unit, time_scale) = match longest {
        ..1e6 => ("µs", 1e3),
        1e6..1e10 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let (unit, scale) = match most {
        ..1e6 => ("bytes", 1.0),
        1e6..1e9 => ("kB", 1e3),
        _ => ("MB", 1e6),
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\"><style>{STYLE}</style>",
        SIZE.0, SIZE.1
    );
    let (left, right, bottom) = (MARGIN.0, SIZE.0 - RIGHT, SIZE.1 - MARGIN.1);
    for (bytes, label) in marks(most / scale, 0) {
        let up = y(bytes * scale);
        let _ = write!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{up:.1}\" y2=\"{up:.1}\" opacity=\".3\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            left - 6.0,
            up + 4.0
        );
    }
    for (time, label) in marks(longest / time_scale, 3) {
        let (at, below) = (x(time * time_scale), bottom + 18.0);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{}\"/>\
             <text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>",
            bottom + 4.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"4\" y=\"14\">{unit}</text><text x=\"{right}\" y=\"{}\" text-anchor=\"end\">time ({time_unit})</text>",
        SIZE.1 - 6.0
    );
    for (class, sent) in ["client", "server"].iter().zip(&conversation.sent) {
        let mut path = format!("M{:.1} {:.1}", x(0.0), y(0.0));
        for (time, bytes) in sent {
            let _ = write!(path, "H{:.1}V{:.1}", x(*time as f64), y(*bytes as f64));
        }
        let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
    }
    svg + "</svg>"
}

/// Where an axis to `most` has marks, and what they say: at round numbers of at most so many decimals, five at most and zero.
fn marks(most: f64, decimals: i32) -> impl Iterator<Item = (f64, String)> {
    let least = (most / 5.0).max(10f64.powi(-decimals));
    let power = least.log10().floor();
    let step = [1.0, 2.0, 5.0, 10.0].map(|round| round * 10f64.powf(power));
    let step = step.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(least);
    let decimals = usize::try_from(decimals).unwrap_or(0).min((-power).max(0.0) as usize);
    (0..=5)
        .map(move |count| f64::from(count) * step)
        .take_while(move |mark| *mark <= most * (1.0 + 1e-9))
        .map(move |mark| (mark, format!("{mark:.decimals$}")))
}
