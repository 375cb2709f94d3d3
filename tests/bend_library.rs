//! Links that are bent from Rust, and for how long.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use std::{fs, future::ready, net::UdpSocket, time::Duration};

use insta::assert_snapshot;
use labnet::{
    DirectionState, Fault, Lab, Link, TestResult,
    impairment::{Change, Loss, QueueLimit},
    units::{ByteSize, Delay, Probability, Rate},
};

/// A link and a switch, bent in the same way on any kernel.
const BENT: &str = r#"
name = "bent"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[nodes."h{1..3}"]
interfaces.eth0 = "dc"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
backend = "userspace"
[networks.dc]
subnet = "10.0.0.0/24"
backend = "userspace"
"#;

async fn bent() -> Result<Lab, labnet::Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bent.toml");
    fs::write(&file, BENT).unwrap();
    Lab::up(file).await
}

/// What is in force in the direction that begins at this interface.
async fn from(link: &Link, interface: &str) -> TestResult<DirectionState> {
    let state = link.state().await?;
    let mut directions = state.cables.into_iter().flat_map(|cable| cable.directions);
    let begins = |direction: &DirectionState| {
        direction.from.as_ref().is_some_and(|from| from.to_string() == interface)
    };
    Ok(directions.find(begins).ok_or("no such direction")?)
}

/// The same in words.
async fn words(link: &Link, interface: &str) -> TestResult<String> {
    Ok(from(link, interface).await?.impairment.to_string())
}

/// Sockets of two hosts that know each other's Ethernet addresses, so that no ARP is among the frames.
async fn acquainted(
    lab: &Lab,
    sender: (&str, &str),
    receiver: (&str, &str),
) -> TestResult<[UdpSocket; 2]> {
    let bind = async |(node, address): (&str, &str)| {
        let socket = lab.node(node).udp_bind(format!("{address}:7000").parse()?).await?;
        TestResult::Ok(socket.into_std()?)
    };
    let [sender, receiver] = [bind(sender).await?, bind(receiver).await?];
    for socket in [&sender, &receiver] {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    }
    sender.connect(receiver.local_addr()?)?;
    receiver.connect(sender.local_addr()?)?;
    for (from, to) in [(&sender, &receiver), (&receiver, &sender)] {
        from.send(b"known")?;
        to.recv(&mut [0; 8])?;
    }
    Ok([sender, receiver])
}

/// The next datagram.
fn received(socket: &UdpSocket) -> TestResult<Vec<u8>> {
    let mut bytes = [0; 64];
    let length = socket.recv(&mut bytes)?;
    Ok(bytes[..length].to_vec())
}

#[tokio::test]
async fn changes_lie_over_each_other_and_last_as_long_as_their_values() -> TestResult {
    let lab = bent().await?;
    let link = lab.link("KALI--R2");
    let [there, back] = ["R2:eth0", "KALI:eth0"];
    let far = link.bend().delay("10ms").loss("1%").apply().await?;
    let thin = link.bend().from("KALI").loss("5%").rate("1Mbit").limit("20").apply().await?;
    assert_eq!(words(&link, there).await?, "delay 10ms, loss 1%");
    assert_eq!(words(&link, back).await?, "delay 10ms, loss 5%, rate 1Mbit, limit 20");
    far.undo().await?;
    assert_eq!(words(&link, there).await?, "nothing");
    assert_eq!(words(&link, back).await?, "loss 5%, rate 1Mbit, limit 20");
    let cut = link.down().await?;
    assert_eq!(words(&link, back).await?, "loss 5%, rate 1Mbit, limit 20, down");
    // What is asked next is asked after what a value that is dropped asks for.
    drop(thin);
    assert_eq!(words(&link, back).await?, "down");
    drop(cut);
    assert_eq!(words(&link, back).await?, "nothing");
    link.bend().change("delay 1ms, reorder 50%").gap(2).apply().await?.keep();
    assert_eq!(words(&link, back).await?, "delay 1ms, reorder 50%, gap 2");
    Ok(())
}

#[tokio::test]
async fn typed_values_are_as_good_as_text() -> TestResult {
    let lab = bent().await?;
    let link = lab.link("lan");
    let share = Probability::from_parts_per_billion(10_000_000).ok_or("too much")?;
    let rate = Rate::new(10_000_000).ok_or("nothing")?;
    let typed = link.bend().delay(Duration::from_millis(5)).jitter(Delay(Duration::from_millis(1)));
    let typed = typed.loss(share).duplicate(share).corrupt(share).rate(rate).burst(ByteSize(3000));
    let typed = typed.limit(QueueLimit::Frames(7)).apply().await?;
    let state = link.state().await?;
    typed.undo().await?;
    let text = link.bend().delay("5ms").jitter("1ms").loss("1%").duplicate("1%").corrupt("0.01");
    let text = text.rate("10Mbit").burst("3kB").limit("7").apply().await?;
    let same = link.state().await?;
    assert_eq!(state.to_string(), same.to_string());
    drop(text);
    let change = Change { loss: Some(Loss::Independent(share)), ..Change::default() };
    let whole = link.bend().change(change).apply().await?;
    assert_eq!(words(&link, "R2:eth0").await?, "loss 1%");
    drop(whole);
    Ok(())
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_any_more_is_taken_back() -> TestResult {
    let lab = bent().await?;
    let link = lab.link("lan");
    tokio::select! {
        biased;
        bend = link.bend().delay("10ms").apply() => drop(bend?),
        // The request has been sent, and its answer is not there yet.
        () = ready(()) => {}
    }
    let fault = link.fault(Fault::drop());
    tokio::select! {
        biased;
        fault = fault => drop(fault?),
        () = ready(()) => {}
    }
    while link.state().await?.cables.iter().any(labnet::CableState::is_bent) {
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[test]
fn a_change_is_taken_back_without_a_runtime() -> TestResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (lab, cut, [sender, receiver]) = runtime.block_on(async {
        let lab = bent().await?;
        let sockets = acquainted(&lab, ("KALI", "10.10.10.3"), ("R2", "10.10.10.2")).await?;
        let link = lab.link("lan");
        let cut = link.down().await?;
        sockets[0].send(b"lost")?;
        assert_eq!(from(&link, "KALI:eth0").await?.counters.map(|c| c.down), Some(1));
        TestResult::Ok((lab, cut, sockets))
    })?;
    drop(runtime);
    drop(cut);
    // Nobody tells when it has happened.
    receiver.set_read_timeout(Some(Duration::from_millis(5)))?;
    let passes = || sender.send(b"passes").is_ok() && received(&receiver).is_ok();
    assert!((0..4000).any(|_| passes()));
    drop(lab);
    Ok(())
}

#[tokio::test]
async fn faults_are_awaited_counted_and_released() -> TestResult {
    let lab = bent().await?;
    let [sender, receiver] = acquainted(&lab, ("KALI", "10.10.10.3"), ("R2", "10.10.10.2")).await?;
    let link = lab.link("lan");
    let lost = link.fault(Fault::drop().first(2).matching("udp").from("KALI")).await?;
    let (hit, _) =
        tokio::join!(lost.hits(2), async { (0..3).try_for_each(|n| sender.send(&[n]).map(drop)) });
    hit?;
    assert_eq!(received(&receiver)?, [2]);
    assert_eq!(lost.count().await?, 2);
    assert_snapshot!(lost.hits_within(3, Duration::from_millis(1)).await.unwrap_err());
    lost.remove().await?;

    let held = link.fault(Fault::hold().matching("udp")).await?;
    for n in 3..5 {
        sender.send(&[n])?;
    }
    held.hits(2).await?;
    assert_eq!((held.release().await?, held.release().await?), (2, 0));
    assert_eq!([received(&receiver)?, received(&receiver)?], [[3], [4]]);
    sender.send(&[5])?;
    held.hits(3).await?;
    drop(held);
    assert_eq!(received(&receiver)?, [5]);

    let twice = link.fault(Fault::duplicate().nth(2).matching("udp")).await?;
    for n in 6..9 {
        sender.send(&[n])?;
    }
    twice.hits(1).await?;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(received(&receiver)?);
    }
    assert_eq!(all, [6, 7, 7, 8]);
    Ok(())
}

#[tokio::test]
async fn what_one_node_sends_to_a_switch_is_bent_alone() -> TestResult {
    let lab = bent().await?;
    let [one, two] = acquainted(&lab, ("h1", "10.0.0.1"), ("h2", "10.0.0.2")).await?;
    let network = lab.link("dc");
    let mute = network.bend().from("h1").loss("100%").apply().await?;
    one.send(b"lost")?;
    two.send(b"heard")?;
    assert_eq!(received(&one)?, b"heard");
    assert_eq!(from(&network, "h1:eth0").await?.counters.map(|c| (c.sent, c.lost)), Some((1, 1)));
    assert_eq!(words(&network, "h2:eth0").await?, "nothing");
    mute.undo().await?;
    one.send(b"passes")?;
    assert_eq!(received(&two)?, b"passes");
    Ok(())
}

#[tokio::test]
async fn a_partition_lasts_as_long_as_its_value() -> TestResult {
    let lab = bent().await?;
    let [one, two] = acquainted(&lab, ("h1", "10.0.0.1"), ("h2", "10.0.0.2")).await?;
    let parted = lab.partition(["h1"], ["h2", "h3"]).await?;
    let link = lab.partition(["R2"], ["KALI"]).await?;
    assert_eq!(words(&lab.link("lan"), "R2:eth0").await?, "down");
    one.send(b"lost")?;
    let drops = async || {
        let state = lab.link("dc").state().await?;
        let faults =
            state.cables.iter().flat_map(|cable| &cable.directions).flat_map(|d| &d.faults);
        TestResult::Ok(faults.map(|fault| fault.hits).sum::<u64>())
    };
    while drops().await? == 0 {
        tokio::task::yield_now().await;
    }
    // Each value heals what it parted, and no more.
    link.undo().await?;
    let again = lab.partition(["h2", "h3"], ["h1"]).await?;
    drop(parted);
    assert!(lab.link("dc").state().await?.cables.iter().any(labnet::CableState::is_bent));
    again.undo().await?;
    assert!(!lab.link("dc").state().await?.cables.iter().any(labnet::CableState::is_bent));
    one.send(b"passes")?;
    assert_eq!(received(&two)?, b"passes");
    Ok(())
}

#[tokio::test]
async fn a_partition_is_made_whole_or_not_at_all() -> TestResult {
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("twice.toml");
    fs::write(
        &file,
        r#"
        [networks.dc]
        subnet = ["192.0.2.0/24"]
        [nodes.a.interfaces]
        eth0 = "dc"
        eth1 = "198.51.100.1/24"
        [nodes.b.interfaces]
        eth0 = "dc"
        eth1 = "198.51.100.2/24"
        [links.lan]
        ends = ["a:eth1", "b:eth1"]
        backend = "kernel"
        "#,
    )?;
    let lab = Lab::up(&file).await?;
    let bent = async || -> TestResult<[bool; 2]> {
        let [lan, dc] = [lab.link("lan").state().await?, lab.link("dc").state().await?];
        Ok([lan, dc].map(|state| state.cables.iter().any(labnet::CableState::is_bent)))
    };
    // A kernel without netem can't cut the link.
    match lab.partition(["a"], ["b"]).await {
        Ok(_parted) => assert_eq!(bent().await?, [true; 2]),
        Err(_) => assert_eq!(bent().await?, [false; 2]),
    }
    Ok(())
}

#[tokio::test]
async fn mistakes_are_errors_where_the_change_is_applied() -> TestResult {
    let lab = bent().await?;
    let link = lab.link("lan");
    let mut text = String::new();
    let bends = [
        link.bend().delay("5").jitter("x"),
        link.bend().loss("1"),
        link.bend().rate("10"),
        link.bend().limit("x"),
        link.bend().change("delay 5ms, lose 1%"),
        link.bend().from("h1").delay("5ms"),
        link.bend().limit("10"),
    ];
    for bend in bends {
        text += &format!("{}\n", bend.apply().await.unwrap_err());
    }
    let faults = [
        Fault::delay("5"),
        Fault::drop().first(0),
        Fault::drop().lasting("x"),
        Fault::drop().matching("tcp prot 5000"),
        Fault::drop().from("h1"),
    ];
    for fault in faults {
        text += &format!("{}\n", link.fault(fault).await.unwrap_err());
    }
    for (some, others) in [("R2", "R2"), ("R2", "h1"), ("R2", "R9")] {
        text += &format!("{}\n", lab.partition([some], [others]).await.unwrap_err());
    }
    assert_snapshot!(text);
    assert!(!link.state().await?.cables[0].is_bent());
    Ok(())
}
