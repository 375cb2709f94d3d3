//! Whatever is recorded, conversations are told, measured, followed, drawn and normalised without a fault.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use std::collections::BTreeMap;

use labnet::{
    packet::{
        Direction, FlowOptions, Flows, Follow, Frame, Normalised,
        flow::{Dialogue, DialogueForm, Ladder, LadderOptions, Measure},
    },
    report::{ladder_svg, ladder_text},
};
use proptest::prelude::*;
use talk::{ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Talk};

/// Does all that can be done with a recording; the lengths of the texts show that there are some.
fn all(frames: &[Frame<'_>]) -> [usize; 6] {
    let mut flows = Flows::default();
    let mut normalised = Normalised::new(FlowOptions::default(), BTreeMap::new());
    let mut measure = Measure::new(1, FlowOptions::default());
    let mut follow = Follow::new(1);
    let mut ladders =
        [Some(1), None].map(|flow| Ladder::new(LadderOptions { flow, names: BTreeMap::new() }));
    for frame in frames {
        flows.add(frame);
        normalised.add(frame);
        measure.add(frame);
        follow.add(frame);
        ladders.iter_mut().for_each(|ladder| ladder.add(frame));
    }
    normalised.finish();
    follow.finish();
    ladders.iter_mut().for_each(Ladder::finish);
    let detail = measure.finish().map_or(String::new(), |detail| {
        format!("{detail}{}", serde_json::to_string(&detail).unwrap())
    });
    let drawn = ladders.each_ref().map(|ladder| {
        [0, 33, 80, 1000].map(|width| ladder_text(ladder, width)).concat() + &ladder_svg(ladder)
    });
    [
        format!("{flows}{}", serde_json::to_string(&flows).unwrap()).len(),
        format!("{normalised}{}", normalised.flows()).len(),
        detail.len(),
        Dialogue::all(DialogueForm::Text, &mut follow).len(),
        drawn[0].len(),
        drawn[1].len(),
    ]
}

#[test]
fn there_is_something_to_see() {
    let talk = Talk::opened().say(CLIENT, PSH | ACK, "hello\n").close(SERVER);
    assert!(all(&talk.both_ends(5)).iter().all(|length| *length > 5));
    assert_eq!(all(&[])[2..4], [0, 0]);
}

/// One thing that is not as it should be.
#[derive(Debug, Clone)]
enum Fault {
    Byte(usize, usize, u8),
    Time(usize, u64),
    Interface(usize, usize, Option<bool>),
    Swap(usize, usize),
    Cut(usize, usize),
    Length(usize, u32),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => (any::<usize>(), 12..90_usize, any::<u8>()).prop_map(|(f, at, to)| Fault::Byte(f, at, to)),
        1 => (any::<usize>(), any::<u64>()).prop_map(|(f, time)| Fault::Time(f, time)),
        1 => (any::<usize>(), 0..3_usize, any::<Option<bool>>())
            .prop_map(|(f, interface, out)| Fault::Interface(f, interface, out)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Fault::Swap(a, b)),
        1 => (any::<usize>(), 0..90_usize).prop_map(|(f, at)| Fault::Cut(f, at)),
        1 => (any::<usize>(), any::<u32>()).prop_map(|(f, length)| Fault::Length(f, length)),
    ]
}

fn spoil(frames: &mut [Frame<'static>], fault: Fault) {
    let count = frames.len();
    match fault {
        Fault::Byte(f, at, to) => {
            if let Some(byte) = frames[f % count].bytes.to_mut().get_mut(at) {
                *byte = to;
            }
        }
        Fault::Time(f, time) => frames[f % count].time = time,
        Fault::Interface(f, interface, out) => {
            let direction = out.map(|out| if out { Direction::Out } else { Direction::In });
            frames[f % count].interface = interface;
            frames[f % count].direction = direction;
        }
        Fault::Swap(a, b) => frames.swap(a % count, b % count),
        Fault::Cut(f, at) => frames[f % count].bytes.to_mut().truncate(at),
        Fault::Length(f, length) => frames[f % count].length = length,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_brings_it_down(
        steps in proptest::collection::vec(
            (0..2_usize, 0..9_usize, 0..40_usize, any::<Option<u32>>(), any::<Option<u32>>()), 1..30),
        both in any::<bool>(),
        faults in proptest::collection::vec(fault(), 0..20),
    ) {
        let mut talk = Talk::opened();
        for (from, flags, length, seq, ack) in steps {
            let flags = [ACK, PSH | ACK, FIN | ACK, RST, SYN, SYN | ACK, 0, RST | ACK, 0x1ff][flags];
            talk = talk.say(from, flags, vec![from as u8; length]).edit(|step| {
                step.seq = seq.unwrap_or(step.seq);
                step.ack = ack.unwrap_or(step.ack);
            });
        }
        let mut frames = if both { talk.both_ends(2_500_000) } else { talk.frames() };
        faults.into_iter().for_each(|fault| spoil(&mut frames, fault));
        all(&frames);
    }
}
