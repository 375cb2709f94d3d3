//! Conversations: who began, what passed, how they were opened and closed, from one end of a link and from both.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use std::net::SocketAddr;

use labnet::packet::{
    Flow, FlowOptions, Flows, Frame,
    flow::{ClientBy, Close, Handshake, Side},
};
use talk::{ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Talk, at, hosts};

const MS: u64 = 1_000_000;

fn flows(frames: &[Frame<'_>]) -> Flows {
    let mut flows = Flows::default();
    frames.iter().for_each(|frame| flows.add(frame));
    flows
}

/// The only conversation of a recording.
fn flow(frames: &[Frame<'_>]) -> Flow {
    let flows = flows(frames);
    let mut rows = flows.iter();
    let flow = rows.next().unwrap();
    assert_eq!(rows.next(), None);
    flow
}

fn chat() -> Talk {
    Talk::opened()
        .say(CLIENT, PSH | ACK, "hello\n")
        .say(SERVER, ACK, "")
        .say(SERVER, PSH | ACK, "and a good day\n")
        .say(CLIENT, ACK, "")
        .close(CLIENT)
}

#[test]
fn a_chat_is_a_row_with_roles_bytes_and_closing() {
    let flow = flow(&chat().frames());
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    assert_eq!(flow.client.address, address("10.10.10.3:50456"));
    assert_eq!(flow.server.address, address("10.10.10.2:5000"));
    assert_eq!((flow.client.ephemeral, flow.server.ephemeral), (true, false));
    assert_eq!(flow.client_by, ClientBy::Syn);
    assert_eq!((flow.handshake, flow.handshake_rtt), (Some(Handshake::Complete), Some(2 * MS)));
    assert_eq!((flow.client.bytes, flow.server.bytes), (6, 15));
    assert_eq!((flow.client.segments, flow.server.segments), (6, 4));
    let steps = [(Side::Client, Close::Fin), (Side::Server, Close::Fin)];
    assert_eq!(flow.closing.steps(), steps);
    assert!(flow.closing.is_closed() && !flow.closing.is_reset());
    assert_eq!(flow.duration, 9 * MS);
}

#[test]
fn who_closes_first_and_how() {
    let closing = |talk: Talk| flow(&talk.frames()).closing.to_string();
    assert_eq!(closing(Talk::opened()), "open");
    assert_eq!(closing(Talk::opened().close(SERVER)), "FIN server, FIN client");
    assert_eq!(closing(Talk::opened().say(SERVER, FIN | ACK, "")), "FIN server, half-open");
    assert_eq!(closing(Talk::opened().say(CLIENT, RST, "")), "RST client");
    let cut = Talk::opened().say(CLIENT, FIN | ACK, "").say(SERVER, RST | ACK, "");
    assert_eq!(closing(cut), "FIN client, RST server");
}

#[test]
fn how_far_the_handshake_went() {
    let handshake = |talk: Talk| flow(&talk.frames()).handshake.unwrap();
    let syn = Talk::new().say(CLIENT, SYN, "");
    assert_eq!(handshake(syn.clone()), Handshake::Unanswered);
    assert_eq!(handshake(syn.clone().say(SERVER, RST | ACK, "")), Handshake::Refused);
    assert_eq!(handshake(syn.say(SERVER, SYN | ACK, "")), Handshake::Unconfirmed);
    assert_eq!(handshake(Talk::opened()), Handshake::Complete);

    let mut late = chat();
    late.steps.drain(..3);
    let flow = flow(&late.frames());
    assert_eq!(flow.handshake, Some(Handshake::Unseen));
    assert_eq!(flow.client_by, ClientBy::SeenFirst);

    let mut answered = chat();
    answered.steps.remove(0);
    let flow = self::flow(&answered.frames());
    assert_eq!((flow.client.address.port(), flow.client_by), (50456, ClientBy::Syn));
}

#[test]
fn a_retried_syn_tells_no_round_trip() {
    let retried = Talk::new().say(CLIENT, SYN, "").lost().again(1);
    let retried = retried.say(SERVER, SYN | ACK, "").say(CLIENT, ACK, "");
    let flow = flow(&retried.frames());
    assert_eq!((flow.handshake, flow.handshake_rtt), (Some(Handshake::Complete), None));
    assert_eq!(flow.client.retransmissions, 1);
}

#[test]
fn what_is_sent_again_counts_once_as_bytes() {
    let talk = Talk::opened().say(CLIENT, ACK, [7; 1000]).say(CLIENT, PSH | ACK, [8; 500]);
    let flow_of = |talk: Talk| {
        let flow = flow(&talk.frames());
        (flow.client.bytes, flow.client.retransmissions)
    };
    assert_eq!(flow_of(talk.clone()), (1500, 0));
    assert_eq!(flow_of(talk.clone().again(2).again(2)), (1500, 2));
    // Both at once, from the first byte on.
    let joined = talk.clone().again(2).edit(|step| step.data = vec![7; 1200]);
    assert_eq!(flow_of(joined), (1500, 1));
    let fin = talk.say(CLIENT, FIN | ACK, "").again(1);
    assert_eq!(flow_of(fin), (1500, 1));
}

#[test]
fn a_gap_that_is_filled_later_is_no_repetition() {
    let mut talk = Talk::opened().say(CLIENT, ACK, [7; 1000]).say(CLIENT, ACK, [8; 500]);
    let length = talk.steps.len();
    talk.steps.swap(length - 1, length - 2);
    let flow = flow(&talk.frames());
    assert_eq!((flow.client.bytes, flow.client.retransmissions), (1500, 0));
}

#[test]
fn a_probe_of_an_idle_connection_repeats_nothing() {
    let asked = Talk::opened().say(CLIENT, PSH | ACK, "abc");
    let probe = |talk: Talk| talk.say(CLIENT, ACK, "c").edit(|step| step.seq -= 1);
    let flow_of = |talk: Talk| flow(&talk.frames()).client.retransmissions;
    assert_eq!(flow_of(probe(asked.clone().say(SERVER, ACK, ""))), 0);
    // What was not acknowledged is sent again.
    assert_eq!(flow_of(probe(asked)), 1);
}

#[test]
fn both_ends_of_a_link_count_each_frame_once() {
    let talk = Talk::opened().say(CLIENT, ACK, [7; 1000]).lost().say(CLIENT, PSH | ACK, [8; 500]);
    let talk = talk.say(SERVER, ACK, "").again(3).say(SERVER, ACK, "").close(SERVER);
    let (one, both) = (flow(&talk.frames()), flow(&talk.both_ends(MS / 4)));
    assert_eq!(one, Flow { duration: one.duration, ..both.clone() });
    assert_eq!((both.client.bytes, both.client.retransmissions), (1500, 1));
    // A whole round trip, as the client has it, though the first copies are at either end.
    assert_eq!(both.handshake_rtt, Some(2 * MS));
}

#[test]
fn ports_used_again_are_another_conversation() {
    let first = chat();
    let mut frames = first.frames();
    let mut second = Talk::numbered(50456, 77_000, 99_000);
    second.clock = first.clock + MS;
    frames.extend(second.open().say(CLIENT, RST, "").frames());
    let flows: Vec<Flow> = flows(&frames).iter().collect();
    assert_eq!(flows.len(), 2);
    assert_eq!((flows[0].number, flows[1].number), (1, 2));
    assert_eq!(flows[1].closing.to_string(), "RST client");
}

#[test]
fn datagrams_and_echoes_are_conversations_too() {
    let message = |kind: u8, id: u8| [&[kind, 0, 0, 0, 0x7d, id, 0, 1][..], &[9; 56]].concat();
    let frames = [
        at(0, hosts(CLIENT).udp(40389, 6000, b"abc")),
        at(MS, hosts(SERVER).udp(6000, 40389, b"defgh")),
        at(2 * MS, hosts(CLIENT).icmp(&message(8, 1))),
        at(3 * MS, hosts(SERVER).icmp(&message(0, 1))),
        // Another ping, whose request was not recorded.
        at(4 * MS, hosts(SERVER).icmp(&message(0, 2))),
        // Neither ARP nor an error is one.
        at(5 * MS, hosts(SERVER).icmp(&[3, 3, 0, 0, 0, 0, 0, 0])),
    ];
    let flows = flows(&frames);
    insta::assert_snapshot!(flows, @r"
    No.  Protocol  Client             Server           Handshake  Client sent  Server sent  Closed  Duration
      1  UDP       10.10.10.3:40389*  10.10.10.2:6000  -          3 B in 1     5 B in 1     -       1.00ms
      2  ICMP      10.10.10.3         10.10.10.2       -          56 B in 1    56 B in 1    -       1.00ms
      3  ICMP      10.10.10.3         10.10.10.2       -          0 B in 0     56 B in 1    -       0s
    * ephemeral: from 32768 to 60999
    ");
}

#[test]
fn a_datagram_in_fragments_has_the_length_of_all() {
    let datagram = hosts(CLIENT).udp_segment(40389, 6000, &[1; 3000]);
    let part = |range: std::ops::Range<usize>, more| {
        let ip = hosts(CLIENT).fragment(7, range.start as u16, more);
        at(0, ip.carry(17, &datagram[range]))
    };
    let flow = flow(&[part(0..1480, true), part(1480..2960, true), part(2960..3008, false)]);
    assert_eq!((flow.client.bytes, flow.client.segments), (3000, 1));
}

#[test]
fn the_table_and_its_notes() {
    let mut frames = chat().frames();
    let refused = Talk::numbered(50457, 5, 6).say(CLIENT, SYN, "").say(SERVER, RST | ACK, "");
    frames.extend(refused.frames());
    let mut late = Talk::numbered(5001, 7, 8).open().say(SERVER, ACK, [1; 1448]).again(1);
    late.steps.drain(..3);
    frames.extend(late.frames());
    insta::assert_snapshot!(flows(&frames));
    insta::assert_snapshot!(serde_json::to_string_pretty(&flows(&frames)).unwrap());
}

#[test]
fn the_range_of_ephemeral_ports_is_the_callers() {
    let mut flows = Flows::new(FlowOptions { ephemeral: 5000..=5000 });
    chat().frames().iter().for_each(|frame| flows.add(frame));
    let flow = flows.iter().next().unwrap();
    assert_eq!((flow.client.ephemeral, flow.server.ephemeral), (false, true));
}

#[test]
fn conversations_beyond_the_bound_are_counted_but_not_told_apart() {
    let mut flows = Flows::default();
    for port in 0..=u16::MAX {
        flows.add(&at(0, hosts(CLIENT).udp(port, 6000, b"")));
    }
    assert_eq!(flows.unlisted(), 0);
    for (port, known) in [(7, false), (8, false), (6000, true)] {
        flows.add(&at(0, hosts(CLIENT).udp(9, port, &[1; 10])));
        assert_eq!(flows.iter().filter(|flow| flow.client.bytes > 0).count(), usize::from(known));
    }
    assert_eq!((flows.unlisted(), flows.iter().count()), (2, labnet::packet::flow::MAX_FLOWS));
    assert!(flows.to_string().ends_with("65536, which are not listed\n"));
}
