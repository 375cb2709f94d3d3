//! A lab for a manual.

use std::{
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{
    Manual, Options, Run, StepRun,
    carriers::{Carriers, seeds},
    cast::casts,
    run::run as steps,
};
use crate::{
    lab::{Capture, Lab, LabError},
    name::LabName,
    plan::Plan,
};

/// What is there after a run.
pub(crate) struct Executed {
    pub(crate) run: Run,
    /// Still up, if it came up.
    pub(crate) lab: Option<Lab>,
    /// What it was done with: name and value.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What was recorded of each link and network, by its name.
    pub(crate) recordings: Vec<(String, Capture)>,
}

/// Runs a manual in a lab of its own, every link of which is recorded; `told` hears of each step when it is done.
pub(crate) async fn execute(
    manual: &Manual,
    plan: &Plan,
    options: &Options,
    told: impl FnMut(&StepRun),
) -> Executed {
    let mut plan = plan.clone();
    plan.name = own_name(&plan.name);
    plan.capture_all();
    if !manual.programs {
        plan.nodes.iter_mut().for_each(|node| node.programs.clear());
    }
    let mut environment = environment(&manual.topology, &plan);
    let mut run = Run {
        manual: manual.document.file.clone(),
        lab: plan.name.to_string(),
        broke: None,
        sections: Vec::new(),
        with: Vec::new(),
    };
    let up = match base(&manual.topology) {
        Ok(base) => {
            let up = Lab::start_public(plan, base, run.manual.clone()).await;
            up.map_err(|error| not_up(&error))
        }
        Err(error) => Err(format!("cannot find the current folder: {error}")),
    };
    let lab = match up {
        Ok(lab) => lab,
        Err(why) => {
            run.broke = Some(why);
            return Executed { run, lab: None, environment, recordings: Vec::new() };
        }
    };
    let mut carriers = Carriers::default();
    carriers.look(&lab).await;
    let (sections, ended) = steps(manual, &lab, options, &mut carriers, told).await;
    (run.sections, run.broke) = (sections, ended.err().map(|error| error.to_string()));
    run.with = casts(manual, &options.with, &run);
    let recordings = recordings(&lab).await;
    environment.push(("Links bent by", carriers.to_string()));
    environment.extend(lab.notes().iter().map(|note| ("Note", note.clone())));
    Executed { run, lab: Some(lab), environment, recordings }
}

/// What somebody needs to know who wants to do it again.
fn environment(topology: &Path, plan: &Plan) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("labnet", env!("CARGO_PKG_VERSION").to_owned()),
        ("Topology", topology.display().to_string()),
        ("Seed", seeds(plan)),
    ];
    if let Ok(kernel) = nix::sys::utsname::uname() {
        let words = [kernel.sysname(), kernel.release(), kernel.machine()];
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        environment.push(("Kernel", words.join(" ")));
    }
    let user = if nix::unistd::geteuid().is_root() { "root" } else { "without privileges" };
    environment.push(("Run as", user.to_owned()));
    environment
}

/// What the lab has recorded; of a lab that broke, nothing can be had.
async fn recordings(lab: &Lab) -> Vec<(String, Capture)> {
    let mut recordings = Vec::new();
    for (of, _) in lab.plan().captured() {
        let Ok(link) = lab.try_link(&of) else { continue };
        if let Ok(capture) = link.recording().await {
            recordings.push((of, capture));
        }
    }
    recordings
}

fn not_up(error: &LabError) -> String {
    format!("the lab did not come up: {error}{}", error.advice())
}

/// What paths in the plan are relative to.
fn base(topology: &Path) -> io::Result<PathBuf> {
    if topology.to_str().is_some_and(|text| text.starts_with('@')) {
        return Ok("/".into());
    }
    let folder = topology.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::path::absolute(folder.unwrap_or(Path::new(".")))
}

/// The lab's name with what makes it this run's own; another of this topology may be up.
fn own_name(name: &LabName) -> LabName {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let suffix = format!("-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let kept = LabName::MAX.saturating_sub(suffix.len());
    let head: String = name.as_str().chars().take(kept).collect();
    format!("{}{suffix}", head.trim_end_matches('-')).parse().unwrap_or_else(|_| name.clone())
}
