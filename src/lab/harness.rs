//! What `#[labnet::test]` expands to: runtime, lab, time-out and evidence.

use std::{
    any::Any,
    fmt, fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    runtime,
    task::{LocalSet, spawn_local},
    time::{Instant, timeout, timeout_at},
};

use super::{Capture, Error, Lab, session::Session};
use crate::init::{LogRange, Reply, Request};

/// What the attribute knows of a test.
#[derive(Debug, Clone, Copy)]
pub struct TestOptions {
    /// The topology, relative to the package.
    pub topology: &'static str,
    /// CARGO_MANIFEST_DIR of the test.
    pub package: &'static str,
    /// `module::function`.
    pub name: &'static str,
    /// How long the test may take, bring-up included.
    pub timeout: Duration,
}

/// What a test's function returns: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a labnet test returns nothing or a `Result`, not `{Self}`",
    note = "`labnet::TestResult` takes any error by `?`"
)]
pub trait Outcome {
    /// The failure as text, if it is one.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<T, E: fmt::Display> Outcome for Result<T, E> {
    fn failure(self) -> Option<String> {
        // Error types that collect causes show them in the alternate form.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// How long blocking calls that a failed body has left behind may hold the test up.
const AFTERMATH: Duration = Duration::from_secs(1);
/// How long a capture may take to end when its test has.
const PATIENCE: Duration = Duration::from_secs(10);
/// A longer wait is as good as none: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

enum Failure {
    Text(String),
    Panic(Box<dyn Any + Send>),
}

/// Runs a test in a lab of its own; on failure keeps what its programs printed, and says where.
///
/// # Panics
///
/// If the test fails: the lab can't be had, the body panics or returns an error, or time runs out.
#[allow(clippy::panic, reason = "a test fails by panicking")]
#[track_caller]
pub fn run_test<F, O>(options: TestOptions, body: impl FnOnce(Lab) -> F + 'static)
where
    F: Future<Output = O> + 'static,
    O: Outcome + 'static,
{
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("cannot start a runtime: {error}"),
    };
    let failure = LocalSet::new().block_on(&runtime, run(options, body));
    runtime.shutdown_timeout(AFTERMATH);
    match failure {
        None => {}
        Some(Failure::Panic(panic)) => std::panic::resume_unwind(panic),
        Some(Failure::Text(text)) => panic!("{text}"),
    }
}

async fn run<F, O>(options: TestOptions, body: impl FnOnce(Lab) -> F + 'static) -> Option<Failure>
where
    F: Future<Output = O> + 'static,
    O: Outcome + 'static,
{
    let folder = evidence_folder(options.name);
    // What an earlier run has left would mislead.
    let _ = fs::remove_dir_all(&folder);
    // The clock does not go on for ever, where the attribute's number of seconds does.
    let deadline = Instant::now() + options.timeout.min(LONGEST);
    let topology = if options.topology.starts_with('@') {
        PathBuf::from(options.topology)
    } else {
        Path::new(options.package).join(options.topology)
    };
    let lab = match timeout_at(deadline, Lab::up(&topology)).await {
        Ok(Ok(lab)) => lab,
        Ok(Err(error)) => {
            let advice = error.advice();
            return Some(Failure::Text(format!("the lab did not come up: {error}{advice}")));
        }
        Err(_) => {
            let text = format!("the lab did not come up within {:?}", options.timeout);
            return Some(Failure::Text(text));
        }
    };
    let evidence = lab.share();
    let body = spawn_local(async move { body(lab).await.failure() });
    let abort = body.abort_handle();
    let failure = match timeout_at(deadline, body).await {
        Ok(Ok(failure)) => Failure::Text(failure?),
        Ok(Err(error)) => match error.try_into_panic() {
            Ok(panic) => Failure::Panic(panic),
            Err(error) => Failure::Text(error.to_string()),
        },
        Err(_) => {
            abort.abort();
            Failure::Text(format!("the test did not end within {:?}", options.timeout))
        }
    };
    let kept = match keep_evidence(&evidence, &folder).await {
        Ok(()) => {
            format!("what the programs printed and what was captured is in {}", folder.display())
        }
        Err(error) => {
            format!(
                "cannot keep what the programs printed and what was captured in {}: {error}",
                folder.display()
            )
        }
    };
    match failure {
        Failure::Text(text) => Some(Failure::Text(format!("{text}\n{kept}"))),
        Failure::Panic(panic) => {
            // Its message has been printed already.
            eprintln!("{kept}");
            Some(Failure::Panic(panic))
        }
    }
}

/// `target/labnet/TEST`, by the place of the test's program: `target/PROFILE/deps/NAME`.
fn evidence_folder(test: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let deps = program.parent().filter(|folder| folder.ends_with("deps"));
    let target = deps.and_then(|deps| deps.ancestors().nth(2));
    // A test's program that is elsewhere, such as one of rustdoc's or one copied to another machine, has no target folder.
    let target = target.map_or_else(std::env::temp_dir, Path::to_owned);
    target.join("labnet").join(test.replace("::", "/"))
}

/// Writes down what ran in the lab.
async fn keep_evidence(lab: &Lab, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, record) in lab.session().journal().iter().enumerate() {
        let text = record.transcript().to_string();
        fs::write(folder.join(format!("{:02}-{}.txt", number + 1, record.node)), text)?;
    }
    for node in &lab.description().nodes {
        for program in &node.programs {
            let request = Request::Logs {
                node: node.name.clone(),
                program: program.name.clone(),
                follow: false,
            };
            let log = read_log(lab.session(), request)
                .await
                .unwrap_or_else(|error| error.to_string().into_bytes());
            fs::write(folder.join(format!("{}-{}.log", node.name, program.name)), log)?;
        }
    }
    keep_captures(lab, folder).await
}

/// Saves what was captured, and what of it was still on.
async fn keep_captures(lab: &Lab, folder: &Path) -> io::Result<()> {
    let save = |capture: Result<Capture, Error>, name: String| {
        capture.and_then(|capture| capture.save(folder.join(name))).map_err(io::Error::other)
    };
    for (number, record) in lab.session().captures().into_iter().enumerate() {
        let name = format!("capture-{:02}-{}.pcapng", number + 1, record.name);
        // The body is gone, and with it whoever could go on capturing.
        let capture = timeout(PATIENCE, record.ended()).await.map_err(io::Error::from)?;
        save(capture.map_err(Error::from), name)?;
    }
    for (name, _) in lab.plan().captured() {
        let recording = lab.try_link(&name).map_err(io::Error::other)?.recording().await;
        save(recording, format!("{name}.pcapng"))?;
    }
    Ok(())
}

async fn read_log(session: &Session, request: Request) -> io::Result<Vec<u8>> {
    match session.call(request).await.map_err(io::Error::other)? {
        (Reply::Log(LogRange { start, end, .. }), mut fds) if !fds.is_empty() => {
            let mut content = vec![0; (end - start) as usize];
            std::os::unix::fs::FileExt::read_exact_at(
                &fs::File::from(fds.remove(0)),
                &mut content,
                start,
            )?;
            Ok(content)
        }
        _ => Err(io::Error::other("the lab sent no log")),
    }
}
