//! `labnet up`: bring a lab up and leave it running.

use serde_json::json;

use super::{
    Failure,
    exit::{DONE, Outcome, USAGE, print, tell},
    labs::failure,
    runtime::block_on,
    topology::Topology,
};
use crate::{
    init::{Description, sweep},
    lab::Lab,
    name::LabName,
};

/// Bring a lab up: its hosts, links and programs; `labnet down` ends it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: Topology,
    /// Call the lab this instead of what its topology says
    #[arg(short = 'L', long, value_name = "LAB")]
    lab: Option<LabName>,
    /// Print {"lab", "nodes": [{"name", "home", "netns", "addresses", "programs"}], "bends", "notes"}
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    sweep();
    let (mut plan, base, name) = args.topology.load()?;
    if let Some(lab) = args.lab {
        plan.name = lab;
    }
    let base = std::path::absolute(if base.as_os_str().is_empty() {
        ".".as_ref()
    } else {
        base.as_path()
    })
    .map_err(|error| Failure::new(USAGE, format!("cannot find the current folder: {error}")))?;
    let launched = Lab::launch_public(plan, base, name).map_err(failure)?;
    let description = block_on(async {
        let lab = Lab::attach(launched).await.map_err(failure)?;
        let description = lab.description().clone();
        lab.detach().await.map_err(failure)?;
        Ok::<_, Failure>(description)
    })??;
    if args.json {
        print(format_args!("{:#}\n", as_json(&description)))?;
    } else {
        print(format_args!("{}", summary(&description)))?;
    }
    for note in &description.notes {
        tell(format_args!("labnet: note: {note}"));
    }
    Ok(DONE)
}

/// A running lab for programs.
pub(super) fn as_json(lab: &Description) -> serde_json::Value {
    let nodes = lab.nodes.iter().zip(&lab.plan.nodes).map(|(node, plan)| {
        let programs: Vec<_> = node
            .programs
            .iter()
            .map(|program| {
                let exit = program.exit.map(|exit| exit.to_string());
                json!({ "name": program.name, "command": program.command, "pid": program.pid, "exit": exit })
            })
            .collect();
        let addresses: Vec<_> = plan.interfaces.iter().flat_map(|interface| &interface.addresses).collect();
        let netns = &node.netns_name;
        json!({ "name": node.name, "home": node.home, "netns": netns, "addresses": addresses, "programs": programs })
    });
    let nodes: Vec<_> = nodes.collect();
    json!({ "lab": lab.plan.name, "nodes": nodes, "bends": lab.bends, "notes": lab.notes })
}

/// A running lab for people: a line a node, and one for each cable that is bent.
pub(super) fn table(lab: &Description) -> String {
    let width = lab.nodes.iter().map(|node| node.name.as_str().len()).max().unwrap_or(0);
    let line = |(node, plan): (&crate::init::NodeDescription, &crate::plan::Node)| {
        let interfaces = plan.interfaces.iter().map(|interface| {
            let addresses: Vec<String> =
                interface.addresses.iter().map(ToString::to_string).collect();
            format!("{} {}", interface.name, addresses.join(" ")).trim_end().to_owned()
        });
        let programs = node.programs.iter().zip(&plan.programs).map(|(program, plan)| {
            match (&program.exit, &plan.ready) {
                (Some(exit), _) => format!("{} ended ({exit})", program.name),
                (None, Some(ready)) => format!("{} ready ({ready})", program.name),
                (None, None) => format!("{} running", program.name),
            }
        });
        let parts: Vec<String> = interfaces.chain(programs).collect();
        let line = format!("  {:width$}  {}", node.name, parts.join(", "));
        line.trim_end().to_owned() + "\n"
    };
    let bends = lab.bends.iter().map(|bend| format!("  {bend}\n"));
    lab.nodes.iter().zip(&lab.plan.nodes).map(line).chain(bends).collect()
}

fn summary(lab: &Description) -> String {
    let mut text = format!("{} is up\n{}", lab.plan.name, table(lab));
    if let Some(node) = lab.nodes.last() {
        let node = &node.name;
        text += &format!(
            "`labnet shell {node}` takes you there, `labnet exec {node} -- CMD` runs a program, `labnet down` ends it all\n"
        );
    }
    text
}
