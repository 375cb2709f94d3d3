//! A place of its own for the labs of one test: `labnet`'s directories hold nobody else's, so tests may run side by side,
//! as root and without, and see what is left behind.
//!
//! Root's directories are fixed: there, a process holds a mount namespace with a /run of its own, which commands enter.
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod processes;
pub(crate) mod screen;
pub(crate) mod terminal;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use nix::unistd::getuid;
use processes::Process;
use tempfile::TempDir;

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How soon a lab is gone whose processes were killed; ten times as long as it may take, as others use the machine too.
const GONE: Duration = Duration::from_secs(10);

/// Two hosts on one link.
pub(crate) const TWO: &str = r#"
name = "two"
[nodes.R2]
interfaces.eth0 = "10.10.10.2/24"
[nodes.KALI]
interfaces.eth0 = "10.10.10.3/24"
[links.lan]
ends = ["R2:eth0", "KALI:eth0"]
"#;

pub(crate) struct Place {
    dir: TempDir,
    /// In every environment here, and nowhere else.
    tag: String,
    /// Holds root's mount namespace.
    holder: Option<Child>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with_run("size=64m")
    }

    /// With these options for the file system that holds the labs' directories.
    pub(crate) fn with_run(options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let dir = tempfile::Builder::new().prefix("labnet-").tempdir_in("/tmp").unwrap();
        let tag = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let holder = getuid().is_root().then(|| hold(options));
        Self { dir, tag, holder }
    }

    /// A program to run here, in this folder.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match &self.holder {
            None => Command::new(program),
            Some(holder) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--mount=/proc/{}/ns/mnt", holder.id()));
                // Entering a mount namespace leaves the folder that the caller was in.
                command.args(["env", "-C"]).arg(self.path()).arg(program);
                command
            }
        };
        command.current_dir(self.path()).env("LABNET_PLACE", &self.tag);
        command.env("XDG_RUNTIME_DIR", self.path());
        for variable in ["LABNET_LAB", "LABNET_NODE", "NO_COLOR"] {
            command.env_remove(variable);
        }
        command
    }

    /// `labnet` with these words.
    pub(crate) fn labnet(&self, line: &str) -> Command {
        let mut command = self.command(program());
        command.args(line.split_whitespace());
        command
    }

    /// Runs `labnet`, which must end well, and returns what it wrote.
    pub(crate) fn run(&self, line: &str) -> String {
        let mut command = assert_cmd::Command::from_std(self.labnet(line));
        let output = command.timeout(PATIENCE).assert().success().get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `labnet` and tells all that can be seen of it, with stable names for what differs from place to place.
    pub(crate) fn show(&self, line: &str) -> String {
        self.show_run(line, self.labnet(line))
    }

    /// As [`Place::show`], of a command that was made otherwise.
    pub(crate) fn show_run(&self, line: &str, mut command: Command) -> String {
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        let state = self.state();
        let text = format!("$ labnet {line}\n{stdout}{stderr}({status})\n");
        let text = text.replace(&*state.to_string_lossy(), "[STATE]");
        let text = text.replace(&*self.path().to_string_lossy(), "[DIR]");
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Writes a file here.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// Brings up the two hosts.
    pub(crate) fn two(&self) {
        self.write("two.toml", TWO);
        self.run("up two.toml");
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where labs have their directories, as programs here know it.
    pub(crate) fn state(&self) -> PathBuf {
        if self.holder.is_some() { "/run/labnet".into() } else { self.path().join("labnet") }
    }

    /// A path that programs here see, as this test sees it.
    pub(crate) fn outside(&self, path: impl AsRef<Path>) -> PathBuf {
        match &self.holder {
            None => path.as_ref().to_owned(),
            Some(holder) => Path::new(&format!("/proc/{}/root", holder.id()))
                .join(path.as_ref().strip_prefix("/").unwrap()),
        }
    }

    /// The processes that were started here and live.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes::tagged(&self.variable())
    }

    /// What all processes have in their environments that were started here.
    pub(crate) fn variable(&self) -> String {
        format!("LABNET_PLACE={}", self.tag)
    }

    /// The namespaces of processes here, less those that they share with this one and the holder.
    pub(crate) fn namespaces(&self) -> BTreeSet<PathBuf> {
        let mut own: BTreeSet<PathBuf> =
            self.processes().iter().flat_map(Process::namespaces).collect();
        for pid in [std::process::id()].into_iter().chain(self.holder.as_ref().map(Child::id)) {
            let outside = processes::namespaces_of(pid);
            own.retain(|namespace| !outside.contains(namespace));
        }
        own
    }

    /// The one process here of which this holds, once there is one.
    pub(crate) fn process(&self, what: &str, which: impl Fn(&Process) -> bool) -> Process {
        let mut found = None;
        until(what, || {
            found = self.processes().into_iter().find(|process| which(process));
            found.is_some()
        });
        found.unwrap()
    }

    /// The lab's init.
    pub(crate) fn init(&self) -> Process {
        self.process("an init", |process| process.name == "labnet-init")
    }

    /// The lab's supervisor.
    pub(crate) fn supervisor(&self) -> Process {
        self.process("a supervisor", |process| process.name == "labnet-super")
    }

    /// The client that runs a verb.
    pub(crate) fn client(&self, verb: &str) -> Process {
        self.process(verb, |process| {
            process.name == "labnet" && process.words.get(1).is_some_and(|word| word == verb)
        })
    }

    /// What labs have in the file system here, mounts included.
    pub(crate) fn remains(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.outside(self.state())];
        if self.holder.is_some() {
            folders.push(self.outside("/run/netns"));
        }
        for folder in folders {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.path()));
        }
        let holder =
            self.holder.as_ref().map_or("self".to_owned(), |holder| holder.id().to_string());
        let mounts = fs::read_to_string(format!("/proc/{holder}/mountinfo")).unwrap();
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4).map(PathBuf::from));
        found.extend(points.filter(|point| point.starts_with(self.state())));
        found
    }

    /// Returns when no process of any lab or verb here is left, and nothing else of them.
    pub(crate) fn until_gone(&self) {
        let deadline = Instant::now() + GONE;
        loop {
            let (processes, remains) = (self.processes(), self.remains());
            if processes.is_empty() && remains.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left: {processes:?} {remains:?}");
            pause();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let ended = self.labnet("down --all").output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            self.until_gone();
        }
        for process in self.processes() {
            process.kill();
        }
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            holder.wait().unwrap();
        }
    }
}

/// Starts the process that holds a mount namespace with a /run of its own.
fn hold(options: &str) -> Child {
    let script = format!("mount -t tmpfs -o {options} labnet-test /run && echo ready && exec cat");
    let mut holder = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    holder
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_labnet").into()
}

/// Returns when the condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "no {what} in time");
        pause();
    }
}

/// Between two looks at what tells nobody of its changes.
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}
