//! A lab for a manual.

use std::{
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Manual, Options, Run, SectionRun, StepRun, run};
use crate::{
    lab::{Lab, LabError},
    name::LabName,
    plan::Plan,
};

/// Runs a manual in a lab of its own, every link of which is recorded; `told` hears of each step when it is done. The lab, if it came
/// up, is still up.
pub(crate) async fn execute(
    manual: &Manual,
    plan: &Plan,
    options: &Options,
    told: impl FnMut(&StepRun),
) -> (Run, Option<Lab>) {
    let mut plan = plan.clone();
    plan.name = own_name(&plan.name);
    plan.capture_all();
    if !manual.programs {
        plan.nodes.iter_mut().for_each(|node| node.programs.clear());
    }
    let (file, name) = (manual.document.file.clone(), plan.name.to_string());
    let ran = |broke: Option<String>, sections: Vec<SectionRun>| Run {
        manual: file.clone(),
        lab: name.clone(),
        broke,
        sections,
    };
    let up = match base(&manual.topology) {
        Ok(base) => Lab::start_public(plan, base, file.clone()).await,
        Err(error) => {
            return (
                ran(Some(format!("cannot find the current folder: {error}")), Vec::new()),
                None,
            );
        }
    };
    match up {
        Ok(lab) => {
            let (sections, ended) = run(manual, &lab, options, told).await;
            (ran(ended.err().map(|error| error.to_string()), sections), Some(lab))
        }
        Err(error) => (ran(Some(not_up(&error)), Vec::new()), None),
    }
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
