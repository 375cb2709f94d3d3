//! A topology for Graphviz.

use super::graph::{End, Graph, Kind};

/// The topology in the DOT language; interfaces and addresses are at the ends of the edges.
pub fn dot(graph: &Graph) -> String {
    let mut text = format!(
        "graph {} {{\n    graph [rankdir=LR, nodesep=0.6, ranksep=2.2];\n    \
         node [shape=box, fontname=\"Courier\"];\n    \
         edge [fontname=\"Courier\", fontsize=10, labeldistance=5];\n",
        quoted(&graph.name)
    );
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let lines: Vec<&str> =
            [&vertex.name].into_iter().chain(&vertex.subnets).map(String::as_str).collect();
        let shape = match vertex.kind {
            Kind::Node => "",
            Kind::Network => ", style=rounded, peripheries=2",
        };
        text += &format!("    v{index} [label={}{shape}];\n", quoted(&lines.join("\n")));
    }
    for edge in &graph.edges {
        let [a, b] = &edge.ends;
        text += &format!(
            "    v{} -- v{} [label={}, taillabel={}, headlabel={}];\n",
            a.vertex,
            b.vertex,
            quoted(edge.name.as_deref().unwrap_or("")),
            quoted(&lines(a)),
            quoted(&lines(b)),
        );
    }
    text + "}\n"
}

fn lines(end: &End) -> String {
    let lines: Vec<&str> = end.interface.iter().chain(end.below()).map(String::as_str).collect();
    lines.join("\n")
}

/// A double-quoted DOT string; backslashes and line breaks are its escapes.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}
