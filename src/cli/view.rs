//! A recording in the form that was asked for.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde::Serialize;

use super::{
    exit::{FAILED, Failure},
    listing::{Listing, Show},
};
use crate::{
    lab::Hosts,
    packet::{
        Filter, FlowOptions, Flows, Follow, Frame, Interface, Normalised, Verdicts,
        flow::{Dialogue, DialogueForm, Ladder, LadderOptions, Measure},
        list::Columns,
    },
    report::{ladder_svg, ladder_text},
};

/// How wide a ladder is where nobody says.
const WIDTH: usize = 100;

/// The forms in which a recording can be shown.
#[derive(Debug, Clone)]
pub(super) enum Form {
    List(Columns),
    /// One frame in full.
    Frame(u64),
    Flows,
    Flow(usize),
    Follow(usize),
    /// Of all frames, or of one conversation.
    Ladder(Option<usize>),
    Normalised,
    NormalisedFlows,
}

/// Takes frames and shows them, one by one or all at the end.
pub(super) struct View {
    kind: Kind,
    json: bool,
    filter: Option<Filter>,
    interface: Option<String>,
    since: u64,
    output: Option<PathBuf>,
}

enum Kind {
    Listing(Listing),
    Flows(Flows),
    Flow(usize, Box<Measure>),
    Follow(usize, Box<Follow>, Dialogue),
    Ladder(Box<Ladder>),
    Normalised(Box<Normalised>, bool),
}

impl View {
    pub(super) fn new(
        form: Form,
        json: bool,
        hex: bool,
        output: Option<PathBuf>,
        hosts: &Hosts,
    ) -> Self {
        let options = FlowOptions::default;
        let normalised = || Box::new(Normalised::new(options(), hosts.by_mac.clone()));
        let names = || hosts.by_address.clone();
        let said = if hex { DialogueForm::Hex } else { DialogueForm::Text };
        let kind = match form {
            Form::List(_) if json => Kind::Listing(Listing::new(Show::Json)),
            Form::List(columns) => Kind::Listing(Listing::new(Show::Columns(columns))),
            Form::Frame(number) => Kind::Listing(Listing::new(Show::Detail(number, json))),
            Form::Flows => Kind::Flows(Flows::new(options())),
            Form::Flow(number) => Kind::Flow(number, Box::new(Measure::new(number, options()))),
            Form::Follow(number) => {
                Kind::Follow(number, Box::new(Follow::new(number)), Dialogue::new(said))
            }
            Form::Ladder(flow) => {
                Kind::Ladder(Box::new(Ladder::new(LadderOptions { flow, names: names() })))
            }
            Form::Normalised => Kind::Normalised(normalised(), false),
            Form::NormalisedFlows => Kind::Normalised(normalised(), true),
        };
        Self { kind, json, filter: None, interface: None, since: 0, output }
    }

    /// Shows only frames that pass a filter; in a list, what others say counts all the same.
    pub(super) fn filter(&mut self, filter: Option<Filter>) {
        match &mut self.kind {
            Kind::Listing(listing) => listing.filter(filter),
            _ => self.filter = filter,
        }
    }

    /// Knows of no frames but those of one interface.
    pub(super) fn at(&mut self, interface: String) {
        self.interface = Some(interface);
    }

    /// Knows of no frames before this time, in ns since 1970.
    pub(super) fn since(&mut self, since: u64) {
        self.since = since;
    }

    /// Lists each frame of a link once, where it was sent, with what became of it.
    pub(super) fn of_link(&mut self, verdicts: Verdicts) {
        if let Kind::Listing(listing) = &mut self.kind {
            listing.of_link(verdicts);
        }
    }

    /// Takes the next frame, and appends what there is to be shown at once.
    pub(super) fn add(&mut self, frame: Frame<'_>, interface: &Interface, text: &mut Vec<u8>) {
        if frame.time < self.since {
            if let Kind::Listing(listing) = &mut self.kind {
                listing.pass_over();
            }
            return;
        }
        let elsewhere = self.interface.is_some() && self.interface != interface.name;
        let wanted = |filter: &Filter| filter.matches(&frame.bytes, frame.length);
        if elsewhere || !self.filter.as_ref().is_none_or(wanted) {
            return;
        }
        match &mut self.kind {
            Kind::Listing(listing) => listing.add(frame, interface, text),
            Kind::Flows(flows) => flows.add(&frame),
            Kind::Flow(_, measure) => measure.add(&frame),
            Kind::Follow(_, follow, dialogue) => {
                follow.add(&frame);
                while let Some(piece) = follow.next_piece() {
                    text.extend_from_slice(dialogue.piece(&piece).as_bytes());
                }
            }
            Kind::Ladder(ladder) => ladder.add(&frame),
            Kind::Normalised(normalised, _) => normalised.add(&frame),
        }
    }

    /// Whether further frames would not be shown.
    pub(super) fn is_complete(&self) -> bool {
        matches!(&self.kind, Kind::Listing(listing) if listing.is_complete())
    }

    /// Appends what can be shown when all frames are known.
    ///
    /// # Errors
    ///
    /// If there is no such frame or conversation, or a drawing can't be written.
    pub(super) fn finish(self, text: &mut Vec<u8>) -> Result<(), Failure> {
        let mut shown = String::new();
        let mut show = |what: &dyn std::fmt::Display| {
            // Writing to memory can't fail.
            let _ = write!(shown, "{what}");
        };
        match self.kind {
            Kind::Listing(listing) => listing.finish()?,
            Kind::Flows(flows) if self.json => show(&json(&flows)),
            Kind::Flows(flows) => show(&flows),
            Kind::Flow(number, measure) => {
                let detail = measure.finish().ok_or_else(|| no_flow(number))?;
                if self.json { show(&json(&detail)) } else { show(&detail) }
            }
            Kind::Follow(number, mut follow, mut dialogue) => {
                follow.finish();
                if follow.parties().is_none() {
                    return Err(no_flow(number));
                }
                while let Some(piece) = follow.next_piece() {
                    show(&dialogue.piece(&piece));
                }
                show(&dialogue.finish());
            }
            Kind::Ladder(mut ladder) => {
                ladder.finish();
                match self.output {
                    None => show(&ladder_text(&ladder, width())),
                    Some(path) => fs::write(&path, ladder_svg(&ladder)).map_err(|error| {
                        Failure::new(FAILED, format!("cannot write {}: {error}", path.display()))
                    })?,
                }
            }
            Kind::Normalised(mut normalised, coarse) => {
                normalised.finish();
                if coarse { show(&normalised.flows()) } else { show(&normalised) }
            }
        }
        text.extend_from_slice(shown.as_bytes());
        Ok(())
    }
}

fn no_flow(number: usize) -> Failure {
    let what = format!("there is no conversation {number}; `--flows` lists them, from 1");
    Failure::new(FAILED, what)
}

fn json(value: &impl Serialize) -> String {
    // None of these has maps with odd keys.
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}

/// How many columns the terminal has.
fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}
