//! Part 4 g of the sockets lab: Nagle's algorithm and the delayed acknowledgment wait for each other, shown by what was sent and when.
//!
//! A request of two small writes: the first leaves at once, Nagle's algorithm holds the second until the first is acknowledged
//! (RFC 896), and the receiver, who has nothing to say before the request is whole, delays just that (RFC 1122, section
//! 4.2.3.2). Linux does so for 40 ms at least.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod part4;

use labnet::{Lab, TestResult};
use part4::{KALI, Passed, R2, first_sent, passed, serve};

/// How long an acknowledgment is held at least to count as delayed, in ns: half of what Linux's timer takes.
const DELAYED: u64 = 20_000_000;
const TURNS: usize = 10;

/// One request, and the first acknowledgment of its first write.
struct Turn {
    writes: Vec<Passed>,
    acknowledgment: Passed,
}

impl Turn {
    /// For how long the receiver held the acknowledgment, in ns.
    fn held(&self) -> u64 {
        self.acknowledgment.sent - self.writes[0].arrived.unwrap()
    }

    /// Whether all that is left to send was only sent when the delayed acknowledgment had come.
    fn stalled(&self) -> bool {
        let came = self.acknowledgment.arrived.unwrap();
        let waited = self.writes.iter().skip(1).all(|write| write.sent >= came);
        self.acknowledgment.is_bare_ack() && self.held() >= DELAYED && waited
    }
}

/// What passed in so many turns, taken with these options of server and client.
async fn turns(lab: &Lab, server: &str, client: &str) -> TestResult<Vec<Turn>> {
    let _server = serve(lab, server).await?;
    let capture = lab.link("lan").capture().filter("tcp").start().await?;
    let command = format!("labnet probe turns 10.10.10.2:5004 --turns {TURNS} {client}");
    lab.node("KALI").command(&command).run().await?.success()?;
    let all = passed(&capture.stop().await?)?;
    let answers = first_sent(&all, R2);
    let mut turns: Vec<Turn> = Vec::new();
    for write in first_sent(&all, KALI) {
        // A turn begins where an answer has come since the last write.
        let last = turns.last_mut().and_then(|turn| turn.writes.last()).map(|write| write.sent);
        let begins = last.is_none_or(|last| {
            answers.iter().any(|answer| (last..write.sent).contains(&answer.sent))
        });
        if let (false, Some(turn)) = (begins, turns.last_mut()) {
            turn.writes.push(write);
            continue;
        }
        let first = all.iter().find(|later| later.acknowledges(&write));
        let acknowledgment = first.ok_or("a write was never acknowledged")?.clone();
        turns.push(Turn { writes: vec![write], acknowledgment });
    }
    assert_eq!(turns.len(), TURNS, "{all:#?}");
    Ok(turns)
}

fn stalled(turns: &[Turn]) -> usize {
    turns.iter().filter(|turn| turn.stalled()).count()
}

#[labnet::test("topology/sockets-lab.toml")]
async fn write_write_read_stalls_in_each_turn(lab: Lab) -> TestResult {
    let turns = turns(&lab, "", "").await?;
    assert!(turns.iter().all(|turn| turn.writes.len() == 2));
    // A new connection is acknowledged at once (`tcp_enter_quickack_mode`) until the server has answered: not the first turn.
    let held: Vec<u64> = turns.iter().map(Turn::held).collect();
    assert!(stalled(&turns) >= TURNS - 2, "{held:?}");
    // The second write has never left before the first was acknowledged, delayed or not.
    assert!(turns.iter().all(|turn| turn.writes[1].sent >= turn.acknowledgment.arrived.unwrap()));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn without_nagles_algorithm_the_second_write_waits_for_nothing(lab: Lab) -> TestResult {
    let turns = turns(&lab, "", "--nodelay").await?;
    assert!(turns.iter().all(|turn| turn.writes.len() == 2));
    // A busy machine may keep the program from its second write for as long, but hardly as a rule.
    assert!(stalled(&turns) <= TURNS / 2, "{} stalled", stalled(&turns));
    let before = |turn: &&Turn| turn.writes[1].sent < turn.acknowledgment.arrived.unwrap();
    let before = turns.iter().filter(before).count();
    assert!(before >= TURNS / 2, "{before} left before the acknowledgment came");
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn a_receiver_that_acknowledges_at_once_lets_the_second_write_go(lab: Lab) -> TestResult {
    let turns = turns(&lab, "--quickack", "").await?;
    // Nagle's algorithm still holds the second write, but not for long.
    assert!(turns.iter().all(|turn| turn.writes.len() == 2));
    assert!(turns.iter().all(|turn| turn.writes[1].sent >= turn.acknowledgment.arrived.unwrap()));
    assert!(turns.iter().all(|turn| turn.acknowledgment.is_bare_ack()));
    assert!(stalled(&turns) <= TURNS / 2, "{} stalled", stalled(&turns));
    Ok(())
}

#[labnet::test("topology/sockets-lab.toml")]
async fn one_write_leaves_nothing_to_wait(lab: Lab) -> TestResult {
    let turns = turns(&lab, "", "--writes 1 --size 2").await?;
    assert!(turns.iter().all(|turn| turn.writes.len() == 1 && turn.writes[0].data.len() == 2));
    // The answer carries the acknowledgment, unless the server came to it after its timer was over.
    let alone = turns.iter().filter(|turn| turn.acknowledgment.is_bare_ack()).count();
    assert!(alone <= TURNS / 2, "{alone} bare acknowledgments");
    Ok(())
}
