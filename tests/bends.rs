//! What links do, from a topology to its plan: by file, by code, and as JSON.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

use std::{fs, path::Path};

use labnet::{
    impairment::{Change, Impairment, Pace, Trace},
    plan::{self, Backend, Direction, Plan, Step},
    spec::{self, Builder, Problems},
};

fn resolve(text: &str) -> Result<Plan, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, text).unwrap();
    fs::write(folder.path().join("cell.trace"), "3\n7\n").unwrap();
    spec::load(&path).and_then(|spec| plan::resolve(&spec))
}

fn pair() -> Builder {
    Builder::new("pair")
        .node("R2", |node| node.interface("eth0", "10.10.10.2/24"))
        .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
        .link("R2", "KALI")
}

const PAIR: &str = r#"
name = "pair"
nodes.R2.interfaces.eth0 = "10.10.10.2/24"
nodes.KALI.interfaces.eth0 = "10.10.10.3/24"
[[links]]
ends = ["R2", "KALI"]
"#;

fn bent() -> Plan {
    plan::resolve(&spec::load(Path::new("fixtures/good/bent.toml")).unwrap()).unwrap()
}

fn impairments(directions: &[Direction; 2]) -> [String; 2] {
    directions.each_ref().map(|direction| direction.impairment.to_string())
}

#[test]
fn a_link_that_is_not_bent_does_nothing() {
    let plan = resolve(PAIR).unwrap();
    let link = &plan.links[0];
    assert_eq!((link.backend, link.seed), (Backend::Auto, 1));
    assert!(link.directions.iter().all(Direction::is_nothing));
    assert_eq!(link.hub.each_ref().map(|name| name.as_str()), ["l1a", "l1b"]);
    assert!(!plan.steps().iter().any(|step| matches!(step, Step::Bend { .. })));
}

#[test]
fn what_one_node_sends_is_merged_over_each_way() {
    let plan = bent();
    let lan = &plan.links[0];
    assert_eq!(lan.seed, 7);
    let common = "delay 10ms, jitter 1ms, distribution normal";
    assert_eq!(
        impairments(&lan.directions),
        [
            format!("{common}, loss 1%, reorder 1%, gap 5"),
            format!(
                "{common}, loss 5% burst 4, duplicate 0.5%, reorder 1%, gap 5, corrupt 0.1%, rate 10Mbit, burst 3kB, limit 100"
            ),
        ]
    );
    let [there, back] = &lan.directions;
    assert_eq!((there.faults.len(), back.faults.len()), (2, 3));
    assert_eq!((there.schedule.entries().len(), back.schedule.entries().len()), (2, 1));
}

#[test]
fn a_network_bends_the_cable_of_each_node() {
    let plan = bent();
    let ports = &plan.networks[0].ports;
    let h1 = ports.iter().find(|port| port.endpoint.node.as_str() == "h1").unwrap();
    assert_eq!(h1.backend, Backend::Kernel);
    assert_eq!(impairments(&h1.directions), ["delay 2ms, rate 100Mbit", "delay 2ms"]);
}

#[test]
fn a_plan_of_bent_links_travels_as_json() {
    let plan = bent();
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn the_trace_is_in_the_plan() {
    let plan = resolve(&format!("{PAIR}from.R2.rate.trace = \"cell.trace\"\n")).unwrap();
    let Some(Pace::Trace(trace)) = &plan.links[0].directions[0].impairment.rate else {
        panic!("no trace");
    };
    assert_eq!((trace.name(), trace.chances()), ("cell.trace", &[3, 7][..]));
}

#[test]
fn code_says_it_as_the_file_does() {
    let by_file = resolve(&format!(
        r#"{PAIR}
backend = "userspace"
seed = 9
each_way = {{ delay = "10ms", loss = "1%" }}
from.KALI = {{ loss = "5%", rate = {{ trace = "cell.trace" }} }}
schedule = [
    {{ at = "5s", for = "1s", every = "10s", each_way = {{ down = true }} }},
    {{ at = "1m", from.R2 = {{ delay = "0" }} }},
]
faults = [
    {{ match = "udp", every = 3, action = "duplicate" }},
    {{ from = "KALI", first = 1, match = "tcp", action = {{ delay = "50ms" }} }},
]
"#
    ));
    let trace = Trace::new("cell.trace", vec![3, 7]).unwrap();
    let paced = Change { rate: Some(Some(trace.into())), .."loss 5%".parse().unwrap() };
    let by_code = pair()
        .each_way("delay 10ms")
        .each_way("loss 1%")
        .from("KALI", paced)
        .backend(Backend::Userspace)
        .seed(9)
        .schedule("at 5s for 1s every 10s: down")
        .schedule_from("R2", "at 1m: delay 0")
        .fault("duplicate every 3 matching udp")
        .fault_from("KALI", "delay 50ms first 1 matching tcp")
        .build();
    assert_eq!(plan::resolve(&by_code).unwrap(), by_file.unwrap());
}

#[test]
fn code_bends_networks_too() {
    let spec = pair()
        .each_way("loss 1%")
        .network("dc", ["192.0.2.0/24"])
        .each_way("delay 1ms")
        .node("web", |node| node.interface("eth0", "dc"))
        .build();
    let plan = plan::resolve(&spec).unwrap();
    assert_eq!(impairments(&plan.networks[0].ports[0].directions), ["delay 1ms", "delay 1ms"]);
    assert_eq!(impairments(&plan.links[0].directions), ["loss 1%", "loss 1%"]);
}

#[test]
fn mistakes_in_code_are_all_told() {
    let spec = Builder::new("pair")
        .each_way("delay 1ms")
        .node("R2", |node| node.interface("eth0", "10.10.10.2/24"))
        .node("KALI", |node| node.interface("eth0", "10.10.10.3/24"))
        .link("R2", "KALI")
        .each_way("delay 10")
        .from("KALO", "loss 1%")
        .from("KALI", "reorder 1%")
        .seed(1 << 63)
        .schedule("at 5s")
        .fault("explode")
        .fault("drop matching prot")
        .build();
    let told = plan::resolve(&spec).unwrap_err().to_string();
    for message in [
        "`each_way` is said before there is a link or network",
        "`each_way`: `delay`: `10` is not a length of time",
        "`KALO` sends nothing on link `R2--KALI`",
        "`reorder` without `delay`",
        "`seed` is 9223372036854775808",
        "`schedule`: `at 5s` is not a change in time",
        "`fault`: `explode` is nothing to do to a frame",
        "`fault`: the filter, column 1: `prot`",
    ] {
        assert!(told.contains(message), "{message}\n{told}");
    }
}

#[test]
fn times_that_change_make_a_meaning_together() {
    let scheduled = |rest: &str| resolve(&format!("{PAIR}each_way.reorder = \"1%\"\n{rest}"));
    assert!(scheduled("").is_err());
    let later = "each_way.delay = \"1ms\"\nschedule = [{ at = \"5s\", each_way.delay = \"0\" }]\n";
    let problems = scheduled(later).unwrap_err();
    assert_eq!(problems.list[0].rule, "contradiction");
    assert_eq!(problems.list[0].related.len(), 1, "{problems}");
}

#[test]
fn a_burst_is_a_frame_of_the_sender_at_least() {
    let text = PAIR.replace("\"10.10.10.2/24\"", "{ addresses = \"10.10.10.2/24\", mtu = 4000 }");
    let limited = |size: u32| {
        resolve(&format!("{text}each_way = {{ rate = \"1Mbit\", burst = \"{size}\" }}\n"))
    };
    assert!(limited(4013).unwrap_err().to_string().contains("4014 bytes with its header"));
    let plan = limited(4014).unwrap();
    assert_eq!(plan.links[0].directions[0].impairment.check(4000), Ok(()));
}

#[test]
fn many_cables_share_no_long_trace() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cell.trace"), "1\n".repeat(1 << 20)).unwrap();
    let path = folder.path().join("lab.toml");
    let text = "nodes.\"h{1..3}\".interfaces.eth0 = \"dc\"\n\
                networks.dc = { subnet = \"10.0.0.0/24\", each_way.rate.trace = \"cell.trace\" }\n";
    fs::write(&path, text).unwrap();
    let problems = plan::resolve(&spec::load(&path).unwrap()).unwrap_err();
    assert_eq!(problems.list[0].rule, "too-long-traces", "{problems}");
}

#[test]
fn every_impairment_of_a_plan_can_be_said_again() {
    let plan = bent();
    let directions = plan.links.iter().flat_map(|link| &link.directions);
    for impairment in directions.map(|direction| &direction.impairment) {
        if !matches!(impairment.rate, Some(Pace::Trace(_))) {
            assert_eq!(&impairment.to_string().parse::<Impairment>().unwrap(), impairment);
        }
    }
}
