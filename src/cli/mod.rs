//! The `labnet` program: one file a verb.
//!
//! Exit codes: 0 done; 1 the thing tested failed; 2 usage; 3 bad topology; 4 missing privilege or kernel feature; 5 the
//! lab broke. `exec` passes its program's code on.

mod address;
mod capture;
mod check;
mod completions;
mod cp;
mod doctor;
mod down;
mod echo;
mod exec;
mod exit;
mod fault;
mod file;
mod graph;
mod heal;
mod join;
mod labs;
mod link;
mod links;
mod listing;
mod logs;
mod nc;
mod new;
mod packets;
mod partition;
mod plan;
mod probe;
mod report_folder;
mod role;
mod run;
mod runtime;
mod schema;
mod status;
mod terminal;
mod topology;
mod up;
mod view;
mod wait;

use std::{
    env,
    ffi::OsString,
    path::Path,
    process::{self, ExitCode},
};

use clap::{Args as _, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::{Failure, Outcome, tell};

#[derive(Debug, Parser)]
#[command(name = "labnet", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
    Exec(exec::ExecArgs),
    Shell(exec::ShellArgs),
    Cp(cp::Args),
    Logs(logs::Args),
    Wait(wait::Args),
    Run(run::Args),
    New(new::Args),
    Capture(capture::Args),
    Packets(packets::Args),
    Link(link::Args),
    Partition(partition::Args),
    Heal(heal::Args),
    Fault(fault::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Graph(graph::Args),
    Plan(plan::Args),
    Schema(schema::Args),
    /// The lab's echo server and client, for use inside nodes
    Echo(echo::Args),
    /// A netcat: chat with, send to and receive from a peer over TCP or UDP
    Nc(nc::Args),
    File(file::File),
    /// Programs that show how TCP, UDP and a link behave, for use inside nodes
    Probe(probe::Args),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

crate::kernel::at_own_load!(on_load);

/// Becomes the `labnet` program, before `main`, if called by that name in a node: there, `labnet` is whatever program made the
/// lab, such as a test.
fn on_load() {
    if env::var_os(crate::init::NODE_VARIABLE).is_none() {
        return;
    }
    let name = env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "labnet") {
        crate::kernel::open_standard_streams();
        crate::kernel::ignore_broken_pipes();
        process::exit(i32::from(status()));
    }
}

/// Runs the verb that the command line names and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::from(status())
}

fn status() -> u8 {
    let words: Vec<OsString> = env::args_os().collect();
    let parsed = parse_one(&words).map_or_else(|| Cli::try_parse_from(&words), Ok);
    let cli = parsed.unwrap_or_else(|error| error.exit());
    match run(cli) {
        Ok(code) => code,
        Err(Failure { code, message }) => {
            tell(format_args!("labnet: {message}"));
            code
        }
    }
}

/// Parses a line of one of the verbs that are used most, if it is right in every respect; to describe all verbs to the parser
/// takes longer than some take to run. Whatever else it is, help among it, is for the full description.
fn parse_one(words: &[OsString]) -> Option<Cli> {
    let name = words.get(1)?.to_str()?;
    let describe: fn(Command) -> Command = match name {
        "up" => up::Args::augment_args,
        "down" => down::Args::augment_args,
        "exec" => exec::ExecArgs::augment_args,
        "echo" => echo::Args::augment_args,
        "nc" => nc::Args::augment_args,
        "file" => file::File::augment_args,
        "probe" => probe::Args::augment_args,
        _ => return None,
    };
    let verb = describe(Command::new(name.to_owned()));
    let matches = Command::new("labnet").subcommand(verb).try_get_matches_from(words).ok()?;
    Some(Cli { verb: Verb::from_arg_matches(&matches).ok()? })
}

fn run(cli: Cli) -> Outcome {
    if !matches!(cli.verb, Verb::Echo(_) | Verb::Nc(_) | Verb::File(_) | Verb::Probe(_)) {
        // The lab programs write to sockets, where a peer that has gone must be an error.
        crate::kernel::die_of_broken_pipes();
    }
    match cli.verb {
        Verb::Up(args) => up::run(args),
        Verb::Down(args) => down::run(args),
        Verb::Status(args) => status::run(args),
        Verb::Exec(args) => exec::exec(args),
        Verb::Shell(args) => exec::shell(args),
        Verb::Cp(args) => cp::run(args),
        Verb::Logs(args) => logs::run(args),
        Verb::Wait(args) => wait::run(args),
        Verb::Run(args) => run::run(args),
        Verb::New(args) => new::run(args),
        Verb::Capture(args) => capture::run(args),
        Verb::Packets(args) => packets::run(args),
        Verb::Link(args) => link::run(args),
        Verb::Partition(args) => partition::run(args),
        Verb::Heal(args) => heal::run(args),
        Verb::Fault(args) => fault::run(args),
        Verb::Completions(args) => completions::completions(&args, Cli::command()),
        Verb::Man(args) => completions::man(&args, Cli::command()),
        Verb::Check(args) => check::run(args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Graph(args) => graph::run(args),
        Verb::Plan(args) => plan::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Echo(args) => args.run(),
        Verb::Nc(args) => args.run(),
        Verb::File(verb) => verb.run(),
        Verb::Probe(args) => args.run(),
    }
}
