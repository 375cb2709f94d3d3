//! What two said: in order, each byte once, gaps marked, and nothing that a terminal would obey.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use labnet::packet::{
    Follow, Frame,
    flow::{Dialogue, DialogueForm, FlowProtocol, Said, Side},
};
use proptest::prelude::*;
use talk::{ACK, CLIENT, FIN, PSH, SERVER, SYN, Talk, at, hosts};

fn followed(number: usize, frames: &[Frame<'_>]) -> Follow {
    let mut follow = Follow::new(number);
    frames.iter().for_each(|frame| follow.add(frame));
    follow.finish();
    follow
}

fn text(frames: &[Frame<'_>]) -> String {
    Dialogue::all(DialogueForm::Text, &mut followed(1, frames))
}

/// What one side said, with `None` for each missing byte.
fn said(follow: &mut Follow, side: Side) -> Vec<Option<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = follow.next_piece() {
        if piece.from == side {
            assert_eq!(piece.offset, all.len() as u64);
            match piece.said {
                Said::Bytes(bytes) | Said::Datagram(bytes) => {
                    all.extend(bytes.into_iter().map(Some))
                }
                Said::Gap(length) => all.resize(all.len() + length as usize, None),
                Said::Dropped(_) => {}
            }
        }
    }
    all
}

#[test]
fn a_chat_reads_as_it_was_said() {
    let talk = Talk::opened()
        .say(CLIENT, PSH | ACK, "hello\nwho is ")
        .say(SERVER, ACK, "")
        .say(CLIENT, PSH | ACK, "there?\n")
        .say(SERVER, PSH | ACK, "R2: me")
        .say(CLIENT, PSH | ACK, "ok\n")
        .close(CLIENT);
    let follow = &mut followed(1, &talk.frames());
    let (protocol, client, server) = follow.parties().unwrap();
    assert_eq!((protocol, client.port(), server.port()), (FlowProtocol::Tcp, 50456, 5000));
    insta::assert_snapshot!(Dialogue::all(DialogueForm::Text, follow), @r"
    → hello
    → who is there?
    ← R2: me\
    → ok
    ");
    let follow = &mut followed(1, &talk.both_ends(7));
    insta::assert_snapshot!(Dialogue::all(DialogueForm::Hex, follow), @r"
    → 00000000  68 65 6c 6c 6f 0a 77 68  6f 20 69 73 20 74 68 65  hello.who is the
    → 00000010  72 65 3f 0a                                       re?.
    ← 00000000  52 32 3a 20 6d 65                                 R2: me
    → 00000014  6f 6b 0a                                          ok.
    ");
}

#[test]
fn nothing_that_was_said_reaches_the_terminal_or_passes_for_ours() {
    let evil = b"\x1b]0;owned\x07 \\[5 bytes missing]\r\n\xff\xc3(\xe2\x80\xaee\xcc\x81 'caf\xc3\xa9' \"\\\"\x00\n";
    let talk = Talk::opened().say(CLIENT, ACK, &evil[..33]).say(CLIENT, PSH | ACK, &evil[33..]);
    insta::assert_snapshot!(text(&talk.frames()), @r#"
    → \u{1b}]0;owned\u{7} \\[5 bytes missing]\r
    → \xff\xc3(\u{202e}e\u{301} 'café' "\\"\0
    "#);
    let shown = text(&talk.frames());
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_character_in_two_segments_is_one() {
    let [first, second] = ["é\n".as_bytes()[..1].to_vec(), "é\n".as_bytes()[1..].to_vec()];
    let talk = Talk::opened().say(CLIENT, ACK, &first).say(SERVER, ACK, "");
    assert_eq!(text(&talk.clone().say(CLIENT, PSH | ACK, &second).frames()), "→ é\n");
    assert_eq!(text(&talk.frames()), "→ \\xc3\\\n");
    let between = talk.say(SERVER, PSH | ACK, "x\n").say(CLIENT, PSH | ACK, &second);
    assert_eq!(text(&between.frames()), "→ \\xc3\\\n← x\n→ \\xa9\n");
}

#[test]
fn what_is_missing_is_marked_with_its_length() {
    let talk = Talk::opened().say(CLIENT, ACK, "one\n").say(CLIENT, ACK, "two\n");
    let talk = talk.say(CLIENT, ACK, "three\n").say(CLIENT, FIN | ACK, "");
    let without = |gone: &[usize]| {
        let mut talk = talk.clone();
        gone.iter().for_each(|gone| drop(talk.steps.remove(*gone)));
        text(&talk.frames())
    };
    assert_eq!(without(&[]), "→ one\n→ two\n→ three\n");
    assert_eq!(without(&[4]), "→ one\n→ \\[4 bytes missing]\n→ three\n");
    assert_eq!(without(&[3]), "→ \\[4 bytes missing]\n→ two\n→ three\n");
    assert_eq!(without(&[5]), "→ one\n→ two\n→ \\[6 bytes missing]\n");

    // A frame of which only the start was recorded.
    let mut frames = talk.frames();
    let short = frames[4].bytes[..frames[4].bytes.len() - 2].to_vec();
    frames[4].bytes = short.into();
    assert_eq!(text(&frames), "→ one\n→ tw\\\n→ \\[2 bytes missing]\n→ three\n");
}

#[test]
fn what_was_acknowledged_but_not_recorded_is_not_waited_for() {
    let talk = Talk::opened().say(CLIENT, ACK, "one\n").say(CLIENT, ACK, "two\n");
    let mut talk = talk.say(SERVER, ACK, "");
    talk.steps.remove(3);
    let mut follow = Follow::new(1);
    let frames = talk.frames();
    frames[..4].iter().for_each(|frame| follow.add(frame));
    assert_eq!(follow.next_piece(), None);
    follow.add(&frames[4]);
    assert_eq!(Dialogue::all(DialogueForm::Text, &mut follow), "→ \\[4 bytes missing]\n→ two\n");
}

#[test]
fn datagrams_keep_their_bounds() {
    let ask = |data: &[u8]| at(0, hosts(CLIENT).udp(40389, 6000, data));
    let answer = at(1, hosts(SERVER).udp(6000, 40389, b"yes\n"));
    let frames = [ask(b"a"), ask(b"b\n"), answer, ask(b"")];
    assert_eq!(text(&frames), "→ a\\\n→ b\n← yes\n→ \\\n");
    assert_eq!(text(&frames[..0]), "");
    assert!(followed(2, &frames).parties().is_none());
}

#[test]
fn what_waits_is_bounded() {
    let mut talk = Talk::opened();
    talk = talk.say(CLIENT, ACK, "x");
    talk.steps.pop();
    for _ in 0..2000 {
        talk = talk.say(CLIENT, ACK, [7; 1000]);
    }
    let mut follow = Follow::new(1);
    talk.frames().iter().for_each(|frame| follow.add(frame));
    let first = follow.next_piece().unwrap();
    assert_eq!((first.offset, first.said), (0, Said::Gap(1)));
    assert_eq!(said(&mut follow, Side::Server), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However a stream is cut, repeated, shuffled and overlapped, it comes out as it was, as far as it was recorded.
    #[test]
    fn a_stream_is_put_together(
        length in 1..300_usize,
        cuts in proptest::collection::vec((0..300_usize, 1..80_usize), 1..40),
        wrap in any::<bool>(),
    ) {
        let stream: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let isn = if wrap { u32::MAX - 20 } else { 7 };
        let mut talk = Talk::numbered(50456, isn, 5).say(CLIENT, SYN, "").say(SERVER, SYN | ACK, "");
        let mut seen = vec![None; length];
        for (start, size) in cuts {
            let (start, end) = (start.min(length), (start + size).min(length));
            talk = talk.say(CLIENT, ACK, &stream[start..end]);
            talk = talk.edit(|step| step.seq = isn.wrapping_add(1 + start as u32));
            for at in start..end {
                seen[at] = Some(stream[at]);
            }
        }
        while seen.last() == Some(&None) {
            seen.pop();
        }
        prop_assert_eq!(said(&mut followed(1, &talk.frames()), Side::Client), seen);
    }
}
