//! A topology for Mermaid's flowcharts, which many forges draw.

use super::graph::{Edge, Graph, Kind, Vertex};

/// The topology as a Mermaid flowchart; a link's label names both of its ends.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let label = [&vertex.name].into_iter().chain(&vertex.subnets);
        let label = label.map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
        text += &match vertex.kind {
            Kind::Node => format!("    v{index}[\"{label}\"]\n"),
            Kind::Network => format!("    v{index}([\"{label}\"])\n"),
        };
    }
    for edge in &graph.edges {
        let [a, b] = [0, 1].map(|end| edge.ends[end].vertex);
        let label = lines(&graph.vertices, edge);
        let label = label.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
        text += &format!("    v{a} ---|\"{label}\"| v{b}\n");
    }
    text
}

fn lines(vertices: &[Vertex], edge: &Edge) -> Vec<String> {
    let ends = edge.ends.iter().filter_map(|end| {
        // A switch has nothing to say but what it does.
        let interface = match &end.interface {
            Some(interface) => format!(":{interface}"),
            None if end.bend.is_empty() => return None,
            None => String::new(),
        };
        let below = end.below().map(|text| format!(" {text}"));
        Some(format!("{}{interface}{}", vertices[end.vertex].name, below.collect::<String>()))
    });
    edge.name.iter().cloned().chain(ends).collect()
}

/// Replaces what Mermaid or HTML would read in a quoted label.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "#quot;".to_owned(),
            '#' => "#35;".to_owned(),
            '&' => "#amp;".to_owned(),
            '<' => "#lt;".to_owned(),
            '>' => "#gt;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
