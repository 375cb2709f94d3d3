//! A thousand nodes in one lab, a hundred labs at once: they work, go away, and leave the rest of the machine alone.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod lab_support;

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lab_support::pair;
use labnet::{Lab, TestResult};
use libtest_mimic::{Arguments, Trial};
use nix::sys::resource::{Resource, getrlimit};
use tokio::time::timeout;

const NODES: usize = 1000;
/// More neighbours than the machine's table holds for all namespaces: two entries each, and 1024 is the usual limit.
const EXCHANGES: usize = 540;
/// What init needs for that many nodes, five descriptors each, and for itself.
const DESCRIPTORS: u64 = 5 * NODES as u64 + 100;
/// A lost packet takes forever; all else is a matter of milliseconds, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("a_thousand_nodes_on_a_network", too_few_descriptors(), a_thousand_nodes),
        trial("a_hundred_labs_at_once", None, a_hundred_labs),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial<F>(
    name: &str,
    impossible: Option<String>,
    test: impl FnOnce() -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = TestResult>,
{
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let trial = Trial::test(name, move || {
        runtime()?.block_on(test()).map_err(|error| error.to_string().into())
    });
    match impossible {
        None => trial,
        Some(why) => trial.with_ignored_flag(true).with_kind(why),
    }
}

fn too_few_descriptors() -> Option<String> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let why = format!("needs {DESCRIPTORS} open files, the hard limit is {hard}");
    (hard < DESCRIPTORS).then_some(why)
}

async fn a_thousand_nodes() -> TestResult {
    let lab = Lab::builder("scale").network("lan", ["10.0.0.0/16"]);
    let lab = (1..=NODES)
        .fold(lab, |lab, n| lab.node(&format!("h{n}"), |node| node.interface("eth0", "lan")));
    let lab = lab.up().await?;
    // DIRECTORY/fs/nodes/h1/home
    let directory = lab.node("h1").home().ancestors().nth(4).unwrap().to_owned();
    assert!(directory.exists() && lab.notes().iter().any(|note| note.contains("neighbour table")));

    exchange(&lab, 0, NODES - 1).await?;
    for place in 0..EXCHANGES {
        exchange(&lab, place, (place * 7 + 13) % NODES).await?;
    }
    // Namespaces that have nothing to do with it learn their neighbours as ever.
    let other = pair().up().await?;
    for (from, to) in [(0, 1), (1, 0)] {
        exchange(&other, from, to).await?;
    }
    other.down().await?;
    exchange(&lab, NODES - 1, NODES / 2).await?;
    lab.down().await?;
    assert!(!directory.exists(), "{} is left", directory.display());
    Ok(())
}

async fn a_hundred_labs() -> TestResult {
    let mut labs = Vec::new();
    for _ in 0..100 {
        labs.push(pair().up().await?);
    }
    for lab in &labs {
        exchange(lab, 0, 1).await?;
    }
    let directories: Vec<_> = labs
        .iter()
        .map(|lab| lab.node("R2").home().ancestors().nth(4).unwrap().to_owned())
        .collect();
    assert!(directories.iter().all(|directory| fs::exists(directory).unwrap()));
    drop(labs);
    assert!(directories.iter().all(|directory| !fs::exists(directory).unwrap()));
    Ok(())
}

/// Sends one datagram, the first between these two, and its answer.
async fn exchange(lab: &Lab, from: usize, to: usize) -> TestResult {
    let here = |place: usize| -> (_, IpAddr) {
        let node = &lab.plan().nodes[place];
        (lab.node(node.name.as_str()), node.interfaces[0].addresses[0].addr())
    };
    let ((client, _), (server, address)) = (here(from), here(to));
    let server = server.udp_bind(SocketAddr::new(address, 7)).await?;
    let client = client.udp_bind("0.0.0.0:0".parse()?).await?;
    client.send_to(b"ping", SocketAddr::new(address, 7)).await?;
    let mut buffer = [0; 8];
    let lost = |what: &str| format!("the {what} from node {from} to node {to} is lost");
    let (_, peer) =
        timeout(PATIENCE, server.recv_from(&mut buffer)).await.map_err(|_| lost("datagram"))??;
    server.send_to(b"pong", peer).await?;
    timeout(PATIENCE, client.recv_from(&mut buffer))
        .await
        .map_err(|_| lost("answer to that"))??;
    Ok(())
}
