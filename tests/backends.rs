//! Who bends a link: what the topology leaves to labnet goes by what the kernel does exactly, as `labnet doctor` tells.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;

use std::time::{Duration, Instant};

use labnet::{Carrier, Error, Lab, TestResult};

/// A lab of two nodes, and what the link between them does to frames.
async fn lab(backend: &str, each_way: &str) -> Result<Lab, Error> {
    let topology = format!(
        "name = \"backends\"
[nodes.a]
interfaces.eth0 = \"192.0.2.1/24\"
[nodes.b]
interfaces.eth0 = \"192.0.2.2/24\"
[links.lan]
ends = [\"a:eth0\", \"b:eth0\"]
backend = \"{backend}\"
each_way = {{ {each_way} }}
"
    );
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(&file, topology).unwrap();
    Lab::up(file.path()).await
}

/// Whether the kernel has all of these, by doctor's names.
fn kernel_has(features: &[&str]) -> bool {
    let doctor = programs::labnet("doctor --json").finish();
    let answer: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let all = answer["features"].as_array().unwrap();
    let there = |name: &&str| all.iter().any(|one| one["name"] == *name && one["state"] == "ok");
    features.iter().all(there)
}

#[tokio::test]
async fn labnet_takes_the_kernel_for_what_it_does_exactly() -> TestResult {
    for (each_way, needs) in [
        ("rate = \"10Mbit\"", Some(&["ifb", "tbf"][..])),
        ("delay = \"1ms\"", Some(&["ifb", "netem"])),
        ("delay = \"1ms\", rate = \"10Mbit\"", Some(&["ifb", "netem", "tbf"])),
        ("loss = \"1%\"", Some(&["ifb", "netem", "netem-seed"])),
        ("corrupt = \"1%\"", None),
        ("delay = \"1ms\", jitter = \"1ms\", rate = \"10Mbit\"", None),
    ] {
        let state = lab("auto", each_way).await?.link("lan").state().await?;
        let kernel = needs.is_some_and(kernel_has);
        let expected = if kernel { Carrier::Kernel } else { Carrier::Userspace };
        assert_eq!(state.cables[0].carrier, Some(expected), "{each_way}: {state:?}");
        assert!(!state.cables[0].why.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_kernel_is_asked_for_what_it_can_do_or_nothing_is_built() -> TestResult {
    for (each_way, needs) in [
        ("rate = \"10Mbit\"", Some(&["ifb", "tbf"][..])),
        ("corrupt = \"1%\"", Some(&["ifb", "netem"])),
        ("delay = \"1ms\", jitter = \"1ms\", rate = \"10Mbit\"", None),
    ] {
        match (lab("kernel", each_way).await, needs.is_some_and(kernel_has)) {
            (Ok(lab), true) => {
                let state = lab.link("lan").state().await?;
                assert_eq!(state.cables[0].carrier, Some(Carrier::Kernel), "{state:?}");
            }
            (Err(error), false) => assert!(error.to_string().contains("kernel"), "{error}"),
            (result, there) => panic!("{each_way}: {:?}, {there}", result.err()),
        }
    }
    Ok(())
}

#[tokio::test]
async fn both_delay_frames_for_as_long() -> TestResult {
    let kernel = kernel_has(&["ifb", "netem"]).then_some("kernel");
    for backend in kernel.into_iter().chain(["userspace"]) {
        let lab = lab(backend, "delay = \"100ms\"").await?;
        let (a, b) = (lab.node("a"), lab.node("b"));
        let receiver = b.udp_bind("192.0.2.2:7".parse()?).await?;
        let sender = a.udp_bind("192.0.2.1:7".parse()?).await?;
        // The first learns the neighbour.
        for _ in 0..2 {
            let sent = Instant::now();
            sender.send_to(b"x", "192.0.2.2:7").await?;
            receiver.recv(&mut [0; 1]).await?;
            assert!(sent.elapsed() >= Duration::from_millis(100), "{backend}");
        }
        let state = lab.link("lan").state().await?;
        let [there, _] = &state.cables[0].directions;
        assert_eq!(there.impairment.to_string(), "delay 100ms", "{backend}");
        let counters = there.counters.as_ref().unwrap();
        // The two, and what finds the neighbour.
        assert!(counters.delivered >= 3 && counters.lost == 0, "{backend}: {counters:?}");
    }
    Ok(())
}
