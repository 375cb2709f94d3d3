//! `labnet fault`: what happens to chosen frames of a link.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{
    exit::{DONE, Failure, Outcome, USAGE, print},
    labs::{Choice, failure},
    links::target,
};
use crate::{
    impairment::{Action, LONGEST_DELAY, Rule, Which},
    init::{BendReply, BendRequest, Reply, Target},
    lab::{Lab, LabError, fault_line, sender},
    name::NodeName,
    packet::{Filter, FilterError},
    units::{Delay, DelayError},
};

/// Let something happen to chosen frames of a link: drop the first SYN, hold all UDP
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(Add),
    List(List),
    /// Remove a fault; the frames it holds go on
    Remove(One),
    /// Let the frames go on that a fault holds
    Release(One),
    Wait(Wait),
}

/// Add a fault, and print its number
///
/// If it is for both directions, each counts its own frames. For example
/// `labnet fault add lan --from KALI --match 'tcp[tcpflags] & tcp-syn != 0' --first 2 drop`
#[derive(Debug, clap::Args)]
struct Add {
    /// The link
    #[arg(value_name = "LINK|NODE:IF")]
    target: String,
    /// What happens to the frames
    action: What,
    /// For `delay`: how much longer they take
    #[arg(value_name = "TIME", required_if_eq("action", "delay"), value_parser = longer)]
    delay: Option<Delay>,
    /// Only what this node sends
    #[arg(long, value_name = "NODE")]
    from: Option<NodeName>,
    /// Only frames that pass this filter, as of tcpdump
    #[arg(long = "match", value_name = "FILTER", value_parser = filter)]
    matching: Option<Filter>,
    #[command(flatten)]
    which: Chosen,
    /// Print nothing but {"fault": N}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lab: Choice,
}

/// A filter that says something: tcpdump's empty one passes every frame, which nobody means who writes one.
fn filter(text: &str) -> Result<Filter, String> {
    if text.trim().is_empty() {
        return Err("it is empty; leave --match out for all frames".to_owned());
    }
    text.parse().map_err(|error: FilterError| error.to_string())
}

/// How much longer a frame may take: as a link's own delay.
fn longer(text: &str) -> Result<Delay, String> {
    let delay: Delay = text.parse().map_err(|error: DelayError| error.to_string())?;
    if delay > LONGEST_DELAY {
        return Err(format!("it is at most {LONGEST_DELAY}"));
    }
    Ok(delay)
}

/// A time in which something can happen.
fn lasting(text: &str) -> Result<Delay, String> {
    let delay: Delay = text.parse().map_err(|error: DelayError| error.to_string())?;
    if delay.0.is_zero() {
        return Err("nothing happens in no time".to_owned());
    }
    Ok(delay)
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// They never leave the link
    Drop,
    /// They take longer
    Delay,
    /// They arrive twice
    Duplicate,
    /// One bit of each is turned
    Corrupt,
    /// They wait until `labnet fault release`
    Hold,
}

/// Which of the frames that match; all, unless one of these is said.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Chosen {
    /// The first N of those frames
    #[arg(long, value_name = "N", value_parser = count)]
    first: Option<u64>,
    /// The N-th of them alone
    #[arg(long, value_name = "N", value_parser = count)]
    nth: Option<u64>,
    /// Each N-th of them
    #[arg(long, value_name = "N", value_parser = count)]
    every: Option<u64>,
    /// All of them in this time, from the first on
    #[arg(long = "for", value_name = "TIME", value_parser = lasting)]
    lasting: Option<Delay>,
}

/// Show the faults of a lab, and to how many frames each has happened
#[derive(Debug, clap::Args)]
struct List {
    /// Print [{"cable", "from", "to", "fault": {"number", "rule", "hits", "held"}}]
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lab: Choice,
}

/// A fault and nothing more.
#[derive(Debug, clap::Args)]
struct One {
    /// Its number, as `labnet fault list` shows it
    #[arg(value_name = "N")]
    number: u32,
    #[command(flatten)]
    lab: Choice,
}

/// Wait until a fault has happened to so many frames; exit code 1 if it has not in time
#[derive(Debug, clap::Args)]
struct Wait {
    /// Its number
    #[arg(value_name = "N")]
    number: u32,
    /// To how many frames, of both directions together
    #[arg(long, value_name = "N", default_value = "1")]
    hits: u64,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Delay,
    #[command(flatten)]
    lab: Choice,
}

/// A number of frames, or the number of one.
fn count(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("`{text}` is not a number of frames, from 1 on"))
}

impl Chosen {
    fn which(&self) -> Which {
        let chosen = [
            self.first.map(Which::First),
            self.nth.map(Which::Nth),
            self.every.map(Which::Every),
            self.lasting.map(Which::For),
        ];
        chosen.into_iter().flatten().next().unwrap_or_default()
    }
}

impl Add {
    fn rule(&self) -> Result<Rule, Failure> {
        let action = match (self.action, self.delay) {
            (What::Delay, Some(time)) => Action::Delay(time),
            (What::Drop, None) => Action::Drop,
            (What::Duplicate, None) => Action::Duplicate,
            (What::Corrupt, None) => Action::Corrupt,
            (What::Hold, None) => Action::Hold,
            (_, time) => {
                let time = time.map(|time| time.to_string()).unwrap_or_default();
                let what = format!("`{time}`: only `delay` takes a time; --for says how long");
                return Err(Failure::new(USAGE, what));
            }
        };
        Ok(Rule { matching: self.matching.clone(), which: self.which.which(), action })
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    match args.verb {
        Verb::Add(args) => add(args),
        Verb::List(args) => list(&args),
        Verb::Remove(One { number, lab }) => {
            ask(&lab, BendRequest::RemoveFault { number }, |count| match count {
                0 => String::new(),
                count => going_on(count),
            })
        }
        Verb::Release(One { number, lab }) => {
            ask(&lab, BendRequest::ReleaseFault { number }, going_on)
        }
        Verb::Wait(Wait { number, hits, timeout, lab }) => {
            let timeout = timeout.0;
            ask(&lab, BendRequest::AwaitHits { number, hits, timeout }, |_| String::new())
        }
    }
}

/// Asks for something that is answered with a count.
fn ask(lab: &Choice, request: BendRequest, said: impl FnOnce(u64) -> String) -> Outcome {
    lab.with(async |lab| {
        match lab.session().bend(request).await.map_err(failure)? {
            BendReply::Count(count) => print(said(count))?,
            other => return Err(unexpected(other)),
        }
        Ok(DONE)
    })
}

fn going_on(held: u64) -> String {
    match held {
        1 => "1 held frame goes on\n".to_owned(),
        held => format!("{held} held frames go on\n"),
    }
}

fn unexpected(reply: BendReply) -> Failure {
    failure(LabError::unexpected(&Reply::Bend(reply)))
}

fn add(args: Add) -> Outcome {
    let rule = args.rule()?;
    args.lab.clone().with(async |lab| {
        let target = from(&lab, target(&lab, &args.target)?, args.from.as_ref())?;
        let request = BendRequest::AddFault { target, rule: rule.clone(), guarded: false };
        match lab.session().bend(request).await.map_err(failure)? {
            BendReply::Number(number) if args.json => {
                print(format_args!("{}\n", json!({ "fault": number })))?
            }
            BendReply::Number(number) => print(format_args!("fault {number}: {rule}\n"))?,
            other => return Err(unexpected(other)),
        }
        Ok(DONE)
    })
}

/// What a node sends on a target.
fn from(lab: &Lab, target: Target, node: Option<&NodeName>) -> Result<Target, Failure> {
    let Some(node) = node else { return Ok(target) };
    let ends = match &target {
        Target::Cable(name) => lab.plan().segment(name).map(|(_, ends)| ends).unwrap_or_default(),
        Target::From(end) => vec![end.clone()],
    };
    let end = sender(node.as_str(), &target.to_string(), &ends);
    end.cloned().map(Target::From).map_err(|error| Failure::new(USAGE, format!("--{error}")))
}

fn list(args: &List) -> Outcome {
    args.lab.with(async |lab| {
        let faults = match lab.session().bend(BendRequest::Faults).await.map_err(failure)? {
            BendReply::Faults(faults) => faults,
            other => return Err(unexpected(other)),
        };
        if args.json {
            print(format_args!("{:#}\n", json!(faults)))?;
        } else if faults.is_empty() {
            print("no faults; `labnet fault add` adds one\n")?;
        } else {
            let lines: Vec<String> = faults.iter().map(|fault| fault_line(fault) + "\n").collect();
            print(lines.concat())?;
        }
        Ok(DONE)
    })
}
