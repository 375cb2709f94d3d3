//! Wires that forward real frames: the same seed means the same fate, and a change neither loses frames nor is noticed.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use lab_support::{OneProcessor, pair};
use labnet::{Carrier, DirectionState, Fault, Lab, TestResult};
use tempfile::TempDir;
use tokio::{net::UdpSocket, time::timeout};

const R2: &str = "10.10.10.2:7000";
const KALI: &str = "10.10.10.3:7000";
/// Says that nothing more comes.
const END: u32 = u32::MAX;
/// What a test waits for takes no longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A pair of nodes whose link is a wire, with these lines in its table.
async fn wired(lines: &str) -> TestResult<Lab> {
    let folder = TempDir::new()?;
    let topology = format!(
        "name = \"wired\"\n\
         [nodes.R2]\ninterfaces.eth0 = \"10.10.10.2/24\"\n\
         [nodes.KALI]\ninterfaces.eth0 = \"10.10.10.3/24\"\n\
         [links.lan]\nends = [\"R2:eth0\", \"KALI:eth0\"]\nbackend = \"userspace\"\n{lines}\n"
    );
    let path = folder.path().join("wired.toml");
    fs::write(&path, topology)?;
    Ok(Lab::up(&path).await?)
}

/// Sockets of KALI and R2 that have heard of each other, so that no neighbour is sought any more.
async fn sockets(lab: &Lab) -> TestResult<(UdpSocket, UdpSocket)> {
    let sender = lab.node("KALI").udp_bind(KALI.parse()?).await?;
    let receiver = lab.node("R2").udp_bind(R2.parse()?).await?;
    sender.connect(R2).await?;
    receiver.connect(KALI).await?;
    // What chance takes is sent again.
    let hello = send_until(&sender, END, async {
        while receive(&receiver).await? != END {}
        Ok(())
    });
    timeout(PATIENCE, hello).await??;
    Ok((sender, receiver))
}

/// Sends a number again and again until something has happened.
async fn send_until<T>(
    sender: &UdpSocket,
    number: u32,
    happened: impl Future<Output = TestResult<T>>,
) -> TestResult<T> {
    let again = async {
        loop {
            sender.send(&number.to_ne_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        happened = happened => happened,
        failed = again => failed,
    }
}

async fn receive(receiver: &UdpSocket) -> TestResult<u32> {
    let mut number = [0; 4];
    receiver.recv(&mut number).await?;
    Ok(u32::from_ne_bytes(number))
}

/// What came until the end, leaving out what still came of an earlier one.
async fn until_end(receiver: &UdpSocket) -> TestResult<Vec<u32>> {
    let mut numbers = Vec::new();
    loop {
        match receive(receiver).await? {
            END if numbers.is_empty() => {}
            END => return Ok(numbers),
            number => numbers.push(number),
        }
    }
}

/// Sends so many numbers, and tells which arrive, in their order.
async fn run(sender: &UdpSocket, receiver: &UdpSocket, count: u32) -> TestResult<Vec<u32>> {
    let send = async {
        for number in 0..count {
            sender.send(&number.to_ne_bytes()).await?;
            // So the receiver's turn comes, whose buffer is not for all of them.
            tokio::task::yield_now().await;
        }
        send_until(sender, END, std::future::pending()).await
    };
    let run = async {
        tokio::select! {
            arrived = until_end(receiver) => arrived,
            failed = send => failed,
        }
    };
    timeout(PATIENCE, run).await?
}

/// What is said of the frames that KALI sends.
async fn from_kali(lab: &Lab) -> TestResult<DirectionState> {
    let mut state = lab.link("lan").state().await?;
    let cable = state.cables.pop().ok_or("no cable")?;
    assert_eq!(cable.carrier, Some(Carrier::Userspace), "{}", cable.why);
    let sent_by_kali = |direction: &DirectionState| {
        direction.from.as_ref().is_some_and(|from| from.node.as_str() == "KALI")
    };
    Ok(cable.directions.into_iter().find(sent_by_kali).ok_or("no direction")?)
}

#[tokio::test]
async fn the_same_traffic_has_the_same_fate_in_every_run() -> TestResult {
    const SEED: u64 = 20_261_125;
    let table = format!("seed = {SEED}");
    let mut first: Option<Vec<u32>> = None;
    for round in 0..10 {
        let lab = wired(&table).await?;
        let (sender, receiver) = sockets(&lab).await?;
        // What was sent before is not counted: frames have their numbers from here on.
        let bend = lab.link("lan").bend().from("KALI").loss("10%").duplicate("5%");
        let _bend = bend.apply().await?;
        let mut arrived = {
            let _order = OneProcessor::new();
            run(&sender, &receiver, 200).await?
        };
        // The wire's own thread may have gone to another processor.
        arrived.sort_unstable();
        let different: BTreeSet<u32> = arrived.iter().copied().collect();
        assert!(different.len() < 200 && different.len() < arrived.len(), "{arrived:?}");
        let first = first.get_or_insert_with(|| arrived.clone());
        assert_eq!(*first, arrived, "with seed {SEED}, round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn changes_while_traffic_flows_lose_nothing_and_are_not_noticed() -> TestResult {
    let lab = pair().up().await?;
    let link = lab.link("R2--KALI");
    let (sender, receiver) = sockets(&lab).await?;
    let interfaces = async || -> TestResult<Vec<String>> {
        let mut seen = Vec::new();
        for node in lab.nodes() {
            let files = "cd /sys/class/net/eth0 && cat ifindex carrier carrier_changes flags";
            let cat = node.command_from(["sh", "-c", files]).run().await?.success()?;
            seen.push(cat.stdout().to_string());
        }
        Ok(seen)
    };
    let before = interfaces().await?;

    let changes = async {
        for _ in 0..5 {
            let far = link.bend().delay("3ms").apply().await?;
            let slow = link.bend().from("KALI").rate("50Mbit").apply().await?;
            let near = link.bend().delay("0ms").apply().await?;
            near.undo().await?;
            slow.undo().await?;
            far.undo().await?;
        }
        TestResult::Ok(())
    };
    // A lost number would be waited for in vain: no more than these are on their way at once.
    let (window, mut sent, mut arrived) = (32, 0_u32, BTreeSet::new());
    let mut flow = async |changed: bool| -> TestResult<bool> {
        while !changed && (sent as usize) < arrived.len() + window {
            sender.send(&sent.to_ne_bytes()).await?;
            sent += 1;
        }
        match receive(&receiver).await? {
            END => {}
            number => assert!(arrived.insert(number), "{number} came twice"),
        }
        Ok(changed && arrived.len() == sent as usize)
    };
    let traffic = async {
        tokio::pin!(changes);
        let mut changed = false;
        loop {
            tokio::select! {
                done = &mut changes, if !changed => {
                    done?;
                    changed = true;
                }
                over = flow(changed) => if over? { return TestResult::Ok(()) },
            }
        }
    };
    timeout(PATIENCE, traffic).await??;
    assert!(arrived.len() > 100 && arrived.into_iter().eq(0..sent), "{sent} were sent");
    assert_eq!(before, interfaces().await?);
    Ok(())
}

#[tokio::test]
async fn what_is_under_way_when_a_change_is_undone_arrives() -> TestResult {
    let lab = pair().up().await?;
    let link = lab.link("R2--KALI");
    let (sender, receiver) = sockets(&lab).await?;
    let far = link.bend().delay("400ms").apply().await?;
    let start = Instant::now();
    for number in 0..20_u32 {
        sender.send(&number.to_ne_bytes()).await?;
    }
    far.undo().await?;
    // This takes the short way.
    sender.send(&20_u32.to_ne_bytes()).await?;
    let mut arrived = Vec::new();
    while arrived.len() < 21 {
        match timeout(PATIENCE, receive(&receiver)).await?? {
            END => {}
            number => arrived.push(number),
        }
    }
    assert!(start.elapsed() >= Duration::from_millis(400));
    arrived.sort_unstable();
    assert!(arrived.into_iter().eq(0..21));
    Ok(())
}

#[tokio::test]
async fn every_frame_is_accounted_for() -> TestResult {
    let lab = wired("seed = 5\nfrom.KALI = { loss = \"5%\" }").await?;
    let (sender, receiver) = sockets(&lab).await?;
    let before = from_kali(&lab).await?.counters.ok_or("nobody counts")?;
    let count = 5_000;
    let (mut arrived, mut sent) = (0, 0);
    for _ in 0..count / 200 {
        arrived += run(&sender, &receiver, 200).await?.len() as u64;
        sent += 200;
    }
    let direction = from_kali(&lab).await?;
    let after = direction.counters.ok_or("nobody counts")?;
    assert_eq!((direction.missed, direction.refused), (0, 0));
    assert_eq!(after.queued, 0);
    assert_eq!(after.sent, after.delivered + after.lost);
    // Ends of rounds come on top, lost or not, and a neighbour may be asked for.
    let (sent_here, lost) = (after.sent - before.sent, after.lost - before.lost);
    assert!(sent_here >= sent + count / 200, "{after:?}");
    assert!(sent - arrived <= lost && arrived <= after.delivered - before.delivered, "{after:?}");
    // The mean of a binomial distribution, within three of its standard deviations; the same in every run of this seed.
    let (n, p) = (sent as f64, 0.05);
    let expected = (n * p, 3.0 * (n * p * (1.0 - p)).sqrt());
    assert!(((sent - arrived) as f64 - expected.0).abs() < expected.1, "{} lost", sent - arrived);
    Ok(())
}

#[tokio::test]
async fn held_frames_come_when_they_are_released_in_their_order() -> TestResult {
    let lab = pair().up().await?;
    let (sender, receiver) = sockets(&lab).await?;
    let held = Fault::hold().first(3).matching("udp").from("KALI");
    let fault = lab.link("R2--KALI").fault(held).await?;
    let _order = OneProcessor::new();
    for number in 0..5_u32 {
        sender.send(&number.to_ne_bytes()).await?;
    }
    timeout(PATIENCE, fault.hits(3)).await??;
    let mut arrived = Vec::new();
    let mut released = false;
    while arrived.len() < 5 {
        match timeout(PATIENCE, receive(&receiver)).await?? {
            END => {}
            number => arrived.push(number),
        }
        if arrived.len() == 2 && !released {
            assert_eq!(fault.release().await?, 3);
            released = true;
        }
    }
    assert_eq!(arrived, [3, 4, 0, 1, 2]);
    Ok(())
}
