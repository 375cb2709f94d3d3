//! Recordings without what differs from run to run: stable where they should be, different where something is.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use std::collections::BTreeMap;

use craft::{Eth, hex};
use labnet::{
    packet::{FlowOptions, Frame, Normalised},
    units::MacAddr,
};
use talk::{ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Step, Talk, at, hosts};

fn normalised(frames: &[Frame<'_>]) -> Normalised {
    let mac = |last| MacAddr([2, 0, 0, 0, 0, last]);
    let names = BTreeMap::from([(mac(3), "KALI".to_owned()), (mac(2), "R2".to_owned())]);
    let mut normalised = Normalised::new(FlowOptions::default(), names);
    frames.iter().for_each(|frame| normalised.add(frame));
    normalised.finish();
    normalised
}

/// Both forms: the finer and the coarser.
fn forms(frames: &[Frame<'_>]) -> [String; 2] {
    let normalised = normalised(frames);
    [normalised.to_string(), normalised.flows().to_string()]
}

fn chat_on(talk: Talk) -> Talk {
    talk.open()
        .say(CLIENT, PSH | ACK, "hello\n")
        .say(SERVER, ACK, "")
        .say(SERVER, PSH | ACK, "and a good day\n")
        .say(CLIENT, ACK, "")
        .say(CLIENT, PSH | ACK, "bye\n")
        .close(CLIENT)
}

fn chat() -> Talk {
    chat_on(Talk::new())
}

#[test]
fn the_two_forms_of_a_chat() {
    let [fine, coarse] = forms(&chat().frames());
    insta::assert_snapshot!(fine);
    insta::assert_snapshot!(coarse);
}

/// What a loaded machine, another run or another place to record changes.
#[test]
fn what_depends_on_time_or_chance_is_not_told() {
    let same = forms(&chat().frames());
    let check = |what: &str, frames: &[Frame<'_>]| assert_eq!(forms(frames), same, "{what}");

    // Another port, other numbers, another time of day.
    let mut other = chat_on(Talk::numbered(40_000, 4_000_000_000, 7));
    other.epoch = 99_000;
    check("another run", &other.frames());
    let mut slow = chat();
    slow.steps.iter_mut().for_each(|step| step.time += (step.time % 10_000_000) * 7);
    check("a slow machine", &slow.frames());
    check("both ends", &chat().both_ends(250_000));

    let mut fewer = chat();
    fewer.steps.retain(|step| step.flags != ACK || step.seq < 1_002 && step.from == CLIENT);
    assert_eq!(fewer.steps.len(), chat().steps.len() - 3);
    check("fewer acknowledgments", &fewer.frames());
    let mut windows = chat();
    windows.steps.iter_mut().for_each(|step| step.window /= 2);
    check("other windows", &windows.frames());

    let cut = Talk::opened()
        .say(CLIENT, ACK, "hel")
        .say(CLIENT, PSH | ACK, "lo\n")
        .say(SERVER, PSH | ACK, "and a good day\n")
        .say(CLIENT, FIN | PSH | ACK, "bye\n")
        .say(SERVER, FIN | ACK, "")
        .say(CLIENT, ACK, "");
    let next = |talk: Talk| forms(&talk.frames());
    // The last data took FIN along, whose number then comes one later.
    let cut = cut.edit(|step| step.seq += 1);
    assert_eq!(next(cut), same, "other segments, FIN with the last data");

    // Sent again without need, as the receiver says (D-SACK).
    let mut twice = chat();
    let again = Step { time: twice.steps[4].time, ..twice.steps[3].clone() };
    let mut thanks = twice.steps[4].clone();
    thanks.twice = Some((again.seq, again.seq + 6));
    twice.steps.splice(5..5, [again, thanks]);
    check("needlessly sent again", &twice.frames());
}

#[test]
fn conversations_at_the_same_time_have_no_order() {
    let [first, second] = [50_001, 50_002].map(|port| chat_on(Talk::numbered(port, 5, 6)));
    let third = Talk::numbered(50_003, 8, 9).open().say(CLIENT, PSH | ACK, "x").close(SERVER);
    let in_order = |order: [&Talk; 3]| forms(&order.map(Talk::frames).concat());
    let [fine, coarse] = in_order([&first, &second, &third]);
    assert_eq!(in_order([&third, &first, &second]), [fine.clone(), coarse.clone()]);
    let mut mixed = [&first, &third, &second].map(Talk::frames).concat();
    mixed.sort_by_key(|frame| frame.time);
    assert_eq!(forms(&mixed), [fine, coarse.clone()]);
    insta::assert_snapshot!(coarse);
}

/// A change to a recording, and whether the finer and the coarser form must show it.
type Fault = (&'static str, fn(&mut Talk), [bool; 2]);

const FAULTS: [Fault; 14] = [
    ("a flag of data", |talk| talk.steps[3].flags = ACK, [true, false]),
    ("a flag of the SYN", |talk| talk.steps[0].flags |= 0x40, [true, false]),
    ("a flag that nothing else has", |talk| talk.steps[4].flags |= 0x20, [true, false]),
    ("a length", |talk| talk.steps[7].data.truncate(3), [true, true]),
    ("a byte of data", |talk| talk.steps[5].data[3] ^= 1, [true, true]),
    (
        "a byte that moved from one turn to another",
        |talk| {
            talk.steps[3].data.pop();
            talk.steps[7].data.insert(0, b'\n');
            talk.steps[7].seq -= 1;
        },
        [true, false],
    ),
    ("the order of turns", |talk| talk.steps.swap(3, 5), [true, false]),
    ("the order of the handshake", |talk| talk.steps.swap(1, 2), [true, false]),
    ("no end of the handshake", |talk| drop(talk.steps.drain(2..)), [true, true]),
    ("the closer", |talk| talk.steps.swap(8, 9), [true, true]),
    ("FIN becomes RST", |talk| talk.steps[8].flags = RST | ACK, [true, true]),
    ("no FIN from the server", |talk| drop(talk.steps.remove(9)), [true, true]),
    ("a segment that was lost", |talk| drop(talk.steps.remove(3)), [true, true]),
    ("a segment sent again", |talk| talk.steps.insert(4, talk.steps[3].clone()), [true, true]),
];

#[test]
fn no_fault_is_hidden() {
    let good = forms(&chat().frames());
    for (what, fault, shown) in FAULTS {
        let mut talk = chat();
        fault(&mut talk);
        let bad = forms(&talk.frames());
        for (form, shown) in [0, 1].into_iter().zip(shown) {
            assert_eq!(bad[form] != good[form], shown, "{what}\n{}", bad[form]);
        }
    }
}

#[test]
fn a_fault_of_the_hosts_is_not_hidden() {
    let [good, _] = forms(&chat().frames());
    let differs = |change: fn(&mut Vec<u8>)| {
        let mut frames = chat().frames();
        change(frames[5].bytes.to_mut());
        forms(&frames)[0] != good
    };
    assert!(differs(|bytes| bytes[22] -= 1), "a TTL");
    assert!(differs(|bytes| bytes[5] = 9), "to which Ethernet address");
    assert!(!differs(|bytes| bytes[24] ^= 1), "a checksum");
    assert!(!differs(|bytes| bytes[18] ^= 1), "an IP id");
    let mut other = chat();
    other.ports[1] = 5001;
    assert_ne!(forms(&other.frames())[0], good, "the server's port");
    let small = chat().frames().into_iter().enumerate().map(|(index, mut frame)| {
        if index == 0 {
            frame.bytes.to_mut()[57] -= 1;
        }
        frame
    });
    assert_ne!(forms(&small.collect::<Vec<_>>())[0], good, "the MSS");
}

#[test]
fn datagrams_echoes_errors_and_questions() {
    let echo = |kind: u8, id: u8, sequence: u8| {
        [&[kind, 0, 0, 0, 0x7d, id, 0, sequence][..], &[id; 56]].concat()
    };
    let ask = "0001 0800 06 04 0001 020000000003 0a0a0a03 000000000000 0a0a0a02";
    let tell = "0001 0800 06 04 0002 020000000002 0a0a0a02 020000000003 0a0a0a03";
    let host = |from| Eth { source: [2, 0, 0, 0, 0, from], destination: [2, 0, 0, 0, 0, 5 - from] };
    let to_all = Eth { destination: [0xff; 6], ..host(3) };
    let record = |port: u16, id: u8| {
        let closed = hosts(CLIENT).udp(port, 7, b"anybody?");
        let unreachable = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &closed[14..]].concat();
        let mut frames = vec![
            to_all.carry(0x0806, &hex(ask)),
            host(2).carry(0x0806, &hex(tell)),
            hosts(CLIENT).udp(port, 6000, b"hi\n"),
            hosts(SERVER).udp(6000, port, b"hello\n"),
            hosts(CLIENT).icmp(&echo(8, id, 1)),
            hosts(SERVER).icmp(&echo(0, id, 1)),
            closed,
            hosts(SERVER).icmp(&unreachable),
        ];
        if id > 1 {
            // Asked again, and asked back whether one is still there.
            frames.push(to_all.carry(0x0806, &hex(ask)));
            frames
                .push(host(2).carry(0x0806, &hex(&ask.replace("0003 0a0a0a03", "0002 0a0a0a02"))));
        }
        frames.into_iter().enumerate().map(|(i, bytes)| at(i as u64, bytes)).collect::<Vec<_>>()
    };
    let [fine, coarse] = forms(&record(40_389, 1));
    assert_eq!(forms(&record(33_333, 2)), [fine.clone(), coarse.clone()]);
    insta::assert_snapshot!(fine);
    insta::assert_snapshot!(coarse);

    let text = |drop: usize| {
        let mut frames = record(40_389, 1);
        frames.remove(drop);
        forms(&frames)[0].clone()
    };
    (0..8).for_each(|gone| assert_ne!(text(gone), fine, "without frame {gone}"));
}

#[test]
fn unknown_hosts_are_numbered_and_a_retried_syn_is_told() {
    let talk = Talk::new().say(CLIENT, SYN, "").lost().again(1).say(SERVER, RST | ACK, "");
    let mut normalised = Normalised::new(FlowOptions::default(), BTreeMap::new());
    talk.frames().iter().for_each(|frame| normalised.add(frame));
    insta::assert_snapshot!(normalised, @r"
    TCP 10.10.10.3 client:1 → 10.10.10.2 5000
      → mac:1 to mac:2, ttl 64, flags SYN
      ← mac:2 to mac:1, ttl 64, flags RST, ACK
      → SYN seq=0 MSS=1460 SACK_PERM TS WS
      RST server; sent again by client
    ");
}
