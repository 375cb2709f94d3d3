//! `labnet completions` and `labnet man`: what shells and readers are given.

use clap::Command;
use clap_complete::Shell;

use super::exit::{BROKE, DONE, Failure, Outcome, USAGE, print};

/// Print a completion script: `labnet completions bash > ~/.local/share/bash-completion/completions/labnet`
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell it is for
    shell: Shell,
}

/// Print the manual page of labnet or of a verb: `labnet man exec | man -l -`
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The verb, as in `exec` or `link set`; without one, the page of labnet itself
    verb: Vec<String>,
}

pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "labnet", &mut script);
    print(String::from_utf8_lossy(&script))?;
    Ok(DONE)
}

pub(crate) fn man(args: &ManArgs, mut command: Command) -> Outcome {
    command.build();
    let mut name = "labnet".to_owned();
    for verb in &args.verb {
        let found = command.find_subcommand(verb).cloned();
        command = found.ok_or_else(|| {
            Failure::new(USAGE, format!("there is no verb `{}`", args.verb.join(" ")))
        })?;
        name = format!("{name}-{verb}");
    }
    let command = command.name(name);
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::new(BROKE, format!("cannot write the page: {error}")))?;
    print(String::from_utf8_lossy(&page))?;
    Ok(DONE)
}
