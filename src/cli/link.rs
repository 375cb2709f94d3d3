//! `labnet link`: what links do to frames, shown and changed.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use super::{
    exit::{Failure, Outcome, USAGE, tell},
    labs::failure,
    links::{Form, ask, target},
};
use crate::{
    impairment::{Change, ChangeError, Distribution, Loss, Pace, QueueLimit, Trace},
    init::{BendRequest, Target},
    lab::{DirectionState, LinkState},
    name::NodeName,
    units::{Delay, Probability},
};

/// Show or change what links of a running lab do to frames: delay them, lose some, or let none pass
///
/// A link or network is called by its name, or `R2--KALI`: both directions. `R2:eth0` is one direction: what is sent there. Its
/// ends don't notice a change, and frames that are under way go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Show),
    Set(Box<Set>),
    /// Take back what was changed since the lab came up
    Reset(One),
    /// Let no frame pass
    Down(One),
    /// Let frames pass again
    Up(One),
}

/// Show what is in force, who does it and why, and what became of the frames so far
#[derive(Debug, clap::Args)]
struct Show {
    /// The link; all of the lab without it
    #[arg(value_name = "LINK|NODE:IF")]
    target: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// Change what a link does to frames; what is not named stays as it is
#[derive(Debug, clap::Args)]
struct Set {
    /// The link
    #[arg(value_name = "LINK|NODE:IF")]
    target: String,
    #[command(flatten)]
    changes: Changes,
    /// Only what this node sends
    #[arg(long, value_name = "NODE")]
    from: Option<NodeName>,
    /// Start from a link that does nothing, instead of what it does now
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    form: Form,
}

/// What to ask of a link. Shares of frames are written `1%` or `0.01`.
#[derive(Debug, clap::Args)]
struct Changes {
    /// Time added to each frame's way: `50ms`
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    delay: Option<Delay>,
    /// By how much that time varies: `5ms`
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    jitter: Option<Delay>,
    /// How it varies: evenly, or as the bell curve
    #[arg(long, allow_hyphen_values = true, value_name = "uniform|normal")]
    distribution: Option<Distribution>,
    /// How many frames are lost: `1%`, in bursts of 5 on average `1% burst 5`, or `gemodel ENTER LEAVE [BAD [GOOD]]`
    #[arg(long, allow_hyphen_values = true, value_name = "SHARE")]
    loss: Option<Loss>,
    /// How many frames come twice
    #[arg(long, allow_hyphen_values = true, value_name = "SHARE")]
    duplicate: Option<Probability>,
    /// How many frames skip the delay
    #[arg(long, allow_hyphen_values = true, value_name = "SHARE")]
    reorder: Option<Probability>,
    /// Only each N-th frame may skip the delay
    #[arg(long, allow_hyphen_values = true, value_name = "N")]
    gap: Option<u32>,
    /// In how many frames a bit is turned
    #[arg(long, allow_hyphen_values = true, value_name = "SHARE")]
    corrupt: Option<Probability>,
    /// How much is sent a second: `10Mbit`, or `unlimited`
    #[arg(long, allow_hyphen_values = true, value_name = "RATE", value_parser = rate)]
    rate: Option<Change>,
    /// How much is sent a second, from a recording of a real link in mahimahi's format
    #[arg(long, allow_hyphen_values = true, value_name = "FILE", conflicts_with = "rate")]
    trace: Option<PathBuf>,
    /// How much may be sent at once: `3kB`, or `default`: one frame of the MTU
    #[arg(long, allow_hyphen_values = true, value_name = "SIZE", value_parser = burst)]
    burst: Option<Change>,
    /// How much may wait to be sent: frames, or bytes as in `64kB`
    #[arg(long, allow_hyphen_values = true, value_name = "N|SIZE")]
    limit: Option<QueueLimit>,
}

/// A link and nothing more.
#[derive(Debug, clap::Args)]
struct One {
    /// The link
    #[arg(value_name = "LINK|NODE:IF")]
    target: String,
    #[command(flatten)]
    form: Form,
}

impl Changes {
    /// # Errors
    ///
    /// If the trace can't be read.
    fn change(self) -> Result<Change, Failure> {
        let typed = Change {
            delay: self.delay,
            jitter: self.jitter,
            distribution: self.distribution,
            loss: self.loss,
            duplicate: self.duplicate,
            reorder: self.reorder,
            gap: self.gap,
            corrupt: self.corrupt,
            rate: self.trace.as_deref().map(trace).transpose()?.map(Some),
            limit: self.limit,
            ..Change::default()
        };
        let rest = [self.rate, self.burst].into_iter().flatten();
        Ok(rest.fold(typed, |change, part| change.over(&part)))
    }
}

/// A rate, or none.
fn rate(text: &str) -> Result<Change, String> {
    part("rate", text)
}

fn burst(text: &str) -> Result<Change, String> {
    part("burst", text)
}

/// A change of one thing.
fn part(key: &str, text: &str) -> Result<Change, String> {
    let mut change = Change::default();
    match change.set(key, text) {
        Ok(()) => Ok(change),
        Err(ChangeError::Value { reason, .. }) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}

/// How fast a real link was, from a file.
fn trace(path: &Path) -> Result<Pace, Failure> {
    let refused =
        |error: &dyn Display| Failure::new(USAGE, format!("--trace {}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| refused(&error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Trace::parse(&name, &text).map(Pace::Trace).map_err(|error| refused(&error))
}

pub(crate) fn run(args: Args) -> Outcome {
    match args.verb {
        Verb::Show(Show { target: name, form }) => ask(&form, |lab| {
            let of = name.map(|name| target(lab, &name)).transpose()?;
            Ok(BendRequest::Links { of })
        }),
        Verb::Set(args) => set(*args),
        Verb::Reset(One { target: name, form }) => {
            ask(&form, |lab| Ok(BendRequest::Reset { target: target(lab, &name)? }))
        }
        Verb::Down(one) => stop(&one, true),
        Verb::Up(one) => stop(&one, false),
    }
}

fn set(args: Set) -> Outcome {
    let Set { target: name, changes, from, replace, form } = args;
    let change = changes.change()?;
    if change.is_empty() && !replace {
        let what = "nothing to change; `labnet link set --help` lists what a link can do";
        return Err(Failure::new(USAGE, what));
    }
    ask(&form, |lab| {
        Ok(BendRequest::Set { target: target(lab, &name)?, changes: vec![(from, change)], replace })
    })
}

fn stop(One { target: name, form }: &One, down: bool) -> Outcome {
    form.lab.with(async |lab| {
        let target = target(&lab, name)?;
        let changes = vec![(None, Change { down: Some(down), ..Change::default() })];
        let request = BendRequest::Set { target: target.clone(), changes, replace: false };
        let state = LinkState::ask(lab.session(), request).await.map_err(failure)?;
        let done = form.show(&state)?;
        if !down && is_down(&state, &target) {
            tell(format_args!(
                "labnet: {name} is still down, by a partition (`labnet heal` ends it) or by the topology's schedule"
            ));
        }
        Ok(done)
    })
}

/// Whether nothing passes in one of these directions.
fn is_down(state: &LinkState, target: &Target) -> bool {
    let meant = |direction: &&DirectionState| match target {
        Target::Cable(_) => true,
        Target::From(end) => direction.from.as_ref() == Some(end),
    };
    let mut directions = state.cables.iter().flat_map(|cable| &cable.directions).filter(meant);
    directions.any(|direction| direction.impairment.down)
}
