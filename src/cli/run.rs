//! `labnet run`: executes lab manuals.

use std::{
    cell::RefCell,
    fs,
    io::{self, IsTerminal, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process,
    rc::Rc,
};

use tokio::{sync::Semaphore, task::LocalSet};

use super::{
    Failure,
    exit::{BAD_TOPOLOGY, BROKE, DONE, FAILED, Outcome, USAGE, print, tell},
    report_folder::{self, ReportFolder},
    role::role,
    runtime::block_on,
};
use crate::{
    init::sweep,
    lab::Lab,
    manual::{self, Executed, Manual, Options, Results, Run, StepRun},
    plan::Plan,
    report::{self, Chapter, Recorded},
    spec::Problems,
};

/// The manual that is run if none is named.
const FALLBACK: &str = "@sockets";

/// Run lab manuals: Markdown whose console blocks are done in a lab and compared with what they say
///
/// Exit code 1 if something does not come out as a manual says, 3 if a manual or its topology is bad, 5 if a lab breaks.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Manuals, or @sockets for the built-in sockets lab [default: @sockets]
    #[arg(value_name = "MANUAL")]
    manuals: Vec<PathBuf>,
    /// Only the section with this heading, after the blocks marked `setup`
    #[arg(long, value_name = "HEADING")]
    only: Option<String>,
    /// Another program in the place of a role's, as in --with echo-server='python3 my_server.py'; what it does otherwise than the
    /// manual says is told
    #[arg(long = "with", value_name = "ROLE=COMMAND", value_parser = role)]
    with: Vec<(String, String)>,
    /// Write into the manuals what was printed where it is not what they expect; wildcards that match stay
    #[arg(long, conflicts_with_all = ["only", "with"])]
    update: bool,
    /// Leave the lab of a manual that failed up, to look around in it
    #[arg(long)]
    keep_up: bool,
    /// How many manuals are run at once [default: the number of processors]
    #[arg(long, short, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    jobs: Option<usize>,
    /// Print the results as JSON; `labnet schema run` tells what it is like
    #[arg(long)]
    json: bool,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write into this folder a page with all that was done and seen, and beside it what was recorded
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print the manuals without what is to be found out: the expected output
    #[arg(long, conflicts_with_all = ["only", "with", "update", "keep_up", "jobs", "json", "junit", "report"])]
    strip: bool,
}

/// A manual that is to be run.
struct Task {
    manual: Manual,
    plan: Plan,
}

pub(crate) fn run(args: Args) -> Outcome {
    let tasks = read(&args)?;
    if args.strip {
        for task in &tasks {
            print(manual::stripped(&task.manual))?;
        }
        return Ok(DONE);
    }
    check_roles(&tasks, &args.with)?;
    check_heading(&tasks, args.only.as_deref())?;
    check_junit(args.junit.as_deref())?;
    args.report.as_deref().map_or(Ok(()), report_folder::check)?;
    sweep();
    let jobs =
        args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
    let show = io::stderr().is_terminal() && tasks.len() == 1;
    let options = Options { only: args.only.clone(), go_on: args.update, with: args.with.clone() };
    let options = Rc::new(RunOptions { options, keep_up: args.keep_up, show });
    let tasks: Vec<Rc<Task>> = tasks.into_iter().map(Rc::new).collect();
    let executed = block_on(all(&tasks, options, jobs.max(1)))?;
    let runs: Vec<&Run> = executed.iter().map(|executed| &executed.run).collect();
    let passed = runs.iter().all(|run| run.passed());
    if args.json {
        let results = Results::new(runs.iter().map(|run| (*run).clone()).collect());
        let json = serde_json::to_string_pretty(&results).map_err(|error| {
            Failure::new(BROKE, format!("cannot tell the results as JSON: {error}"))
        })?;
        print(format_args!("{json}\n"))?;
    } else {
        let texts: Vec<String> = runs.iter().map(|run| run.to_string()).collect();
        print(texts.concat())?;
    }
    // What is written comes after what is known already is told.
    if args.update {
        for (task, run) in tasks.iter().zip(&runs) {
            update(&task.manual, run)?;
        }
    }
    if let Some(file) = &args.junit {
        let written = fs::write(file, report::junit(&runs));
        written.map_err(|error| {
            Failure::new(USAGE, format!("cannot write {}: {error}", file.display()))
        })?;
    }
    if let Some(folder) = &args.report {
        write_report(folder, &tasks, &executed)?;
    }
    Ok(match runs.iter().any(|run| run.broke.is_some()) {
        true => BROKE,
        false if passed => DONE,
        false => FAILED,
    })
}

/// Reads all manuals, so that what is wrong in any is told before anything is done.
fn read(args: &Args) -> Result<Vec<Task>, Failure> {
    let fallback = [PathBuf::from(FALLBACK)];
    let named = if args.manuals.is_empty() { &fallback } else { args.manuals.as_slice() };
    let (mut tasks, mut problems): (_, Vec<Problems>) = (Vec::new(), Vec::new());
    for path in named {
        let builtin = path.to_str().and_then(|text| text.strip_prefix('@'));
        let read = match builtin {
            Some(name) => manual::builtin(name).ok_or_else(|| {
                let message = format!("there is no built-in manual @{name}; there is @sockets");
                Failure::new(USAGE, message)
            })?,
            None if is_no_file(path) => {
                let name = path.display();
                let message =
                    format!("there is no manual `{name}`; did you mean `labnet exec {name}`?");
                return Err(Failure::new(USAGE, message));
            }
            None => manual::load(path),
        };
        match read {
            Ok((manual, plan)) => tasks.push(Task { manual, plan }),
            Err(found) => problems.push(found),
        }
    }
    if problems.is_empty() {
        return Ok(tasks);
    }
    let texts: Vec<String> = problems.iter().map(|problems| problems.render(true)).collect();
    Err(Failure::new(BAD_TOPOLOGY, texts.join("\n\n")))
}

/// Whether somebody may have meant a node, as with other programs of this kind.
fn is_no_file(path: &Path) -> bool {
    path.extension().is_none() && path.components().count() == 1 && !path.exists()
}

/// A role that no manual has is a mistake, and so is one that two programs are to play.
fn check_roles(tasks: &[Task], with: &[(String, String)]) -> Result<(), Failure> {
    let twice = |place: &usize| with[..*place].iter().any(|(role, _)| *role == with[*place].0);
    if let Some(place) = (0..with.len()).find(twice) {
        let message = format!("--with says twice who plays `{}`; one can", with[place].0);
        return Err(Failure::new(USAGE, message));
    }
    let known: Vec<&str> =
        tasks.iter().flat_map(|task| &task.manual.roles).map(|role| role.name.as_str()).collect();
    match with.iter().find(|(role, _)| !known.contains(&role.as_str())) {
        None => Ok(()),
        Some((role, _)) if known.is_empty() => {
            Err(Failure::new(USAGE, format!("there is no role `{role}`: the manual has none")))
        }
        Some((role, _)) => Err(Failure::new(
            USAGE,
            format!("there is no role `{role}`; there are: {}", known.join(", ")),
        )),
    }
}

/// So is a heading.
fn check_heading(tasks: &[Task], only: Option<&str>) -> Result<(), Failure> {
    let Some(only) = only else { return Ok(()) };
    let sections =
        || tasks.iter().flat_map(|task| &task.manual.sections).filter(|section| section.level > 0);
    if sections().any(|section| section.title == only) {
        return Ok(());
    }
    let titles: Vec<String> = sections().map(|section| format!("  {}", section.title)).collect();
    Err(Failure::new(
        USAGE,
        format!("there is no heading `{only}`; these there are:\n{}", titles.join("\n")),
    ))
}

struct RunOptions {
    options: Options,
    keep_up: bool,
    /// Whether each step is shown when it is done.
    show: bool,
}

/// Runs the manuals, so many at once; the runs are in their order.
async fn all(tasks: &[Rc<Task>], options: Rc<RunOptions>, jobs: usize) -> Vec<Executed> {
    let slots = Rc::new(Semaphore::new(jobs));
    let done: Rc<RefCell<Vec<Option<Executed>>>> =
        Rc::new(RefCell::new(tasks.iter().map(|_| None).collect()));
    let local = LocalSet::new();
    for (place, task) in tasks.iter().enumerate() {
        let (slots, done, options, task) =
            (slots.clone(), done.clone(), options.clone(), task.clone());
        local.spawn_local(async move {
            // Nobody closes it.
            let _slot = slots.acquire().await;
            let executed = one(&task, &options).await;
            done.borrow_mut()[place] = Some(executed);
        });
    }
    local.await;
    Rc::try_unwrap(done)
        .map_or_else(|_| Vec::new(), RefCell::into_inner)
        .into_iter()
        .flatten()
        .collect()
}

async fn one(task: &Task, options: &RunOptions) -> Executed {
    let told = |step: &StepRun| {
        if options.show {
            tell(step);
        }
    };
    let mut executed = manual::execute(&task.manual, &task.plan, &options.options, told).await;
    match executed.lab.take() {
        Some(lab) if options.keep_up && !executed.run.passed() => {
            keep(lab, &executed.run.lab).await
        }
        // Dropped, it goes as well, but makes everybody wait for it.
        Some(lab) => drop(lab.down().await),
        None => {}
    }
    executed
}

async fn keep(lab: Lab, name: &str) {
    match lab.detach().await {
        Ok(()) => tell(format_args!(
            "labnet: lab {name} stays up: `labnet shell -L {name} NODE`; `labnet down {name}` ends it"
        )),
        Err(error) => tell(format_args!("labnet: lab {name} could not be kept: {error}")),
    }
}

fn update(manual: &Manual, run: &Run) -> Result<(), Failure> {
    let Some(text) = manual::updated(manual, run) else { return Ok(()) };
    let file = &manual.document.file;
    if file.starts_with('@') {
        return Err(Failure::new(
            USAGE,
            format!("{file} is built in: there is nothing to write to"),
        ));
    }
    if text.len() as u64 > manual::LARGEST {
        let message =
            format!("{file} would be larger than 1 MiB with what was printed; it is as it was");
        return Err(Failure::new(USAGE, message));
    }
    write_manual(Path::new(file), &manual.document.text, &text).map_err(|error| {
        Failure::new(USAGE, format!("cannot write {file}, which is as it was: {error}"))
    })?;
    tell(format_args!("labnet: {file} now says what was printed"));
    Ok(())
}

/// Writes a manual in one piece, so that nobody finds half of it, wherever links lead, and keeps whose it is and who may read it.
fn write_manual(file: &Path, before: &str, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    if fs::read(&file)? != before.as_bytes() {
        return Err(io::Error::other("somebody has changed it meanwhile"));
    }
    let metadata = fs::metadata(&file)?;
    let mut new = file.clone().into_os_string();
    new.push(format!(".{}", process::id()));
    let new = PathBuf::from(new);
    let written = fs::write(&new, text)
        .and_then(|()| fs::set_permissions(&new, metadata.permissions()))
        .and_then(|()| std::os::unix::fs::chown(&new, Some(metadata.uid()), Some(metadata.gid())))
        .and_then(|()| fs::rename(&new, &file));
    if written.is_err() {
        // It may not be there.
        let _ = fs::remove_file(&new);
    }
    written
}

/// What is no JUnit file is not overwritten: the manual's name may stand where the file's was forgotten. And what can't be written to
/// is better known before anything is run.
fn check_junit(file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let refused =
        |why: &str| Err(Failure::new(USAGE, format!("cannot write {}: {why}", file.display())));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return refused("its folder is not there");
    }
    match fs::metadata(file) {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => return refused("it is a folder"),
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Ok(_) => {}
    }
    let mut start = [0; 5];
    let read = fs::File::open(file).and_then(|mut file| file.read(&mut start));
    match read {
        Ok(0) => Ok(()),
        Ok(_) if start == *b"<?xml" => Ok(()),
        _ => {
            let message =
                format!("{} is there and holds no XML: it is not overwritten", file.display());
            Err(Failure::new(USAGE, message))
        }
    }
}

/// Writes the page, and the recordings it is made from.
fn write_report(folder: &Path, tasks: &[Rc<Task>], executed: &[Executed]) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(USAGE, format!("cannot write the report into {}: {error}", folder.display()))
    };
    let mut whole = ReportFolder::open(folder).map_err(|error| failed(&error))?;
    let mut chapters = Vec::new();
    for (task, Executed { run, recordings, environment, .. }) in tasks.iter().zip(executed) {
        let mut recorded = Vec::new();
        for (of, capture) in recordings {
            // The lab's name is this run's own; what is recorded of another manual can't be of the same.
            let file = format!("{}-{of}.pcapng", run.lab);
            let copied = whole.add(&file, |into| io::copy(&mut capture.bytes(), into).map(drop));
            copied.map_err(|error| failed(&error))?;
            recorded.push(Recorded { of, file, capture });
        }
        let environment = environment.clone();
        chapters.push(Chapter {
            manual: &task.manual,
            plan: &task.plan,
            run,
            recordings: recorded,
            environment,
        });
    }
    let page = report::page(&chapters).map_err(|error| failed(&error))?;
    let file = whole.finish(&page).map_err(|error| failed(&error))?;
    tell(format_args!("labnet: the report is {}", file.display()));
    Ok(())
}
