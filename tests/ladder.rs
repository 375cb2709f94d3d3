//! Ladders: arrows between hosts in text and SVG, from one end of a link and from both.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use std::{collections::BTreeMap, net::IpAddr};

use craft::{Eth, hex};
use labnet::{
    packet::{
        Frame,
        flow::{Ladder, LadderOptions, MAX_ARROWS},
    },
    report::{ladder_svg, ladder_text},
};
use talk::{ACK, CLIENT, FIN, PSH, SERVER, Talk, at, hosts};

const MS: u64 = 1_000_000;

fn ladder(flow: Option<usize>, frames: &[Frame<'_>]) -> Ladder {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let names = BTreeMap::from([
        (address("10.10.10.2"), "R2".to_owned()),
        (address("fd00::2"), "R2".to_owned()),
        (address("10.10.10.3"), "KALI".to_owned()),
    ]);
    let mut ladder = Ladder::new(LadderOptions { flow, names });
    frames.iter().for_each(|frame| ladder.add(frame));
    ladder.finish();
    ladder
}

/// A chat in which a segment is lost.
fn lossy() -> Talk {
    Talk::opened()
        .say(CLIENT, PSH | ACK, "hello\n")
        .lost()
        .again(1)
        .say(SERVER, ACK, "")
        .after(MS / 4, CLIENT, PSH | ACK, "how are you?\n")
        .after(MS / 4, SERVER, PSH | ACK, "fine\n")
        .after(MS / 4, CLIENT, PSH | ACK, "and well?\n")
        .say(SERVER, ACK, "")
        .after(3000 * MS, CLIENT, FIN | ACK, "")
        .say(SERVER, FIN | ACK, "")
        .say(CLIENT, ACK, "")
}

/// Frames between several hosts: questions, datagrams, errors.
fn crowd() -> Vec<Frame<'static>> {
    let ask = "0001 0800 06 04 0001 020000000003 0a0a0a03 000000000000 0a0a0a02";
    let tell = "0001 0800 06 04 0002 020000000002 0a0a0a02 020000000003 0a0a0a03";
    let closed = hosts(CLIENT).udp(40389, 7, b"anybody?");
    let unreachable = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &closed[14..]].concat();
    let far = Eth::default().ipv4([10, 10, 10, 3], [192, 0, 2, 77]).udp(40389, 53, b"where?");
    let itself = "0001 0800 06 04 0001 020000000003 0a0a0a03 000000000000 0a0a0a03";
    let frames = [
        Eth { destination: [0xff; 6], ..Eth::default() }.carry(0x0806, &hex(ask)),
        Eth::default().carry(0x0806, &hex(tell)),
        closed,
        hosts(SERVER).icmp(&unreachable),
        far,
        Eth::default().ipv4([192, 0, 2, 77], [10, 10, 10, 3]).udp(53, 40389, b"there"),
        hosts(CLIENT).icmp(&[8, 0, 0, 0, 0, 1, 0, 1]),
        hosts(SERVER).icmp(&[0, 0, 0, 0, 0, 1, 0, 1]),
        Eth::default().carry(0x0806, &hex(itself)),
        // Not between hosts.
        Eth::default().carry(0x88cc, &[0; 40]),
    ];
    frames.into_iter().enumerate().map(|(i, bytes)| at(i as u64 * MS, bytes)).collect()
}

#[test]
fn one_end_gives_flat_arrows() {
    insta::assert_snapshot!(ladder_text(&ladder(Some(1), &lossy().frames()), 80));
    // Without other frames between other hosts.
    let mut frames = crowd();
    frames.extend(lossy().frames());
    let number = 4;
    assert_eq!(ladder(Some(number), &frames).arrows().len(), lossy().steps.len());
    assert_eq!(ladder(Some(99), &frames).arrows().len(), 0);
}

#[test]
fn both_ends_give_slanted_and_broken_ones() {
    let ladder = ladder(Some(1), &lossy().both_ends(600_000));
    insta::assert_snapshot!(ladder_text(&ladder, 80));
    let broken: Vec<_> = ladder.arrows().iter().filter(|arrow| arrow.broken).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!((broken[0].arrived, broken[0].again), (None, false));
    assert!(
        ladder.arrows().iter().all(|arrow| {
            arrow.broken || arrow.arrived.unwrap() - arrow.sent.unwrap() == 600_000
        })
    );
}

#[test]
fn what_was_under_way_at_the_end_is_not_broken() {
    let frames = lossy().both_ends(600_000);
    let end = frames.len();
    for (kept, broken) in [(end - 1, 1), (end - 2, 1), (end - 3, 1)] {
        let ladder = ladder(Some(1), &frames[..kept]);
        assert_eq!(ladder.arrows().iter().filter(|arrow| arrow.broken).count(), broken);
    }
    // What was sent later came.
    let lost = Talk::opened().say(CLIENT, FIN | ACK, "").lost().say(CLIENT, ACK, "");
    let ladder = ladder(Some(1), &lost.both_ends(600_000));
    assert!(ladder.arrows()[3].broken);
}

#[test]
fn a_frame_that_nobody_sent_is_broken_at_the_sender() {
    let mut frames = lossy().both_ends(600_000);
    let gone = frames.iter().position(|frame| frame.bytes.ends_with(b"fine\n")).unwrap();
    frames.remove(gone);
    let ladder = ladder(Some(1), &frames);
    let found: Vec<_> = ladder.arrows().iter().filter(|arrow| arrow.sent.is_none()).collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].broken && found[0].label.ends_with("len=5"));
    let text = ladder_text(&ladder, 80);
    assert!(text.contains("◀──") && text.matches('×').count() == 2, "{text}");
}

#[test]
fn all_frames_between_all_hosts() {
    let ladder = ladder(None, &crowd());
    insta::assert_snapshot!(ladder_text(&ladder, 120));
    let names: Vec<_> = ladder.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["KALI", "R2", "192.0.2.77"]);
}

#[test]
fn text_keeps_to_its_width_where_it_can() {
    let talk = Talk::opened().both_ends(600_000);
    for width in [60, 80, 100, 200] {
        let text = ladder_text(&ladder(Some(1), &talk), width);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((width - 6..=width).contains(&longest), "{longest} for {width}\n{text}");
    }
    // Narrower than the hosts need, it still says everything.
    assert_eq!(ladder_text(&ladder(Some(1), &talk), 0), ladder_text(&ladder(Some(1), &talk), 36));
}

#[test]
fn many_at_the_same_time_stay_legible() {
    let mut talk = Talk::opened();
    for _ in 0..8 {
        talk = talk.after(1000, CLIENT, ACK, [1; 100]);
        talk = talk.after(1000, SERVER, ACK, [2; 100]);
    }
    insta::assert_snapshot!(ladder_text(&ladder(Some(1), &talk.both_ends(MS)), 100));
}

/// The left, top, right and bottom of a text.
type Area = (f64, f64, f64, f64);

/// Where the texts of a drawing are, and what they say.
fn texts(svg: &str) -> Vec<(Area, &str)> {
    let mut found = Vec::new();
    for rest in svg.split("<text ").skip(1) {
        let (head, rest) = rest.split_once('>').unwrap();
        let text = rest.split_once("</text>").unwrap().0;
        let head = format!(" {head}");
        let value = |name: &str| {
            let (_, rest) = head.split_once(&format!(" {name}=\"")).unwrap_or(("", "\""));
            rest.split_once('"').unwrap().0.to_owned()
        };
        let (x, y): (f64, f64) = (value("x").parse().unwrap(), value("y").parse().unwrap());
        let class = value("class");
        let width = text.chars().count() as f64 * if class == "title" { 8.5 } else { 7.3 };
        // A host's name and address are in the middle of its box.
        let in_box = class == "address" || y < 80.0 && class.is_empty();
        let left = match class.as_str() {
            "end" | "time" => x - width,
            _ if in_box => x - width / 2.0,
            _ => x,
        };
        found.push(((left, y - 10.0, left + width, y + 3.0), text));
    }
    found
}

#[test]
fn no_texts_overlap_in_the_drawing() {
    let mut busy = Talk::opened();
    for _ in 0..20 {
        busy = busy.after(1000, CLIENT, ACK, [1; 100]).after(1000, SERVER, ACK, [2; 100]);
    }
    let mut bent = Talk::opened();
    for fate in ["dropped (queue full)", "dropped (fault 4294967295)", "held (fault 2), duplicated"]
    {
        bent =
            bent.say(CLIENT, PSH | ACK, "hello").fate(fate, 0).say(SERVER, ACK, "").fate(fate, 0);
    }
    for ladder in [
        ladder(Some(1), &bent.both_ends(600_000)),
        ladder(None, &bent.frames()),
        ladder(Some(1), &lossy().frames()),
        ladder(Some(1), &lossy().both_ends(600_000)),
        ladder(Some(1), &busy.both_ends(MS)),
        ladder(None, &crowd()),
        ladder(None, &crowd()[8..]),
        ladder(None, &[]),
    ] {
        let svg = ladder_svg(&ladder);
        let width: f64 =
            svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let texts = texts(&svg);
        assert!(texts.len() > ladder.arrows().len());
        for (index, (a, text)) in texts.iter().enumerate() {
            assert!(a.0 >= 0.0 && a.2 <= width, "{text} is beyond the edge at {a:?}\n{svg}");
            for (b, other) in &texts[index + 1..] {
                let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(apart, "{text} and {other} overlap: {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn the_drawing_is_a_document_of_its_own() {
    let mut frames = lossy().both_ends(600_000);
    frames.truncate(frames.len() - 1);
    let svg = ladder_svg(&ladder(Some(1), &frames));
    insta::assert_snapshot!(svg);
    insta::assert_snapshot!(ladder_svg(&ladder(None, &crowd())));
    let names = BTreeMap::from([("10.10.10.3".parse().unwrap(), "<a>&\u{1b}\"".to_owned())]);
    let mut ladder = Ladder::new(LadderOptions { flow: None, names });
    frames.iter().for_each(|frame| ladder.add(frame));
    let svg = ladder_svg(&ladder);
    assert!(
        svg.contains("&lt;a&gt;&amp;&quot;") && !svg.contains("<a>") && !svg.contains('\u{1b}')
    );
}

#[test]
fn a_ladder_is_bounded() {
    let mut ladder = Ladder::new(LadderOptions::default());
    for index in 0..MAX_ARROWS as u32 + 5 {
        ladder.add(&at(0, hosts(CLIENT).udp(40389, 6000, &index.to_be_bytes())));
    }
    assert_eq!((ladder.arrows().len(), ladder.omitted()), (MAX_ARROWS, 5));
    assert!(ladder_text(&ladder, 80).ends_with("5 records of further frames are not shown\n"));

    let mut hosts = Ladder::new(LadderOptions::default());
    for last in 1..=20 {
        hosts.add(&at(0, Eth::default().ipv4([10, 0, 0, 1], [10, 0, 1, last]).udp(1, 2, b"")));
    }
    assert_eq!((hosts.columns().len(), hosts.omitted()), (12, 9));
}
