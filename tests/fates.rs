//! What a wire noted at frames is told by every view of a recording.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use std::{collections::BTreeMap, net::IpAddr};

use labnet::{
    packet::{
        Arrival, Direction, Filter, Flows, Follow, Frame, Interface, Normalised, Reader, Section,
        Verdict, Verdicts, Writer,
        detail::Detail,
        flow::{Dialogue, DialogueForm, FlowOptions, Ladder, LadderOptions},
        list::{Columns, List},
    },
    report::{ladder_svg, ladder_text},
};
use talk::{ACK, CLIENT, PSH, SERVER, SYN, Talk, frame, hosts};

const MS: u64 = 1_000_000;

/// A conversation over a wire that does everything to it.
fn bent() -> Talk {
    Talk::new()
        .say(CLIENT, SYN, "")
        .fate("dropped (fault 1)", 0)
        .again(1)
        .say(SERVER, SYN | ACK, "")
        .say(CLIENT, ACK, "")
        .say(CLIENT, PSH | ACK, "hello\n")
        .fate("dropped (queue full)", 0)
        .again(1)
        .say(SERVER, ACK, "")
        .fate("dropped (loss)", 0)
        .say(CLIENT, PSH | ACK, "twice\n")
        .fate("duplicated", 0)
        .say(SERVER, ACK, "")
        .say(SERVER, PSH | ACK, "held\n")
        .fate("held (fault 2)", 30 * MS)
        .after(40 * MS, CLIENT, ACK, "")
        .say(CLIENT, PSH | ACK, "wrong\n")
        .fate("corrupted", 0)
        .again(1)
        .say(SERVER, ACK, "")
        .fate("delayed (fault 3)", 5 * MS)
        .after(10 * MS, CLIENT, PSH | ACK, "never\n")
        .fate("dropped (link down)", 0)
}

/// Datagrams and echoes, of which a wire drops some.
fn datagrams() -> Vec<Frame<'static>> {
    let sent = [
        (hosts(CLIENT).udp(40389, 7, b"one"), ""),
        (hosts(CLIENT).udp(40389, 7, b"two"), "labnet: dropped (fault 1)"),
        (hosts(CLIENT).icmp(&[8, 0, 0, 0, 0, 1, 0, 1]), ""),
        (hosts(CLIENT).icmp(&[8, 0, 0, 0, 0, 1, 0, 2]), "labnet: dropped (loss)"),
    ];
    let mut frames = Vec::new();
    for (bytes, comment) in sent {
        let time = frames.len() as u64 * MS;
        let mut sent = frame(0, time, Some(Direction::Out), bytes.clone());
        if comment.is_empty() {
            frames.extend([sent, frame(1, time + 1000, Some(Direction::In), bytes)]);
        } else {
            sent.comments = vec![comment.to_owned()];
            frames.push(sent);
        }
    }
    frames
}

fn ladder(frames: &[Frame<'_>]) -> Ladder {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let names = [("10.10.10.2", "R2"), ("10.10.10.3", "KALI")];
    let names = BTreeMap::from(names.map(|(ip, name)| (address(ip), name.to_owned())));
    let mut ladder = Ladder::new(LadderOptions { flow: None, names });
    frames.iter().for_each(|frame| ladder.add(frame));
    ladder.finish();
    ladder
}

/// As a recording of both ends.
fn recording(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    for name in ["KALI:eth0", "R2:eth0"] {
        writer.add_interface(&Interface::ethernet(name)).unwrap();
    }
    frames.iter().for_each(|frame| writer.write(frame).unwrap());
    writer.into_inner()
}

/// The list of what was sent, with these columns.
fn listed(recording: &[u8], columns: &str) -> String {
    let verdicts = Verdicts::read(&mut Reader::new(recording).unwrap()).unwrap();
    let columns: Columns = columns.parse().unwrap();
    let (mut list, mut text) = (List::new(), Vec::new());
    let mut reader = Reader::new(recording).unwrap();
    let mut number = 0;
    while let Some((frame, interface)) = reader.next_with_interface().unwrap() {
        number += 1;
        if frame.direction == Some(Direction::Out) {
            let mut row = list.row(&frame, interface);
            row.verdict = verdicts.of(number);
            row.write(&columns, &mut text);
            text.push(b'\n');
        }
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn the_list_has_verdicts_and_how_long_it_took() {
    let recording = recording(&bent().both_ends(10_020_000));
    insta::assert_snapshot!(listed(&recording, "flags,verdict,transit,comment"));
}

#[test]
fn without_the_other_end_the_list_says_what_was_noted() {
    let mut frames = bent().both_ends(MS);
    frames.retain(|frame| frame.interface == CLIENT && frame.direction == Some(Direction::Out));
    let mut list = List::new();
    let told = frames.iter().map(|frame| {
        let row = list.row(frame, &Interface::ethernet("KALI:eth0"));
        row.column(labnet::packet::list::Column::Verdict)
    });
    let told: Vec<_> = told.filter(|verdict| !verdict.is_empty()).collect();
    assert_eq!(
        told,
        [
            "dropped (fault 1)",
            "dropped (queue full)",
            "duplicated",
            "corrupted",
            "dropped (link down)"
        ]
    );
}

#[test]
fn a_list_without_chosen_columns_says_what_a_wire_did() {
    let recording = recording(&bent().both_ends(MS));
    let columns = "no,time,source,destination,proto,len,info";
    let text = listed(&recording, columns);
    let ends: Vec<_> = text
        .lines()
        .filter(|line| line.ends_with(']'))
        .filter_map(|line| Some(line.rsplit_once(" [")?.1))
        .collect();
    assert_eq!(
        ends,
        [
            "dropped (fault 1)]",
            "dropped (queue full)]",
            "dropped (loss)]",
            "duplicated]",
            "held (fault 2)]",
            "corrupted]",
            "delayed (fault 3)]",
            "dropped (link down)]"
        ]
    );
    assert!(!listed(&recording, "no,info").contains("dropped"));
}

#[test]
fn a_row_as_json_and_the_detail_tell_it() {
    let recording = recording(&bent().both_ends(MS));
    let mut reader = Reader::new(&recording[..]).unwrap();
    let (frame, interface) = reader.next_with_interface().unwrap().unwrap();
    let (mut list, interface) = (List::new(), interface.clone());
    let mut row = list.row(&frame, &interface);
    let json = serde_json::to_value(&row).unwrap();
    assert_eq!(json["verdict"], "dropped (fault 1)");
    assert_eq!(json["comments"][0], "labnet: dropped (fault 1)");
    assert_eq!(json.get("transit"), None);
    row.verdict = Some(Verdict::seen(Arrival::Delivered(10_020_000)));
    let json = serde_json::to_value(&row).unwrap();
    assert_eq!((&json["verdict"], &json["transit"]), (&"delivered".into(), &10_020_000.into()));
    let detail = Detail::new(&row, &frame, &interface).to_string();
    for line in
        ["Comment: labnet: dropped (fault 1)", "[Verdict: delivered]", "[Transit: 10.02 ms]"]
    {
        assert!(detail.lines().any(|shown| shown.trim() == line), "{line}: {detail}");
    }
}

#[test]
fn the_ladder_breaks_where_the_link_drops() {
    let ladder = ladder(&bent().both_ends(600_000));
    insta::assert_snapshot!(ladder_text(&ladder, 100));
    let broken = ladder.arrows().iter().filter(|arrow| arrow.broken);
    assert!(broken.clone().all(|arrow| arrow.arrived.is_none()));
    assert_eq!(broken.count(), 4);
    // No host was seen but the two, and no arrow that nobody sent.
    assert_eq!((ladder.columns().len(), ladder.arrows().len()), (2, bent().steps.len()));
    insta::assert_snapshot!(ladder_svg(&ladder));
}

#[test]
fn the_ladder_of_one_end_breaks_too() {
    let mut frames = bent().both_ends(600_000);
    frames.retain(|frame| frame.interface == CLIENT);
    insta::assert_snapshot!(ladder_text(&ladder(&frames), 60));
}

#[test]
fn flows_tell_what_was_dropped() {
    let mut frames = bent().both_ends(600_000);
    frames.extend(datagrams());
    let mut flows = Flows::default();
    frames.iter().for_each(|frame| flows.add(frame));
    insta::assert_snapshot!(flows);
    let [dropped, echoes]: [Vec<u64>; 2] = [0, 2].map(|at| {
        let flow = flows.iter().nth(at).unwrap();
        vec![flow.client.dropped, flow.server.dropped]
    });
    assert_eq!((dropped, echoes), (vec![3, 1], vec![1, 0]));
    let json = serde_json::to_value(&flows).unwrap();
    assert_eq!(json[1]["client"]["dropped"], 1);
}

#[test]
fn what_was_dropped_was_not_said() {
    let said = |frames: &[Frame<'_>], flow| {
        let mut follow = Follow::new(flow);
        frames.iter().for_each(|frame| follow.add(frame));
        follow.finish();
        [DialogueForm::Text, DialogueForm::Hex].map(|form| {
            let mut follow = Follow::new(flow);
            frames.iter().for_each(|frame| follow.add(frame));
            follow.finish();
            Dialogue::all(form, &mut follow)
        })
    };
    let [text, _] = said(&bent().both_ends(600_000), 1);
    assert_eq!(text, "→ hello\n→ twice\n← held\n→ wrong\n");
    let [text, hex] = said(&datagrams(), 1);
    assert_eq!(text, "→ one\\\n→ \\[3 bytes dropped]\n");
    assert!(hex.ends_with("→ 00000003  [3 bytes dropped]\n"), "{hex}");
}

#[test]
fn the_normal_form_tells_it_the_same_in_each_run() {
    let normal = |frames: &[Frame<'_>]| {
        let mut normalised = Normalised::new(FlowOptions::default(), BTreeMap::new());
        frames.iter().for_each(|frame| normalised.add(frame));
        normalised.finish();
        format!("{normalised}\n{}", normalised.flows())
    };
    let mut frames = bent().both_ends(600_000);
    frames.extend(datagrams());
    insta::assert_snapshot!(normal(&frames));
}

#[test]
fn comments_stay_with_frames_that_are_written_again() {
    let recorded = recording(&bent().both_ends(600_000));
    let filter: Filter = "src host 10.10.10.3".parse().unwrap();
    let mut reader = Reader::new(&recorded[..]).unwrap();
    let mut kept = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if filter.matches(&frame.bytes, frame.length) {
            kept.push(Frame { bytes: frame.bytes.to_vec().into(), ..frame });
        }
    }
    let again = recording(&kept);
    assert_eq!(listed(&again, "verdict").matches("dropped").count(), 3);
    let comments = listed(&again, "comment");
    assert!(comments.starts_with("labnet: dropped (fault 1)\n-\n"), "{comments}");
}
