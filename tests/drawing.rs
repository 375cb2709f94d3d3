//! Topologies are drawn with everything on them and nothing over anything.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

#[path = "support/topologies.rs"]
mod topologies;

use std::collections::HashMap;

use labnet::{
    plan::Plan,
    report::{self, Drawing, Graph, Label, LabelKind, Point, Rect},
};
use proptest::prelude::*;
use topologies::Topology;

fn drawing(plan: &Plan) -> Drawing {
    Drawing::new(&Graph::new(plan))
}

fn overlap(a: Rect, b: Rect) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// What is wrong with a drawing: things over each other, or wires through them.
fn faults(drawing: &Drawing) -> Vec<String> {
    let mut faults = Vec::new();
    let boxes = drawing.boxes.iter().map(|b| (b.rect, b.lines[0].clone()));
    let labels = drawing.labels.iter().map(|l| (l.rect(), l.text.clone()));
    let things: Vec<(Rect, String)> = boxes.chain(labels).collect();
    let canvas = Rect { x: 0, y: 0, width: drawing.width, height: drawing.height };
    for (index, (rect, text)) in things.iter().enumerate() {
        for (other, other_text) in &things[index + 1..] {
            if overlap(*rect, *other) {
                faults.push(format!("`{text}` and `{other_text}` overlap"));
            }
        }
        let Rect { x, y, width, height } = *rect;
        if x < 0 || y < 0 || x + width > canvas.width || y + height > canvas.height {
            faults.push(format!("`{text}` is outside"));
        }
    }
    faults.extend(wire_faults(drawing));
    faults
}

fn wire_faults(drawing: &Drawing) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: HashMap<Point, (usize, bool, bool)> = HashMap::new();
    for (wire, points) in drawing.wires.iter().enumerate() {
        let cells = cells(points);
        for (at, &(point, turns, upright)) in cells.iter().enumerate() {
            let cell = Rect { x: point.x, y: point.y, width: 1, height: 1 };
            if !overlap(cell, Rect { x: 0, y: 0, width: drawing.width, height: drawing.height }) {
                faults.push(format!("wire {wire} leaves the drawing"));
            }
            let is_end = at == 0 || at == cells.len() - 1;
            let boxes = drawing.boxes.iter().filter(|b| overlap(b.rect, cell)).count();
            if boxes != usize::from(is_end) {
                faults.push(format!("wire {wire} meets {boxes} boxes at {point:?}"));
            }
            for label in drawing.labels.iter().filter(|l| overlap(l.rect(), cell)) {
                if label.wire != wire || label.kind != LabelKind::Link {
                    faults.push(format!("wire {wire} runs over `{}`", label.text));
                }
            }
            if let Some((other, other_turns, other_upright)) =
                seen.insert(point, (wire, turns, upright))
                && (turns || other_turns || upright == other_upright)
            {
                faults.push(format!("wires {wire} and {other} touch at {point:?}"));
            }
        }
    }
    faults
}

/// The cells of a polyline with whether it turns there and whether it comes from above or below.
fn cells(points: &[Point]) -> Vec<(Point, bool, bool)> {
    let mut cells = vec![(points[0], false, false)];
    for pair in points.windows(2) {
        let (mut at, to) = (pair[0], pair[1]);
        assert!(
            (at.x == to.x) != (at.y == to.y),
            "a piece from {at:?} to {to:?} is neither level nor upright"
        );
        if let Some(corner) = cells.last_mut() {
            corner.1 = at != points[0];
        }
        while at != to {
            at = Point { x: at.x + (to.x - at.x).signum(), y: at.y + (to.y - at.y).signum() };
            cells.push((at, false, pair[0].x == to.x));
        }
    }
    cells
}

/// Whether all that a reader wants to know is there: names, and at both ends of each cable interface and addresses.
fn missing(plan: &Plan, drawing: &Drawing) -> Vec<String> {
    let mut missing = Vec::new();
    let count = |kind, text: &str| {
        drawing.labels.iter().filter(|l| l.kind == kind && l.text.trim() == text).count()
    };
    let has_box = |name: &str| drawing.boxes.iter().any(|b| b.lines[0] == name);
    let interfaces = plan.nodes.iter().flat_map(|n| &n.interfaces);
    let mut names: HashMap<&str, usize> = HashMap::new();
    for interface in interfaces.clone() {
        *names.entry(interface.name.as_str()).or_default() += 1;
    }
    missing.extend(
        names
            .iter()
            .filter(|(n, c)| count(LabelKind::Interface, n) != **c)
            .map(|(n, _)| n.to_string()),
    );
    let addresses = interfaces.flat_map(|i| &i.addresses).map(ToString::to_string);
    missing.extend(addresses.filter(|a| count(LabelKind::Address, a) == 0));
    let names = plan.nodes.iter().map(|n| n.name.as_str());
    let names = names.chain(plan.networks.iter().map(|n| n.name.as_str()));
    missing.extend(names.filter(|name| !has_box(name)).map(str::to_owned));
    let links = plan.links.iter().map(|l| l.name.as_str());
    missing.extend(links.filter(|l| count(LabelKind::Link, l) == 0).map(str::to_owned));
    let ports = plan.networks.iter().flat_map(|network| &network.ports);
    let cables = plan.links.iter().map(|link| &link.directions);
    let sent = cables.chain(ports.map(|port| &port.directions)).flatten();
    let bent = sent.filter(|direction| !direction.is_nothing()).count();
    let begun = |l: &&Label| l.kind == LabelKind::Bend && l.text.starts_with("out: ");
    if drawing.labels.iter().filter(begun).count() != bent {
        missing.push("what links do".to_owned());
    }
    missing
}

#[test]
fn nothing_overlaps_in_known_shapes_and_nothing_is_missing() {
    for (name, plan) in topologies::all() {
        let drawing = drawing(&plan);
        assert_eq!(faults(&drawing), [""; 0], "{name}:\n{}", report::text(&drawing));
        assert_eq!(missing(&plan, &drawing), [""; 0], "{name}:\n{}", report::text(&drawing));
        assert!(drawing.width <= 100, "{name} is {} columns wide", drawing.width);
    }
}

#[test]
fn the_checks_see_faults() {
    let (_, plan) = &topologies::all()[0];
    let good = drawing(plan);
    let spoil = |change: &dyn Fn(&mut Drawing)| {
        let mut bad = good.clone();
        change(&mut bad);
        (faults(&bad), missing(plan, &bad))
    };
    assert!(spoil(&|_| ()) == (vec![], vec![]));
    let (overlap, _) = spoil(&|d| d.labels[1].at = d.labels[0].at);
    assert!(overlap.iter().any(|f| f.ends_with("overlap")), "{overlap:?}");
    let (crossed, _) = spoil(&|d| d.labels[1].at.y += 1);
    assert!(crossed.iter().any(|f| f.contains("runs over")), "{crossed:?}");
    let (doubled, _) = spoil(&|d| d.wires.push(d.wires[0].clone()));
    assert!(doubled.iter().any(|f| f.contains("touch")), "{doubled:?}");
    let (through, _) = spoil(&|d| d.boxes[0].rect.width += 5);
    assert!(through.iter().any(|f| f.contains("meets")), "{through:?}");
    let (_, lost) = spoil(&|d| drop(d.labels.pop()));
    assert_eq!(lost.len(), 1, "{lost:?}");
}

fn any_topology() -> impl Strategy<Value = Plan> {
    let link = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let links = prop::collection::vec(link, 0..24);
    let networks =
        prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..12), 0..4);
    let flags = any::<[bool; 2]>();
    (1_usize..=20, links, networks, flags).prop_map(|(count, links, networks, [dual, bend])| {
        let names: Vec<String> = (1..=count).map(|n| format!("h{n}")).collect();
        let mut topology = Topology::new("any").hosts(count);
        for (index, members) in networks.into_iter().enumerate() {
            let (v4, v6) = (format!("10.9.{index}.0/24"), format!("2001:db8:{index}::/64"));
            let subnets: &[&str] = if dual { &[&v4, &v6] } else { &[&v4] };
            let members: Vec<&str> =
                members.iter().map(|m| names[m.index(count)].as_str()).collect();
            topology = topology.network(&format!("net{index}"), subnets, &members);
        }
        for (number, (a, b)) in links.into_iter().enumerate() {
            let name =
                if number % 3 == 0 { format!("link-with-a-name-{number}") } else { String::new() };
            topology = topology.link(&names[a.index(count)], &names[b.index(count)], &name);
        }
        if bend { topologies::bent(topology.plan()) } else { topology.plan() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_in_any_shape_and_nothing_is_missing(plan in any_topology()) {
        let drawing = drawing(&plan);
        prop_assert_eq!(faults(&drawing), Vec::<String>::new(), "\n{}", report::text(&drawing));
        prop_assert_eq!(missing(&plan, &drawing), Vec::<String>::new());
        prop_assert_eq!(svg_overlaps(&report::svg(&drawing)), Vec::<String>::new());
    }
}

/// Texts of an SVG document that overlap, by the sizes their font gives them.
fn svg_overlaps(svg: &str) -> Vec<String> {
    let attribute = |tag: &str, name: &str| -> Option<f64> {
        tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?.parse().ok()
    };
    let texts = svg.split("<text").skip(1).filter_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        let text = rest.split('<').next()?;
        // An advance of 0.6 em at 13 px; all of the text is between two lines of 16 px.
        let width = text.chars().count() as f64 * 0.6 * 13.0;
        let x = attribute(tag, "x")?;
        let left = match tag {
            tag if tag.contains(" end\"") => x - width,
            tag if tag.contains("link\"") || !tag.contains("class") => x - width / 2.0,
            _ => x,
        };
        Some((text, left, left + width, attribute(tag, "y")?))
    });
    let texts: Vec<_> = texts.collect();
    let mut overlaps = Vec::new();
    for (index, a) in texts.iter().enumerate() {
        for b in &texts[index + 1..] {
            if a.1 < b.2 && b.1 < a.2 && (a.3 - b.3).abs() < 13.0 {
                overlaps.push(format!("{} and {}", a.0, b.0));
            }
        }
    }
    overlaps
}

#[test]
fn drawings_are_the_same_every_time() {
    for (name, plan) in topologies::all() {
        assert_eq!(drawing(&plan), drawing(&plan), "{name}");
    }
}

#[test]
fn large_topologies_are_drawn_too() {
    let names: Vec<String> = (1..=500).map(|n| format!("h{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = Topology::new("large").nodes(&names).network("lan", &["10.0.0.0/8"], &names[..200]);
    let plan = (200..499).fold(plan, |t, n| t.link(names[n], names[(n * 7) % 499], "")).plan();
    assert_eq!(faults(&drawing(&plan)), [""; 0]);
}

fn shown(name: &str, show: impl Fn(&Graph) -> String) -> String {
    let all = topologies::all();
    let (_, plan) = all.iter().find(|(n, _)| *n == name).unwrap();
    show(&Graph::new(plan))
}

#[test]
fn text() {
    let text = |name| shown(name, |graph| report::text(&Drawing::new(graph)));
    for name in [
        "pair",
        "chain3",
        "star6",
        "mesh4",
        "mesh6",
        "ring6",
        "dual",
        "routed",
        "redundant",
        "bent-pair",
        "bent-parallel",
        "bent-routed",
    ] {
        insta::assert_snapshot!(format!("text-{name}"), text(name));
    }
}

#[test]
fn svg_is_self_contained() {
    let svg = shown("routed", |graph| report::svg(&Drawing::new(graph)));
    // librsvg, resvg and Inkscape paint black what gets its colour from a variable.
    assert!(!svg.contains("var("), "{svg}");
    insta::assert_snapshot!(svg);
}

#[test]
fn mermaid_and_dot() {
    for name in ["pair", "routed", "bent-pair", "bent-routed"] {
        insta::assert_snapshot!(format!("mermaid-{name}"), shown(name, report::mermaid));
        insta::assert_snapshot!(format!("dot-{name}"), shown(name, report::dot));
    }
}
