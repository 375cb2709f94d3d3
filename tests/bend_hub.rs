//! Where cables meet: what the topology asks for holds from the first frame, and what happens in the hub is what the kernel tells.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

use labnet::{Carrier, Lab, Node, TestResult};

const PAIR: &str = r#"
name = "pair"
[nodes.a]
interfaces.eth0 = "192.0.2.1/24"
[nodes.b]
interfaces.eth0 = "192.0.2.2/24"
[links.lan]
ends = ["a:eth0", "b:eth0"]
"#;

async fn up(more: &str) -> Result<Lab, labnet::Error> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(&file, format!("{PAIR}{more}")).unwrap();
    Lab::up(file.path()).await
}

async fn reaches(node: &Node, address: &str) -> bool {
    let ping = format!("ping -c 1 -W 2 {address}");
    node.command(&ping).run().await.unwrap().success().is_ok()
}

/// What a command prints in the hub, the namespace of the lab's init.
async fn in_hub(lab: &Lab, command: &str) -> String {
    let command = format!("nsenter -t 1 -n {command}");
    let done = lab.node("a").command(&command).run().await.unwrap().success().unwrap();
    done.stdout().to_string()
}

#[tokio::test]
async fn the_topology_is_in_force_from_the_first_frame() -> TestResult {
    let more = r#"
each_way = { delay = "5ms" }
[[links.lan.faults]]
from = "a"
match = "icmp"
first = 1
action = "drop"
"#;
    let lab = up(more).await?;
    let state = lab.link("lan").state().await?;
    assert_eq!(state.cables[0].carrier, Some(Carrier::Userspace));
    assert_eq!(state.cables[0].directions[1].impairment.to_string(), "delay 5ms");
    assert!(!reaches(&lab.node("a"), "192.0.2.2").await);
    assert!(reaches(&lab.node("a"), "192.0.2.2").await);
    let [there, back] = lab.link("lan").state().await?.cables.remove(0).directions;
    assert_eq!((there.faults[0].number, there.faults[0].hits), (1, 1));
    assert_eq!(there.counters.unwrap().fault_drops, 1);
    assert!(back.faults.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_kernel_can_not_do_is_refused_before_anything_is_built() -> TestResult {
    // No kernel does this as it is meant: a seed decides which bit it is.
    let more = "backend = \"kernel\"\neach_way = { corrupt = \"1%\" }\n";
    let refused = up(more).await.unwrap_err().to_string();
    assert!(refused.contains("link lan has backend = \"kernel\""), "{refused}");
    assert!(refused.contains("netem"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn when_the_worker_ends_its_cables_are_cut_until_they_are_reset() -> TestResult {
    let lab = up("backend = \"userspace\"\neach_way = { delay = \"1ms\" }\n").await?;
    let [a, b] = ["a", "b"].map(|name| lab.node(name));
    assert!(reaches(&a, "192.0.2.2").await);
    let kill = "for p in /proc/[0-9]*; do \
        if [ \"$(cat $p/comm)\" = labnet-worker ]; then kill -9 ${p#/proc/}; fi; done";
    a.command_from(["sh", "-c", kill]).run().await?.success()?;
    let link = lab.link("lan");
    let lost = loop {
        let cable = link.state().await?.cables.remove(0);
        if cable.carrier != Some(Carrier::Userspace) {
            break cable;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(lost.carrier, Some(Carrier::Lost));
    assert!(lost.why.contains("`labnet link reset lan`"), "{}", lost.why);
    assert!(!reaches(&a, "192.0.2.2").await);
    // Whatever is asked next is asked of a new one.
    let bent = link.bend().delay("2ms").apply().await?;
    assert_eq!(link.state().await?.cables[0].carrier, Some(Carrier::Userspace));
    assert!(reaches(&b, "192.0.2.1").await);
    bent.undo().await?;
    assert!(reaches(&b, "192.0.2.1").await);
    Ok(())
}

#[tokio::test]
async fn filters_and_interfaces_are_as_the_kernel_tells() -> TestResult {
    let lab = up("").await?;
    let filter = "tc filter show dev l1a ingress";
    let direct = in_hub(&lab, filter).await;
    assert!(direct.contains("mirred (Egress Redirect to device l1b) stolen"), "{direct}");
    assert!(direct.contains("bytecode '1,6 0 0 4294967295'"), "{direct}");
    let bent = lab.link("lan").bend().delay("1ms").loss("1%").down().apply().await?;
    if lab.link("lan").state().await?.cables[0].carrier == Some(Carrier::Userspace) {
        let led = in_hub(&lab, filter).await;
        assert!(led.contains("mirred (Egress Redirect to device w1b) stolen"), "{led}");
    }
    bent.undo().await?;
    let again = in_hub(&lab, filter).await;
    assert!(again.contains("mirred (Egress Redirect to device l1b) stolen"), "{again}");
    // In the hub nothing but frames of others passes: no address, no neighbour.
    assert_eq!(in_hub(&lab, "ip -o addr show scope global").await, "");
    assert_eq!(in_hub(&lab, "ip -6 -o addr show scope link").await, "");
    Ok(())
}

#[tokio::test]
async fn tagged_frames_of_full_size_pass() -> TestResult {
    let lab = up("").await?;
    let send = "import socket\n\
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n\
        s.bind(('eth0', 0))\n\
        s.send(b'\\xff' * 6 + b'\\x02' * 6 + b'\\x81\\x00\\x00\\x07\\x88\\xb5' + bytes(1500))";
    for bent in [false, true] {
        let guard = match bent {
            true => Some(lab.link("lan").bend().delay("1ms").apply().await?),
            false => None,
        };
        let capture = lab
            .node("b")
            .capture("eth0")
            .filter("ether src 02:02:02:02:02:02")
            .count(1)
            .start()
            .await?;
        lab.node("a").command_from(["python3", "-c", send]).run().await?.success()?;
        let recorded = capture.ended().await?;
        assert_eq!(recorded.frames()?, 1);
        let mut reader = recorded.reader()?;
        let frame = reader.next_frame()?.unwrap().length;
        assert_eq!(frame, 1518, "bent: {bent}");
        drop(guard);
    }
    Ok(())
}
