//! A conversation measured: round trips, acknowledgments, Nagle's algorithm, windows.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "packets/craft.rs"]
mod craft;
#[path = "packets/talk.rs"]
mod talk;

use labnet::packet::{
    FlowOptions, Frame,
    flow::{FlowDetail, Measure, Sent},
};
use talk::{ACK, CLIENT, FIN, PSH, SERVER, Talk, at, hosts};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

fn detail(frames: &[Frame<'_>]) -> FlowDetail {
    let mut measure = Measure::new(1, FlowOptions::default());
    frames.iter().for_each(|frame| measure.add(frame));
    measure.finish().unwrap()
}

/// What the client and the server sent.
fn sent(talk: &Talk) -> [Sent; 2] {
    detail(&talk.frames()).sent.unwrap()
}

#[test]
fn round_trips_are_measured_at_the_sender() {
    let talk = Talk::opened().say(CLIENT, PSH | ACK, "a").say(SERVER, PSH | ACK, "b");
    let talk = talk.after(3 * MS, CLIENT, ACK, "");
    let [client, server] = sent(&talk);
    assert_eq!((client.round_trips.count(), client.round_trips.median()), (1, Some(MS)));
    assert_eq!(server.round_trips.median(), Some(3 * MS));

    // 250 µs each way: the client waits as long as before for what it sees half a trip later.
    let [client, server] = detail(&talk.both_ends(250 * US)).sent.unwrap();
    assert_eq!(client.round_trips.median(), Some(MS + 250 * US));
    assert_eq!(client.ack_delays.median(), Some(3 * MS - 250 * US));
    assert_eq!(server.round_trips.median(), Some(3 * MS + 250 * US));
    assert_eq!(server.ack_delays.median(), Some(MS - 250 * US));
}

#[test]
fn what_was_sent_again_tells_no_round_trip() {
    let talk = Talk::opened().say(CLIENT, PSH | ACK, "a").lost().again(1).say(SERVER, ACK, "");
    assert_eq!(sent(&talk)[0].round_trips.count(), 0);
    let talk = talk.say(CLIENT, PSH | ACK, "b").say(SERVER, ACK, "");
    assert_eq!(sent(&talk)[0].round_trips.count(), 1);
}

#[test]
fn an_acknowledgment_of_many_is_one_sample_of_the_last_segment() {
    let talk = Talk::opened().say(CLIENT, ACK, [1; 1448]).say(CLIENT, ACK, [2; 1448]);
    let [client, server] = sent(&talk.say(SERVER, ACK, ""));
    assert_eq!((client.round_trips.count(), client.round_trips.median()), (1, Some(MS)));
    // The receiver held the first of them for longer.
    assert_eq!((server.ack_delays.median(), server.joint_acks), (Some(2 * MS), 1));
}

#[test]
fn delayed_acknowledgments_are_those_much_later_than_the_promptest() {
    let mut talk = Talk::opened();
    for delay in [MS / 10, 19 * MS, 21 * MS, 41 * MS] {
        talk = talk.say(CLIENT, PSH | ACK, "a").after(delay, SERVER, ACK, "");
    }
    // One that data carries was not late for want of company.
    talk = talk.say(CLIENT, PSH | ACK, "a").after(900 * MS, SERVER, PSH | ACK, "b");
    let [client, server] = sent(&talk);
    assert_eq!((server.delayed_acks, server.ack_delays.count()), (2, 5));
    assert_eq!((client.delayed_acks, client.ack_delays.count()), (0, 0));
}

/// The client writes three small pieces; `wait` for an acknowledgment after each.
fn small_writes(wait: bool) -> Talk {
    let mut talk = Talk::opened();
    for piece in ["a", "b", "c"] {
        talk = talk.after(10 * US, CLIENT, PSH | ACK, piece);
        if wait {
            talk = talk.after(40 * MS, SERVER, ACK, "");
        }
    }
    talk
}

#[test]
fn nagles_algorithm_is_seen_at_work_and_off() {
    let [client, server] = sent(&small_writes(true));
    assert_eq!((client.largest_segment, client.nagle()), (Some(1448), "at work"));
    assert_eq!((client.small_after_ack, client.small_with_data_underway), (2, 0));
    assert_eq!(server.nagle(), "unknown without data, or without the other side's SYN");

    let [client, _] = sent(&small_writes(false));
    assert_eq!(client.nagle(), "off");
    assert_eq!((client.small_with_data_underway, client.small_with_small_underway), (2, 2));

    // Linux lets a small end of many bytes go at once, and so RFC 896 is not kept though the algorithm is on.
    let bulk = Talk::opened().say(CLIENT, ACK, [1; 1448]).say(CLIENT, PSH | ACK, "end");
    let [client, _] = sent(&bulk);
    assert_eq!((client.small_with_data_underway, client.small_with_small_underway), (1, 0));
    assert_eq!(client.nagle(), "not put to the test");

    // An answer in between is a dialogue, not a wait.
    let dialogue = Talk::opened().say(CLIENT, PSH | ACK, "a").say(SERVER, PSH | ACK, "b");
    assert_eq!(sent(&dialogue.after(US, CLIENT, PSH | ACK, "c"))[0].nagle(), "not put to the test");

    // The last segment goes with FIN; one that is sent again is not new.
    let last = Talk::opened().say(CLIENT, PSH | ACK, "a").again(1).say(CLIENT, FIN | ACK, "b");
    assert_eq!(sent(&last)[0].small_with_data_underway, 0);
}

#[test]
fn windows_are_scaled_and_kept_in_few_points() {
    let mut talk = Talk::opened().edit(|step| step.window = 64);
    let [client, server] = sent(&talk);
    assert_eq!(client.windows.points, [(0, 64240), (2 * MS, 64 << 10)]);
    assert_eq!(server.windows.to_string(), "64240 bytes");
    for window in (0..1000).chain([0, 5, 0]) {
        talk = talk.say(SERVER, ACK, "").edit(|step| step.window = window);
    }
    let windows = &sent(&talk)[1].windows;
    assert_eq!((windows.least, windows.greatest, windows.closed), (Some(0), Some(999 << 10), 3));
    assert!((30..=64).contains(&windows.points.len()), "{windows:?}");
    assert!(windows.points.windows(2).all(|pair| pair[0].0 + windows.step / 2 < pair[1].0));
    assert_eq!(windows.points.last().unwrap().1, 0);
}

#[test]
fn the_text_and_the_fields() {
    let talk = small_writes(true).say(SERVER, PSH | ACK, [1; 1448]).say(CLIENT, ACK, "");
    let detail = detail(&talk.close(CLIENT).both_ends(MS / 4));
    insta::assert_snapshot!(detail);
    insta::assert_snapshot!(serde_json::to_string_pretty(&detail).unwrap());
}

#[test]
fn without_tcp_there_is_the_row_alone() {
    let detail = detail(&[at(0, hosts(CLIENT).udp(40389, 6000, b"abc"))]);
    assert_eq!(detail.sent, None);
    insta::assert_snapshot!(detail, @r"
    Flow 1: UDP 10.10.10.3:40389 → 10.10.10.2:6000
    lasted 0s
    ");
    let mut measure = Measure::new(2, FlowOptions::default());
    measure.add(&at(0, hosts(CLIENT).udp(40389, 6000, b"abc")));
    assert_eq!(measure.finish(), None);
}
