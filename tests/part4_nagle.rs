//! Part 4 f of the sockets lab: Nagle's algorithm, on a link with a round trip of 20 ms.
//!
//! With it, a small segment leaves at once if nothing of the same side is unacknowledged; everything written until the
//! acknowledgment comes is one segment then (RFC 896). So of 200 writes of a byte in much less than a round trip, two segments are made: 1 byte
//! and 199. TCP_NODELAY sends each write as it comes, 40 bytes and more of headers before each byte, but no more than the congestion
//! window has room for: 10 segments at first (RFC 6928); what is written beyond them waits and is one segment again. Writes that leave time for
//! acknowledgments are a segment each.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod part4;

use labnet::{Lab, TestResult};
use part4::{KALI, PROBE, Passed, detail, first_sent, passed, warm};

const WRITES: usize = 200;
/// What a frame takes there and its acknowledgment back at least, in ns.
const ROUND_TRIP: u64 = 20_000_000;
/// How many segments may be under way at first.
const FIRST_WINDOW: usize = 10;
/// Bytes of a frame before the data: Ethernet 14, IP 20, TCP 20 and its timestamps 12.
const HEADERS: usize = 66;

/// What became of the writes.
struct Written {
    /// The client's segments with data.
    segments: Vec<Passed>,
    /// Small segments that it sent while a small one was unacknowledged.
    unacknowledged: u64,
    /// The most segments that were sent and of whose acknowledgment the client didn't know.
    most_underway: usize,
}

impl Written {
    /// The bytes that the client's segments took on the wire.
    fn on_the_wire(&self) -> usize {
        self.segments.iter().map(|segment| HEADERS + segment.data.len()).sum()
    }

    /// From the first segment's departure to the last one's arrival, in ns.
    fn time(&self) -> u64 {
        self.segments.last().unwrap().arrived.unwrap() - self.segments[0].sent
    }
}

/// Writes bytes, one by one, and waits for the answer to all of them.
async fn write(lab: &Lab, options: &str) -> TestResult<Written> {
    warm(lab).await?;
    let capture = lab.link("lan").capture().filter(PROBE).start().await?;
    let turns = "labnet probe turns 10.10.10.2:5004 --turns 1";
    let command = format!("{turns} --writes {WRITES} {options}");
    lab.node("KALI").command(&command).run().await?.success()?;
    let capture = capture.stop().await?;
    let [client, _] = detail(&capture)?.sent.ok_or("not TCP")?;
    let all = passed(&capture)?;
    let segments = first_sent(&all, KALI);
    let most_underway = most_underway(&segments, &all);
    assert_eq!(segments.iter().map(|segment| segment.data.len()).sum::<usize>(), WRITES);
    let unacknowledged = client.small_with_small_underway;
    Ok(Written { segments, unacknowledged, most_underway })
}

/// The most segments with data that were under way at once, each from when it left until its acknowledgment came.
fn most_underway(writes: &[Passed], all: &[Passed]) -> usize {
    let mut acknowledged = Vec::new();
    for write in writes {
        let acknowledging = all.iter().filter(|each| each.acknowledges(write));
        acknowledged.push(acknowledging.filter_map(|each| each.arrived).min().unwrap_or(u64::MAX));
    }
    let underway = |now: u64| {
        let sent = writes.iter().zip(&acknowledged).filter(|(write, _)| write.sent <= now);
        sent.filter(|(_, acknowledged)| **acknowledged > now).count()
    };
    writes.iter().map(|write| underway(write.sent)).max().unwrap_or(0)
}

#[labnet::test("topology/small-writes.toml")]
async fn with_nagles_algorithm_the_rest_waits_for_the_first_byte(lab: Lab) -> TestResult {
    let written = write(&lab, "").await?;
    let Written { segments, unacknowledged, .. } = &written;
    assert_eq!((segments[0].data.len(), *unacknowledged), (1, 0));
    // Each segment waited for the one before it to be acknowledged. The second has the rest, unless the machine kept the
    // program from writing for a whole round trip.
    assert!(segments.windows(2).all(|two| two[1].sent >= two[0].sent + ROUND_TRIP));
    assert!((2..=4).contains(&segments.len()), "{} segments", segments.len());
    assert_eq!(written.on_the_wire(), segments.len() * HEADERS + WRITES);
    assert!(written.time() >= ROUND_TRIP * 3 / 2);
    Ok(())
}

#[labnet::test("topology/small-writes.toml")]
async fn without_it_each_write_is_a_segment_as_far_as_the_window_goes(lab: Lab) -> TestResult {
    let written = write(&lab, "--nodelay").await?;
    let Written { segments, unacknowledged, .. } = &written;
    let first: Vec<usize> =
        segments.iter().take(FIRST_WINDOW).map(|segment| segment.data.len()).collect();
    assert_eq!(first, [1; FIRST_WINDOW]);
    assert!(*unacknowledged as usize >= FIRST_WINDOW - 1, "{unacknowledged}");
    assert!(segments.len() > FIRST_WINDOW, "{} segments", segments.len());
    assert_eq!(written.on_the_wire(), segments.len() * HEADERS + WRITES);
    Ok(())
}

#[labnet::test("topology/small-writes.toml")]
async fn writes_with_time_between_them_are_a_segment_each(lab: Lab) -> TestResult {
    let written = write(&lab, "--nodelay --interval 10ms").await?;
    // Where the machine keeps all acknowledgments back, the window is full all the same.
    let full = written.most_underway >= FIRST_WINDOW;
    assert!(written.segments.len() == WRITES || full, "{} segments", written.segments.len());
    assert!(written.segments.len() > WRITES / 2);
    assert_eq!(written.on_the_wire(), written.segments.len() * HEADERS + WRITES);
    Ok(())
}

#[labnet::test("topology/small-writes.toml")]
async fn with_nagles_algorithm_those_of_a_round_trip_are_one(lab: Lab) -> TestResult {
    let written = write(&lab, "--interval 2ms").await?;
    assert_eq!((written.unacknowledged, written.most_underway), (0, 1));
    assert!(written.segments.windows(2).all(|two| two[1].sent >= two[0].sent + ROUND_TRIP));
    // Ten of them, unless the machine keeps the program from writing.
    assert!(written.segments.len() <= WRITES / 2, "{} segments", written.segments.len());
    assert_eq!(written.on_the_wire(), written.segments.len() * HEADERS + WRITES);
    Ok(())
}
