//! `labnet plan`: complete, ordered, the same everywhere; and the builder, which comes to the same plans.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

use std::{collections::BTreeMap, fs, path::Path};

use assert_cmd::Command;
use ipnet::IpNet;
use labnet::{
    name::{Endpoint, IfName, LabName, NodeName},
    plan::{self, Plan, Ready, Source, Step},
    spec::{self, Builder},
    units::MacAddr,
};
use proptest::prelude::*;

fn plan_of(path: &str) -> Plan {
    let spec = spec::load(Path::new(path)).unwrap();
    plan::resolve(&spec).unwrap_or_else(|problems| panic!("{problems}"))
}

fn plan_of_text(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, text).unwrap();
    plan_of(path.to_str().unwrap())
}

fn output(arguments: &[&str]) -> String {
    let command = Command::cargo_bin("labnet").unwrap().args(arguments).assert().success();
    String::from_utf8(command.get_output().stdout.clone()).unwrap()
}

#[test]
fn the_good_topologies_come_to_these_plans() {
    insta::assert_snapshot!("sockets-lab", output(&["plan", "topology/sockets-lab.toml"]));
    for file in fs::read_dir("fixtures/good").unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::assert_snapshot!(stem, output(&["plan", path.to_str().unwrap()]));
    }
}

#[test]
fn json_holds_the_plan_and_its_steps() {
    let text = output(&["plan", "--json", "topology/sockets-lab.toml"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan: Plan = serde_json::from_value(json["plan"].clone()).unwrap();
    assert_eq!(plan, plan_of("topology/sockets-lab.toml"));
    assert_eq!(json["steps"].as_array().unwrap().len(), plan.steps().len());
    insta::assert_snapshot!("sockets-lab-json", text);
}

#[test]
fn the_built_in_lab_is_the_sockets_lab_with_its_files_inside() {
    let mut built_in = plan::resolve(&spec::builtin("sockets").unwrap().unwrap()).unwrap();
    let mut file = plan_of("topology/sockets-lab.toml");
    let content = fs::read_to_string("fixtures/send.txt").unwrap();
    assert_eq!(built_in.nodes[1].files.remove(0).source, Source::Inline(content));
    assert_eq!(file.nodes[1].files.remove(0).source, Source::Path("../fixtures/send.txt".into()));
    assert_eq!(built_in, file);
}

#[test]
fn a_plan_is_the_same_from_anywhere() {
    let here = output(&["plan", "--json", "topology/sockets-lab.toml"]);
    let absolute = fs::canonicalize("topology/sockets-lab.toml").unwrap();
    assert_eq!(output(&["plan", "--json", absolute.to_str().unwrap()]), here);
    assert!(!here.contains(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn interfaces_are_born_then_configured_then_raised() {
    let steps = plan_of("fixtures/good/ipv6.toml").steps();
    let last = |wanted: fn(&Step) -> bool| steps.iter().rposition(wanted).unwrap();
    let first = |wanted: fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    let is_up =
        |s: &Step| matches!(s, Step::Up { .. } | Step::HubUp { .. } | Step::LoopbackUp { .. });
    let is_born = |s: &Step| matches!(s, Step::Link { .. } | Step::Port { .. });
    let is_sysctl = |s: &Step| matches!(s, Step::Sysctl { .. } | Step::HubSysctl { .. });
    assert!(last(|s| matches!(s, Step::Node { .. })) < first(is_born));
    assert!(last(is_sysctl) < first(is_born));
    assert!(last(is_born) < first(|s| matches!(s, Step::OffloadOff { .. })));
    assert!(last(|s| matches!(s, Step::Address { .. })) < first(is_up));
    let up = |node: &str| {
        let is = |s: &Step| matches!(s, Step::Up { endpoint } if endpoint.node.as_str() == node);
        steps.iter().rposition(is).unwrap()
    };
    for (place, step) in steps.iter().enumerate() {
        if let Step::Route { node, .. } = step {
            assert!(up(node.as_str()) < place, "a route of {node} comes before its links are up");
        }
    }
}

#[test]
fn a_lab_by_code_is_the_lab_by_file() {
    let spec = Builder::new("sockets-lab")
        .node("R2", |node| {
            node.interface("eth0", "10.10.10.2/24")
                .program("echo", "labnet echo serve 10.10.10.2:5001", Ready::Tcp(5001))
                .program("file", "labnet file serve 10.10.10.2:5002 --into .", Ready::Tcp(5002))
        })
        .node("KALI", |node| {
            node.interface("eth0", "10.10.10.3/24")
                .file("send.txt", Source::Path("../fixtures/send.txt".into()))
        })
        .link("R2:eth0", "KALI:eth0")
        .build();
    let mut plan = plan::resolve(&spec).unwrap();
    assert_eq!(plan.links[0].name.as_str(), "R2--KALI");
    plan.links[0].name = "lan".parse().unwrap();
    assert_eq!(plan, plan_of("topology/sockets-lab.toml"));
}

#[test]
fn the_builder_knows_all_a_node_can_have() {
    let spec = Builder::new("pair")
        .network("dc", ["10.0.0.0/24", "2001:db8::/64"])
        .node("a", |node| node.interface("eth0", "dc").sysctl("net.ipv4.ip_forward", "1"))
        .node("b", |node| {
            node.interface("eth0", "dc")
                .route("default", "10.0.0.1")
                .env("MODE", "test")
                .program("sleep", "sleep 1000", None)
                .file("note", Source::Inline("hi".into()))
        })
        .offload()
        .build();
    let plan = plan::resolve(&spec).unwrap();
    let [a, b] = &plan.nodes[..] else { panic!("two nodes") };
    assert_eq!(a.sysctls.last().unwrap(), &("net.ipv4.ip_forward".into(), "1".into()));
    assert_eq!(b.routes.last().unwrap().via, Some("10.0.0.1".parse().unwrap()));
    assert_eq!(b.env["MODE"], "test");
    assert_eq!(b.programs[0].command, ["sleep", "1000"]);
    assert_eq!(b.files[0].source, Source::Inline("hi".into()));
    assert!(plan.interfaces().all(|(_, interface)| interface.offload));
}

#[test]
fn mistakes_in_code_are_named_all_together() {
    let spec = Builder::new("two words")
        .network("dc", ["10.0.0.1/24"])
        .node("a b", |node| node)
        .node("a", |node| {
            node.interface("eth0", "10.0.0.1/240")
                .interface("eth0", "dd")
                .route("10.0.0.0/8", "nowhere")
                .sysctl("kernel.hostname", "x")
                .env("A=B", "1")
                .program("p", "echo it's", None)
                .program("q", "", None)
                .file("../up", Source::Inline(String::new()))
        })
        .link("a:eth7", "KALI")
        .link("a:eth0", "")
        .build();
    insta::assert_snapshot!(plan::resolve(&spec).unwrap_err());
}

#[test]
fn several_links_between_two_nodes_are_named_after_their_interfaces() {
    let plan = plan::resolve(
        &Builder::new("twice")
            .node("a", |n| n.interface("eth0", "10.0.0.1/30").interface("eth1", "10.0.1.1/30"))
            .node("b", |n| n.interface("eth0", "10.0.0.2/30").interface("eth1", "10.0.1.2/30"))
            .link("a:eth0", "b:eth0")
            .link("b:eth1", "a:eth1")
            .build(),
    )
    .unwrap();
    let names: Vec<_> = plan.links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(names, ["a:eth0--b:eth0", "b:eth1--a:eth1"]);
}

#[test]
fn a_thousand_nodes_fit_on_one_network() {
    let text = "[nodes.\"h{1..1000}\"]\ninterfaces.eth0 = \"dc\"\n[networks.dc]\nsubnet = \"10.0.0.0/16\"\n";
    let plan = plan_of_text(text);
    assert_eq!(
        plan.nodes[999].interfaces[0].addresses,
        ["10.0.3.232/16".parse::<IpNet>().unwrap()]
    );
    assert_eq!(plan.networks[0].ports[999].name.as_str(), "p1000");
}

#[test]
fn bridges_of_long_names_stay_apart() {
    let names = ["network-one", "backbone-of-the-east", "backbone-of-the-west"];
    let networks: String =
        names.iter().map(|name| format!("[networks.{name}]\nsubnet = []\n")).collect();
    let plan = plan_of_text(&format!("[nodes.a]\n{networks}"));
    let bridges: Vec<_> = plan.networks.iter().map(|n| n.bridge.as_str().to_owned()).collect();
    assert_eq!(bridges[0], "br-network-one");
    assert!(bridges.iter().all(|bridge| bridge.len() <= 15), "{bridges:?}");
    assert_ne!(bridges[1], bridges[2]);
}

fn macs(plan: &Plan) -> BTreeMap<Endpoint, MacAddr> {
    plan.interfaces().map(|(endpoint, interface)| (endpoint, interface.mac)).collect()
}

/// A topology with nodes of these names on one bare switch and one with addresses.
fn on_switches(names: &[String]) -> Plan {
    let mut text = "networks.bare.subnet = []\nnetworks.dc.subnet = \"10.0.0.0/16\"\n".to_owned();
    for name in names {
        text.push_str(&format!("[nodes.{name}]\ninterfaces = {{ b = \"bare\", d = \"dc\" }}\n"));
    }
    plan_of_text(&text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_new_node_leaves_the_others_as_they_are(
        names in prop::collection::hash_set("[a-z][a-z0-9-]{0,20}", 2..12),
    ) {
        let names: Vec<_> = names.into_iter().collect();
        let (before, after) = (on_switches(&names[..names.len() - 1]), on_switches(&names));
        let after_macs = macs(&after);
        for (endpoint, mac) in macs(&before) {
            prop_assert_eq!(after_macs[&endpoint], mac);
            prop_assert_eq!(mac.0[0] & 3, 2, "locally administered, unicast");
        }
        prop_assert_eq!(&before.nodes[..], &after.nodes[..names.len() - 1]);
        prop_assert_eq!(on_switches(&names), after);
    }

    #[test]
    fn an_address_comes_through(bits: u32, length in 1u8..=30) {
        let net = IpNet::new(std::net::Ipv4Addr::from(bits).into(), length).unwrap();
        let text = net.to_string();
        let other = net.hosts().find(|host| *host != net.addr()).unwrap();
        let spec = Builder::new("lab")
            .node("a", |node| node.interface("eth0", &text))
            .node("b", |node| node.interface("eth0", &format!("{other}/{length}")))
            .link("a", "b")
            .build();
        match plan::resolve(&spec) {
            Ok(plan) => prop_assert_eq!(&plan.nodes[0].interfaces[0].addresses, &[net]),
            Err(problems) => prop_assert_eq!(problems.list[0].rule, "host-address"),
        }
    }

    #[test]
    fn names_come_back(text in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}") {
        prop_assert_eq!(text.parse::<IfName>().unwrap().to_string(), text.clone());
        // Some texts are addresses.
        let host = format!("h{text}");
        prop_assert_eq!(host.parse::<NodeName>().unwrap().to_string(), host.clone());
        prop_assert_eq!(text.parse::<LabName>().unwrap().to_string(), text.clone());
        let endpoint: Endpoint = format!("{host}:{text}").parse().unwrap();
        prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }

    #[test]
    fn any_text_is_a_name_or_an_error(text: String) {
        let _ = (text.parse::<IfName>(), text.parse::<NodeName>(), text.parse::<Endpoint>(), text.parse::<Ready>());
    }
}
