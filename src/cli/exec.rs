//! `labnet exec` and `labnet shell`: run a program in a node, in the caller's terminal.

use std::{
    env,
    ffi::{CString, OsString},
    path::PathBuf,
};

use nix::unistd::{Gid, Group, User, getgrouplist};

use super::{
    exit::{Failure, LABNET_FAILED, NOT_POSSIBLE, Outcome},
    join::Visit,
    labs::{Choice, failure},
    terminal::await_foreground,
};
use crate::{
    init::{Joined, Reply, Request, add_to_path},
    kernel::Identity,
    lab::LabError,
    units::Delay,
};

/// Run a program in a node, on this terminal or these pipes; its exit code is passed on
///
/// Exit codes: the program's own, 128+n if signal n ended it, 124 if --timeout did, 125 if labnet failed, 126 if the program
/// can't be executed, 127 if there is none.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecArgs {
    /// The node
    node: String,
    /// The program and its arguments
    #[arg(
        value_name = "CMD",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<OsString>,
    /// Set a variable of its environment
    #[arg(short, long = "env", value_name = "KEY=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// Its working directory [default: this one]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// End it after this time
    #[arg(long, value_name = "TIME")]
    timeout: Option<Delay>,
    /// Run it as this user, in the user's groups or the one given; for root only
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    #[command(flatten)]
    lab: Choice,
}

/// Open a shell in a node; the prompt shows the node's name
#[derive(Debug, clap::Args)]
pub(crate) struct ShellArgs {
    /// The node
    node: String,
    #[command(flatten)]
    lab: Choice,
}

pub(crate) fn exec(args: ExecArgs) -> Outcome {
    let (joined, namespaces) = join(&args.lab, &args.node)?;
    let user = match &args.user {
        None => None,
        Some(_) if joined.user_namespace => {
            let why = "--user needs a lab that root brought up: in a user namespace there is nobody but root";
            return Err(Failure::new(NOT_POSSIBLE, why));
        }
        Some(user) => Some(identity(user)?),
    };
    let here = env::current_dir().map_err(|error| {
        Failure::new(LABNET_FAILED, format!("cannot find the current folder: {error}"))
    })?;
    let cwd = args.cwd.map_or_else(|| here.clone(), |cwd| here.join(cwd));
    // The home stays the node's.
    let mut variables = Vec::new();
    let user = user.map(|(identity, name)| {
        variables.extend(["USER", "LOGNAME"].map(|key| (key.to_owned(), name.clone())));
        identity
    });
    variables.extend(args.env);
    let mut env = environment(&joined, &variables);
    env.retain(|(key, _)| key != "OLDPWD" && key != "PWD");
    env.push(("PWD".into(), cwd.clone().into()));
    let timeout = args.timeout.map(|timeout| timeout.0);
    Visit { joined, namespaces, argv: args.command, env, cwd, user, timeout, own_group: false }
        .run()
}

pub(crate) fn shell(args: ShellArgs) -> Outcome {
    // On a terminal, not before it is this job's turn: until then nothing here must hold the lab.
    let own_group = await_foreground()
        .map_err(|error| Failure::new(LABNET_FAILED, format!("cannot open a shell: {error}")))?;
    let (joined, namespaces) = join(&args.lab, &args.node)?;
    let shell =
        env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    let prompt = format!("{}:\\w\\$ ", args.node);
    let is_bash = PathBuf::from(&shell).file_name().is_some_and(|name| name == "bash");
    // Other shells than bash do not know `\w`; dash and ksh show PS1 as it is.
    let ps1 = if is_bash { prompt } else { format!("{}$ ", args.node) };
    let mut env = environment(&joined, &[("PS1".to_owned(), ps1)]);
    env.retain(|(key, _)| key != "OLDPWD" && key != "PWD");
    let mut argv = vec![shell];
    if is_bash {
        // The system's and the user's start files would set a prompt without the node's name.
        argv.extend(["--norc".into(), "--noprofile".into()]);
    }
    let cwd = joined.home.clone();
    Visit { joined, namespaces, argv, env, cwd, user: None, timeout: None, own_group }.run()
}

/// Asks the lab for what a process needs to enter the node.
fn join(lab: &Choice, node: &str) -> Result<(Joined, Vec<std::os::fd::OwnedFd>), Failure> {
    let answer = lab.with(async |lab| {
        let node = lab.try_node(node).map_err(failure)?.name().clone();
        match lab.session().call(Request::Join { node }).await.map_err(failure)? {
            (Reply::Joined(joined), fds) => Ok((joined, fds)),
            (other, _) => Err(failure(LabError::unexpected(&other))),
        }
    });
    // The codes below 125 are the program's.
    answer.map_err(|failure| Failure { code: LABNET_FAILED, ..failure })
}

/// The caller's environment under the node's under `extra`.
fn environment(joined: &Joined, extra: &[(String, String)]) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = env::vars_os().collect();
    for (key, value) in joined.env.iter().chain(extra) {
        env.retain(|(known, _)| known != key.as_str());
        env.push((key.into(), value.into()));
    }
    add_to_path(&mut env, &joined.bin);
    env
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// Who `USER[:GROUP]` is, each a name or a number, and the user's name, or the number if there is none.
fn identity(text: &str) -> Result<(Identity, String), Failure> {
    let unknown = |what: &str, name: &str| {
        Failure::new(LABNET_FAILED, format!("there is no {what} `{name}`"))
    };
    let (user, group) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let by_number = || User::from_uid(user.parse::<u32>().ok()?.into()).ok().flatten();
    let known = User::from_name(user).ok().flatten().or_else(by_number);
    let uid = known.as_ref().map(|user| user.uid.as_raw()).or_else(|| user.parse().ok());
    let uid = uid.ok_or_else(|| unknown("user", user))?;
    let gid = match group {
        None => known.as_ref().map_or(uid, |user| user.gid.as_raw()),
        Some(group) => {
            let known = Group::from_name(group).ok().flatten().map(|group| group.gid.as_raw());
            known.or_else(|| group.parse().ok()).ok_or_else(|| unknown("group", group))?
        }
    };
    let groups = match &known {
        Some(user) if group.is_none() => groups_of(user)?,
        _ => vec![gid],
    };
    Ok((Identity { uid, gid, groups }, known.map_or_else(|| user.to_owned(), |user| user.name)))
}

/// All groups that a user is in, as after a login.
fn groups_of(user: &User) -> Result<Vec<u32>, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(LABNET_FAILED, format!("cannot find the groups of {}: {why}", user.name))
    };
    let name = CString::new(user.name.as_str()).map_err(|error| failed(&error))?;
    let groups = getgrouplist(&name, user.gid).map_err(|errno| failed(&errno))?;
    Ok(groups.into_iter().map(Gid::as_raw).collect())
}
