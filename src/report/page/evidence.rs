//! What the recordings say of each section.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr, ops::Range, time::SystemTime};

use super::{
    Chapter, Ids, Recorded,
    chart::Chart,
    image,
    packets::{PacketTable, flow_table},
};
use crate::{
    packet::{
        Direction, FlowOptions, Flows, Frame, Interface, ReadError, Verdicts,
        flow::{Ladder, LadderOptions},
        list::List,
    },
    plan::Plan,
    report::{ladder_svg, svg::escaped},
};

/// A ladder of more arrows is too long to be read in a page.
const MOST_ARROWS: usize = 80;

/// The evidence of each section that was run, by its place.
pub(super) struct Evidence(Vec<Vec<Shown>>);

impl Evidence {
    /// Reads each recording once.
    pub(super) fn collect(chapter: &Chapter<'_>) -> Result<Self, ReadError> {
        let times: Vec<Range<u64>> = chapter
            .run
            .sections
            .iter()
            .map(|section| nanos(section.time.start)..nanos(section.time.end))
            .collect();
        let names = names(chapter.plan);
        let mut sections: Vec<Vec<Shown>> = times.iter().map(|_| Vec::new()).collect();
        for recorded in &chapter.recordings {
            let verdicts = recorded.capture.verdicts()?;
            let mut reader = recorded.capture.reader()?;
            let mut parts: Vec<Option<Shown>> = times.iter().map(|_| None).collect();
            let mut number = 0;
            while let Some((frame, interface)) = reader.next_with_interface()? {
                number += 1;
                let Some(place) = times.iter().position(|time| time.contains(&frame.time)) else {
                    continue;
                };
                let part = parts[place].get_or_insert_with(|| Shown::new(recorded, &names));
                part.add(&frame, interface, number, &verdicts);
            }
            for (section, part) in sections.iter_mut().zip(parts) {
                section.extend(part);
            }
        }
        Ok(Self(sections))
    }

    /// What there is of a section.
    pub(super) fn take(&mut self, place: usize) -> Option<SectionEvidence> {
        self.0.get_mut(place).map(|parts| SectionEvidence(std::mem::take(parts)))
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn names(plan: &Plan) -> BTreeMap<IpAddr, String> {
    let interfaces = plan
        .nodes
        .iter()
        .flat_map(|node| node.interfaces.iter().map(move |interface| (node, interface)));
    let addresses = interfaces.flat_map(|(node, interface)| {
        interface.addresses.iter().map(move |address| (address.addr(), node.name.to_string()))
    });
    addresses.collect()
}

/// What is shown below a section.
pub(super) struct SectionEvidence(Vec<Shown>);

impl SectionEvidence {
    pub(super) fn html(self, ids: &mut Ids) -> String {
        self.0.into_iter().map(|shown| shown.html(ids)).collect()
    }
}

/// What one link or network carried during a section.
struct Shown {
    of: String,
    file: String,
    list: List,
    packets: PacketTable,
    flows: Flows,
    ladder: Ladder,
    chart: Chart,
}

impl Shown {
    fn new(recorded: &Recorded<'_>, names: &BTreeMap<IpAddr, String>) -> Self {
        Self {
            of: recorded.of.to_owned(),
            file: recorded.file.clone(),
            list: List::new(),
            packets: PacketTable::default(),
            flows: Flows::new(FlowOptions::default()),
            ladder: Ladder::new(LadderOptions { flow: None, names: names.clone() }),
            chart: Chart::new(names.clone()),
        }
    }

    fn add(&mut self, frame: &Frame<'_>, interface: &Interface, number: u64, verdicts: &Verdicts) {
        self.flows.add(frame);
        self.ladder.add(frame);
        // Each frame is listed once, where it was sent.
        if frame.direction == Some(Direction::In) {
            return;
        }
        let mut row = self.list.row(frame, interface);
        row.verdict = verdicts.of(number).or(row.verdict);
        self.chart.add(&row);
        self.packets.add(&row, frame, interface);
    }

    fn html(self, ids: &mut Ids) -> String {
        let Self { of, file, packets, flows, mut ladder, chart, .. } = self;
        ladder.finish();
        let of = escaped(&of);
        let mut html = format!(
            "<details class=\"evidence\"><summary>{} on {of}</summary>\n",
            frames(packets.count())
        );
        html.push_str(&packets.html(&of, &file, ids));
        html.push_str(&flow_table(&flows, &of));
        if (1..=MOST_ARROWS).contains(&ladder.arrows().len()) {
            let _ = writeln!(
                html,
                "<figure class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Who sent what to whom on {of}\">{}\
                 <figcaption>Who sent what to whom on {of}, and when</figcaption></figure>",
                image(&ladder_svg(&ladder), &format!("Ladder of {of}: {}", ladder.title()))
            );
        }
        html.push_str(&chart.html());
        html + "</details>\n"
    }
}

fn frames(count: usize) -> String {
    if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") }
}
